"""What a person may do with calendars, in the caller's transaction.

An edit of the definition makes every schedule that uses it be planned again at once.
"""

from collections.abc import Collection
from datetime import date, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from scheduler_service.errors import FieldProblem, InvalidTiming
from scheduler_service.services.definitions import DefinitionDocument, Definitions
from scheduler_service.services.fields import Line, checked_json, nested
from scheduler_service.services.languages import Language
from scheduler_service.storage import calendars as stored
from scheduler_service.storage.calendars import Use
from scheduler_service.storage.models import Calendar
from scheduler_service.storage.session import Session
from scheduler_service.timing import calendar_definitions
from scheduler_service.timing.calendar_years import DayOfYear, of_year
from scheduler_service.timing.calendars import YEARS
from scheduler_service.timing.calendars import Calendar as Days

FIRST_YEAR, LAST_YEAR = YEARS[0], YEARS[-1]


def _checked_definition(definition: dict[str, Any]) -> dict[str, Any]:
    """The definition itself, when it names days."""
    try:
        calendar_definitions.parse_calendar(definition)
    except InvalidTiming as why:
        raise nested([FieldProblem(_inside(found), found.reason, found.example) for found in why.problems]) from None
    return definition


def _inside(found: FieldProblem) -> str:
    """Where in the definition; nowhere, if it is the whole."""
    return "" if found.field == "definition" else found.field


class CalendarDocument(DefinitionDocument):
    """Named days: dates, ranges of dates, days of the week, a country's public holidays, together."""

    name: Line = Field(examples=["public holidays"])
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


def covered(calendar: Calendar, year: int) -> list[date]:
    """Its days in a year. Raises: InvalidTiming, for a definition that was written past us and means nothing."""
    known = _parsed(calendar.definition)
    first = date(year, 1, 1)
    days = (first + timedelta(number) for number in range((date(year, 12, 31) - first).days + 1))
    return [day for day in days if known.covers(day)]


def year_of(definition: dict[str, Any], year: int, language: Language) -> list[DayOfYear]:
    """Every day of a year and what a definition makes of it. Raises: InvalidTiming, for one that means nothing."""
    return of_year(_parsed(definition), year, language=language)


def uses(session: Session, calendar_id: int, *, limit: int) -> list[Use]:
    """The first of the schedules that use it, by name."""
    return stored.uses(session, calendar_id, limit=limit)


def count_uses(session: Session, found: Collection[Calendar], *, most: int) -> dict[int, int]:
    """How many schedules use each, by id, counted up to `most`."""
    return stored.count_uses(session, [calendar.id for calendar in found], most=most)


def _parsed(definition: dict[str, Any]) -> Days:
    """What it means. Raises: InvalidTiming, its problems named from the document on."""
    try:
        return calendar_definitions.parse_calendar(definition)
    except InvalidTiming as why:
        fields = [".".join(filter(None, ("definition", _inside(found)))) for found in why.problems]
        problems = zip(fields, why.problems, strict=True)
        raise InvalidTiming([FieldProblem(field, found.reason, found.example) for field, found in problems]) from None


calendars: Definitions[Calendar, CalendarDocument] = Definitions(stored.calendars, CalendarDocument)
