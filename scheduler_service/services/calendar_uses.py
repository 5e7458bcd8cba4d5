"""Which calendar a document means."""

from scheduler_service.errors import Invalid
from scheduler_service.services.schedule_documents import CalendarUse
from scheduler_service.storage import calendars
from scheduler_service.storage.models import Calendar, PeriodicTask
from scheduler_service.storage.session import Session


def named(session: Session, use: CalendarUse, *, locked: bool = False) -> Calendar:
    """The calendar of this name; locked, if wanted, against deletion. Raises: Invalid, with names near to it."""
    found = calendars.find_by_name(session, use.name, locked=locked)
    if found is None:
        near = calendars.near_names(session, use.name)
        hint = f"; near to it: {', '.join(near)}" if near else ""
        raise Invalid.field("calendar.name", f"no calendar is named {use.name!r}{hint}", near[0] if near else None)
    return found


def put(task: PeriodicTask, found: Calendar | None, *, mode: str | None) -> None:
    """Let the schedule use the calendar, or none."""
    task.calendar, task.calendar_id = found, found.id if found is not None else None
    task.calendar_mode = mode or "exclude"
