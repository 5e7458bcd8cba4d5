"""A year drawn: a row for each month, a column for each weekday in turn, so that weekends stand under each other.

x is in per cent and y in pixels, so that type keeps its size at any width.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from scheduler_service.timing.calendar_years import DayOfYear

COLUMNS = 37  # six days at most before the first, and 31
LEFT, ROW, TOP = 7.0, 24, 18
WIDTH = round((100 - LEFT) / COLUMNS, 4)


@dataclass(frozen=True)
class Cell:
    """A day, and where it is drawn."""

    day: DayOfYear
    x: float
    y: int


@dataclass(frozen=True)
class Month:
    """A row."""

    first: date
    y: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Year:
    """The rows, where each column is, and how many days are covered for which reason."""

    today: date
    months: tuple[Month, ...]
    columns: tuple[float, ...]
    counts: dict[str, int]

    @property
    def covered(self) -> int:
        """How many days are covered."""
        return sum(count for why, count in self.counts.items() if why not in ("plain", "workday"))

    @property
    def cells(self) -> list[Cell]:
        """In the order of drawing: those with an outline last, so that no neighbour is drawn over it."""
        every = [cell for month in self.months for cell in month.cells]
        return sorted(every, key=lambda cell: (cell.day.on == self.today, cell.day.why == "workday"))

    @property
    def named(self) -> list[DayOfYear]:
        """Those that have a name, or are there by themselves."""
        every = [cell.day for month in self.months for cell in month.cells]
        return [day for day in every if day.name or day.why in ("date", "workday")]

    @property
    def height(self) -> int:
        return TOP + 12 * ROW


def drawn(days: Sequence[DayOfYear], today: date) -> Year:
    """The days of one year, from the first of January on."""
    months, counts = [], dict[str, int]()
    for number in range(1, 13):
        its = [day for day in days if day.on.month == number]
        y = TOP + (number - 1) * ROW
        cells = tuple(Cell(day, _x(its[0].on.weekday() + day.on.day - 1), y) for day in its)
        months.append(Month(its[0].on, y, cells))
    for day in days:
        counts[day.why] = counts.get(day.why, 0) + 1
    return Year(today, tuple(months), tuple(_x(column) for column in range(COLUMNS)), counts)


def _x(column: int) -> float:
    return round(LEFT + column * WIDTH, 3)
