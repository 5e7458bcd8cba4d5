"""What Beat reads and writes: which schedules are due, and what became of them.

Cost is in the number of due rows, never in the number of schedules.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, exists, select, text
from sqlalchemy.orm import Session

from scheduler_service.storage import audit, backfills, cancelling, chains
from scheduler_service.storage.batches import update_by_id
from scheduler_service.storage.columns import SqlNow
from scheduler_service.storage.models import PLANNABLE, PeriodicTask, TaskRun
from scheduler_service.storage.publishing import late, publishable, unclaimed
from scheduler_service.storage.runs import promotable
from scheduler_service.storage.timings import WHEN_COLUMNS, anchor_of, with_when
from scheduler_service.storage.workers import silent

#: A schedule with its timing's and calendar's columns, as `_claim` selects them.
DueRow = Row[Any]

#: Columns that deciding does not need; each that is read costs time for every due row, JSON most.
UNREAD = (
    "crontab_id", "interval_id", "clocked_id", "solar_id", "rrule_id", "calendar_id", "provenance", "description",
    "tags", "enabled", "paused_reason", "completed_reason", "quarantine_reason", "pause_after_failures",
    "date_changed", "keep_runs_days", "audited_writes",
)  # fmt: skip
#: The schedule's own columns that a plan depends on.
PLANNED_FROM = (
    "next_occurrence_at", "next_run_at", "calendar_mode", "start_time", "expires", "misfire_policy",
    "misfire_grace_seconds", "catchup_window_seconds", "catchup_limit", "jitter_seconds",
)  # fmt: skip
_SCHEDULES: Any = PeriodicTask.__table__
_PLANNABLE = text(PLANNABLE)


@dataclass(frozen=True, slots=True)
class Outlook:
    """One look at everything Beat may have to do."""

    now: datetime
    told: datetime
    unplanned: bool
    next_run_at: datetime | None
    publishable: bool
    leased_until: datetime | None
    pending_at: datetime | None
    silent_workers: bool
    unclaimed: bool
    promotable: bool
    to_terminate: bool
    late: bool
    backfills: bool
    followers: bool

    @property
    def due(self) -> bool:
        return self.next_run_at is not None and self.next_run_at <= self.now


def look(session: Session, now: datetime) -> Outlook:
    """See what is to be planned, decided, published and given up, in one statement that locks nothing.

    `told` is the database's own clock, which came with the answer.
    """
    unplanned = exists().where(PeriodicTask.next_run_at.is_(None), _PLANNABLE)
    next_run_at = (
        select(PeriodicTask.next_run_at)
        .where(PeriodicTask.next_run_at.is_not(None), _PLANNABLE)
        .order_by(PeriodicTask.next_run_at)
        .limit(1)
    )
    held = select(TaskRun.lease_until).where(TaskRun.state == "pending", TaskRun.lease_until.is_not(None))
    held = held.order_by(TaskRun.lease_until).limit(1)
    row: Any = session.execute(
        select(
            SqlNow(),
            unplanned,
            next_run_at.scalar_subquery(),
            exists().where(publishable(session, now)),
            held.where(TaskRun.leased_by.is_not(None)).scalar_subquery(),
            held.where(TaskRun.leased_by.is_(None)).scalar_subquery(),
            exists().where(silent(now)),
            unclaimed(now),
            promotable(),
            exists().where(cancelling.overdue(now)),
            exists().where(late(now)),
            exists().where(backfills.to_attend()),
            chains.waiting(),
        )
    ).one()
    return Outlook(now, *row)


def claim_unplanned(session: Session, *, limit: int) -> Sequence[DueRow]:
    """Lock schedules whose next run is to be planned; rows that another Beat holds are skipped, not waited for."""
    return session.execute(_claim().where(_SCHEDULES.c.next_run_at.is_(None)).limit(limit)).all()


def claim_due(session: Session, now: datetime, *, limit: int) -> Sequence[DueRow]:
    """Lock schedules that are due, oldest first; rows that another Beat holds are skipped, not waited for."""
    return session.execute(_claim().where(_SCHEDULES.c.next_run_at <= now).limit(limit)).all()


def _claim() -> Select[Any]:
    """Of the tables themselves: the ORM would look at every row once more."""
    own = [column for column in _SCHEDULES.c if column.name not in (*UNREAD, *PLANNED_FROM)]
    deciding = [_SCHEDULES.c[name] for name in PLANNED_FROM]
    return (
        with_when(select(*own, *deciding, *WHEN_COLUMNS))
        .where(_PLANNABLE)
        .order_by(_SCHEDULES.c.next_run_at, _SCHEDULES.c.id)
        .with_for_update(of=_SCHEDULES, skip_locked=True)
    )


def planned_from(row: DueRow) -> tuple[Any, ...]:
    """All that the plan of a row depends on, unless it has jitter: what is equal here has one plan."""
    anchor = anchor_of(row) if row.every is not None else None
    return (*row[-len(PLANNED_FROM) - len(WHEN_COLUMNS) :], anchor)


def move_on(session: Session, updates: Sequence[dict[str, Any]]) -> None:
    """Write Beat's bookkeeping of the schedules it holds locked; what is complete by that is told of."""
    update_by_id(session, PeriodicTask, updates)
    completed = [update["id"] for update in updates if update["completed_reason"] is not None]
    audit.record_beat(session, "complete", "completed_reason", completed)


def quarantine(session: Session, reasons: dict[int, str]) -> None:
    """Take schedules out of Beat's sight until somebody mends them, and tell of it."""
    update_by_id(session, PeriodicTask, [{"id": key, "quarantine_reason": why} for key, why in reasons.items()])
    audit.record_beat(session, "quarantine", "quarantine_reason", reasons)
