"""An ear in the old process: what APScheduler 3 runs is told to the service, to be compared with what it would run.

    observe(scheduler, "http://scheduler:8000", key, source="apscheduler+postgresql://db/jobs")

It never raises into that scheduler, nor makes it wait: events go into a bounded buffer, and a thread of its own sends
them. What cannot be kept is counted. The same thread wakes the scheduler now and then: a job that is resumed in its
store from outside is otherwise not seen before the next of its other jobs comes due.
"""

import atexit
import logging
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from time import monotonic
from typing import Any

from scheduler_service.client.connection import Connection
from scheduler_service.client.errors import ClientError

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 1000
LAST_WORDS_SECONDS = 5.0  # how long the end of the process may wait for what is left


@dataclass(frozen=True)
class Manner:
    """How often it sends, how often it wakes the scheduler (0: never), and how much it keeps while nobody answers."""

    send_every: float = 2.0
    wake_every: float = 1.0
    capacity: int = 10_000
    timeout: float = 10.0


def observe(
    scheduler: Any, url: str, key: str, *, source: str, jobstore: str | None = None, manner: Manner | None = None
) -> "Observer":
    """Tell the service from now on what this scheduler runs; `source` as `migrate plan` shows it, `jobstore` if one.

    The key needs the role operator. Raises: ClientError, for a URL or a key that cannot be one.
    """
    observer = Observer(url, key, source=source, jobstore=jobstore, manner=manner or Manner(), wake=_waking(scheduler))
    scheduler.add_listener(observer.hear, _mask())
    observer.start()
    return observer


class Observer:
    """Hears events, and tells of them. `dropped` counts what was let go, oldest first, or was refused."""

    def __init__(
        self, url: str, key: str, *, source: str, jobstore: str | None, manner: Manner, wake: Callable[[], None]
    ) -> None:
        self.dropped = 0
        self.told = 0
        self._source, self._jobstore, self._manner, self._wake = source, jobstore, manner, wake
        self._connection = Connection(url, key, timeout=manner.timeout, patience=0)
        self._heard: deque[dict[str, Any]] = deque()
        self._lock, self._ended = Lock(), Event()
        self._thread = Thread(target=self._run, name="scheduler-service listener", daemon=True)

    def start(self) -> None:
        """Begin to tell; what is left is told when the process ends."""
        self._thread.start()
        atexit.register(self.close)

    def hear(self, event: Any) -> None:
        """Take an event in. Never raises and never waits: it is called in the old scheduler's own threads."""
        try:
            if self._jobstore is not None and event.jobstore != self._jobstore:
                return
            for told in _told_by(event):
                self._keep(told)
        except Exception:  # the old scheduler must go on, whatever its event was
            logger.exception("an event was not understood, and is not told")

    def close(self) -> None:
        """Tell what is left, for a few seconds at most. To be called again harmlessly."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(LAST_WORDS_SECONDS + self._manner.timeout)
        atexit.unregister(self.close)

    def _keep(self, told: dict[str, Any]) -> None:
        with self._lock:
            self._heard.append(told)
            if len(self._heard) > self._manner.capacity:
                self._heard.popleft()
                self.dropped += 1

    def _run(self) -> None:
        send_at = wake_at = monotonic()
        while not self._ended.wait(_pause(self._manner)):
            if monotonic() >= send_at:
                self._tell()
                send_at = monotonic() + self._manner.send_every
            if self._manner.wake_every and monotonic() >= wake_at:
                self._wake()
                wake_at = monotonic() + self._manner.wake_every
        until = monotonic() + LAST_WORDS_SECONDS
        while self._tell() and monotonic() < until:
            pass
        self._connection.close()

    def _tell(self) -> bool:
        """Send a batch, unless there is none; False when it is better to wait."""
        with self._lock:
            batch = [self._heard.popleft() for _ in range(min(len(self._heard), MOST_AT_ONCE))]
        if not batch:
            return False
        try:
            self._connection.send("POST", "/observed-runs", json={"source": self._source, "runs": batch}, safe=True)
        except ClientError as why:
            return self._not_told(batch, why)
        self.told += len(batch)
        return True

    def _not_told(self, batch: list[dict[str, Any]], why: ClientError) -> bool:
        """What was refused will be refused again; the rest is kept for later."""
        status = getattr(why, "status", None)
        if status in (400, 413, 415, 422):
            self.dropped += len(batch)
            logger.error("the service refused what %s ran: %s", self._source, why)
            return True
        with self._lock:
            room = max(self._manner.capacity - len(self._heard), 0)
            self._heard.extendleft(reversed(batch[len(batch) - room :] if room < len(batch) else batch))
            self.dropped += max(len(batch) - room, 0)
        logger.warning("the service was not told what %s ran, %s dropped so far: %s", self._source, self.dropped, why)
        return False


def _told_by(event: Any) -> Iterator[dict[str, Any]]:
    """One entry for each instant that the event is about."""
    from apscheduler import events

    now = datetime.now(UTC).isoformat()
    outcomes = {
        events.EVENT_JOB_EXECUTED: "executed",
        events.EVENT_JOB_ERROR: "error",
        events.EVENT_JOB_MISSED: "missed",
        events.EVENT_JOB_MAX_INSTANCES: "skipped",
        events.EVENT_JOB_SUBMITTED: "submitted",
    }
    outcome = outcomes[event.code]
    instants = getattr(event, "scheduled_run_times", None) or [event.scheduled_run_time]
    ran_at = None if outcome in ("missed", "skipped") else now
    for at in instants:
        yield {
            "source_id": event.job_id,
            "scheduled_at": at.astimezone(UTC).isoformat(),
            "ran_at": ran_at,
            "outcome": outcome,
        }


def _mask() -> int:
    from apscheduler import events

    mask: int = (
        events.EVENT_JOB_SUBMITTED
        | events.EVENT_JOB_EXECUTED
        | events.EVENT_JOB_ERROR
        | events.EVENT_JOB_MISSED
        | events.EVENT_JOB_MAX_INSTANCES
    )
    return mask


def _waking(scheduler: Any) -> Callable[[], None]:
    def wake() -> None:
        try:
            if scheduler.running:
                scheduler.wakeup()
        except Exception:  # one that is just ending
            logger.debug("the old scheduler was not woken", exc_info=True)

    return wake


def _pause(manner: Manner) -> float:
    return min(seconds for seconds in (manner.send_every, manner.wake_every) if seconds > 0)
