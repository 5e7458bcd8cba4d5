"""Runs as a person looks for them: by the words of their schedule, and no further back than they meant to look.

What has no index of its own (a state that is an end, a task, a worker) is looked for on a walk back through time, so
such a walk has an end: the person goes on from there if they want to.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median
from uuid import UUID

from scheduler_service.services import paging
from scheduler_service.services.paging import Page
from scheduler_service.storage import run_lists as stored
from scheduler_service.storage import runs, schedule_lists
from scheduler_service.storage.models import WAITING_STATES, TaskRun
from scheduler_service.storage.runs import RunFilter
from scheduler_service.storage.schedule_lists import ScheduleFilter
from scheduler_service.storage.session import Session

LISTING = "runs by -decided_at"
LOOK_BACK = timedelta(days=7)
MOST_SCHEDULES = 50  # that the words of a search may mean
MOST_COUNTED = 1000
FAILED_LATELY = timedelta(hours=1)


@dataclass(frozen=True)
class Sought:
    """Which runs: the filter, and words that name their schedules."""

    wanted: RunFilter
    q: str | None = None


@dataclass(frozen=True)
class Looked:
    """A page of runs, newest first; `back_to`: nothing earlier was looked at. `many`: more schedules are meant by q."""

    page: Page[TaskRun]
    back_to: datetime | None = None
    many: bool = False


@dataclass(frozen=True)
class Standing:
    """How runs stand: how many there are in each state that is no end, and how many went wrong lately."""

    unfinished: dict[str, int]
    failed: int

    @property
    def running(self) -> int:
        return self.unfinished.get("running", 0)

    @property
    def waiting(self) -> int:
        return sum(self.unfinished.values()) - self.running


@dataclass(frozen=True)
class Near:
    """The runs of the same schedule around one, newest first, and how long such a run usually takes."""

    later: list[TaskRun]
    earlier: list[TaskRun]
    usual: timedelta | None


def search(session: Session, sought: Sought, *, limit: int, cursor: str | None, now: datetime) -> Looked:
    """A page of runs, newest first. Raises: Invalid, for a cursor of another list."""
    after = paging.decode(LISTING, cursor, (datetime, UUID)) if cursor is not None else None
    place = (after[0], after[1]) if after else None
    ids = _named(session, sought.q)
    if ids is not None:
        rows = stored.search_of(session, ids[:MOST_SCHEDULES], sought.wanted, limit=limit + 1, after=place)
        return Looked(_page(rows, limit), many=len(ids) > MOST_SCHEDULES)
    back_to = _back_to(sought.wanted, from_=place[0] if place else now)
    wanted = replace(sought.wanted, decided_after=back_to) if back_to else sought.wanted
    page = _page(runs.search(session, wanted, limit=limit + 1, after=place), limit)
    return Looked(page, back_to if page.next_cursor is None else None)


def count_newer(session: Session, sought: Sought, than: UUID, *, most: int) -> int:
    """How many runs were decided after that one, counted up to `most`. Raises: RunNotFound."""
    last = runs.get(session, than)
    ids = _named(session, sought.q)
    some = ids if ids is None else ids[:MOST_SCHEDULES]
    return stored.count_newer(session, some, sought.wanted, than=(last.decided_at, last.id), most=most)


def standing(session: Session, *, now: datetime) -> Standing:
    """How runs stand now; no number is counted beyond MOST_COUNTED."""
    unfinished = stored.count_unfinished(session, most=MOST_COUNTED)
    return Standing(unfinished, stored.count_failed(session, since=now - FAILED_LATELY, most=MOST_COUNTED))


def near(session: Session, run: TaskRun) -> Near:
    """What its schedule ran before and after it."""
    earlier, later = stored.beside(session, run, earlier=20, later=2)
    took = [
        (one.finished_at - one.started_at).total_seconds()
        for one in earlier
        if one.state == "succeeded" and one.finished_at and one.started_at
    ]
    return Near(later, earlier[:4], timedelta(seconds=median(took)) if took else None)


def _named(session: Session, q: str | None) -> list[int] | None:
    """The schedules that the words mean, and one more than is looked at; None: no words were said."""
    if q is None:
        return None
    found: Collection[int] = schedule_lists.ids(session, ScheduleFilter(q=q), limit=MOST_SCHEDULES + 1)
    return list(found)


def _back_to(wanted: RunFilter, *, from_: datetime) -> datetime | None:
    """Where a walk ends that might find nothing for long; None for one that an index leads."""
    states = set(wanted.state or ())
    led = wanted.schedule_id is not None or wanted.decided_after is not None
    if led or (states and states <= set(WAITING_STATES)):
        return None
    others = replace(wanted, state=None, decided_before=None)
    if others == RunFilter() and (not states or "succeeded" in states):
        return None
    return min(from_, wanted.decided_before or from_) - LOOK_BACK


def _page(rows: list[TaskRun], limit: int) -> Page[TaskRun]:
    return paging.page_of(rows, limit=limit, listing=LISTING, place=lambda run: (run.decided_at, run.id))
