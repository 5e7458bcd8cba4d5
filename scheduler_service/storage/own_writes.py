"""Marks what this service writes to schedules and calendars, so that the triggers audit only what others write.

The session does it for rows that it flushes. A set-based UPDATE of ours that a person sees sets the same mark, and a
set-based DELETE needs an UPDATE to `DELETED` before it.
"""

from typing import Any

from sqlalchemy import event, update
from sqlalchemy.orm import Session, sessionmaker

from scheduler_service.storage.models import Calendar, PeriodicTask

MARKED = (PeriodicTask, Calendar)
#: For `update(PeriodicTask).values(...)`.
CHANGED = {"audited_writes": PeriodicTask.audited_writes + 1}
DELETED = {"audited_writes": -1}


def sessions() -> sessionmaker[Session]:
    """Makes sessions that mark what they write."""
    made = sessionmaker(expire_on_commit=False)
    event.listen(made, "before_flush", _mark)
    return made


def _mark(session: Session, _context: object, _instances: object) -> None:
    for row in _marked(session.new):
        row.audited_writes = 1
    for row in _marked(session.dirty):
        if session.is_modified(row):
            row.audited_writes += 1
    for row in _marked(session.deleted):
        model = type(row)
        session.connection().execute(update(model.__table__).where(model.__table__.c.id == row.id).values(DELETED))


def _marked(rows: Any) -> list[Any]:
    return [row for row in rows if isinstance(row, MARKED)]
