"""Workers, for those who want to know who is there."""

from datetime import datetime

from scheduler_service.services import paging
from scheduler_service.services.paging import Page
from scheduler_service.storage import workers as stored
from scheduler_service.storage.session import Session
from scheduler_service.storage.workers import WorkerSeen

LISTING = "workers"


def search(session: Session, *, now: datetime, limit: int, cursor: str | None, total: bool) -> Page[WorkerSeen]:
    """A page of workers by name. Raises: Invalid, for a cursor of another list."""
    after = paging.decode(LISTING, cursor, (str,))[0] if cursor is not None else None
    rows = stored.search(session, now=now, limit=limit + 1, after=after)
    count = stored.count(session) if total else None
    return paging.page_of(rows, limit=limit, listing=LISTING, place=lambda seen: (seen.worker.name,), total=count)
