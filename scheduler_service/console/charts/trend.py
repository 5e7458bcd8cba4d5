"""Durations one after another, smoothed: the middle of each with its neighbours, and the range that most fall in.

The curve is in a box of 100 by 100 that is stretched to the chart, from zero; the lines of the scale are in pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from scheduler_service.console.charts.scales import lines_up_to

FEWEST = 5
NEIGHBOURS = 4  # on either side
TOP, BASE = 8, 92


@dataclass(frozen=True)
class Trend:
    """`line` and `area` are paths in the box; `ticks` are (y in pixels, seconds)."""

    line: str
    area: str
    ticks: tuple[tuple[float, float], ...]


def trend(seconds: Sequence[float]) -> Trend | None:
    """Of at least FEWEST durations, oldest first; None of fewer, which tell nothing."""
    if len(seconds) < FEWEST:
        return None
    windows = [sorted(seconds[max(place - NEIGHBOURS, 0) : place + NEIGHBOURS + 1]) for place in range(len(seconds))]
    low, middle, high = ([pick(window) for window in windows] for pick in (_low, median, _high))
    ticks = lines_up_to(max(*high, 0.001))
    highest = ticks[-1]
    step = 100 / (len(seconds) - 1)

    def points(values: Sequence[float]) -> list[str]:
        return [
            f"{round(place * step, 2):g} {round(100 - 100 * value / highest, 2):g}"
            for place, value in enumerate(values)
        ]

    return Trend(
        line="M" + "L".join(points(middle)),
        area="M" + "L".join(points(high) + points(low)[::-1]) + "Z",
        ticks=tuple((round(BASE - (BASE - TOP) * tick / highest, 2), tick) for tick in ticks),
    )


def _low(window: Sequence[float]) -> float:
    return window[len(window) // 10]


def _high(window: Sequence[float]) -> float:
    return window[-1 - len(window) // 10]
