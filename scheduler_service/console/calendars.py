"""Calendars: named days, a year of them drawn, and the form that changes them and shows the year before it does."""

from typing import Annotated, Any, NoReturn

from babel.dates import get_day_names, get_month_names
from fastapi import APIRouter, Path, Response
from fastapi import Query as FromQuery

from scheduler_service.api.definitions import DefinitionQuery
from scheduler_service.api.dependencies import Reading, Writing
from scheduler_service.console import conflicts
from scheduler_service.console.calendar_drafts import WEEKDAYS, Draft
from scheduler_service.console.charts import year
from scheduler_service.console.charts.year import Year
from scheduler_service.console.forms import Form
from scheduler_service.console.pages import Page, SignedInPage, Undo, admins
from scheduler_service.console.words import LOCALES
from scheduler_service.errors import DefinitionNameTaken, Invalid, InvalidTiming, RevisionMismatch, ServiceError
from scheduler_service.services.calendars import (
    FIRST_YEAR,
    LAST_YEAR,
    calendars,
    count_uses,
    uses,
    year_of,
)
from scheduler_service.services.fields import Id

router = APIRouter(include_in_schema=False)

CalendarId = Annotated[Id, Path()]
MOST_USES = 100


@router.get("/system/calendars")
def list_calendars(page: Page, query: Annotated[DefinitionQuery, FromQuery()], session: Reading) -> Response:
    """Calendars by name, with how many schedules use each."""
    found = calendars.search(session, q=query.q, limit=query.limit, cursor=query.cursor)
    used = count_uses(session, found.items, most=MOST_USES)
    asked = query.model_dump(exclude_unset=True)
    return page.show("system/calendars.html", found=found, used=used, most=MOST_USES, query=asked, **_names(page))


@router.get("/system/calendars/new", dependencies=[admins])
def new_calendar(page: Page) -> Response:
    """The form for one."""
    draft = Draft(weekly=("sat", "sun"))
    return page.show("system/calendar_form.html", problem=None, **_editing(page, draft, None))


@router.post("/system/calendars/preview", dependencies=[admins])
def preview_calendar(page: Page, form: Form) -> Response:
    """The year as the form would have it; nothing is saved."""
    draft = Draft.typed(form)
    calendar_id = form.text("id") or None
    problem: ServiceError | None = None
    try:
        draft.document()
    except Invalid as why:
        problem = why
    template = "system/calendar_preview.html" if page.is_part else "system/calendar_form.html"
    shown_year = _year(page, form.text("year"))
    return page.show(template, problem=problem, **_editing(page, draft, calendar_id, problem=problem, on=shown_year))


@router.post("/system/calendars", dependencies=[admins])
def create_calendar(page: Page, form: Form, session: Writing) -> Response:
    """Make one."""
    draft = Draft.typed(form)
    try:
        made = calendars.create(session, draft.document(), actor=page.identity.actor)
    except (Invalid, DefinitionNameTaken) as problem:
        _refused(page, draft, None, problem)
    return page.back(f"/system/calendars/{made.id}", page.say("Created %(name)s.", name=made.name))


@router.get("/system/calendars/{calendar_id:int}")
def show_calendar(page: Page, calendar_id: CalendarId, session: Reading, on: str = "") -> Response:
    """One, with a year of it and who uses it."""
    calendar = calendars.get(session, calendar_id)
    used = uses(session, calendar_id, limit=MOST_USES)
    shown_year = _year(page, on)
    drawn, broken = _drawn(page, calendar.definition, shown_year)
    shown: dict[str, Any] = {"calendar": calendar, "uses": used, "most": MOST_USES, "year": shown_year, "drawn": drawn}
    years: dict[str, Any] = {"first_year": FIRST_YEAR, "last_year": LAST_YEAR}
    return page.show("system/calendar.html", broken=broken, draft=Draft.of(calendar), **years, **shown, **_names(page))


@router.get("/system/calendars/{calendar_id:int}/edit", dependencies=[admins])
def edit_calendar(page: Page, calendar_id: CalendarId, session: Reading) -> Response:
    """The form, with what is there."""
    calendar = calendars.get(session, calendar_id)
    return page.show("system/calendar_form.html", problem=None, **_editing(page, Draft.of(calendar), calendar_id))


@router.post("/system/calendars/{calendar_id:int}", dependencies=[admins])
def replace_calendar(page: Page, calendar_id: CalendarId, form: Form, session: Writing) -> Response:
    """Make it what the form says, unless somebody else saved since it was opened."""
    draft = Draft.typed(form)
    actor, expected = page.identity.actor, [draft.revision or 0]
    try:
        row = calendars.replace(session, calendar_id, draft.document(), expected=expected, actor=actor)
    except RevisionMismatch as newer:
        both, differences = draft.against(Draft.of(calendars.get(session, calendar_id)))
        conflict = conflicts.told(session, "calendar", calendar_id, differences, lambda value: _said(page, value))
        _refused(page, both, calendar_id, newer, conflict=conflict)
    except (Invalid, DefinitionNameTaken) as problem:
        _refused(page, draft, calendar_id, problem)
    return page.back(f"/system/calendars/{row.id}", page.say("Saved %(name)s.", name=row.name))


@router.post("/system/calendars/{calendar_id:int}/delete", dependencies=[admins])
def delete_calendar(page: Page, calendar_id: CalendarId, session: Writing) -> Response:
    """Delete one that no schedule uses. The toast can make it again, under another id."""
    draft = Draft.of(calendars.get(session, calendar_id))
    calendars.delete(session, calendar_id, expected=None, actor=page.identity.actor)
    undo = Undo("/system/calendars", draft.typed_again())
    return page.back("/system/calendars", page.say("Deleted %(name)s.", name=draft.name), undo)


def _refused(
    page: SignedInPage,
    draft: Draft,
    calendar_id: int | None,
    problem: ServiceError,
    *,
    conflict: dict[str, Any] | None = None,
) -> NoReturn:
    """What is refused comes back as it was typed."""
    page.refuse(
        problem,
        "system/calendar_form.html",
        **_editing(page, draft, calendar_id, problem=problem, conflict=conflict),
    )


def _editing(
    page: SignedInPage,
    draft: Draft,
    calendar_id: int | str | None,
    *,
    problem: ServiceError | None = None,
    conflict: dict[str, Any] | None = None,
    on: int | None = None,
) -> dict[str, Any]:
    """For the form, with the year as it would be."""
    shown_year = on or _year(page, "")
    drawn, _ = _drawn(page, draft.definition()[0], shown_year)
    faults = draft.errors(problem) if problem is not None else {}
    shown = {"draft": draft, "calendar_id": calendar_id, "faults": faults, "conflict": conflict, "drawn": drawn}
    return shown | {"year": shown_year} | _names(page)


def _drawn(page: SignedInPage, definition: dict[str, Any], on: int) -> tuple[Year | None, InvalidTiming | None]:
    """The year, or what is wrong with the definition."""
    try:
        return year.drawn(year_of(definition, on, page.language), page.reader.today), None
    except InvalidTiming as broken:
        return None, broken


def _said(page: SignedInPage, value: bool | list[str]) -> str:
    """What a field of the form holds that is no text."""
    if isinstance(value, bool):
        return page.say("yes") if value else page.say("no")
    names = dict(zip(WEEKDAYS, _names(page)["day_names"], strict=True))
    return page.say(", ").join(names.get(day, day) for day in value)


def _year(page: SignedInPage, said: str) -> int:
    """The year that is asked for, else the reader's."""
    if said.isascii() and said.isdigit() and FIRST_YEAR <= int(said[:5]) <= LAST_YEAR:
        return int(said)
    return page.reader.today.year


def _names(page: SignedInPage) -> dict[str, Any]:
    """Of the days of the week and of the months, as the reader says them."""
    locale = LOCALES[page.language]
    days = get_day_names("narrow" if page.language == "zh" else "short", locale=locale)
    months = get_month_names("abbreviated", context="stand-alone", locale=locale)
    return {
        "day_names": [days[number] for number in range(7)],
        "month_names": [months[number] for number in range(1, 13)],
        "weekdays_known": WEEKDAYS,
    }
