"""The life of a run in a worker: claimed by compare-and-set, recorded by compare-and-set.

Everything here is one statement on (id, attempt, state), so that two copies of a message, a late writer and a repair
can all come at once: the first wins and the others change nothing.
"""

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from scheduler_service.storage.models import TaskRun

#: A run that its workers keep losing (it may be what kills them) is not handed out for ever.
MOST_ATTEMPTS_AFTER_LOSS = 3
LONGEST_BACKOFF_SECONDS = 3600


def claim(session: Session, run_id: UUID, attempt: int, *, worker: str, now: datetime) -> bool:
    """Make the run `running` for this attempt; False for a copy of a message that was taken already.

    A message for attempt n proves that n-1 retried, even where that was not recorded yet. A run that is `retrying`
    keeps its attempt until the next one starts: a copy of the message that it came from must not start it again.
    """
    fresh = and_(TaskRun.attempt == attempt, TaskRun.state.in_(("pending", "published")))
    superseding = and_(TaskRun.attempt < attempt, TaskRun.state.in_(("pending", "published", "running", "retrying")))
    return _changed(
        session,
        update(TaskRun)
        .where(TaskRun.id == run_id, or_(fresh, superseding), or_(TaskRun.start_by.is_(None), TaskRun.start_by >= now))
        .values(
            state="running",
            attempt=attempt,
            worker=worker,
            started_at=now,
            retry_at=None,
            start_by=None,
            lease_until=None,
            leased_by=None,
        ),
    )


def count_duplicate(session: Session, run_id: UUID) -> None:
    """A copy was delivered and not executed."""
    session.execute(
        update(TaskRun).where(TaskRun.id == run_id).values(duplicate_deliveries=TaskRun.duplicate_deliveries + 1)
    )


@dataclass(frozen=True)
class Ending:
    """How an attempt ended, and what is to be said of it."""

    state: str
    result: Any = None
    error: str | None = None
    traceback: str | None = None
    reason: str | None = None


def finish(session: Session, run_id: UUID, attempt: int, ending: Ending, *, now: datetime) -> bool:
    """Record how the run ended; False when somebody recorded an end before."""
    values: dict[str, Any] = {"state": ending.state, "finished_at": now, "result": ending.result}
    values |= {"error": ending.error, "traceback": ending.traceback}
    if ending.reason is not None:
        values["reason"] = ending.reason
    return _changed(session, update(TaskRun).where(_running(run_id, attempt)).values(values))


def fail(session: Session, run_id: UUID, attempt: int, ending: Ending, *, now: datetime) -> bool:
    """Record a failed attempt; a schedule that retries gives the run another, by and by. False: ended before."""
    row = session.execute(
        select(TaskRun.options, TaskRun.cancel_requested_at).where(_running(run_id, attempt))
    ).one_or_none()
    if row is None:
        return False
    most, delay = row.options.get("retry", (0, 0))
    if row.cancel_requested_at is not None:  # it was asked to end, and this is how it did
        return finish(session, run_id, attempt, replace(ending, state="cancelled"), now=now)
    if attempt > most:
        return finish(session, run_id, attempt, ending, now=now)
    retry_at = now + backoff(delay, attempt)
    again = {
        "state": "pending",
        "attempt": attempt + 1,
        "retry_at": retry_at,
        "lease_until": retry_at,  # nobody sends it before
        "error": ending.error,
        "traceback": ending.traceback,
        "reason": f"attempt {attempt} of {most + 1}: {ending.state.replace('_', ' ')}",
    }
    return _changed(session, update(TaskRun).where(_running(run_id, attempt)).values(again))


def backoff(delay_seconds: int, attempt: int) -> timedelta:
    """Twice as long after each attempt, an hour at most, and up to a quarter more so that retries spread."""
    seconds = min(delay_seconds * 2 ** min(attempt - 1, 16), LONGEST_BACKOFF_SECONDS)
    return timedelta(seconds=seconds * random.uniform(1, 1.25))


def retry(
    session: Session, run_id: UUID, attempt: int, *, retry_at: datetime | None, error: str, now: datetime
) -> bool:
    """The attempt failed and its message for the next one is out already."""
    return _changed(
        session,
        update(TaskRun)
        .where(_running(run_id, attempt))
        .values(state="retrying", retry_at=retry_at or now, error=error),
    )


def hand_back_or_lose(
    session: Session, run_id: UUID, attempt: int, *, acks_late: bool, why: str, now: datetime
) -> bool:
    """The attempt ended without an outcome. A task that acknowledges late is repeatable: Beat sends it once more."""
    if acks_late and attempt < MOST_ATTEMPTS_AFTER_LOSS:
        again = {"state": "pending", "attempt": attempt + 1, "reason": f"attempt {attempt} was lost: {why}"}
        return _changed(session, update(TaskRun).where(_running(run_id, attempt)).values(again))
    return fail(session, run_id, attempt, Ending("lost", error=why, reason=why), now=now)


def end_unstarted(session: Session, run_id: UUID, state: str, *, now: datetime, reason: str) -> bool:
    """End a run whose message will never be executed."""
    return _changed(
        session,
        update(TaskRun)
        .where(TaskRun.id == run_id, TaskRun.state.in_(("pending", "published", "retrying")))
        .values(state=state, finished_at=now, reason=reason),
    )


def _running(run_id: UUID, attempt: int) -> Any:
    return and_(TaskRun.id == run_id, TaskRun.attempt == attempt, TaskRun.state == "running")


def _changed(session: Session, statement: Any) -> bool:
    result: Any = session.execute(statement)
    return bool(result.rowcount)
