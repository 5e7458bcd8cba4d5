"""Ending runs before they end themselves.

What has not started is ended at once: its message, when it comes, is refused. What runs is asked: the task looks for
itself, and Beat has it terminated when it was said so and it did not listen.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, select, text, update
from sqlalchemy.orm import Session

from scheduler_service.storage import past_attempts
from scheduler_service.storage.batches import among
from scheduler_service.storage.models import CANCELLING, FINISHED_STATES, TaskRun
from scheduler_service.storage.runs import backfilled

UNSTARTED = ("pending", "buffered", "published", "retrying")
GRACE = timedelta(seconds=10)


def end_others(session: Session, schedule_id: int, *, keep: UUID, mode: str, now: datetime) -> None:
    """End every other unfinished run of a schedule that the caller holds locked, but none of a backfill."""
    others = and_(TaskRun.periodic_task_id == schedule_id, TaskRun.id != keep, ~backfilled())
    end_all(session, others, mode=mode, reason=f"ended by run {keep}, which came while it was not finished", now=now)


def end_all(session: Session, which: ColumnElement[bool], *, mode: str, reason: str, now: datetime) -> None:
    """End at once those of the runs that have not started, and ask those that run."""
    session.execute(
        update(TaskRun)
        .where(which, TaskRun.state.in_(UNSTARTED))
        .values(state="cancelled", finished_at=now, reason=reason)
    )
    session.execute(
        update(TaskRun)
        .where(which, TaskRun.state == "running", TaskRun.cancel_requested_at.is_(None))
        .values(cancel_requested_at=now, cancel_mode=mode, reason=reason)
    )


def end_unstarted(session: Session, run_id: UUID, *, reason: str, now: datetime) -> bool:
    """End a run that has not started; False when it has, or has ended."""
    ended: Any = session.execute(
        update(TaskRun)
        .where(TaskRun.id == run_id, TaskRun.state.in_(UNSTARTED))
        .values(state="cancelled", finished_at=now, reason=reason, lease_until=None, leased_by=None)
    )
    return bool(ended.rowcount)


def ask_running(session: Session, run_id: UUID, *, mode: str, reason: str, now: datetime) -> bool:
    """Ask a run that goes on to end; False when it does not go on."""
    asked: Any = session.execute(
        update(TaskRun)
        .where(TaskRun.id == run_id, TaskRun.state == "running")
        .values(cancel_requested_at=now, cancel_mode=mode, reason=reason)
    )
    return bool(asked.rowcount)


def start_over(session: Session, run_id: UUID, *, reason: str, now: datetime) -> bool:
    """Give a finished run another attempt, for Beat to send; False when it is not finished."""
    kept = past_attempts.kept(
        session,
        TaskRun.state,
        error=TaskRun.error,
        traceback=TaskRun.traceback,
        ended_at=TaskRun.finished_at,
        now=now,
    )
    again: Any = session.execute(
        update(TaskRun)
        .where(TaskRun.id == run_id, TaskRun.state.in_(FINISHED_STATES))
        .values(
            state="pending",
            attempt=case((TaskRun.started_at.is_(None), TaskRun.attempt), else_=TaskRun.attempt + 1),
            reason=reason,
            fire_at=now,
            started_at=None,
            finished_at=None,
            start_by=None,
            lease_until=None,
            leased_by=None,
            cancel_requested_at=None,
            cancel_mode=None,
            result=None,
            error=None,
            traceback=None,
            **kept,
        )
    )
    return bool(again.rowcount)


def overdue(now: datetime) -> ColumnElement[bool]:
    """Asked to end, to be terminated if it does not, and the grace is over."""
    return and_(text(CANCELLING), TaskRun.cancel_mode == "terminate", TaskRun.cancel_requested_at < now - GRACE)


def overdue_ids(session: Session, *, now: datetime, limit: int) -> list[UUID]:
    """The runs to be terminated."""
    return list(session.scalars(select(TaskRun.id).where(overdue(now)).limit(limit)))


def mark_terminating(session: Session, ids: list[UUID]) -> None:
    """The workers have been told; telling them once is enough."""
    session.execute(update(TaskRun).where(among(session, TaskRun.id, ids)).values(cancel_mode="terminating"))


def is_requested(session: Session, run_id: UUID) -> bool:
    """Whether somebody asked the run to end."""
    return session.scalar(select(TaskRun.cancel_requested_at).where(TaskRun.id == run_id)) is not None
