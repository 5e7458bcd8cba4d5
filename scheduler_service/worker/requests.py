"""What the worker's parent records, when the executing process cannot: it was killed, cut off, or never began."""

import logging
from typing import Any

from billiard.exceptions import Terminated, TimeLimitExceeded, WorkerLostError
from celery.worker.request import Request

from scheduler_service.worker.recording import Attempt, Recorder

logger = logging.getLogger(__name__)


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

    def _announce_revoked(self, reason: str, terminated: bool, signum: Any, expired: bool) -> Any:
        super()._announce_revoked(reason, terminated, signum, expired)
        attempt = self._attempt()
        if attempt is None:
            return
        state, why = ("expired", "its message's time to live was over") if expired else ("cancelled", "revoked")
        if terminated:
            self._recorder().finish(attempt, state, reason=why)
        else:
            self._recorder().never_started(attempt.run_id, state, reason=why)

    def _without_outcome(self, why: BaseException) -> None:
        attempt = self._attempt()
        if attempt is None or self._already_revoked:
            return
        why = getattr(why, "exc", why)
        if isinstance(why, TimeLimitExceeded):
            self._timed_out(attempt, why.args[0])
            return
        if self._success_is_stored(why):
            self._recorder().finish(attempt, "succeeded", reason="its process was lost after it succeeded")
            return
        sentence = "its worker was shut down" if isinstance(why, Terminated) else f"{type(why).__name__}: {why}"
        self._recorder().lost(attempt, acks_late=bool(self.task.acks_late), why=sentence)

    def _timed_out(self, attempt: Attempt, seconds: float) -> None:
        self._recorder().finish(attempt, "timed_out", error=f"the hard time limit of {seconds} s was exceeded")

    def _success_is_stored(self, why: BaseException) -> bool:
        return isinstance(why, WorkerLostError) and bool(self._success_was_stored())

    def _attempt(self) -> Attempt | None:
        return Attempt.of(self.request_dict)

    def _recorder(self) -> Recorder:
        recorder: Recorder = self.app.scheduler_tracking.recorder
        return recorder
