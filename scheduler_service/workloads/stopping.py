"""Why and when work must end before it is done: somebody cancelled it, or its time is up.

Native calls (DuckDB) hear neither signals nor exceptions of other threads; a watchdog interrupts them. See
`interruptible`.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from scheduler_service.errors import Cancelled, ServiceError, TimeLimitReached

SLICE_SECONDS = 0.2


def never() -> bool:
    return False


class Stop:
    """Asked often, from two threads: `cancelled` must be cheap and safe to call from any thread."""

    def __init__(
        self, cancelled: Callable[[], bool], time_limit_seconds: float, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._cancelled = cancelled
        self._limit = time_limit_seconds
        self._end = time.monotonic() + time_limit_seconds
        self._sleep = sleep

    def reason(self) -> ServiceError | None:
        """What to fail with, or None to go on."""
        if self._cancelled():
            return Cancelled()
        return TimeLimitReached(self._limit) if self.left() <= 0 else None

    def check(self) -> None:
        """Raise if the work must end."""
        if reason := self.reason():
            raise reason

    def left(self) -> float:
        """Seconds until the time limit."""
        return self._end - time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait in slices, looking up between them."""
        while seconds > 0:
            self.check()
            part = min(seconds, SLICE_SECONDS)
            self._sleep(part)
            seconds -= part
        self.check()


@contextmanager
def interruptible(stop: Stop, interrupt: Callable[[], None]) -> Iterator[None]:
    """Call `interrupt` from a thread once `stop` says so, until the block returns; then raise the stop's reason.

    A signal would do it up to 19 s later, and lose its exception inside the library.
    """
    done, reasons = Event(), list[ServiceError]()

    def watch() -> None:
        while not done.wait(SLICE_SECONDS):
            if reason := stop.reason():
                reasons[:] = [reason]
                interrupt()

    watchdog = Thread(target=watch, name="watchdog", daemon=True)
    watchdog.start()
    try:
        yield
    except Exception as error:
        if reasons and not isinstance(error, ServiceError):
            raise reasons[0] from error
        raise
    finally:
        done.set()
        watchdog.join()
    stop.check()
