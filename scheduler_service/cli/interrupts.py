"""The signals that end a foreground command, and the one that says that a child has ended.

Before anything runs, the first signal interrupts at once, as Ctrl-C does anywhere in Python. Afterwards signals are
only counted, and wake whoever pauses here: starting and stopping processes in order must not be broken off half-way.
"""

import os
import select
import signal
import time
from types import FrameType, TracebackType
from typing import Self

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: Seconds within which signals are one request: `make` and `timeout` send one on that the whole group has had already.
ONE_REQUEST = 0.5


class Interrupts:
    """Takes the signals over for the length of a `with` block, in the main thread. `count`: ending ones so far."""

    def __init__(self) -> None:
        self.count = 0
        self._at_once = True
        self._counted_at = float("-inf")

    def __enter__(self) -> Self:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        self._wakeup_before = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        taken = [number for number in ENDING if number != signal.SIGHUP or not _under_nohup()]
        self._before = {number: signal.signal(number, self._received) for number in (*taken, signal.SIGCHLD)}
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup_before)
        os.close(self._reader)
        os.close(self._writer)

    def defer(self) -> None:
        """From here on raise nothing."""
        self._at_once = False

    def pause(self, seconds: float) -> None:
        """Sleep until the time is over or a signal comes, a child's end among them."""
        if select.select([self._reader], [], [], max(seconds, 0))[0]:
            os.read(self._reader, 4096)

    def _received(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGCHLD:
            return
        now = time.monotonic()
        if now - self._counted_at < ONE_REQUEST:
            return
        self.count, self._counted_at = self.count + 1, now
        if self._at_once and self.count == 1:
            raise KeyboardInterrupt


def _under_nohup() -> bool:
    return signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
