"""What changed lately: runs by the instants they carry, schedules by the audit trail. Nothing is written for this.

Writers commit out of order, so a reader looks back to where everything is settled, and leaves out what it knows.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, text, union_all
from sqlalchemy.orm import Session, defer

from scheduler_service.storage.batches import among, is_postgresql
from scheduler_service.storage.models import CANCELLING, TRIED_BEFORE, AuditEvent, TaskRun

#: An instant is taken a moment before its transaction begins, by a clock that may be a little off.
MARGIN = timedelta(seconds=5)
#: On SQLite a writer may wait so long for its turn.
SQLITE_MARGIN = timedelta(seconds=12)
#: A transaction that somebody left open for longer is not waited for.
LONGEST_OPEN = timedelta(minutes=10)

#: Every instant at which a run changes, with the rows that are looked at: those of an index each.
INSTANTS = (
    (TaskRun.decided_at, None),
    (TaskRun.published_at, "state = 'published'"),
    (TaskRun.started_at, "state = 'running'"),
    (TaskRun.cancel_requested_at, CANCELLING),
    (TaskRun.attempt_ended_at, TRIED_BEFORE),
    (TaskRun.finished_at, None),
)


@dataclass(frozen=True)
class ChangedRun:
    """A run that changed, when it did last, and how it stands: two that are alike in `stand` are told once."""

    id: UUID
    at: datetime
    stand: tuple[Any, ...]


def settled(session: Session, now: datetime) -> datetime:
    """The instant before which nothing will be seen that is not seen now.

    PostgreSQL tells since when the oldest writer has been at work, or waits for a lock; of those of other users it
    tells superusers only.
    """
    if not is_postgresql(session):
        return now - SQLITE_MARGIN
    oldest: datetime | None = session.execute(
        text(
            "SELECT min(xact_start) FROM pg_stat_activity WHERE datname = current_database()"
            " AND (backend_xid IS NOT NULL OR wait_event_type = 'Lock')"
        )
    ).scalar()
    return max(min(now, oldest or now) - MARGIN, now - LONGEST_OPEN)


def changed_runs(
    session: Session, *, since: datetime, schedule_id: int | None = None, limit: int
) -> list[ChangedRun] | None:
    """The runs that changed at that instant or later; None when there are more than the limit."""
    each = [_changed(column, where, since, schedule_id, limit + 1) for column, where in INSTANTS]
    found: dict[UUID, ChangedRun] = {}
    rows = session.execute(union_all(*each)).all()
    for run_id, at, *stand in rows:
        known = found.get(run_id)
        if known is None or known.at < at:
            found[run_id] = ChangedRun(run_id, at, tuple(stand))
    return None if len(found) > limit else list(found.values())


def runs(session: Session, ids: Collection[UUID]) -> list[TaskRun]:
    """Those of the runs that are still there, without what is too long for a list."""
    long = (defer(column, raiseload=True) for column in (TaskRun.traceback, TaskRun.past_attempts, TaskRun.options))
    return list(session.scalars(select(TaskRun).where(among(session, TaskRun.id, list(ids))).options(*long)))


def schedule_events(
    session: Session, *, since: datetime, schedule_id: int | None = None, limit: int
) -> list[AuditEvent] | None:
    """The changes of schedules at that instant or later; None when there are more than the limit."""
    statement = select(AuditEvent).where(AuditEvent.at >= since, AuditEvent.subject_type == "schedule")
    if schedule_id is not None:
        statement = statement.where(AuditEvent.subject_id == str(schedule_id))
    found = list(session.scalars(statement.order_by(AuditEvent.at, AuditEvent.id).limit(limit + 1)))
    return None if len(found) > limit else found


def _changed(column: Any, where: str | None, since: datetime, schedule_id: int | None, limit: int) -> Select[Any]:
    stand = (TaskRun.state, TaskRun.attempt, TaskRun.publish_count, TaskRun.cancel_requested_at.is_not(None))
    statement: Any = select(TaskRun.id, column.label("at"), *stand).where(column >= since)
    if where is not None:
        statement = statement.where(text(where))
    if schedule_id is not None:
        statement = statement.where(TaskRun.periodic_task_id == schedule_id)
    ordered = statement.order_by(column, TaskRun.id).limit(limit).subquery()
    whole: Select[Any] = select(ordered)
    return whole
