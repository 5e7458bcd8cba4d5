"""Routes of calendars."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Body
from fastapi import Query as FromQuery
from pydantic import BaseModel, Field

from scheduler_service.api.auth import Admin
from scheduler_service.api.definitions import DefinitionId, DefinitionOut, DefinitionQuery
from scheduler_service.api.dependencies import Answering, IfMatch, Reading, Writing
from scheduler_service.api.schemas import MergePatch, PageOut
from scheduler_service.services.calendars import FIRST_YEAR, LAST_YEAR, CalendarDocument, calendars, covered

router = APIRouter(prefix="/calendars", tags=["calendars"])


class YearQuery(BaseModel):
    """Of which year the days are wanted, if they are."""

    model_config = {"extra": "forbid"}

    year: int | None = Field(default=None, ge=FIRST_YEAR, le=LAST_YEAR, examples=[2026])


class CalendarOut(DefinitionOut):
    """A calendar, as it was written."""


class CalendarDetailOut(CalendarOut):
    """One calendar, with its days in a year."""

    covered: list[date] | None = Field(default=None, description="With `year` only")


@router.get("")
def list_calendars(query: Annotated[DefinitionQuery, FromQuery()], session: Reading) -> PageOut[CalendarOut]:
    """List calendars by name."""
    page = calendars.search(session, q=query.q, limit=query.limit, cursor=query.cursor)
    return PageOut.of(page, CalendarOut.of)


@router.post("", status_code=201)
def create_calendar(body: CalendarDocument, session: Writing, caller: Admin, answer: Answering) -> CalendarOut:
    """Make a calendar. A schedule uses it by its name, to leave its days out or to keep to them."""
    made = CalendarOut.of(calendars.create(session, body, actor=caller))
    return answer.tagged(answer.located(made, under="/api/v1/calendars"))


@router.get("/{calendar_id}")
def get_calendar(
    calendar_id: DefinitionId, query: Annotated[YearQuery, FromQuery()], session: Reading, answer: Answering
) -> CalendarDetailOut:
    """Read a calendar, if wanted with the days that it covers in a year. Its ETag is its revision."""
    calendar = calendars.get(session, calendar_id)
    read = CalendarDetailOut.of(calendar)
    if query.year is not None:
        read.covered = covered(calendar, query.year)
    return answer.tagged(read)


@router.put("/{calendar_id}")
def replace_calendar(
    calendar_id: DefinitionId,
    body: CalendarDocument,
    session: Writing,
    caller: Admin,
    expected: IfMatch,
    answer: Answering,
) -> CalendarOut:
    """Replace a calendar. The schedules that use it are planned again at once."""
    calendar = calendars.replace(session, calendar_id, body, expected=expected, actor=caller)
    return answer.tagged(CalendarOut.of(calendar))


@router.patch("/{calendar_id}")
def patch_calendar(
    calendar_id: DefinitionId,
    body: Annotated[MergePatch, Body(examples=[{"definition": {"dates": ["2026-12-24"]}}])],
    session: Writing,
    caller: Admin,
    expected: IfMatch,
    answer: Answering,
) -> CalendarOut:
    """Change some fields, by JSON merge patch (RFC 7396). The schedules that use it are planned again at once."""
    calendar = calendars.patch(session, calendar_id, body, expected=expected, actor=caller)
    return answer.tagged(CalendarOut.of(calendar))


@router.delete("/{calendar_id}", status_code=204)
def delete_calendar(calendar_id: DefinitionId, session: Writing, caller: Admin, expected: IfMatch) -> None:
    """Delete a calendar that no schedule uses."""
    calendars.delete(session, calendar_id, expected=expected, actor=caller)
