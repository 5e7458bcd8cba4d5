"""The last runs of a schedule on a line: up how long each took, on the line what became of it, down how late it began.

x is in per cent and y in pixels, so that type keeps its size at any width. How late is drawn by its logarithm: what is
ordinary is milliseconds, and what matters may be hours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import log10

from scheduler_service.console.charts.scales import lines_up_to
from scheduler_service.storage.schedule_history import PastRun

MOST = 31
#: As many as a phone has room for.
FEW = 12
HEIGHT, TOP, BASE, MIDDLE, BELOW = 192, 12, 110, 118, 126
FIRST_X, LAST_X = 8.0, 98.0
#: Below the line: pixels for each power of ten, from a millisecond on.
DECADE, DEEPEST = 8.5, 52.0
LATE_LINES = (0.1, 10.0)
DATED_EVERY = 8
A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Dot:
    """A run: where it stands, how far its bars go up and down, whether a phone shows it, whether its day is told."""

    run: PastRun
    x: float
    up: float
    down: float
    wide_only: bool
    dated: bool


@dataclass(frozen=True)
class Line:
    """A line of the scale: at which height, for how many seconds."""

    y: float
    seconds: float


@dataclass(frozen=True)
class Timeline:
    """Dots between the lines of both scales; lines of lateness only as deep as anything reaches."""

    dots: tuple[Dot, ...]
    took: tuple[Line, ...]
    late: tuple[Line, ...]

    @property
    def within_a_day(self) -> bool:
        """Whether a day says nothing to tell its dots apart."""
        return self.dots[-1].run.occurrence_at - self.dots[0].run.occurrence_at < A_DAY


def timeline(runs: Sequence[PastRun]) -> Timeline:
    """Of runs, oldest first: the last MOST of them."""
    shown = runs[-MOST:]
    longest = max((run.took_seconds or 0.0 for run in shown), default=0.0)
    ticks = lines_up_to(longest) if longest else []
    step = (LAST_X - FIRST_X) / (MOST - 1)
    dots = []
    for place, run in enumerate(shown):
        from_end = len(shown) - 1 - place
        dots.append(
            Dot(
                run=run,
                x=round(LAST_X - from_end * step, 2),
                up=round((BASE - TOP) * run.took_seconds / ticks[-1], 2) if run.took_seconds and ticks else 0.0,
                down=depth(run.late_seconds),
                wide_only=from_end >= FEW,
                dated=from_end % DATED_EVERY == 0,
            )
        )
    deepest = max((dot.down for dot in dots), default=0.0)
    return Timeline(
        tuple(dots),
        tuple(Line(round(BASE - (BASE - TOP) * tick / ticks[-1], 2), tick) for tick in ticks),
        tuple(Line(round(BELOW + depth(late), 2), late) for late in LATE_LINES if depth(late) <= deepest + DECADE),
    )


def depth(late_seconds: float | None) -> float:
    """How far down so late is."""
    if late_seconds is None or late_seconds <= 0.001:
        return 0.0
    return round(min(DECADE * log10(late_seconds / 0.001), DEEPEST), 2)
