"""Schedules as a person goes through them: a page, with what became of the latest runs and how many there are."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import median, quantiles

from scheduler_service.services import paging
from scheduler_service.storage import latest_runs, schedule_lists
from scheduler_service.storage.latest_runs import LatestRun
from scheduler_service.storage.models import PeriodicTask
from scheduler_service.storage.schedule_lists import Order, Place, ScheduleFilter
from scheduler_service.storage.schedules import STATES, state_of
from scheduler_service.storage.session import Session

RUNS_SHOWN = 20
MOST_COUNTED = 1000
MOST_COUNTED_BY_WORDS = 100  # no index leads to words, so each of them costs a long walk
FAILING = "failing"
WENT_WRONG = ("failed", "timed_out", "lost")


@dataclass(frozen=True)
class Row:
    """A schedule, and its latest runs, oldest first."""

    task: PeriodicTask
    past: list[LatestRun]

    @property
    def state(self) -> str:
        return state_of(self.task)

    @property
    def late_seconds(self) -> float | None:
        """The 95th percentile of how late the runs shown were."""
        late = [run.late_seconds for run in self.past if run.late_seconds is not None]
        return quantiles(late, n=20, method="inclusive")[-1] if len(late) > 1 else next(iter(late), None)

    @property
    def took_seconds(self) -> float | None:
        """How long the runs shown took, in the middle."""
        took = [run.took_seconds for run in self.past if run.took_seconds is not None]
        return median(took) if took else None

    @property
    def success_rate(self) -> float | None:
        """The share of those that ended which succeeded."""
        ended = [run.state for run in self.past if run.state in ("succeeded", *WENT_WRONG)]
        return ended.count("succeeded") / len(ended) if ended else None


@dataclass(frozen=True)
class Table:
    """A page, and from where the pages beside it are read: None where there is none.

    `counts`: how many fit in each state, under FAILING how many of all those fail, and under "" all; `most` + 1 where
    there are more.
    """

    rows: list[Row]
    previous_cursor: str | None
    next_cursor: str | None
    counts: dict[str, int]
    most: int


def table(
    session: Session, wanted: ScheduleFilter, *, order: Order, limit: int, cursor: str | None, before: str | None
) -> Table:
    """What follows `cursor`, or precedes `before`. Raises: Invalid, for another list's cursor."""
    listing = f"schedules by {order}"
    place = _place(listing, before or cursor, order)
    anyhow = schedule_lists.narrowed(session, replace(wanted, failing=None))
    failing = schedule_lists.ids(session, replace(anyhow, state=None, failing=True))
    sought = replace(anyhow, ids=failing) if wanted.failing else replace(anyhow, failing=wanted.failing)
    if before is not None:
        found = schedule_lists.search(session, sought, order, limit=limit + 1, before=place)
        tasks, is_first, is_last = found[-limit:], len(found) <= limit, False
    else:
        found = schedule_lists.search(session, sought, order, limit=limit + 1, after=place)
        tasks, is_first, is_last = found[:limit], place is None, len(found) <= limit
    is_all = is_first and is_last and wanted.state is None and wanted.failing is None
    most = MOST_COUNTED if wanted.q is None else MOST_COUNTED_BY_WORDS
    counts = _counted(tasks) if is_all else schedule_lists.count_states(session, anyhow, most=most + 1)
    counts[FAILING] = len(failing)
    past = latest_runs.of_schedules(session, [task.id for task in tasks], each=RUNS_SHOWN)

    def cursor_at(task: PeriodicTask) -> str:
        return paging.encode(listing, schedule_lists.place(task, order))

    return Table(
        [Row(task, past.get(task.id, [])[::-1]) for task in tasks],
        None if is_first or not tasks else cursor_at(tasks[0]),
        None if is_last or not tasks else cursor_at(tasks[-1]),
        counts,
        most,
    )


def _place(listing: str, cursor: str | None, order: Order) -> Place | None:
    if cursor is None:
        return None
    value, schedule_id = paging.decode(listing, cursor, (str if order.by == "name" else datetime, int))
    return value, schedule_id


def _counted(tasks: list[PeriodicTask]) -> dict[str, int]:
    """The same as the database would count, when these are all."""
    counts = Counter(state_of(task) for task in tasks)
    return {"": len(tasks), **{state: counts[state] for state in STATES}}
