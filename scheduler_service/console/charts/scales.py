"""Round numbers for the lines of a chart that counts seconds."""

from math import ceil

STEPS = (
    *(factor * 10.0**power for power in (-3, -2, -1) for factor in (1, 2, 5)),
    1.0, 2.0, 5.0, 10.0, 15.0, 30.0,
    60.0, 120.0, 240.0, 300.0, 600.0, 900.0, 1800.0,
    3600.0, 7200.0, 14_400.0, 21_600.0, 43_200.0, 86_400.0,
)  # fmt: skip
MOST_LINES = 3


def lines_up_to(most: float) -> list[float]:
    """Up to three seconds to draw lines at, of which the last is the least that holds the most."""
    step = next((step for step in STEPS if most / step <= MOST_LINES), None)
    if step is None:
        step = ceil(most / MOST_LINES / STEPS[-1]) * STEPS[-1]
    return [step * number for number in range(1, max(ceil(most / step), 1) + 1)]
