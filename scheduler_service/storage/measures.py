"""What is measured from time to time: how things stand, and what ended since the last time.

Each is bounded by what goes on or what just ended, never by how many runs there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select, text
from sqlalchemy.orm import Session

from scheduler_service.storage import beats, stats
from scheduler_service.storage.models import PeriodicTask, TaskRun, Worker
from scheduler_service.storage.publishing import UNPUBLISHABLE
from scheduler_service.storage.workers import state_of

#: Upper bounds in seconds.
LATENESS_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)
DURATION_BUCKETS = (0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600, 21_600)

#: As partial indexes spell it.
_SENT = text("state IN ('pending', 'published', 'running', 'retrying')")
_BUFFERED = text("state = 'buffered'")


@dataclass(frozen=True)
class Standing:
    """How things stand. Workers, by state, and unfinished runs, by (kind, state), are counted."""

    schedules: dict[str, int]
    unfinished: dict[tuple[str, str], int]
    workers: dict[str, int]
    beats: int
    queues: frozenset[str]


@dataclass(frozen=True)
class Heights:
    """A histogram: how many values are at most each of the bounds, how many there are, and their sum."""

    at_most: tuple[int, ...]
    count: int
    sum: float


@dataclass(frozen=True)
class Ended:
    """The runs of one kind that ended in one state."""

    kind: str
    state: str
    count: int
    lateness: Heights
    duration: Heights
    duplicates: int
    resent: int
    unpublishable: int


def standing(session: Session, now: datetime) -> Standing:
    """How things stand now."""
    workers = session.scalars(select(Worker)).all()
    states = [state_of(worker, now) for worker in workers]
    served = {
        queue for worker, state in zip(workers, states, strict=True) if state == "alive" for queue in worker.queues
    }
    wanted = set(session.scalars(select(PeriodicTask.queue).where(PeriodicTask.queue.is_not(None)).distinct()))
    return Standing(
        schedules=_schedules(session),
        unfinished=_unfinished(session),
        workers={state: states.count(state) for state in ("alive", "silent", "stopped")},
        beats=beats.living(session, now),
        queues=frozenset(served | {queue for queue in wanted if queue is not None}),
    )


def ended(session: Session, *, since: datetime, until: datetime) -> Sequence[Ended]:
    """The runs that ended from one instant on until before the other."""
    late, took = stats.lateness(session), stats.duration(session)
    columns = (
        func.count(),
        *_heights(late, LATENESS_BUCKETS),
        *_heights(took, DURATION_BUCKETS),
        func.sum(TaskRun.duplicate_deliveries),
        func.sum(case((TaskRun.publish_count > 1, TaskRun.publish_count - 1), else_=0)),
        func.sum(_one_if(TaskRun.reason == UNPUBLISHABLE)),
    )
    rows = session.execute(
        select(TaskRun.kind, TaskRun.state, *columns)
        .where(TaskRun.finished_at >= since, TaskRun.finished_at < until)
        .group_by(TaskRun.kind, TaskRun.state)
    )
    return [_ended(row) for row in rows]


def _schedules(session: Session) -> dict[str, int]:
    """The same order of precedence as `schedules.state_of`."""
    state = case(
        (~PeriodicTask.enabled, "paused"),
        (PeriodicTask.quarantine_reason.is_not(None), "quarantined"),
        (PeriodicTask.completed_reason.is_not(None), "completed"),
        else_="active",
    ).label("state")
    counted = dict.fromkeys(("active", "paused", "completed", "quarantined"), 0)
    for name, count in session.execute(select(state, func.count()).group_by(state)):
        counted[name] = count
    return counted


def _unfinished(session: Session) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for where in (_SENT, _BUFFERED):
        statement = select(TaskRun.kind, TaskRun.state, func.count()).where(where)
        for kind, state, count in session.execute(statement.group_by(TaskRun.kind, TaskRun.state)):
            found[kind, state] = count
    return found


def _heights(value: Any, bounds: Sequence[float]) -> list[Any]:
    return [*(func.sum(_one_if(value <= bound)) for bound in bounds), func.count(value), func.sum(value)]


def _one_if(condition: Any) -> Any:
    return case((condition, 1), else_=0)


def _ended(row: Any) -> Ended:
    kind, state, count, *numbers = row
    lateness, numbers = _split(numbers, len(LATENESS_BUCKETS))
    duration, numbers = _split(numbers, len(DURATION_BUCKETS))
    return Ended(kind, state, count, lateness, duration, *(int(number or 0) for number in numbers))


def _split(numbers: list[Any], bounds: int) -> tuple[Heights, list[Any]]:
    at_most, (count, total), rest = numbers[:bounds], numbers[bounds : bounds + 2], numbers[bounds + 2 :]
    return Heights(tuple(int(number or 0) for number in at_most), int(count), float(total or 0)), rest
