"""A week as days and hours: how many runs by lightness, and what went wrong as a square that grows with its share."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil, sqrt

from markupsafe import Markup

from scheduler_service.console.words import Reader

DAYS, HOURS, STEPS = 7, 24, 5
LEFT, CELL, TOP, ROW = 7.0, 93.0 / 24, 16, 22  # per cent, per cent, pixels, pixels
SMALLEST, LARGEST = 5, 18  # pixels of the square


@dataclass
class Hour:
    """An hour of a day, by the reader's clock."""

    runs: int = 0
    wrong: int = 0

    @property
    def share(self) -> float:
        return self.wrong / self.runs if self.runs else 0.0


@dataclass(frozen=True)
class Week:
    """Seven days from `first` on, and each of their hours."""

    first: date
    hours: dict[tuple[date, int], Hour]

    @classmethod
    def of(cls, reader: Reader, first: date, counted: Iterable[tuple[datetime, int, int]]) -> "Week":
        """From instants, each with its runs and how many of them went wrong."""
        hours: dict[tuple[date, int], Hour] = {}
        for at, runs, wrong in counted:
            local = at.astimezone(reader.zone)
            if first <= local.date() < first + timedelta(days=DAYS):
                hour = hours.setdefault((local.date(), local.hour), Hour())
                hour.runs, hour.wrong = hour.runs + runs, hour.wrong + wrong
        return cls(first, hours)

    @property
    def runs(self) -> int:
        return sum(hour.runs for hour in self.hours.values())

    @property
    def wrong(self) -> int:
        return sum(hour.wrong for hour in self.hours.values())

    @property
    def most(self) -> int:
        return max((hour.runs for hour in self.hours.values()), default=0)

    @property
    def top(self) -> int:
        """What is darkest: so much that a week as even as the next is not."""
        return max(self.most, ceil(2 * self.runs / max(len(self.hours), 1)))

    @property
    def fullest(self) -> tuple[date, int] | None:
        """The hour with the most runs."""
        return max(self.hours, key=lambda at: (self.hours[at].runs, at), default=None)

    @property
    def worst(self) -> tuple[date, int] | None:
        """The hour with the most that went wrong; None where none did."""
        found = max(self.hours, key=lambda at: (self.hours[at].wrong, at), default=None)
        return found if found is not None and self.hours[found].wrong else None

    def days(self) -> Sequence[date]:
        return [self.first + timedelta(days=place) for place in range(DAYS)]


def heat(reader: Reader, week: Week, label: str, *, ahead: bool) -> Markup:
    """The drawing. `ahead`: what is planned, so that hours that are over are left out; else, those to come."""
    local = reader.now.astimezone(reader.zone)
    here = (local.date(), local.hour)
    cells = Markup().join(
        _cell(reader, week, (day, hour), y=TOP + ROW * row, ahead=ahead)
        for row, day in enumerate(week.days())
        for hour in range(HOURS)
        if ((day, hour) >= here if ahead else (day, hour) <= here)
    )
    hours = Markup().join(
        Markup('<text x="{:.4g}%" y="10">{:02}</text>').format(LEFT + CELL * hour, hour) for hour in range(0, HOURS, 3)
    )
    days = Markup().join(_name(reader, day, row, today=day == here[0]) for row, day in enumerate(week.days()))
    row = (here[0] - week.first).days
    now = Markup('<rect class="here" x="{:.4g}%" y="{}" width="{:.4g}%" height="22"/>').format(
        LEFT + CELL * here[1], TOP + ROW * row, CELL
    )
    return Markup('<svg class="heat" height="170" role="img" aria-label="{}">{}{}{}{}</svg>').format(
        label, hours, days, cells, now
    )


def hour_name(reader: Reader, at: tuple[date, int]) -> str:
    """An hour in words."""
    day, clock = at[0], f"{at[1]:02}:00"
    if day == reader.today:
        return reader.say("today at %(time)s", time=clock)
    return reader.say("%(day)s at %(time)s", day=reader.day(day), time=clock)


def _cell(reader: Reader, week: Week, at: tuple[date, int], *, y: int, ahead: bool) -> Markup:
    hour = week.hours.get(at, Hour())
    step = ceil(STEPS * hour.runs / week.top) if hour.runs else 0
    x = LEFT + CELL * at[1]
    said = f"{reader.day(at[0])} {at[1]:02}:00, "
    if ahead:
        said += reader.say_many("%(count)s run", "%(count)s runs", hour.runs)
    else:
        said += reader.say("%(runs)s ran, %(failed)s failed", runs=reader.number(hour.runs), failed=hour.wrong)
    drawn = Markup('<rect class="q{}" x="{:.4g}%" y="{}" width="{:.4g}%" height="22"><title>{}</title></rect>').format(
        step, x, y, CELL, said
    )
    if not hour.wrong:
        return drawn
    side = max(SMALLEST, round(LARGEST * sqrt(hour.share)))
    return drawn + Markup(
        '<rect class="v-bad" x="{:.4g}%" y="{:g}" width="{}" height="{}" transform="translate({:g})"'
        ' pointer-events="none"/>'
    ).format(x + CELL / 2, y + (ROW - side) / 2, side, side, -side / 2)


def _name(reader: Reader, day: date, row: int, *, today: bool) -> Markup:
    return Markup('<text x="0" y="{}"{}>{}</text>').format(
        TOP + ROW * row + 15, Markup(' class="t-ink"') if today else "", reader.weekday(day)
    )
