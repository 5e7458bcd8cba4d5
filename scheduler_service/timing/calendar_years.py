"""A year of a calendar, day by day, with the reason for each: what a person wants to see before they trust it."""

import warnings
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal

import holidays

from scheduler_service.timing.calendars import YEARS, Calendar, Holidays

#: Why a day is covered; `workday`: it would be, but makes up for a bridge day; `plain`: nothing is said of it.
Why = Literal["date", "range", "holiday", "weekly", "workday", "plain"]
HOLIDAY_LANGUAGES = {"en": "en_US", "zh": "zh_CN"}


@dataclass(frozen=True, slots=True)
class DayOfYear:
    """One day, and why it is covered or not; `name` is that of a holiday."""

    on: date
    is_covered: bool
    why: Why
    name: str = ""


def of_year(calendar: Calendar, year: int, *, language: str = "en") -> list[DayOfYear]:
    """Every day of a year; holidays by their name in that language, where it is known, else in another."""
    first = date(year, 1, 1)
    days = [first + timedelta(number) for number in range((date(year + 1, 1, 1) - first).days)]
    names, made_up = _named(calendar.holidays, year, language) if calendar.holidays else ({}, frozenset[date]())
    return [_day(calendar, day, names.get(day, ""), is_made_up=day in made_up) for day in days]


def _day(calendar: Calendar, on: date, name: str, *, is_made_up: bool) -> DayOfYear:
    is_covered = calendar.covers(on)
    if not is_covered:
        return DayOfYear(on, is_covered, "workday" if is_made_up else "plain")
    if on in calendar.dates:
        return DayOfYear(on, is_covered, "date", name)
    if any(start <= on <= end for start, end in calendar.ranges):
        return DayOfYear(on, is_covered, "range", name)
    return DayOfYear(on, is_covered, "holiday" if name else "weekly", name)


@lru_cache(maxsize=64)
def _named(rule: Holidays, year: int, language: str) -> tuple[dict[date, str], frozenset[date]]:
    """The holidays of a year by name, and the days of its weekends that are worked instead of bridge days."""
    if year not in YEARS:
        return {}, frozenset()
    with warnings.catch_warnings(action="ignore"):  # of years that are not known; nobody here could act on it
        found = holidays.country_holidays(
            rule.country,
            subdiv=rule.subdivision,
            years=(year, year + 1),
            expand=False,
            language=HOLIDAY_LANGUAGES[language],
        )
    made_up = frozenset(found.weekend_workdays) if rule.workdays else frozenset[date]()
    return {day: name for day, name in found.items() if day.year == year}, made_up
