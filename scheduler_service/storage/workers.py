"""Workers that track their runs: who lives, what each knows, and what a silent one left behind."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, exists, insert, select, update
from sqlalchemy.orm import Session

from scheduler_service.storage.attempts import hand_back_or_lose
from scheduler_service.storage.models import TaskRun, Worker, WorkerTask

#: Four beats and a little: a busy host may starve a heartbeat thread for one or two.
SILENT_AFTER = timedelta(seconds=60)


@dataclass(frozen=True)
class KnownTask:
    """A task as a worker registers it; `arguments` is a JSON Schema of its keyword arguments."""

    name: str
    doc: str
    acks_late: bool
    arguments: dict[str, Any]


def silent(now: datetime) -> ColumnElement[bool]:
    """Runs that a worker took and is not there any more to finish."""
    gone = select(Worker.name).where(
        Worker.name == TaskRun.worker,
        (Worker.last_heartbeat_at < now - SILENT_AFTER) | Worker.stopped_at.is_not(None),
    )
    return and_(TaskRun.state == "running", exists(gone))


def register(session: Session, worker: Worker, tasks: Sequence[KnownTask], *, now: datetime, first: bool) -> list[UUID]:
    """Enter a worker. When it has just started, what an earlier process of its name left running is lost: the ids."""
    left = _running_on(session, worker.name) if first else []
    for run_id, attempt, task in left:
        late = any(known.name == task and known.acks_late for known in tasks)
        hand_back_or_lose(session, run_id, attempt, acks_late=late, why="its worker was restarted", now=now)
    session.merge(worker)
    session.execute(delete(WorkerTask).where(WorkerTask.worker == worker.name))
    if tasks:
        rows = [
            {"worker": worker.name, "task": t.name, "doc": t.doc, "acks_late": t.acks_late, "arguments": t.arguments}
            for t in tasks
        ]
        session.flush()
        session.execute(insert(WorkerTask), rows)
    return [run_id for run_id, _, _ in left]


def heartbeat(session: Session, name: str, *, now: datetime) -> bool:
    """Say that the worker lives; False when it is not entered (somebody removed the row)."""
    result: Any = session.execute(update(Worker).where(Worker.name == name).values(last_heartbeat_at=now))
    return bool(result.rowcount)


def stopped(session: Session, name: str, *, now: datetime) -> None:
    """The worker ended in order."""
    session.execute(update(Worker).where(Worker.name == name).values(stopped_at=now))


def give_up_silent(session: Session, *, now: datetime) -> list[tuple[UUID, str | None]]:
    """End what silent workers left running: handed back where the task acknowledges late, else lost."""
    late = exists().where(WorkerTask.task == TaskRun.task, WorkerTask.acks_late.is_(True))
    rows = session.execute(
        select(TaskRun.id, TaskRun.attempt, TaskRun.worker, late)
        .where(silent(now))
        .order_by(TaskRun.id)
        .limit(200)
        .with_for_update(skip_locked=True, of=TaskRun)
    ).all()
    for run_id, attempt, worker, acks_late in rows:
        hand_back_or_lose(session, run_id, attempt, acks_late=acks_late, why=f"its worker {worker} is silent", now=now)
    return [(run_id, worker) for run_id, _, worker, _ in rows]


def _running_on(session: Session, name: str) -> list[tuple[UUID, int, str]]:
    rows = session.execute(
        select(TaskRun.id, TaskRun.attempt, TaskRun.task)
        .where(TaskRun.worker == name, TaskRun.state == "running")
        .order_by(TaskRun.id)
        .with_for_update()
    )
    return [(run_id, attempt, task) for run_id, attempt, task in rows]
