"""Whose turn it is with a file that only one process may write: a fair lock of two files.

DuckDB lets one process write and shuts all others out with an error; without turns, two tries of three failed
with four collects at once. A writer takes the gate, then the file's use, so that new readers queue behind it and it
is not starved (`filelock.ReadWriteLock`: waits of 3 s; this: 0.5 s). The kernel frees both if the process is
killed. `flock` belongs to the open file, so it also holds between the threads of a process; `lockf` would not.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scheduler_service.errors import WarehouseBusy

POLL_SECONDS = 0.02
WRITE_WAIT_SECONDS = 120.0
READ_WAIT_SECONDS = 2.0


def go_on() -> None:
    """Nobody can call this wait off."""


@dataclass(frozen=True)
class Patience:
    """How long to wait for a turn, and a look at whether it is still wanted (raises, if not)."""

    wait_seconds: float
    until: float
    check: Callable[[], None]

    @classmethod
    def of(cls, wait_seconds: float, check: Callable[[], None]) -> "Patience":
        return cls(wait_seconds, time.monotonic() + wait_seconds, check)

    def pause(self, seconds: float = POLL_SECONDS) -> None:
        """Wait a moment for the next try; raises WarehouseBusy when there is no time for one."""
        self.check()
        if time.monotonic() + seconds > self.until:
            raise WarehouseBusy(self.wait_seconds)
        time.sleep(seconds)


@contextmanager
def turn(path: Path, *, write: bool, patience: Patience) -> Iterator[None]:
    """Hold the right to write `path` alone, or to read it with other readers."""
    with _opened(path, ".gate") as gate, _opened(path, ".use") as use:
        _take(gate, fcntl.LOCK_EX, patience)
        _take(use, fcntl.LOCK_EX if write else fcntl.LOCK_SH, patience)
        fcntl.flock(gate, fcntl.LOCK_UN)
        yield


@contextmanager
def _opened(path: Path, suffix: str) -> Iterator[int]:
    descriptor = os.open(f"{path}{suffix}", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _take(descriptor: int, kind: int, patience: Patience) -> None:
    while True:
        try:
            return fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            patience.pause()
