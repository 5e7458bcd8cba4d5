"""What a person may do with calendars, in the caller's transaction.

An edit of the definition makes every schedule that uses it be planned again at once.
"""

from datetime import date, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from scheduler_service.errors import FieldProblem, InvalidTiming
from scheduler_service.services.definitions import DefinitionDocument, Definitions
from scheduler_service.services.fields import Line, checked_json, nested
from scheduler_service.storage import calendars as stored
from scheduler_service.storage.models import Calendar
from scheduler_service.timing.calendar_definitions import parse_calendar
from scheduler_service.timing.calendars import YEARS

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
    try:
        known = parse_calendar(calendar.definition)
    except InvalidTiming as why:
        fields = [".".join(filter(None, ("definition", _inside(found)))) for found in why.problems]
        problems = zip(fields, why.problems, strict=True)
        raise InvalidTiming([FieldProblem(field, found.reason, found.example) for field, found in problems]) from None
    first = date(year, 1, 1)
    days = (first + timedelta(number) for number in range((date(year, 12, 31) - first).days + 1))
    return [day for day in days if known.covers(day)]


calendars: Definitions[Calendar, CalendarDocument] = Definitions(stored.calendars, CalendarDocument)
