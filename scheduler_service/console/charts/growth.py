"""What each load wrote, as bars: one a load, in the order of time, from zero.

x is in per cent and y in pixels, so that type keeps its size at any width.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

HEIGHT, TOP, BASE = 114, 8, 92


@dataclass(frozen=True)
class Bar:
    """A load: where it stands, how tall it is, and what it was."""

    x: float
    width: float
    y: float
    height: float
    at: datetime
    rows: int
    run_id: str


@dataclass(frozen=True)
class Growth:
    """Bars under a line that says how many rows it stands for, and where that line is."""

    bars: tuple[Bar, ...]
    scale: int
    scale_y: float
    total: int


def bars(loads: Sequence[tuple[datetime, int, str]]) -> Growth | None:
    """Of (when, rows, run id), oldest first; None where nothing was ever loaded."""
    if not loads:
        return None
    most = max(1, *(rows for _, rows, _ in loads))
    step = 100 / max(len(loads), 12)
    drawn = []
    for place, (at, rows, run_id) in enumerate(loads):
        height = round((BASE - TOP) * rows / most, 2)
        shown = max(height, 1.5) if rows else 0.0
        drawn.append(Bar(round(place * step, 3), round(step * 0.7, 3), BASE - shown, shown, at, rows, run_id))
    scale = round_below(most)
    return Growth(tuple(drawn), scale, round(BASE - (BASE - TOP) * scale / most, 2), sum(rows for _, rows, _ in loads))


def round_below(most: int) -> int:
    """The largest of 1, 2 and 5 times a power of ten that is not more."""
    power = int(f"1{'0' * (len(str(most)) - 1)}")
    return max(power * factor for factor in (1, 2, 5) if power * factor <= most)
