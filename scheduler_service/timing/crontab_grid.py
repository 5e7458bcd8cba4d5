"""The local minutes that a crontab's fields name, before any time zone is asked.

Every matching day has the same minutes, so a grid is a list of minutes in the day and a list of days per month. That
makes the next one a bisection, and counting a decade a sum over its months.
"""

from bisect import bisect_left, bisect_right
from calendar import monthrange
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from scheduler_service.timing.crontab_fields import LAST, Field

_MONTHS_SEARCHED = 50 * 12  # 29 February on a Monday can be 40 years away, across 2100
_LAST_YEAR = 9998  # so that no offset from UTC leads out of the calendar
_EVERY_CALENDAR = range(2001, 2029)  # 28 years hold every weekday for every date, the leap day included
_MINUTE = timedelta(minutes=1)


class Days(dict[int, tuple[int, ...]]):
    """The matching days of each month, worked out when first asked for; the key is year * 12 + month - 1."""

    def __init__(self, of_month: Field, months: Field, of_week: Field, *, both: bool) -> None:
        super().__init__()
        self._of_month, self._months, self._of_week = of_month, months.values, of_week
        self.both = both

    def __missing__(self, key: int) -> tuple[int, ...]:
        year, month = divmod(key, 12)
        self[key] = found = self._matching(year, month + 1) if month + 1 in self._months else ()
        return found

    def _matching(self, year: int, month: int) -> tuple[int, ...]:
        before_first, length = monthrange(year, month)  # Monday is 0, which makes Sunday 0 of the day before the first
        found = []
        for day in range(1, length + 1):
            weekday = (before_first + day) % 7
            by_date = day in self._of_month.values or (day == length and LAST in self._of_month.values)
            by_weekday = weekday in self._of_week.values or self._is_nth(weekday, day, length)
            if (by_date and by_weekday) if self.both else (by_date or by_weekday):
                found.append(day)
        return tuple(found)

    def _is_nth(self, weekday: int, day: int, length: int) -> bool:
        nth = self._of_week.nth
        return bool(nth) and ((weekday, (day + 6) // 7) in nth or (day + 7 > length and (weekday, LAST) in nth))

    def ever(self) -> bool:
        """Whether any day of any year matches."""
        return any(self[year * 12 + month - 1] for year in _EVERY_CALENDAR for month in self._months)


class Grid:
    """Local minutes, as naive datetimes."""

    def __init__(self, minutes: tuple[int, ...], days: Days) -> None:
        self._minutes, self.days = minutes, days

    def after(self, local: datetime) -> datetime | None:
        """The first minute of the grid that begins after a local time; None when half a century has none."""
        key = local.year * 12 + local.month - 1
        days = self.days[key]
        if local.day in days:
            index = bisect_right(self._minutes, local.hour * 60 + local.minute)
            if index < len(self._minutes):
                return _at(key, local.day, self._minutes[index])
        index = bisect_right(days, local.day)
        if index < len(days):
            return _at(key, days[index], self._minutes[0])
        return self._first_of_month_from(key + 1)

    def _first_of_month_from(self, start: int) -> datetime | None:
        for key in range(start, min(start + _MONTHS_SEARCHED, (_LAST_YEAR + 1) * 12)):
            if days := self.days[key]:
                return _at(key, days[0], self._minutes[0])
        return None

    def before(self, local: datetime) -> datetime | None:
        """The last minute of the grid that begins before a local time, itself a whole minute."""
        key = local.year * 12 + local.month - 1
        days = self.days[key]
        index = bisect_left(self._minutes, local.hour * 60 + local.minute)
        if local.day in days and index > 0:
            return _at(key, local.day, self._minutes[index - 1])
        index = bisect_left(days, local.day)
        if index > 0:
            return _at(key, days[index - 1], self._minutes[-1])
        return self._last_of_month_from(key - 1)

    def _last_of_month_from(self, start: int) -> datetime | None:
        for key in range(start, max(start - _MONTHS_SEARCHED, 12), -1):
            if days := self.days[key]:
                return _at(key, days[-1], self._minutes[-1])
        return None

    def count(self, start: datetime, end: datetime) -> int:
        """How many minutes of the grid are in [start, end), both whole minutes."""
        if end <= start:
            return 0
        first, last = start.year * 12 + start.month - 1, end.year * 12 + end.month - 1
        days = sum(len(self.days[key]) for key in range(first, last))
        days += bisect_left(self.days[last], end.day) - bisect_left(self.days[first], start.day)
        return days * len(self._minutes) + self._since_midnight(end) - self._since_midnight(start)

    def counts(self, marks: Sequence[tuple[datetime, Sequence[int]]]) -> list[int]:
        """How many minutes come before each mark, counted from the first mark's midnight.

        Marks are minutes of the day, 0 to 1440, listed with each day's midnight in order. Counting hundreds at once
        is several times as fast as one by one.
        """
        found: list[int] = []
        total, minutes = 0, self._minutes
        previous = marks[0][0]
        for midnight, marked in marks:
            total += self.count(previous, midnight)
            if midnight.day in self.days[midnight.year * 12 + midnight.month - 1]:
                found += [total + bisect_left(minutes, mark) for mark in marked]
            else:
                found += [total] * len(marked)
            previous = midnight
        return found

    def _since_midnight(self, local: datetime) -> int:
        if local.day not in self.days[local.year * 12 + local.month - 1]:
            return 0
        return bisect_left(self._minutes, local.hour * 60 + local.minute)


def whole_minute_from(local: datetime) -> datetime:
    """The first whole minute at or after a local time."""
    whole = local.replace(second=0, microsecond=0)
    return whole if whole == local else whole + _MINUTE


def _at(key: int, day: int, minute: int) -> datetime:
    return datetime(key // 12, key % 12 + 1, day, minute // 60, minute % 60)  # noqa: DTZ001 - local, on purpose


@lru_cache(maxsize=4096)
def minutes_of_day(minute: Field, hour: Field) -> tuple[int, ...]:
    """Minutes since midnight, in order; equal ones are shared."""
    return tuple(sorted(h * 60 + m for h in hour.values for m in minute.values))


@lru_cache(maxsize=1024)
def days_of_months(of_month: Field, months: Field, of_week: Field, day_match: str) -> Days:
    """The days that the three day fields name together; equal ones are shared.

    With `or` a field that begins with a star still has to match, as in Vixie cron: `*/2` of the month and `mon` means
    Mondays with an odd date.
    """
    return Days(of_month, months, of_week, both=day_match == "and" or of_month.star or of_week.star)
