"""What is always true of runs, and what is not true of them for long.

Runs that wait are found by the partial indexes of their states, and of the others the recent ones alone are read: the
cost does not grow with what the table keeps. That an attempt started once cannot be seen in a row; the claim holds it.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import Session, aliased

from scheduler_service.storage.findings import Found, Invariant, at, run_subject
from scheduler_service.storage.models import FINISHED_STATES, ChainLink, TaskRun, Worker, WorkerTask
from scheduler_service.storage.publishing import publishable
from scheduler_service.storage.run_lists import UNFINISHED
from scheduler_service.storage.runs import backfilled

RECENT = timedelta(hours=24)
UNSENT_AFTER = timedelta(minutes=5)
UNCLAIMED_AFTER = timedelta(hours=1)
SILENT_AFTER = timedelta(seconds=75)  # by then a Beat would have given the run up
RETRY_OVERDUE_AFTER = timedelta(minutes=10)
IDLE_AFTER = timedelta(minutes=1)

TOO_EARLY = Invariant(
    "before_fire_at",
    "Compare the clocks of the hosts; if they agree, report it as a defect of this service.",
    run_subject,
    lambda row: (
        f"It was to be sent at {at(row.fire_at)}, but it was sent at {at(row.published_at)} "
        f"and started at {at(row.started_at)}."
    ),
)
END_UNTOLD = Invariant(
    "finish_disagrees",
    "Some program wrote `state` or `finished_at` alone: set both.",
    run_subject,
    lambda row: f"It is {row.state}, and `finished_at` is {at(row.finished_at)}.",
)
UNSENT = Invariant(
    "pending_unsent",
    "See that a Beat runs and reaches the broker: it sends what waits.",
    run_subject,
    lambda row: f"It was decided at {at(row.decided_at)}, waits to be sent, and no Beat has taken it.",
)
UNCLAIMED = Invariant(
    "published_unclaimed",
    "See that a worker serves its queue and has room; or cancel the run.",
    run_subject,
    lambda row: f"It was sent at {at(row.published_at)}, and no worker has taken it.",
)
ABANDONED = Invariant(
    "running_abandoned",
    "See that a Beat runs: it gives up what a silent worker left.",
    run_subject,
    lambda row: f"It runs since {at(row.started_at)} on the worker {row.worker}, {_silence(row)}.",
)
RETRY_OVERDUE = Invariant(
    "retry_overdue",
    "See that a worker serves its queue; if the message was lost, retry or cancel the run.",
    run_subject,
    lambda row: f"It was to be tried again at {at(row.retry_at)}, and was not.",
)
WAITS_FOR_NOTHING = Invariant(
    "buffered_idle",
    "See that a Beat runs: it lets buffered runs go. Where the schedule is gone, cancel the run.",
    run_subject,
    lambda row: f"It waits since {at(row.decided_at)} for another run of its schedule, and none goes on.",
)
UNFOLLOWED = Invariant(
    "followers_idle",
    "See that a Beat runs: it decides the schedules that run after others.",
    run_subject,
    lambda row: f"It ended at {at(row.finished_at)}, and nobody has looked at the schedules that run after it.",
)
_ENDED = TaskRun.state.in_(FINISHED_STATES)


def examine(session: Session, now: datetime) -> Iterator[Found]:
    """Every check of runs."""
    yield from TOO_EARLY.broken_by(
        session, _runs(_too_early(now), TaskRun.fire_at, TaskRun.published_at, TaskRun.started_at)
    )
    yield from END_UNTOLD.broken_by(session, _runs(_end_untold(now), TaskRun.state, TaskRun.finished_at))
    yield from UNSENT.broken_by(session, _runs(_unsent(session, now), TaskRun.decided_at))
    yield from UNCLAIMED.broken_by(session, _runs(_unclaimed(now), TaskRun.published_at))
    yield from ABANDONED.broken_by(session, _abandoned(now))
    yield from RETRY_OVERDUE.broken_by(session, _runs(_retry_overdue(now), TaskRun.retry_at))
    yield from WAITS_FOR_NOTHING.broken_by(session, _runs(_waits_for_nothing(now), TaskRun.decided_at))
    yield from UNFOLLOWED.broken_by(session, _runs(_unfollowed(now), TaskRun.finished_at))


def _runs(broken: ColumnElement[bool], *columns: Any) -> Any:
    return select(TaskRun.id, TaskRun.schedule_name, *columns).where(broken).order_by(TaskRun.id)


def _too_early(now: datetime) -> ColumnElement[bool]:
    return and_(
        TaskRun.decided_at > now - RECENT,
        or_(TaskRun.published_at < TaskRun.fire_at, TaskRun.started_at < TaskRun.fire_at),
    )


def _end_untold(now: datetime) -> ColumnElement[bool]:
    """Of those that did not end by their partial indexes: no database finds them by what they are not."""
    told = TaskRun.finished_at.is_not(None)
    return or_(
        and_(TaskRun.decided_at > now - RECENT, _ENDED, TaskRun.finished_at.is_(None)),
        *(and_(waits, told) for waits in UNFINISHED),
    )


def _unsent(session: Session, now: datetime) -> ColumnElement[bool]:
    """Nor was its lease (another Beat's, or the wait before a retry) open a moment ago."""
    since = now - UNSENT_AFTER
    free = or_(TaskRun.lease_until.is_(None), TaskRun.lease_until < since)
    return and_(publishable(session, now), TaskRun.decided_at < since, free)


def _unclaimed(now: datetime) -> ColumnElement[bool]:
    tracked = exists().where(WorkerTask.task == TaskRun.task)
    return and_(TaskRun.state == "published", TaskRun.published_at < now - UNCLAIMED_AFTER, tracked)


def _abandoned(now: datetime) -> Any:
    gone = or_(
        Worker.name.is_(None), Worker.last_heartbeat_at < now - SILENT_AFTER, Worker.stopped_at < now - SILENT_AFTER
    )
    columns = (TaskRun.started_at, TaskRun.worker, Worker.last_heartbeat_at, Worker.stopped_at)
    running = and_(TaskRun.state == "running", TaskRun.started_at < now - SILENT_AFTER, gone)
    return _runs(running, *columns).outerjoin(Worker, Worker.name == TaskRun.worker)


def _silence(row: Any) -> str:
    if row.last_heartbeat_at is None:
        return "which is not known"
    if row.stopped_at is not None:
        return f"which stopped at {at(row.stopped_at)}"
    return f"which is silent since {at(row.last_heartbeat_at)}"


def _retry_overdue(now: datetime) -> ColumnElement[bool]:
    return and_(TaskRun.state == "retrying", TaskRun.retry_at < now - RETRY_OVERDUE_AFTER)


def _unfollowed(now: datetime) -> ColumnElement[bool]:
    linked = TaskRun.id.in_(select(ChainLink.run_id))
    return and_(linked, TaskRun.finished_at < now - IDLE_AFTER)


def _waits_for_nothing(now: datetime) -> ColumnElement[bool]:
    """Not what was freed a moment ago: some Beat is about to let it go. Backfills have bounds of their own."""
    other = aliased(TaskRun)
    recently = exists().where(other.periodic_task_id == TaskRun.periodic_task_id, other.finished_at > now - IDLE_AFTER)
    tracked = exists().where(WorkerTask.task == other.task)
    goes_on = or_(other.state.in_(("pending", "running", "retrying")), and_(other.state == "published", tracked))
    busy = exists().where(other.periodic_task_id == TaskRun.periodic_task_id, goes_on, ~backfilled(other))
    waits = and_(TaskRun.state == "buffered", ~backfilled(), TaskRun.decided_at < now - IDLE_AFTER)
    return and_(waits, ~busy, ~recently)
