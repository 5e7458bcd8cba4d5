"""Runs, for those who ask what became of occurrences."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, exists, func, not_, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from scheduler_service.errors import RunNotFound
from scheduler_service.storage.batches import among
from scheduler_service.storage.models import TaskRun, WorkerTask

#: What a run keeps of how its schedule wants to be sent.
LIMITS = {"soft_time_limit_seconds": "soft_time_limit", "time_limit_seconds": "time_limit"}
OPTIONS = ("queue", "exchange", "routing_key", "priority", "headers", "expire_seconds")
_OPTION_NAMES = (*OPTIONS, *LIMITS.values())
_options_of = attrgetter(*OPTIONS, *LIMITS)
_NO_OPTIONS: tuple[Any, ...] = tuple({} if name == "headers" else None for name in _OPTION_NAMES)


@dataclass(frozen=True)
class Occupied:
    """The runs of a schedule that go on (sent, or about to be), and those that wait for them."""

    unfinished: int
    buffered: int


@dataclass(frozen=True)
class RunFilter:
    """Which runs; None means any. `origin` is a whole one, or its kind: `backfill` finds those of every backfill."""

    schedule_id: int | None = None
    state: Collection[str] | None = None
    kind: str | None = None
    task: str | None = None
    origin: str | None = None
    worker: str | None = None
    decided_after: datetime | None = None
    decided_before: datetime | None = None
    occurrence_after: datetime | None = None
    occurrence_before: datetime | None = None
    finished_after: datetime | None = None
    finished_before: datetime | None = None


def new_run(
    schedule: Any,
    *,
    run_id: UUID,
    origin: str,
    occurrence_at: datetime,
    fire_at: datetime,
    now: datetime,
    state: str = "pending",
    reason: str | None = None,
    coalesced: int = 0,
) -> dict[str, Any]:
    """The row of a new run, with a snapshot of its schedule (a `PeriodicTask`, or a row with its columns)."""
    deadline = schedule.start_deadline_seconds
    return {
        "id": run_id,
        "periodic_task_id": schedule.id,
        "schedule_name": schedule.name,
        "kind": schedule.kind,
        "task": schedule.task,
        "args": schedule.args,
        "kwargs": schedule.kwargs,
        "options": _options(schedule),
        "revision": schedule.revision,
        "origin": origin,
        "state": state,
        "reason": reason,
        "coalesced": coalesced,
        "occurrence_at": occurrence_at,
        "fire_at": fire_at,
        "start_by": None if deadline is None else fire_at + timedelta(seconds=deadline),
        "expire_seconds": schedule.expire_seconds,
        "finished_at": None if state in ("pending", "buffered") else now,
    }


def _options(schedule: Any) -> dict[str, Any]:
    """What the message is sent with, and, under `retry`, what becomes of a failure: how often, and after how long."""
    values = _options_of(schedule)
    options = {}
    if values != _NO_OPTIONS:  # as with most, of which there may be many
        options = {name: value for name, value in zip(_OPTION_NAMES, values, strict=True) if value not in (None, {})}
    if schedule.retry_max:
        options["retry"] = [schedule.retry_max, schedule.retry_delay_seconds]
    return options


def occupied(session: Session, schedule_ids: Collection[int]) -> dict[int, Occupied]:
    """Of the schedules that have runs which are not finished: how many go on, and how many wait; backfills aside.

    A published run counts only if some worker tracks its task: nobody would ever tell that the others finished.
    """
    waits = TaskRun.state == "buffered"
    rows = session.execute(
        select(TaskRun.periodic_task_id, func.count().filter(not_(waits)), func.count().filter(waits))
        .where(among(session, TaskRun.periodic_task_id, list(schedule_ids)), or_(goes_on(), waits), ~backfilled())
        .group_by(TaskRun.periodic_task_id)
    )
    return {schedule_id: Occupied(unfinished, buffered) for schedule_id, unfinished, buffered in rows}


def promotable() -> ColumnElement[bool]:
    """Buffered, and no run of its schedule goes on; backfills aside."""
    waiting = aliased(TaskRun, name="waiting")
    other = exists().where(TaskRun.periodic_task_id == waiting.periodic_task_id, goes_on(), ~backfilled())
    return exists().where(waiting.state == "buffered", ~backfilled(waiting), ~other.correlate(waiting))


def backfilled(run: Any = TaskRun) -> ColumnElement[bool]:
    """Made by a backfill, which has a bound of its own: its runs and a schedule's others never wait for each other."""
    is_one: ColumnElement[bool] = run.origin.like("backfill:%")
    return is_one


def goes_on() -> ColumnElement[bool]:
    """About to be sent, sent, or running; a published run only if some worker would tell that it finished."""
    tracked = exists().where(WorkerTask.task == TaskRun.task)
    return or_(
        TaskRun.state.in_(("pending", "running", "retrying")),
        and_(TaskRun.state == "published", tracked),
    )


def get(session: Session, run_id: UUID) -> TaskRun:
    """Raises: RunNotFound."""
    run = session.get(TaskRun, run_id)
    if run is None:
        raise RunNotFound(run_id)
    return run


def search(
    session: Session,
    wanted: RunFilter,
    *,
    limit: int,
    after: tuple[datetime, UUID] | None = None,
    by: str = "decided_at",
) -> list[TaskRun]:
    """A page of runs, newest first by `decided_at`, or oldest first by `finished_at`; `after` is the last row seen."""
    key = TaskRun.finished_at if by == "finished_at" else TaskRun.decided_at
    statement = filtered(select(TaskRun), wanted)
    if by == "finished_at":
        statement = statement.where(TaskRun.finished_at.is_not(None)).order_by(key, TaskRun.id)
        if after:
            statement = statement.where(tuple_(key, TaskRun.id) > after)
    else:
        statement = statement.order_by(key.desc(), TaskRun.id.desc())
        if after:
            statement = statement.where(tuple_(key, TaskRun.id) < after)
    return list(session.scalars(statement.limit(limit)))


def count(session: Session, wanted: RunFilter, *, finished: bool = False) -> int:
    """How many runs there are, or how many of them have finished."""
    statement = filtered(select(func.count()).select_from(TaskRun), wanted)
    if finished:
        statement = statement.where(TaskRun.finished_at.is_not(None))
    return session.scalar(statement) or 0


def filtered(statement: Any, wanted: RunFilter) -> Any:
    """The statement, of the runs that are wanted alone."""
    equals: tuple[tuple[Any, Any], ...] = (
        (TaskRun.periodic_task_id, wanted.schedule_id),
        (TaskRun.kind, wanted.kind),
        (TaskRun.task, wanted.task),
        (TaskRun.worker, wanted.worker),
    )
    for column, value in equals:
        if value is not None:
            statement = statement.where(column == value)
    if wanted.state is not None:  # spelt out, or no database would be sure that a partial index holds them all
        states: Any = bindparam(None, list(wanted.state), expanding=True, literal_execute=True)
        statement = statement.where(TaskRun.state.in_(states))
    if wanted.origin is not None:
        of_kind = TaskRun.origin.startswith(f"{wanted.origin}:", autoescape=True)
        statement = statement.where(or_(TaskRun.origin == wanted.origin, of_kind))
    ranges: tuple[tuple[Any, datetime | None, datetime | None], ...] = (
        (TaskRun.decided_at, wanted.decided_after, wanted.decided_before),
        (TaskRun.occurrence_at, wanted.occurrence_after, wanted.occurrence_before),
        (TaskRun.finished_at, wanted.finished_after, wanted.finished_before),
    )
    for column, after, before in ranges:
        if after is not None:
            statement = statement.where(column >= after)
        if before is not None:
            statement = statement.where(column < before)
    return statement
