"""Days that a schedule leaves out, or keeps to: dates, ranges, weekdays, a country's holidays.

Which days are holidays is the `holidays` package's knowledge. Where it knows working days that make up for a bridge
day, as China's, such a day is not covered, though it be a Saturday and Saturdays are. A date or range that somebody
wrote down is covered whatever else is said of it. Governments announce such days a year ahead: what the package does
not know yet it estimates, without make-up days, until it is updated.
"""

import warnings
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from functools import lru_cache

import holidays

from scheduler_service.timing import zones

YEARS = range(1970, 2101)  # those that a definition may speak of, and that holidays are looked up for


@dataclass(frozen=True, slots=True)
class Holidays:
    """A country's public holidays, or a part's of it; `workdays` are those that make up for a bridge day."""

    country: str
    subdivision: str | None = None
    workdays: bool = True


@dataclass(frozen=True, slots=True)
class Calendar:
    """A set of days; weekdays count from Monday, 0. Made by `calendar_definitions.parse_calendar`."""

    dates: frozenset[date] = frozenset()
    ranges: tuple[tuple[date, date], ...] = ()
    weekly: frozenset[int] = frozenset()
    holidays: Holidays | None = None

    def covers(self, day: date) -> bool:
        """Whether it is one of the days."""
        return day.toordinal() in _covered(self, day.year)


@dataclass(frozen=True, slots=True)
class Days:
    """A calendar as a schedule uses it: its days are excluded, or `keep` says that they alone are kept.

    An occurrence's day is the date that a zone's clocks show then. Raises: InvalidTiming for an unknown zone.
    """

    calendar: Calendar
    keep: bool = False
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        zones.load(self.timezone)

    @property
    def zone(self) -> tzinfo:
        """The zone whose dates are meant."""
        return zones.load(self.timezone)

    def allows(self, instant: datetime) -> bool:
        """Whether an occurrence may come at this instant."""
        return self.calendar.covers(instant.astimezone(self.zone).date()) is self.keep

    def runs(self, first: int, last: int) -> list[tuple[int, int]]:
        """The allowed days from one ordinal to another, both inclusive, as runs of days in a row."""
        found: list[tuple[int, int]] = []
        for year in range(date.fromordinal(first).year, date.fromordinal(last).year + 1):
            for begin, end in _runs_of_year(self, year):
                if end < first or begin > last:
                    continue
                joined = found.pop()[0] if found and found[-1][1] + 1 == begin else max(begin, first)
                found.append((joined, min(end, last)))
        return found


@lru_cache(maxsize=4096)
def _covered(calendar: Calendar, year: int) -> frozenset[int]:
    """The days of one year, as ordinals."""
    known = _holidays(calendar.holidays, year) if calendar.holidays else (frozenset(), frozenset())
    public, made_up = known
    first, last = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
    covered = {day for day in range(first, last + 1) if (day + 6) % 7 in calendar.weekly or day in public} - made_up
    covered.update(day.toordinal() for day in calendar.dates if day.year == year)
    for begin, end in calendar.ranges:
        covered.update(range(max(begin.toordinal(), first), min(end.toordinal(), last) + 1))
    return frozenset(covered)


@lru_cache(maxsize=4096)
def _holidays(rule: Holidays, year: int) -> tuple[frozenset[int], frozenset[int]]:
    """The holidays of a year and the working days made up for them, as ordinals."""
    if year not in YEARS:
        return frozenset(), frozenset()
    # A holiday at New Year may be made up for in the old year, so the next one is asked as well.
    with warnings.catch_warnings(action="ignore"):  # of years that are not known; nobody here could act on it
        found = holidays.country_holidays(rule.country, subdiv=rule.subdivision, years=(year, year + 1), expand=False)
    made_up = {day.toordinal() for day in found.weekend_workdays} if rule.workdays else set()
    return frozenset(day.toordinal() for day in found if day.year == year), frozenset(made_up)


@lru_cache(maxsize=4096)
def _runs_of_year(days: Days, year: int) -> tuple[tuple[int, int], ...]:
    covered = _covered(days.calendar, year)
    found: list[tuple[int, int]] = []
    for day in range(date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal() + 1):
        if (day in covered) is days.keep:
            begin = found.pop()[0] if found and found[-1][1] == day - 1 else day
            found.append((begin, day))
    return tuple(found)
