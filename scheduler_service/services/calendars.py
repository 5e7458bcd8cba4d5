"""What a person may do with calendars, in the caller's transaction.

An edit of the definition makes every schedule that uses it be planned again at once.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from scheduler_service.errors import CalendarInUse, FieldProblem, InvalidTiming
from scheduler_service.services import documents, paging
from scheduler_service.services.fields import Document, Line, Prose, checked_json, nested
from scheduler_service.services.paging import Page
from scheduler_service.services.revisions import Expected, require_revision
from scheduler_service.storage import audit
from scheduler_service.storage import calendars as stored
from scheduler_service.storage.models import Calendar
from scheduler_service.storage.session import Session
from scheduler_service.timing.calendar_definitions import parse_calendar
from scheduler_service.timing.calendars import YEARS

LISTING = "calendars"
FIRST_YEAR, LAST_YEAR = YEARS[0], YEARS[-1]


def _checked_definition(definition: dict[str, Any]) -> dict[str, Any]:
    """The definition itself, when it names days."""
    try:
        parse_calendar(definition)
    except InvalidTiming as why:
        raise nested([FieldProblem(_inside(found), found.reason, found.example) for found in why.problems]) from None
    return definition


def _inside(found: FieldProblem) -> str:
    """Where in the definition; nowhere, if it is the whole."""
    return "" if found.field == "definition" else found.field


class CalendarDocument(Document):
    """Named days: dates, ranges of dates, days of the week, a country's public holidays, together."""

    name: Line = Field(examples=["public holidays"])
    description: Prose = ""
    definition: Annotated[dict[str, Any], BeforeValidator(checked_json), AfterValidator(_checked_definition)] = Field(
        examples=[
            {
                "dates": ["2026-12-24"],
                "ranges": [{"start": "2026-08-01", "end": "2026-08-15"}],
                "weekly": ["sat", "sun"],
                "holidays": {"country": "CN", "subdivision": None, "workdays": True},
            }
        ],
        description="Parts may be left out. `workdays`: days that make up for a holiday are working days, by default",
    )


def get(session: Session, calendar_id: int) -> Calendar:
    """Raises: CalendarNotFound."""
    return stored.get(session, calendar_id)


def covered(calendar: Calendar, year: int) -> list[date]:
    """Its days in a year. Raises: InvalidTiming, for a definition that was written past us and means nothing."""
    try:
        known = parse_calendar(calendar.definition)
    except InvalidTiming as why:
        fields = [".".join(filter(None, ("definition", _inside(found)))) for found in why.problems]
        problems = zip(fields, why.problems, strict=True)
        raise InvalidTiming([FieldProblem(field, found.reason, found.example) for field, found in problems]) from None
    first = date(year, 1, 1)
    days = (first + timedelta(number) for number in range((date(year, 12, 31) - first).days + 1))
    return [day for day in days if known.covers(day)]


def search(session: Session, *, q: str | None, limit: int, cursor: str | None) -> Page[Calendar]:
    """A page of calendars, by name. Raises: Invalid, for a cursor of another list."""
    after = paging.decode(LISTING, cursor, (str, int)) if cursor is not None else None
    rows = stored.search(session, q=q, limit=limit + 1, after=(after[0], after[1]) if after else None)
    return paging.page_of(rows, limit=limit, listing=LISTING, place=lambda calendar: (calendar.name, calendar.id))


def create(session: Session, document: CalendarDocument, *, actor: str) -> Calendar:
    """Make a calendar. Raises: CalendarNameTaken."""
    calendar = Calendar(**document.model_dump())
    stored.add(session, calendar)
    _record(session, calendar, action="create", actor=actor, before={}, after=_document(calendar))
    return calendar


def replace(
    session: Session, calendar_id: int, document: CalendarDocument, *, expected: Expected, actor: str
) -> Calendar:
    """Make it what the document says; one that says what is there changes nothing.

    Raises: CalendarNotFound, RevisionMismatch, CalendarNameTaken.
    """
    return _edit(session, calendar_id, lambda _: document, action="replace", expected=expected, actor=actor)


def patch(session: Session, calendar_id: int, patch: dict[str, Any], *, expected: Expected, actor: str) -> Calendar:
    """Apply a merge patch (RFC 7396). Raises: CalendarNotFound, RevisionMismatch, CalendarNameTaken, Invalid."""

    def patched(calendar: Calendar) -> CalendarDocument:
        return documents.read(CalendarDocument, documents.merge_patch(_document(calendar), patch))

    return _edit(session, calendar_id, patched, action="patch", expected=expected, actor=actor)


def delete(session: Session, calendar_id: int, *, expected: Expected, actor: str) -> None:
    """Delete one that no schedule uses. Raises: CalendarNotFound, RevisionMismatch, CalendarInUse."""
    calendar = stored.get_locked(session, calendar_id, to_delete=True)
    require_revision(f"calendar {calendar_id}", calendar.revision, expected)
    if users := stored.users(session, calendar_id):
        raise CalendarInUse(calendar_id, users)
    before = _document(calendar)
    stored.remove(session, calendar)
    _record(session, calendar, action="delete", actor=actor, before=before, after={})


def _edit(
    session: Session,
    calendar_id: int,
    wanted: Callable[[Calendar], CalendarDocument],
    *,
    action: str,
    expected: Expected,
    actor: str,
) -> Calendar:
    calendar = stored.get_locked(session, calendar_id)
    require_revision(f"calendar {calendar_id}", calendar.revision, expected)
    before = _document(calendar)
    if stored.change(session, calendar, wanted(calendar).model_dump()):
        _record(session, calendar, action=action, actor=actor, before=before, after=_document(calendar))
    return calendar


def _document(calendar: Calendar) -> dict[str, Any]:
    return {"name": calendar.name, "description": calendar.description, "definition": calendar.definition}


def _record(
    session: Session, calendar: Calendar, *, action: str, actor: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        subject_type="calendar",
        subject_id=calendar.id,
        subject_name=calendar.name,
        changes=documents.differences(before, after),
    )
