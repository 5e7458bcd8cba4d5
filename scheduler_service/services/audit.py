"""Who changed what, for those who want to know."""

from datetime import datetime

from scheduler_service.services import paging
from scheduler_service.services.paging import Page
from scheduler_service.storage import audit as stored
from scheduler_service.storage.audit import AuditFilter
from scheduler_service.storage.models import AuditEvent
from scheduler_service.storage.session import Session

LISTING = "audit"


def search(session: Session, wanted: AuditFilter, *, limit: int, cursor: str | None, total: bool) -> Page[AuditEvent]:
    """A page of events, newest first. Raises: Invalid, for a cursor of another list."""
    after = paging.decode(LISTING, cursor, (datetime, int)) if cursor is not None else None
    rows = stored.search(session, wanted, limit=limit + 1, after=(after[0], after[1]) if after else None)
    count = stored.count(session, wanted) if total else None
    return paging.page_of(rows, limit=limit, listing=LISTING, place=lambda event: (event.at, event.id), total=count)
