"""Workers that track their runs: who lives, what each knows, and what a silent one left behind."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, exists, func, insert, literal_column, not_, or_, select, update
from sqlalchemy.orm import Session

from scheduler_service.storage.attempts import hand_back_or_lose
from scheduler_service.storage.models import TaskRun, Worker, WorkerTask

#: Four beats and a little: a busy host may starve a heartbeat thread for one or two.
SILENT_AFTER = timedelta(seconds=60)


@dataclass(frozen=True)
class KnownTask:
    """A task as a worker registers it; `arguments` is a JSON Schema of its arguments by name, `queue` where it goes."""

    name: str
    doc: str
    acks_late: bool
    arguments: dict[str, Any]
    queue: str | None = None


@dataclass(frozen=True)
class WorkerSeen:
    """A worker, how it is, and how many runs it executes and tasks it knows."""

    worker: Worker
    state: str
    running: int
    tasks: int


def silent(now: datetime) -> ColumnElement[bool]:
    """Runs that a worker took and is not there any more to finish, or of which nobody knows for a while."""
    its = select(Worker.name).where(Worker.name == TaskRun.worker)
    gone = its.where((Worker.last_heartbeat_at < now - SILENT_AFTER) | Worker.stopped_at.is_not(None))
    unknown = and_(TaskRun.started_at < now - SILENT_AFTER, not_(exists(its)))
    return and_(TaskRun.state == "running", or_(exists(gone), unknown))


def register(session: Session, worker: Worker, tasks: Sequence[KnownTask], *, now: datetime, first: bool) -> list[UUID]:
    """Enter a worker. When it has just started, what an earlier process of its name left running is lost: the ids."""
    left = running(session, worker.name) if first else []
    for run_id, attempt, task in left:
        late = any(known.name == task and known.acks_late for known in tasks)
        hand_back_or_lose(session, run_id, attempt, acks_late=late, why="its worker was restarted", now=now)
    session.merge(worker)
    session.execute(delete(WorkerTask).where(WorkerTask.worker == worker.name))
    if tasks:
        rows = [{"worker": worker.name, "task": task.name, **_told(task)} for task in tasks]
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


def running(session: Session, name: str) -> list[tuple[UUID, int, str]]:
    """Lock what the worker took and has not ended: run, attempt and task."""
    rows = session.execute(
        select(TaskRun.id, TaskRun.attempt, TaskRun.task)
        .where(TaskRun.worker == name, TaskRun.state == "running")
        .order_by(TaskRun.id)
        .with_for_update()
    )
    return [(run_id, attempt, task) for run_id, attempt, task in rows]


def search(session: Session, *, now: datetime, limit: int, after: str | None = None) -> list[WorkerSeen]:
    """A page of workers by name; `after` is the last one seen."""
    running = select(func.count()).where(TaskRun.worker == Worker.name, TaskRun.state == literal_column("'running'"))
    tasks = select(func.count()).where(WorkerTask.worker == Worker.name)
    statement = select(Worker, running.scalar_subquery(), tasks.scalar_subquery()).order_by(Worker.name).limit(limit)
    if after is not None:
        statement = statement.where(Worker.name > after)
    rows = session.execute(statement)
    return [WorkerSeen(worker, state_of(worker, now), executed, known) for worker, executed, known in rows]


def count(session: Session) -> int:
    """How many workers there are, also silent and stopped ones."""
    return session.scalar(select(func.count()).select_from(Worker)) or 0


def state_of(worker: Worker, now: datetime) -> str:
    """`alive`, `silent` or `stopped`."""
    if worker.stopped_at is not None:
        return "stopped"
    return "silent" if worker.last_heartbeat_at < now - SILENT_AFTER else "alive"


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


def _told(task: KnownTask) -> dict[str, Any]:
    return {"queue": task.queue, "doc": task.doc, "acks_late": task.acks_late, "arguments": task.arguments}
