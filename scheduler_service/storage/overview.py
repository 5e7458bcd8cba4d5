"""What stands out among very many rows: each look walks an index and goes no further than a bound.

So a look costs the same at a thousand schedules and at a hundred thousand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from scheduler_service.storage.models import IDLE, PLANNABLE, WRONG, PeriodicTask, TaskRun

WENT_WRONG = ("failed", "timed_out", "lost")
IDLE_LOOKED_AT = 1000


@dataclass(frozen=True)
class Started:
    """Of a run that was decided lately: when, by a timing or not, and how late it began."""

    decided_at: datetime
    origin: str
    late_seconds: float | None


def decided_lately(session: Session, *, since: datetime, limit: int) -> list[Started]:
    """The newest runs first."""
    columns = (TaskRun.decided_at, TaskRun.origin, TaskRun.attempt, TaskRun.fire_at, TaskRun.started_at)
    rows = session.execute(
        select(*columns).where(TaskRun.decided_at >= since).order_by(TaskRun.decided_at.desc()).limit(limit)
    )
    return [_started(*row) for row in rows]


def failed_lately(session: Session, *, since: datetime, limit: int) -> list[TaskRun]:
    """Runs that went wrong, newest first: they have an index of their own."""
    wrong = select(TaskRun).where(text(WRONG), TaskRun.finished_at >= since)
    return list(session.scalars(wrong.order_by(TaskRun.finished_at.desc(), TaskRun.id.desc()).limit(limit)))


def executing(session: Session, *, limit: int) -> list[TaskRun]:
    """Runs that a worker has, those that began first first."""
    running = select(TaskRun).where(text("state = 'running'"))
    return list(session.scalars(running.order_by(TaskRun.started_at, TaskRun.id).limit(limit)))


def due_next(session: Session, *, limit: int) -> Sequence[Any]:
    """The schedules that come next: id, name, when it is to be sent, and how far that may be spread."""
    columns = (PeriodicTask.id, PeriodicTask.name, PeriodicTask.next_run_at, PeriodicTask.jitter_seconds)
    planned = select(*columns).where(text(PLANNABLE), PeriodicTask.next_run_at.is_not(None))
    return session.execute(planned.order_by(PeriodicTask.next_run_at, PeriodicTask.id).limit(limit)).all()


def standing_still(session: Session) -> list[Any]:
    """Schedules that stopped by themselves (id, name, quarantine_reason), among the first IDLE_LOOKED_AT idle ones."""
    columns = (
        PeriodicTask.id, PeriodicTask.name, PeriodicTask.enabled, PeriodicTask.quarantine_reason,
        PeriodicTask.paused_reason, PeriodicTask.pause_after_failures,
    )  # fmt: skip
    idle = select(*columns).where(text(IDLE)).order_by(PeriodicTask.name).limit(IDLE_LOOKED_AT)
    return [row for row in session.execute(idle) if row.quarantine_reason is not None or _paused_itself(row)]


def has_more_schedules(session: Session, *, than: int) -> bool:
    """Whether there are more schedules than so many."""
    return session.scalar(select(PeriodicTask.id).order_by(PeriodicTask.id).offset(than).limit(1)) is not None


def _started(
    decided_at: datetime, origin: str, attempt: int, fire_at: datetime, started_at: datetime | None
) -> Started:
    known = started_at is not None and attempt == 1 and origin == "auto"
    late = max((started_at - fire_at).total_seconds(), 0.0) if started_at is not None and known else None
    return Started(decided_at, origin, late)


def _paused_itself(row: Any) -> bool:
    """Beat writes why, and nobody else writes it like that."""
    return not row.enabled and row.pause_after_failures is not None and "in a row" in (row.paused_reason or "")
