"""What became of occurrences."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from scheduler_service.services import paging
from scheduler_service.services.paging import Page
from scheduler_service.storage import runs as stored
from scheduler_service.storage import schedules
from scheduler_service.storage.models import TaskRun
from scheduler_service.storage.runs import RunFilter
from scheduler_service.storage.session import Session

#: Newest first by decision, or finished ones only, oldest first: so that a reader can go on where it was.
RunOrder = Literal["-decided_at", "finished_at"]


def get(session: Session, run_id: UUID) -> TaskRun:
    """Raises: RunNotFound."""
    return stored.get(session, run_id)


def search(
    session: Session, wanted: RunFilter, *, order: RunOrder, limit: int, cursor: str | None, total: bool = False
) -> Page[TaskRun]:
    """A page of runs; with `total`, also how many there are in all. Raises: Invalid, for a cursor of another list."""
    listing, column = f"runs by {order}", order.removeprefix("-")
    after = paging.decode(listing, cursor, (datetime, UUID)) if cursor is not None else None
    rows = stored.search(session, wanted, limit=limit + 1, after=(after[0], after[1]) if after else None, by=column)
    count = stored.count(session, wanted, finished=column == "finished_at") if total else None
    return paging.page_of(
        rows, limit=limit, listing=listing, place=lambda run: (getattr(run, column), run.id), total=count
    )


def search_of_schedule(
    session: Session,
    schedule_id: int,
    wanted: RunFilter,
    *,
    order: RunOrder,
    limit: int,
    cursor: str | None,
    total: bool = False,
) -> Page[TaskRun]:
    """The same of one schedule, which must be there. Raises: ScheduleNotFound, Invalid."""
    schedules.get(session, schedule_id)
    return search(session, wanted, order=order, limit=limit, cursor=cursor, total=total)
