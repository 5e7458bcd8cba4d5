"""The one place where a test waits: for something to become true, and not longer."""

from collections.abc import Callable
from threading import Event
from time import monotonic
from typing import TypeVar

T = TypeVar("T")


def eventually(look: Callable[[], T | None], *, within: float, every: float = 0.02) -> T:
    """What `look` answers once that is true; fails when it is not within so many seconds."""
    until = monotonic() + within
    pause = Event()
    while True:
        seen = look()
        if seen:
            return seen
        if monotonic() > until:
            raise AssertionError(f"not within {within} s: {getattr(look, '__qualname__', look)} is {seen!r}")
        pause.wait(every)


def stays(look: Callable[[], T], *, during: float, every: float = 0.05) -> None:
    """Fails when `look` answers anything false within so many seconds."""
    until = monotonic() + during
    pause = Event()
    while monotonic() < until:
        assert look(), "did not stay true"
        pause.wait(every)
