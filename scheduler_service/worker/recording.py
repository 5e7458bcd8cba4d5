"""What a worker writes about runs, waiting a while for a database that is away.

A claim must be sure, so it raises when the wait was in vain; an outcome must never raise, so it gives up with a log
line, and the heartbeat finds the run that its worker knows nothing of.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event
from time import monotonic
from typing import Any, TypeVar
from uuid import UUID

from celery.exceptions import Ignore, Reject, Retry, SoftTimeLimitExceeded
from celery.utils.time import maybe_make_aware

from scheduler_service.errors import Cancelled, StoreAway
from scheduler_service.storage import attempts, pausing, publishing
from scheduler_service.storage.pausing import FAILURES
from scheduler_service.storage.session import Database
from scheduler_service.worker.wording import storable_result, storable_text

logger = logging.getLogger(__name__)

T = TypeVar("T")

PATIENCE_SECONDS = 45.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of one run, as its message's headers tell."""

    run_id: UUID
    number: int

    @classmethod
    def of(cls, request: dict[str, Any] | None) -> "Attempt | None":
        """None for a message that is no run of ours; `self.retry` keeps our headers and counts `retries` up."""
        headers = request or {}
        run_id = headers.get("run_id")
        if run_id is None or run_id != headers.get("id"):
            return None
        try:
            return cls(UUID(run_id), int(headers.get("attempt") or 1) + int(headers.get("retries") or 0))
        except (TypeError, ValueError):
            return None


class Recorder:
    """Writes for one process."""

    def __init__(self, database: Database, *, worker: str) -> None:
        self._database = database
        self._worker = worker

    def claim(self, attempt: Attempt) -> bool:
        """Take the attempt; False for a copy. Raises: StoreAway, after waiting for the database."""
        tries: list[datetime] = []
        return self._patiently(lambda: self._claim(attempt, tries))

    def _claim(self, attempt: Attempt, tries: list[datetime]) -> bool:
        """`tries`: the instants of claims before, whose answers were lost: one may have been heard after all."""
        now = self._database.clock.now()
        if tries:
            with self._database.reading() as session:
                if attempts.is_claimed(session, attempt.run_id, attempt.number, worker=self._worker, at=tries):
                    return True
        tries.append(now)
        with self._database.statement() as session:
            if attempts.claim(session, attempt.run_id, attempt.number, worker=self._worker, now=now):
                return True
        with self._database.transaction() as session:
            if not publishing.expire_late(session, now=now, run_id=attempt.run_id):
                attempts.count_duplicate(session, attempt.run_id)
        return False

    def returned(self, attempt: Attempt, traced: Any) -> None:
        """Record what Celery's tracer returned: its `info` is None for success, else names a state and a value."""
        if traced.info is None:
            self.finish(attempt, "succeeded", result=storable_result(traced.retval))
            return
        state, why = traced.info.state, traced.info.retval
        if isinstance(why, Retry):
            self.retrying(attempt, why)
        elif isinstance(why, Reject) and why.requeue:
            self.lost(attempt, acks_late=True, why="the task rejected it, to be delivered again")
        elif isinstance(why, Reject):
            self.finish(attempt, "failed", error=f"the task rejected it: {why.reason}")
        elif isinstance(why, Ignore):
            self.finish(attempt, "succeeded", reason=_why_ignored(why))
        elif isinstance(why, Cancelled):
            self.finish(attempt, "cancelled", error=str(why), reason="it was asked to end, and did")
        else:
            outcome = "timed_out" if isinstance(why, SoftTimeLimitExceeded) else "failed"
            traceback = getattr(traced.retval, "traceback", None)
            self.finish(attempt, outcome, error=f"{type(why).__name__}: {why}", traceback=traceback or state)

    def finish(
        self,
        attempt: Attempt,
        state: str,
        *,
        result: Any = None,
        error: str | None = None,
        traceback: str | None = None,
        reason: str | None = None,
    ) -> None:
        error, traceback, reason = storable_text(error), storable_text(traceback), storable_text(reason)
        ending = attempts.Ending(state, result=result, error=error, traceback=traceback, reason=reason)

        def work() -> bool:
            record = attempts.fail if state in FAILURES else attempts.finish
            with self._database.transaction() as session:
                return record(session, attempt.run_id, attempt.number, ending, now=self._database.clock.now())

        self._surely(attempt, state, work)

    def lost(self, attempt: Attempt, *, acks_late: bool, why: str) -> None:
        """The attempt ended without an outcome."""

        def work() -> bool:
            with self._database.transaction() as session:
                now = self._database.clock.now()
                return attempts.hand_back_or_lose(
                    session, attempt.run_id, attempt.number, acks_late=acks_late, why=why, now=now
                )

        self._surely(attempt, "lost", work)

    def never_started(self, run_id: UUID, state: str, *, reason: str) -> None:
        """The run's message was thrown away before it was executed."""

        def work() -> bool:
            with self._database.transaction() as session:
                now = self._database.clock.now()
                return attempts.end_unstarted(session, run_id, state, now=now, reason=reason)

        self._surely(Attempt(run_id, 0), state, work)

    def retrying(self, attempt: Attempt, why: Retry) -> None:
        """The attempt failed, and Celery has sent the next one."""

        def work() -> bool:
            with self._database.transaction() as session:
                now = self._database.clock.now()
                retry_at = now if why.when is None else None
                if isinstance(why.when, int | float):
                    retry_at = now + timedelta(seconds=why.when)
                elif retry_at is None:
                    retry_at = maybe_make_aware(why.when)
                return attempts.retry(
                    session,
                    attempt.run_id,
                    attempt.number,
                    retry_at=retry_at,
                    error=storable_text(_cause(why)) or "",
                    now=now,
                )

        self._surely(attempt, "retrying", work)

    def _surely(self, attempt: Attempt, state: str, work: Callable[[], bool]) -> None:
        try:
            if not self._patiently(work):
                logger.info("run %s, attempt %s: %s came after another end", attempt.run_id, attempt.number, state)
            elif state in FAILURES:
                self._patiently(lambda: self._pause_failing(attempt.run_id))
        except Exception:
            logger.exception("run %s, attempt %s: %s could not be recorded", attempt.run_id, attempt.number, state)

    def _pause_failing(self, run_id: UUID) -> None:
        with self._database.transaction() as session:
            paused = pausing.pause_failing(session, [run_id])
        if paused:
            logger.warning("schedule %s was paused: it failed too often in a row", paused[0])

    def _patiently(self, work: Callable[[], T]) -> T:
        until, delay, pause = monotonic() + PATIENCE_SECONDS, 0.1, Event()
        while True:
            try:
                return work()
            except StoreAway:
                if monotonic() + delay > until:
                    raise
                pause.wait(delay)
                delay = min(delay * 2, 2.0)


def _cause(why: Retry) -> str:
    return f"{type(why.exc).__name__}: {why.exc}" if why.exc is not None else (why.message or "retried")


def _why_ignored(why: Ignore) -> str:
    """Celery drops our headers when a task replaces itself, so what comes after is executed and not seen."""
    if str(why) == "Replaced by new task":
        return "the task put another in its place, which is not followed"
    return f"the task asked to ignore its result: {why}"
