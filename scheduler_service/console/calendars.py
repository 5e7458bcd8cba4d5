"""Calendars: named days, a year of them drawn, and the form that changes them and shows the year before it does."""

import re
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn

from babel.dates import get_day_names, get_month_names
from fastapi import APIRouter, Path, Response
from fastapi import Query as FromQuery

from scheduler_service.api.definitions import DefinitionQuery
from scheduler_service.api.dependencies import Reading, Writing
from scheduler_service.console.charts import year
from scheduler_service.console.charts.year import Year
from scheduler_service.console.forms import FilledIn, Form
from scheduler_service.console.pages import Page, SignedInPage, admins
from scheduler_service.console.words import LOCALES
from scheduler_service.errors import DefinitionNameTaken, Invalid, InvalidTiming, RevisionMismatch, ServiceError
from scheduler_service.services import documents
from scheduler_service.services.calendars import (
    FIRST_YEAR,
    LAST_YEAR,
    CalendarDocument,
    calendars,
    count_uses,
    uses,
    year_of,
)
from scheduler_service.services.fields import Id
from scheduler_service.storage.models import Calendar

router = APIRouter(include_in_schema=False)

CalendarId = Annotated[Id, Path()]
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_USES = 100
#: How somebody writes a range on a line: two dates with something between.
_RANGE = re.compile(r"(\S+?)\s*(?:\.\.|–|—|\sto\s|至|\s-\s|\s)\s*(\S+)")


@dataclass(frozen=True)
class Draft:
    """A calendar as it is typed in the form: dates and ranges are lines."""

    name: str = ""
    description: str = ""
    days: str = ""
    weekly: tuple[str, ...] = ()
    country: str = ""
    subdivision: str = ""
    workdays: bool = True
    revision: int | None = None

    @classmethod
    def typed(cls, form: FilledIn) -> "Draft":
        """As the form has it."""
        revision = form.text("revision")
        return cls(
            form.text("name"),
            form.text("description"),
            form.text("days"),
            tuple(day for day in form.all("weekly") if day in WEEKDAYS),
            form.text("country").upper(),
            form.text("subdivision"),
            form.has("workdays"),
            int(revision) if revision.isascii() and revision.isdigit() else None,
        )

    @classmethod
    def of(cls, calendar: Calendar) -> "Draft":
        """As it is saved; parts that mean nothing are left out."""
        told = calendar.definition
        ranges = [
            f"{one.get('start')} .. {one.get('end')}" for one in told.get("ranges") or () if isinstance(one, dict)
        ]
        days = [*(str(day) for day in told.get("dates") or ()), *ranges]
        rule = told.get("holidays") or {}
        weekly = tuple(day for day in WEEKDAYS if any(str(one).lower()[:3] == day for one in told.get("weekly") or ()))
        return cls(
            calendar.name,
            calendar.description,
            "\n".join(sorted(days)),
            weekly,
            rule.get("country") or "",
            rule.get("subdivision") or "",
            rule.get("workdays") is not False,
            calendar.revision,
        )

    def definition(self) -> tuple[dict[str, Any], dict[str, int]]:
        """What it means, and on which line each date and range is."""
        dates, ranges, lines = list[str](), list[dict[str, str]](), dict[str, int]()
        for number, line in enumerate(self.days.splitlines(), start=1):
            if not (text := line.strip()):
                continue
            if match := _RANGE.fullmatch(text):
                lines[f"ranges.{len(ranges)}"] = number
                ranges.append({"start": match[1], "end": match[2]})
            else:
                lines[f"dates.{len(dates)}"] = number
                dates.append(text)
        parts: dict[str, Any] = {"dates": dates, "ranges": ranges, "weekly": list(self.weekly)}
        if self.country or self.subdivision:
            rule = {"country": self.country, "subdivision": self.subdivision or None, "workdays": self.workdays}
            parts["holidays"] = rule
        return {name: part for name, part in parts.items() if part}, lines

    def document(self) -> CalendarDocument:
        """The document. Raises: Invalid."""
        definition, _ = self.definition()
        written = {"name": self.name, "description": self.description, "definition": definition}
        return documents.read(CalendarDocument, written)

    def errors(self, problem: ServiceError) -> dict[str, list[str]]:
        """What is wrong, by the form's own fields; of a date with its line."""
        found: dict[str, list[str]] = {}
        _, lines = self.definition()
        for one in getattr(problem, "problems", ()):
            inside = one.field.removeprefix("definition").lstrip(".")
            line = next((number for place, number in lines.items() if f"{inside}.".startswith(f"{place}.")), None)
            said = one.reason if line is None else f"{line}: {one.reason}"
            found.setdefault(_field_of(one.field, inside), []).append(said)
        return found


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
        theirs = Draft.of(calendars.get(session, calendar_id))
        _refused(page, draft, calendar_id, newer, theirs=theirs)
    except (Invalid, DefinitionNameTaken) as problem:
        _refused(page, draft, calendar_id, problem)
    return page.back(f"/system/calendars/{row.id}", page.say("Saved %(name)s.", name=row.name))


@router.post("/system/calendars/{calendar_id:int}/delete", dependencies=[admins])
def delete_calendar(page: Page, calendar_id: CalendarId, session: Writing) -> Response:
    """Delete one that no schedule uses."""
    name = calendars.get(session, calendar_id).name
    calendars.delete(session, calendar_id, expected=None, actor=page.identity.actor)
    return page.back("/system/calendars", page.say("Deleted %(name)s.", name=name))


def _refused(
    page: SignedInPage, draft: Draft, calendar_id: int | None, problem: ServiceError, *, theirs: Draft | None = None
) -> NoReturn:
    """What is refused comes back as it was typed."""
    page.refuse(
        problem,
        "system/calendar_form.html",
        **_editing(page, draft, calendar_id, problem=problem, theirs=theirs),
    )


def _editing(
    page: SignedInPage,
    draft: Draft,
    calendar_id: int | str | None,
    *,
    problem: ServiceError | None = None,
    theirs: Draft | None = None,
    on: int | None = None,
) -> dict[str, Any]:
    """For the form, with the year as it would be."""
    shown_year = on or _year(page, "")
    drawn, _ = _drawn(page, draft.definition()[0], shown_year)
    faults = draft.errors(problem) if problem is not None else {}
    shown = {"draft": draft, "calendar_id": calendar_id, "faults": faults, "theirs": theirs, "drawn": drawn}
    return shown | {"year": shown_year} | _names(page)


def _drawn(page: SignedInPage, definition: dict[str, Any], on: int) -> tuple[Year | None, InvalidTiming | None]:
    """The year, or what is wrong with the definition."""
    try:
        return year.drawn(year_of(definition, on, page.language), page.reader.today), None
    except InvalidTiming as broken:
        return None, broken


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


def _field_of(name: str, inside: str) -> str:
    """The form's field for one of the document's."""
    part = inside.partition(".")[0]
    if part in ("dates", "ranges") or name == "definition":
        return "days"
    return {"weekly": "weekly", "holidays": inside.partition(".")[2] or "country"}.get(part, name)
