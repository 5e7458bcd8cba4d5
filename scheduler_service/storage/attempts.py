"""The life of a run in a worker: claimed by compare-and-set, recorded by compare-and-set.

Everything here is one statement on (id, attempt, state), so that two copies of a message, a late writer and a repair
can all come at once: the first wins and the others change nothing.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, and_, bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from scheduler_service.storage import past_attempts
from scheduler_service.storage.models import TaskRun
from scheduler_service.timing import jitter

#: A run that its workers keep losing (it may be what kills them) is not handed out for ever.
MOST_ATTEMPTS_AFTER_LOSS = 3
LONGEST_BACKOFF_SECONDS = 3600


_TABLE = cast(Table, TaskRun.__table__)
_RUN = _TABLE.c
_AT, _NUMBER = bindparam("at", type_=_RUN.started_at.type), bindparam("number", type_=_RUN.attempt.type)
#: Every task waits for these two: built once, and without the ORM, they take half the time.
_CLAIM = (
    update(_TABLE)
    .where(
        _RUN.id == bindparam("run_id"),
        or_(
            and_(_RUN.attempt == _NUMBER, _RUN.state.in_(("pending", "published"))),
            and_(_RUN.attempt < _NUMBER, _RUN.state.in_(("pending", "published", "running", "retrying"))),
        ),
        or_(_RUN.start_by.is_(None), _RUN.start_by >= _AT),
    )
    .values(
        state="running",
        attempt=_NUMBER,
        worker=bindparam("by"),
        started_at=_AT,
        retry_at=None,
        start_by=None,
        lease_until=None,
        leased_by=None,
    )
)
_FINISH = (
    update(_TABLE)
    .where(_RUN.id == bindparam("run_id"), _RUN.attempt == _NUMBER, _RUN.state == "running")
    .values(
        state=bindparam("end"),
        finished_at=_AT,
        result=bindparam("outcome"),
        error=bindparam("why"),
        traceback=bindparam("where"),
        reason=func.coalesce(bindparam("told", type_=_RUN.reason.type), _RUN.reason),
    )
)


def claim(session: Session, run_id: UUID, attempt: int, *, worker: str, now: datetime) -> bool:
    """Make the run `running` for this attempt; False for a copy of a message that was taken already.

    A message for attempt n proves that n-1 retried, even where that was not recorded yet. A run that is `retrying`
    keeps its attempt until the next one starts: a copy of the message that it came from must not start it again.
    """
    return _changed(session, _CLAIM, {"run_id": run_id, "number": attempt, "by": worker, "at": now})


def is_claimed(session: Session, run_id: UUID, attempt: int, *, worker: str, at: Collection[datetime]) -> bool:
    """Whether the attempt goes on by a claim of this worker at one of these instants."""
    claimed = select(TaskRun.id).where(_running(run_id, attempt), TaskRun.worker == worker, TaskRun.started_at.in_(at))
    return session.scalar(claimed) is not None


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
    told = {"end": ending.state, "outcome": ending.result, "why": ending.error, "where": ending.traceback}
    told |= {"run_id": run_id, "number": attempt, "told": ending.reason, "at": now}
    return _changed(session, _FINISH, told)


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
    retry_at = now + backoff(run_id, attempt, delay_seconds=delay)
    again = {
        "state": "pending",
        "attempt": attempt + 1,
        "retry_at": retry_at,
        "lease_until": retry_at,  # nobody sends it before
        "error": ending.error,
        "traceback": ending.traceback,
        "reason": f"attempt {attempt} of {most + 1}: {ending.state.replace('_', ' ')}",
    }
    kept = past_attempts.kept(
        session, ending.state, error=ending.error, traceback=ending.traceback, ended_at=now, now=now
    )
    return _changed(session, update(TaskRun).where(_running(run_id, attempt)).values(again | kept))


def backoff(run_id: UUID, attempt: int, *, delay_seconds: int) -> timedelta:
    """Twice as long after each attempt, an hour at most, and up to a quarter more."""
    seconds = min(delay_seconds * 2 ** min(attempt - 1, 16), LONGEST_BACKOFF_SECONDS)
    return jitter.retry_delay(run_id, attempt, wanted=timedelta(seconds=seconds))


def retry(
    session: Session, run_id: UUID, attempt: int, *, retry_at: datetime | None, error: str, now: datetime
) -> bool:
    """The attempt failed and its message for the next one is out already."""
    kept = past_attempts.kept(session, "failed", error=error, ended_at=now, now=now)
    return _changed(
        session,
        update(TaskRun)
        .where(_running(run_id, attempt))
        .values({"state": "retrying", "retry_at": retry_at or now, "error": error} | kept),
    )


def hand_back_or_lose(
    session: Session, run_id: UUID, attempt: int, *, acks_late: bool, why: str, now: datetime
) -> bool:
    """The attempt ended without an outcome. A task that acknowledges late is repeatable: Beat sends it once more.

    Not one that was asked to end: it did.
    """
    if acks_late and attempt < MOST_ATTEMPTS_AFTER_LOSS:
        again = {"state": "pending", "attempt": attempt + 1, "reason": f"attempt {attempt} was lost: {why}"}
        wanted = and_(_running(run_id, attempt), TaskRun.cancel_requested_at.is_(None))
        kept = past_attempts.kept(session, "lost", error=why, ended_at=now, now=now)
        if _changed(session, update(TaskRun).where(wanted).values(again | kept)):
            return True
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


def _changed(session: Session, statement: Any, parameters: dict[str, Any] | None = None) -> bool:
    result: Any = session.execute(statement, parameters)
    return bool(result.rowcount)
