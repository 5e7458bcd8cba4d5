"""Letting go of what is old, a little at a time."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from scheduler_service.storage.batches import among
from scheduler_service.storage.models import AuditEvent, PeriodicTask, TaskRun, Worker

BATCH = 500


def trim_runs(session: Session, *, finished_before: datetime) -> int:
    """Delete a batch of finished runs, oldest first; how many.

    The last run of a schedule stays, and so does every run of an occurrence that its schedule has not passed: they
    guard against a second run.
    """
    passed = select(PeriodicTask.watermark).where(PeriodicTask.id == TaskRun.periodic_task_id).scalar_subquery()
    newest = select(func.max(PeriodicTask.last_run_at)).where(PeriodicTask.id == TaskRun.periodic_task_id)
    ids = session.scalars(
        select(TaskRun.id)
        .where(
            TaskRun.finished_at < finished_before,
            TaskRun.occurrence_at < finished_before,
            func.coalesce(passed, finished_before) >= TaskRun.occurrence_at,
            func.coalesce(newest.scalar_subquery(), finished_before) != TaskRun.decided_at,
        )
        .order_by(TaskRun.finished_at, TaskRun.id)
        .limit(BATCH)
    ).all()
    return _deleted(session, delete(TaskRun).where(among(session, TaskRun.id, ids)))


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
