"""Whether everything is well: what needs a person, and the figures that say how it goes.

Every page says how many things need somebody, so what is found counts for some seconds.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from time import monotonic, perf_counter
from typing import Any, Generic, Literal, TypeVar

from scheduler_service.services import run_lists, tallies
from scheduler_service.services.broker_look import Broker, BrokerLook
from scheduler_service.services.run_lists import Standing
from scheduler_service.services.tallies import BUCKET, Bucket
from scheduler_service.services.week_plans import Plan, Planner
from scheduler_service.storage import beats, lateness, latest_runs, workers
from scheduler_service.storage import overview as stored
from scheduler_service.storage.models import TaskRun
from scheduler_service.storage.session import Database, Session
from scheduler_service.storage.workers import WorkerSeen

T = TypeVar("T")

NEEDS_COUNT, PAST_COUNTS = 3.0, 10.0  # seconds
A_DAY, A_WEEK = timedelta(days=1), timedelta(days=7)
LATELY, MOST_STARTED = timedelta(minutes=15), 1000
MOST_WORKERS, MOST_DUE, MOST_FAILED, MOST_NAMED = 200, 200, 50, 10
LATE_GOAL_SECONDS = 0.25
LATE_STEP, LATE_STEPS, MOST_OF_A_STEP, LATE_COUNTS = timedelta(minutes=5), 12, 100, 30.0
IN_A_ROW = 5  # as many of the latest runs are looked at


@dataclass(frozen=True)
class Need:
    """Something that a person must look at. `facts` are what its sentence tells."""

    kind: Literal[
        "no_beat",
        "broker_away",
        "no_worker",
        "worker_silent",
        "queue_unserved",
        "failing",
        "quarantined",
        "paused_itself",
    ]
    names: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Vitals:
    """How it goes. `late_seconds` is the 95th percentile of those that began in the last minutes; None: none did."""

    late_seconds: float | None
    beats: int
    last_decided_at: datetime | None
    workers: list[WorkerSeen]
    broker: BrokerLook
    store_seconds: float

    @property
    def alive(self) -> list[WorkerSeen]:
        return [seen for seen in self.workers if seen.state == "alive"]

    @property
    def expected(self) -> int:
        """Those that did not end in order."""
        return sum(seen.state != "stopped" for seen in self.workers)

    @property
    def slots(self) -> int:
        return sum(seen.worker.concurrency for seen in self.alive)

    @property
    def busy(self) -> int:
        return sum(seen.running for seen in self.alive)

    @property
    def waiting(self) -> int:
        return sum(self.broker.depths.values())


@dataclass(frozen=True)
class Coming:
    """An instant at which runs are to be sent: one of the schedules, and how many there are at the same instant."""

    at: datetime
    schedule_id: int
    name: str
    jitter_seconds: int
    others: int


@dataclass(frozen=True)
class Next:
    """What comes next; `soon` counts the next ten minutes, `many`: there are more than that."""

    coming: list[Coming]
    soon: int
    many: bool


@dataclass(frozen=True)
class Now:
    """What goes on: what failed, what runs, what comes."""

    failed: list[TaskRun]
    running: list[TaskRun]
    usual: dict[int, float]  # seconds that a run of a schedule usually takes
    next: Next
    standing: Standing
    is_empty: bool


class Cached(Generic[T]):
    """A value that counts for some seconds."""

    def __init__(self, seconds: float, make: Callable[[], T]) -> None:
        self._seconds, self._make, self._lock = seconds, make, Lock()
        self._made: tuple[float, T] | None = None

    def get(self) -> T:
        """As it was at most so many seconds ago."""
        with self._lock:
            if self._made is None or monotonic() - self._made[0] > self._seconds:
                self._made = (monotonic(), self._make())
            return self._made[1]


class Outlook:
    """One for each application."""

    def __init__(self, database: Database, broker: Broker) -> None:
        self._database, self._broker = database, broker
        self._found = Cached(NEEDS_COUNT, self._look)
        self._past = Cached(PAST_COUNTS, self._look_back)
        self._late = Cached(LATE_COUNTS, self._look_late)
        self._planner = Planner(database)

    def needs(self) -> list[Need]:
        """What a person must look at, the worst first. Raises: StoreAway."""
        return self._found.get()[0]

    def vitals(self) -> Vitals:
        """How it goes. Raises: StoreAway."""
        return self._found.get()[1]

    def late(self) -> list[float | None]:
        """The 95th percentile of how late runs began, in each LATE_STEP of the past hour. Raises: StoreAway."""
        return self._late.get()

    def past(self) -> list[Bucket]:
        """What became of the runs of the past week. Raises: StoreAway."""
        return self._past.get()

    def plan(self) -> Plan | None:
        """What is planned for the coming week, as it was lately; None while that is being worked out."""
        return self._planner.get()

    def _look(self) -> tuple[list[Need], Vitals]:
        now = self._database.clock.now()
        with self._database.reading() as session:
            vitals = _vitals(session, self._broker, now)
            comes = bool(stored.due_next(session, limit=1))
            found = [*_of_processes(vitals, comes=comes), *_of_schedules(session, now)]
        return found, vitals

    def _look_late(self) -> list[float | None]:
        since = self._database.clock.now() - LATE_STEPS * LATE_STEP
        with self._database.reading() as session:
            found = lateness.sampled(session, since, step=LATE_STEP, steps=LATE_STEPS, each=MOST_OF_A_STEP)
        return [_percentile(late) for late in found]

    def _look_back(self) -> list[Bucket]:
        now = self._database.clock.now()
        with self._database.reading() as session:
            return tallies.past(session, now - A_WEEK - A_DAY, now)


def now(session: Session, *, at: datetime, shown: int) -> Now:
    """What goes on, as many of each as are shown."""
    failed = stored.failed_lately(session, since=at - A_DAY, limit=shown)
    running = stored.executing(session, limit=shown)
    known = latest_runs.of_schedules(session, {run.periodic_task_id for run in running}, each=IN_A_ROW)
    usual = {schedule_id: took for schedule_id, latest in known.items() if (took := _usual(latest)) is not None}
    standing = run_lists.standing(session, now=at)
    return Now(
        failed, running, usual, _next(session, at, shown), standing, not stored.has_more_schedules(session, than=0)
    )


def _vitals(session: Session, broker: Broker, now: datetime) -> Vitals:
    began = perf_counter()
    living = beats.living(session, now)
    took = perf_counter() - began
    lately = stored.decided_lately(session, since=now - LATELY, limit=MOST_STARTED)
    seen = workers.search(session, now=now, limit=MOST_WORKERS)
    queues = {queue for one in seen if one.state != "stopped" for queue in one.worker.queues}
    return Vitals(
        late_seconds=_percentile([one.late_seconds for one in lately if one.late_seconds is not None]),
        beats=living,
        last_decided_at=next((one.decided_at for one in lately if one.origin == "auto"), None),
        workers=seen,
        broker=broker.look(queues),
        store_seconds=took,
    )


def _of_processes(vitals: Vitals, *, comes: bool) -> list[Need]:
    """`comes`: whether anything is planned, for which somebody has to be there."""
    found = []
    if not vitals.beats:
        found.append(Need("no_beat"))
    if vitals.broker.is_away:
        found.append(Need("broker_away"))
    if comes and not vitals.expected:
        found.append(Need("no_worker"))
    silent = tuple(seen.worker.name for seen in vitals.workers if seen.state == "silent")
    if silent:
        found.append(Need("worker_silent", silent))
    served = {queue for seen in vitals.alive for queue in seen.worker.queues}
    unserved = sorted((queue, depth) for queue, depth in vitals.broker.depths.items() if depth and queue not in served)
    return found + [Need("queue_unserved", (queue,), {"waiting": depth}) for queue, depth in unserved]


def _of_schedules(session: Session, now: datetime) -> list[Need]:
    failed = stored.failed_lately(session, since=now - A_DAY, limit=MOST_FAILED)
    by_schedule = {run.periodic_task_id: run for run in reversed(failed)}
    idle = stored.standing_still(session)
    parked = {row.id for row in idle}
    asked = [key for key in by_schedule if key not in parked][:MOST_NAMED]
    latest = latest_runs.of_schedules(session, asked, each=IN_A_ROW)
    found = [need for key in asked if (need := _failing(by_schedule[key], latest.get(key, []))) is not None]
    quarantined = tuple(row.name for row in idle if row.quarantine_reason is not None)
    paused = tuple(row.name for row in idle if row.quarantine_reason is None)
    return [
        *found,
        *([Need("quarantined", quarantined)] if quarantined else []),
        *([Need("paused_itself", paused)] if paused else []),
    ]


def _failing(run: TaskRun, latest: list[latest_runs.LatestRun]) -> Need | None:
    """None when it went well since."""
    ended = [one for one in latest if one.state == "succeeded" or one.state in stored.WENT_WRONG]
    wrong = 0
    for one in ended:
        if one.state == "succeeded":
            break
        wrong += 1
    if not wrong:
        return None
    facts = {
        "times": wrong,
        "or_more": wrong == IN_A_ROW,
        "since": ended[wrong - 1].occurrence_at,
        "schedule_id": run.periodic_task_id,
        "run_id": run.id,
        "state": run.state,
        "why": run.error or run.reason or "",
    }
    return Need("failing", (run.schedule_name,), facts)


def _next(session: Session, at: datetime, shown: int) -> Next:
    rows = stored.due_next(session, limit=MOST_DUE)
    found: dict[datetime, list[Any]] = {}
    for row in rows:
        found.setdefault(row.next_run_at, []).append(row)
    coming = [
        Coming(instant, same[0].id, same[0].name, same[0].jitter_seconds, len(same) - 1)
        for instant, same in list(found.items())[:shown]
    ]
    soon = sum(row.next_run_at <= at + BUCKET for row in rows)
    return Next(coming, soon, soon == MOST_DUE)


def _usual(latest: list[latest_runs.LatestRun]) -> float | None:
    took = sorted(one.took_seconds for one in latest if one.state == "succeeded" and one.took_seconds is not None)
    return took[len(took) // 2] if took else None


def _percentile(values: list[float]) -> float | None:
    """The 95th."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))] if ordered else None
