"""Tasks, as workers have made them known: what can be scheduled."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session

from scheduler_service.storage.models import Worker, WorkerTask
from scheduler_service.storage.workers import SILENT_AFTER

#: Celery's own are parts of other tasks' workflows; nobody schedules them from a list.
BUILT_IN = "celery.%"


@dataclass(frozen=True)
class TaskRow:
    """A task on one worker; `alive` says whether that worker lives."""

    name: str
    worker: str
    alive: bool
    queue: str | None
    doc: str
    acks_late: bool
    arguments: dict[str, Any]


def is_any_known(session: Session) -> bool:
    """Whether a worker has ever made a task known."""
    return bool(session.scalar(select(exists(select(WorkerTask.task)))))


def names(session: Session) -> Sequence[str]:
    """Every known task, by name."""
    return session.scalars(select(WorkerTask.task).distinct().order_by(WorkerTask.task)).all()


def search(session: Session, *, q: str | None, limit: int, after: str | None = None) -> Sequence[str]:
    """A page of names, without Celery's own; `after` is the last one seen."""
    statement = select(WorkerTask.task).distinct().where(*_found(q))
    if after is not None:
        statement = statement.where(WorkerTask.task > after)
    return session.scalars(statement.order_by(WorkerTask.task).limit(limit)).all()


def count(session: Session, *, q: str | None) -> int:
    """How many `search` finds in all."""
    return session.scalar(select(func.count(WorkerTask.task.distinct())).where(*_found(q))) or 0


def of_workers(session: Session, task_names: Collection[str], *, now: datetime) -> list[TaskRow]:
    """What each worker says of these tasks: those that live first, of them the latest started."""
    lives = case((_lives(now), 1), else_=0)
    rows = session.execute(
        select(WorkerTask, lives)
        .join(Worker, Worker.name == WorkerTask.worker)
        .where(WorkerTask.task.in_(task_names))
        .order_by(lives.desc(), Worker.started_at.desc(), Worker.name)
    )
    return [
        TaskRow(row.task, row.worker, bool(alive), row.queue, row.doc, row.acks_late, row.arguments)
        for row, alive in rows
    ]


def _found(q: str | None) -> list[ColumnElement[bool]]:
    listed: list[ColumnElement[bool]] = [WorkerTask.task.not_like(BUILT_IN)]
    if q is not None:
        columns = (WorkerTask.task, WorkerTask.doc)
        listed.append(or_(*(column.icontains(q, autoescape=True) for column in columns)))
    return listed


def _lives(now: datetime) -> ColumnElement[bool]:
    return and_(Worker.stopped_at.is_(None), Worker.last_heartbeat_at >= now - SILENT_AFTER)
