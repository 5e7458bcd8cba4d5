"""Whether somebody is there for every schedule: a Beat that decides, and workers that serve its queue or know its task.

A schedule that names no queue is sent to its app's default, which only the app knows; so there the task tells.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select, text
from sqlalchemy.orm import Session

from scheduler_service.storage import beats
from scheduler_service.storage.findings import Finding, Found
from scheduler_service.storage.models import PLANNABLE, PeriodicTask, Worker, WorkerTask
from scheduler_service.storage.workers import state_of

START_A_WORKER = "Start a worker for it, such as `scheduler-service worker`."


@dataclass(frozen=True)
class WorkerState:
    """A worker, and whether it was heard of lately."""

    name: str
    queues: tuple[str, ...]
    last_heartbeat_at: datetime
    alive: bool


def workers(session: Session, now: datetime) -> list[WorkerState]:
    """Every worker that is known, by name."""
    rows = session.scalars(select(Worker).order_by(Worker.name))
    return [
        WorkerState(
            row.name,
            tuple(row.queues),
            row.last_heartbeat_at,
            state_of(row, now) == "alive",
        )
        for row in rows
    ]


def queues_wanted(session: Session) -> set[str]:
    """The queues that schedules name which have something to come."""
    return {row.queue for row in _wanted(session) if row.queue is not None}


def examine(session: Session, now: datetime) -> Iterator[Found]:
    """Every check of who is there."""
    wanted = _wanted(session)
    if wanted and beats.living(session, now) == 0:
        mend = "Start one: `scheduler-service beat`."
        yield Found.one(Finding("no_beat", "the database", "No Beat runs, so nothing is decided or sent.", mend))
    known = workers(session, now)
    living = {worker.name for worker in known if worker.alive}
    served = {queue for worker in known if worker.alive for queue in worker.queues}
    yield from Found.of(_queues_unserved(wanted, served))
    yield from _tasks_unserved(session, wanted, living)


def _wanted(session: Session) -> Sequence[Row[Any]]:
    """Queue and task of the schedules that have something to come, and how many there are of each."""
    columns = (PeriodicTask.queue, PeriodicTask.task)
    statement: Any = select(*columns, func.count().label("schedules")).where(text(PLANNABLE))
    rows: Sequence[Row[Any]] = session.execute(statement.group_by(*columns).order_by(*columns)).all()
    return rows


def _queues_unserved(wanted: Sequence[Row[Any]], served: set[str]) -> list[Finding]:
    schedules: dict[str, int] = {}
    for row in wanted:
        if row.queue is not None and row.queue not in served:
            schedules[row.queue] = schedules.get(row.queue, 0) + row.schedules
    return [
        Finding("queue_unserved", f"queue {queue}", f"No living worker serves it; {_have(count)} it.", START_A_WORKER)
        for queue, count in schedules.items()
    ]


def _tasks_unserved(session: Session, wanted: Sequence[Row[Any]], living: set[str]) -> Iterator[Found]:
    """Tasks that only workers knew which are gone; and, as a note, those that no worker ever told of."""
    known: dict[str, set[str]] = {}
    for worker, task in session.execute(select(WorkerTask.worker, WorkerTask.task)):
        known.setdefault(task, set()).add(worker)
    left, untracked = [], []
    for row in wanted:
        subject = f"task {row.task}"
        if row.task not in known:
            sentence = f"No tracked worker ever knew it; {_have(row.schedules)} it, and nobody tells how its runs end."
            untracked.append(Finding("task_untracked", subject, sentence, "Track its app, or correct the task's name."))
        elif row.queue is None and not known[row.task] & living:
            sentence = f"No living worker knows it; {_have(row.schedules)} it."
            left.append(Finding("task_unserved", subject, sentence, START_A_WORKER))
    yield from Found.of(left)
    yield from Found.of(untracked, is_note=True)


def _have(count: int) -> str:
    return "one schedule names" if count == 1 else f"{count} schedules name"
