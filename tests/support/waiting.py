"""The one place where a test waits: for something to become true, and not longer."""

from collections.abc import Callable
from threading import Event
from time import monotonic
from typing import TypeVar

T = TypeVar("T")

#: How much longer than on a machine of its own something may take on one that has other things to do.
PATIENCE = 3


def eventually(look: Callable[[], T | None], *, within: float, every: float = 0.02, patience: float = PATIENCE) -> T:
    """What `look` answers once that is true; fails when it is not within so many seconds of an idle machine.

    Seconds that the service promises are had with a `patience` of 1.
    """
    until = monotonic() + within * patience
    pause = Event()
    while True:
        seen = look()
        if seen:
            return seen
        if monotonic() > until:
            raise AssertionError(f"not within {within * patience} s: {getattr(look, '__qualname__', look)} is {seen!r}")
        pause.wait(every)


def stays(look: Callable[[], T], *, during: float, every: float = 0.05) -> None:
    """Fails when `look` answers anything false within so many seconds."""
    until = monotonic() + during
    pause = Event()
    while monotonic() < until:
        assert look(), "did not stay true"
        pause.wait(every)
