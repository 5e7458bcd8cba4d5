"""Letting go of what is old, a little at a time."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, exists, func, select, tuple_
from sqlalchemy.orm import Session

from scheduler_service.storage.batches import among
from scheduler_service.storage.models import AuditEvent, PeriodicTask, TaskRun, Worker

BATCH = 500

#: Where a walk through the finished runs is: the last one it looked at.
Seen = tuple[datetime, UUID] | None


def trim_runs(session: Session, *, finished_before: datetime, after: Seen = None) -> tuple[int, Seen]:
    """Delete a batch of finished runs, oldest first; how many, and the place of the last one looked at.

    Those of schedules that say themselves how long they keep theirs are left to `trim_runs_of`.
    """
    own = exists().where(PeriodicTask.id == TaskRun.periodic_task_id, PeriodicTask.keep_runs_days.is_not(None))
    looked_at = select(TaskRun.id, TaskRun.finished_at).where(TaskRun.finished_at < finished_before)
    if after is not None:
        looked_at = looked_at.where(tuple_(TaskRun.finished_at, TaskRun.id) > after)
    batch = session.execute(looked_at.order_by(TaskRun.finished_at, TaskRun.id).limit(BATCH)).all()
    goes = and_(among(session, TaskRun.id, [row.id for row in batch]), _may_go(finished_before), ~own)
    count = _deleted(session, delete(TaskRun).where(goes)) if batch else 0
    return count, (batch[-1].finished_at, batch[-1].id) if batch else None


def keeping_their_own(session: Session) -> list[tuple[int, int]]:
    """The schedules that say how long they keep their runs, with the days."""
    told = PeriodicTask.keep_runs_days.is_not(None)
    statement = select(PeriodicTask.id, PeriodicTask.keep_runs_days).where(told).order_by(PeriodicTask.id)
    return [(key, days) for key, days in session.execute(statement) if days is not None]


def trim_runs_of(session: Session, *, schedule_id: int, finished_before: datetime) -> int:
    """Delete a batch of one schedule's finished runs; how many."""
    its = and_(TaskRun.periodic_task_id == schedule_id, TaskRun.decided_at < finished_before)
    goes = select(TaskRun.id).where(its, TaskRun.finished_at < finished_before, _may_go(finished_before))
    ids = session.scalars(goes.order_by(TaskRun.decided_at, TaskRun.id).limit(BATCH)).all()
    return _deleted(session, delete(TaskRun).where(among(session, TaskRun.id, ids))) if ids else 0


def _may_go(finished_before: datetime) -> ColumnElement[bool]:
    """It guards against no second run: its schedule has passed the occurrence, and has a later run."""
    passed = select(PeriodicTask.watermark).where(PeriodicTask.id == TaskRun.periodic_task_id).scalar_subquery()
    newest = select(PeriodicTask.last_run_at).where(PeriodicTask.id == TaskRun.periodic_task_id).scalar_subquery()
    return and_(
        TaskRun.occurrence_at < finished_before,
        func.coalesce(passed, finished_before) >= TaskRun.occurrence_at,
        func.coalesce(newest, finished_before) != TaskRun.decided_at,
    )


def trim_audit(session: Session, *, before: datetime) -> int:
    """Delete a batch of audit events, oldest first; how many."""
    ids = session.scalars(
        select(AuditEvent.id).where(AuditEvent.at < before).order_by(AuditEvent.id).limit(BATCH)
    ).all()
    return _deleted(session, delete(AuditEvent).where(among(session, AuditEvent.id, ids)))


def trim_workers(session: Session, *, silent_since: datetime) -> int:
    """Delete workers that are long gone; how many."""
    return _deleted(session, delete(Worker).where(Worker.last_heartbeat_at < silent_since))


def _deleted(session: Session, statement: Any) -> int:
    result: Any = session.execute(statement)
    count: int = result.rowcount
    return count
