"""What the worker's parent records, when the executing process cannot: it was killed, cut off, or never began."""

from collections.abc import Callable
from functools import partial
from typing import Any

from billiard.exceptions import Terminated, TimeLimitExceeded, WorkerLostError
from celery.exceptions import Retry
from celery.worker.request import Request

from scheduler_service.worker.recording import Attempt, Recorder

#: How the pool tells that the executing process is gone.
PROCESS_GONE = (WorkerLostError, SystemExit, KeyboardInterrupt)


class TrackedRequest(Request):
    """Celery's request, that also records. The generated subclass overrides `on_success`; these it calls."""

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> Any:
        try:
            return super().on_failure(exc_info, send_failed_event, return_ok)
        finally:
            if not return_ok:  # else the process itself has told, and recorded
                self._without_outcome(exc_info.exception)

    def on_timeout(self, soft: bool, timeout: float) -> Any:
        try:
            return super().on_timeout(soft, timeout)
        finally:
            attempt = self._attempt()
            if not soft and attempt is not None:
                self._timed_out(attempt, timeout)

    def maybe_expire(self) -> bool:
        """Of a run of ours the claim decides, by the database's clock: this host's may be wrong."""
        return self._attempt() is None and bool(super().maybe_expire())

    def acknowledge(self) -> None:
        if self._connected():
            super().acknowledge()

    def reject(self, requeue: bool = False) -> None:
        if self._connected():
            super().reject(requeue)

    def _connected(self) -> bool:
        """Whether the connection that the message came by is there: kombu ends the whole worker when it is not.

        The message comes again, and is refused.
        """
        return self.message.channel.connection is not None

    def _retry_worker_lost(self, exc: BaseException, exc_info: Any) -> bool:
        """True when Celery has sent the next attempt of a task that asks for it."""
        retried, attempt = bool(super()._retry_worker_lost(exc, exc_info)), self._attempt()
        if retried and attempt is not None:
            why = Retry(exc=exc, when=self.task.default_retry_delay)
            self._later(partial(self._recorder().retrying, attempt, why))
        return retried

    def _announce_revoked(self, reason: str, terminated: bool, signum: Any, expired: bool) -> Any:
        super()._announce_revoked(reason, terminated, signum, expired)
        attempt = self._attempt()
        if attempt is None:
            return
        if terminated:
            self._later(partial(self._recorder().finish, attempt, "cancelled", reason="revoked"))
        else:
            self._later(partial(self._recorder().never_started, attempt.run_id, "cancelled", reason="revoked"))

    def _without_outcome(self, why: BaseException) -> None:
        attempt = self._attempt()
        if attempt is None or self._already_revoked:
            return
        why, recorder = getattr(why, "exc", why), self._recorder()
        if isinstance(why, TimeLimitExceeded):
            self._timed_out(attempt, why.args[0])
        elif isinstance(why, PROCESS_GONE) and self._success_was_stored():
            reason = "its process was lost after it succeeded"
            self._later(partial(recorder.finish, attempt, "succeeded", reason=reason))
        else:
            ended = self._already_cancelled or isinstance(why, Terminated)
            sentence = "its worker was shut down or lost the broker" if ended else f"{type(why).__name__}: {why}"
            self._later(partial(recorder.lost, attempt, acks_late=bool(self.task.acks_late), why=sentence))

    def _timed_out(self, attempt: Attempt, seconds: float) -> None:
        error = f"the hard time limit of {seconds} s was exceeded"
        self._later(partial(self._recorder().finish, attempt, "timed_out", error=error))

    def _attempt(self) -> Attempt | None:
        return Attempt.of(self.request_dict)

    def _recorder(self) -> Recorder:
        recorder: Recorder = self.app.scheduler_tracking.recorder
        return recorder

    def _later(self, errand: Callable[[], None]) -> None:
        self.app.scheduler_tracking.errands.add(errand)
