"""Which schedules a reader asks to see, in which order: all of it is in the page's address, so it can be shared."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any, Literal

from starlette.datastructures import QueryParams

from scheduler_service.api.schedule_schemas import Sort
from scheduler_service.console.pages import url
from scheduler_service.console.schedule_fields import moment
from scheduler_service.console.words import Reader
from scheduler_service.errors import Invalid
from scheduler_service.services import documents
from scheduler_service.services.schedule_filters import ScheduleFilters
from scheduler_service.services.schedule_tables import FAILING
from scheduler_service.storage.schedule_lists import Order, ScheduleFilter

PATH = "/schedules"
#: How soon a schedule runs next: the days and hours that people narrow a table down to.
WINDOWS = ("overdue", "hour", "today", "tomorrow", "week")
INSTANTS = tuple(name for name in ScheduleFilters.model_fields if name.endswith(("_after", "_before")))
PLACES = ("cursor", "before")


class ListQuery(ScheduleFilters):
    """The filters, the order, and the place in it."""

    sort: Sort = "next_run_at"
    next: Literal["overdue", "hour", "today", "tomorrow", "week"] | None = None
    cursor: str | None = None
    before: str | None = None


@dataclass(frozen=True)
class Asked:
    """What was asked for; `query` says it again, without the place; `problems`: what was not understood, and why."""

    said: ListQuery
    wanted: ScheduleFilter
    query: Mapping[str, Any]
    problems: Mapping[str, str]

    @property
    def order(self) -> Order:
        return Order(self.said.sort.removeprefix("-"), self.said.sort.startswith("-"))

    @property
    def segment(self) -> str:
        """Which part of the list it is: a state, those that fail, or "" for all."""
        return FAILING if self.said.failing else self.said.state or ""

    @property
    def filters(self) -> dict[str, list[str]]:
        """What narrows the list beside its segment, each with its values."""
        told = {name: value for name, value in self.query.items() if name not in ("state", "sort")}
        if self.segment == FAILING:
            del told[FAILING]
        return {name: value if isinstance(value, list) else [value] for name, value in told.items()}

    @property
    def is_narrowed(self) -> bool:
        return bool(self.query.keys() - {"sort"})

    def with_(self, **changed: Any) -> str:
        """The first page of the same list but for this."""
        return url(PATH, **{**self.query, **changed})

    def in_segment(self, name: str) -> str:
        """The first page of that part of it."""
        return self.with_(state=None if name == FAILING else name, failing="true" if name == FAILING else None)

    def without(self, name: str, value: str) -> str:
        """The same list without one filter."""
        return self.with_(**{name: [one for one in self.filters.get(name, ()) if one != value]})


def asked(params: QueryParams, reader: Reader) -> Asked:
    """What an address says; what it says in a way that cannot be is left out, and told."""
    given = {name: _given(name, params, reader) for name in params if any(params.getlist(name))}
    problems: dict[str, str] = {}
    try:
        said = documents.read(ListQuery, given)
    except Invalid as why:
        problems = {problem.field.partition(".")[0]: problem.reason for problem in why.problems}
        said = documents.read(ListQuery, {name: value for name, value in given.items() if name not in problems})
    if "sort" not in given and said.state not in (None, "active"):
        said.sort = "name"  # none of them has a next run
    wanted = said.wanted()
    if said.next is not None:
        after, before = _window(said.next, reader)
        wanted = replace(wanted, next_run_after=after, next_run_before=before)
    query = {
        name: params.getlist(name) if name == "tag" else params[name]
        for name in given
        if name not in (*PLACES, *problems)
    }
    return Asked(said, wanted, query, problems)


def _given(name: str, params: QueryParams, reader: Reader) -> Any:
    if name == "tag":
        return [tag for tag in params.getlist(name) if tag]
    return moment(params[name], reader.zone.key) if name in INSTANTS else params[name].strip()


def _window(name: str, reader: Reader) -> tuple[datetime | None, datetime]:
    """From when and until when, by the reader's days."""
    now = reader.now
    midnight = datetime.combine(reader.today + timedelta(days=1), time(), reader.zone)
    match name:
        case "overdue":
            return None, now
        case "hour":
            return now, now + timedelta(hours=1)
        case "today":
            return now, midnight
        case "tomorrow":
            return midnight, datetime.combine(reader.today + timedelta(days=2), time(), reader.zone)
        case _:
            return now, now + timedelta(days=7)
