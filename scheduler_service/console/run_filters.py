"""Which runs a reader asks to see, as the address of the page says it: every filter is in it, so it can be shared."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import QueryParams

from scheduler_service.console import when
from scheduler_service.console.pages import SignedInPage, url
from scheduler_service.services.fields import LARGEST_WHOLE
from scheduler_service.services.run_lists import Sought
from scheduler_service.storage.models import KINDS, NEVER_SENT_STATES, RUN_STATES
from scheduler_service.storage.runs import RunFilter

#: What people look for most, each some states.
GROUPS: dict[str, tuple[str, ...]] = {
    "all": (),
    "running": ("running",),
    "waiting": ("pending", "published", "retrying", "buffered"),
    "failed": ("failed", "timed_out", "lost"),
    "succeeded": ("succeeded",),
    "never_sent": NEVER_SENT_STATES,
    "cancelled": ("cancelled",),
}
WORDS = ("task", "origin", "worker")
INSTANTS = (
    "decided_after",
    "decided_before",
    "occurrence_after",
    "occurrence_before",
    "finished_after",
    "finished_before",
)
LONGEST = 200


@dataclass(frozen=True)
class Asked:
    """The filter, the address's part that says it, and what in that could not be understood."""

    sought: Sought
    query: Mapping[str, Any]
    cursor: str | None
    follow: bool
    problems: Mapping[str, str] = field(default_factory=dict)

    @property
    def group(self) -> str | None:
        """Which of GROUPS it is; None for other states together."""
        states = set(self.query.get("state", ()))
        return next((name for name, its in GROUPS.items() if set(its) == states), None)

    @property
    def is_narrowed(self) -> bool:
        """Whether there is a filter but for the states."""
        return bool(self.query.keys() - {"state"})

    def of_group(self, name: str) -> str:
        """The same, of a group of states."""
        return url("/runs", **{**self.query, "state": GROUPS[name]})

    def without(self, name: str) -> str:
        """The same without one filter."""
        return url("/runs", **{key: value for key, value in self.query.items() if key != name})


def asked(page: SignedInPage) -> Asked:
    """What the address asks for; a value that cannot be is told, and left out."""
    params = page.request.query_params
    query: dict[str, Any] = {name: value for name in ("q", *WORDS) if (value := _word(params, name))}
    if states := [state for state in dict.fromkeys(params.getlist("state")) if state in RUN_STATES]:
        query["state"] = states
    if params.get("kind") in KINDS:
        query["kind"] = params["kind"]
    if (schedule_id := _id(params.get("schedule_id"))) is not None:
        query["schedule_id"] = schedule_id
    query |= {name: text for name in INSTANTS if (text := _word(params, name))}
    instants, problems = when.read_all(query, INSTANTS, page)
    plain: dict[str, Any] = instants | {
        name: value for name, value in query.items() if name != "q" and name not in INSTANTS
    }
    sought = Sought(RunFilter(**plain), query.get("q"))
    return Asked(sought, query, params.get("cursor") or None, params.get("follow") == "1", problems)


def _word(params: QueryParams, name: str) -> str:
    """No database takes a NUL, and nothing is longer."""
    return params.get(name, "").replace("\0", "").strip()[:LONGEST]


def _id(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and int(text[:20]) <= LARGEST_WHOLE else None
