"""The local times of a recurrence rule, a calendar year at a time.

dateutil expands a rule from its first instant on, which for a rule of minutes that began ten years ago takes seconds,
and where nothing matches it goes on to the year 9999. Here it is asked for one year's matching days, the whole year at
once; intervals and the times within a day are arithmetic, and days with the same times share them. A year is then some
365 entries, and counting is adding.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Any

from dateutil.rrule import YEARLY as ONCE_A_YEAR
from dateutil.rrule import rrule, weekday

from scheduler_service.timing.rrule_parts import DAILY, HOURLY, MINUTELY, MONTHLY, WEEKLY, YEARLY, Recurrence

Times = Sequence[int]  # seconds since midnight, in order

_DAY = 86_400
_UNITS = {HOURLY: 3600, MINUTELY: 60}
_ONE_YEAR_ONLY = 10_000  # an interval that leads out of the calendar, so that dateutil stops
_WEEK = 7
_PHASES_KEPT = 64


class RecurrenceYears:
    """One RRULE's days and their times. Days are ordinals."""

    def __init__(self, rule: Recurrence, start: datetime) -> None:
        self._rule, self._start = rule, start
        self._first_day, self._first_time = start.toordinal(), _seconds(start)
        self._unit = _UNITS.get(rule.freq, 1)
        self._within = _times_within(rule)
        self._filters = _day_filters(rule)
        self._times: dict[int, Times] = {}
        self._spent = {start.year: 0}

    def year(self, year: int) -> list[tuple[int, Times]]:
        """The days of a year that have occurrences."""
        found = self._unlimited(year) if year >= self._start.year else []
        if self._rule.until is not None:
            found = _before(found, self._rule.until)
        if self._rule.count is not None:
            found = _first_of(found, self._rule.count - self._spent_before(year))
        return found

    def _spent_before(self, year: int) -> int:
        """How many of a COUNT came in earlier years."""
        most, known = self._rule.count or 0, year
        while known > self._start.year and known not in self._spent:
            known -= 1
        spent = self._spent.get(known, 0)
        while known < year and spent < most:
            spent += sum(len(times) for _, times in self._unlimited(known))
            known += 1
            self._spent[known] = spent
        return min(spent, most)

    def _unlimited(self, year: int) -> list[tuple[int, Times]]:
        """The days, without regard to UNTIL and COUNT."""
        days = self._days(year)
        if self._rule.freq > DAILY:
            found = [(day, self._times_from(self._phase(day))) for day in days]
        elif self._rule.freq == DAILY or not self._rule.positions:
            every_day = self._chosen(self._within)
            found = [(day, every_day) for day in days]
        else:
            found = list(self._by_position(days, year))
        return _from([(day, times) for day, times in found if times], self._start)

    def _days(self, year: int) -> list[int]:
        """The matching days of a year, and where BYSETPOS needs whole weeks, of those that reach into it."""
        rule, first = self._rule, self._first_day
        if rule.freq == YEARLY:
            return self._matching(year) if (year - self._start.year) % rule.interval == 0 else []
        if rule.freq == MONTHLY:
            first_month = self._start.year * 12 + self._start.month
            months = [
                month
                for month in rule.by_month or range(1, 13)
                if (year * 12 + month - first_month) % rule.interval == 0
            ]
            return self._matching(year, months) if months else []
        if rule.freq == WEEKLY:
            first_week = self._week(first)
            return [day for day in self._week_days(year) if (self._week(day) - first_week) % rule.interval == 0]
        days = self._matching(year)
        return days if rule.freq > DAILY else [day for day in days if (day - first) % rule.interval == 0]

    def _week_days(self, year: int) -> list[int]:
        if not self._rule.positions:
            return self._matching(year)
        around = self._matching(year - 1)[-_WEEK:] + self._matching(year) + self._matching(year + 1)[:_WEEK]
        return [day for day in around if day >= self._first_day]  # dateutil's first week begins with DTSTART

    def _matching(self, year: int, months: list[int] | None = None) -> list[int]:
        """dateutil's answer for the day filters of one year."""
        filters = self._filters if months is None else {**self._filters, "bymonth": months}
        if not filters:
            return list(range(date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal() + 1))
        if len(filters) == 1 and "bymonth" in filters:
            filters = {**filters, "bymonthday": range(1, 32)}  # else it takes DTSTART's day
        new_year = datetime(year, 1, 1)  # noqa: DTZ001 - local, on purpose
        found = rrule(ONCE_A_YEAR, new_year, _ONE_YEAR_ONLY, wkst=self._rule.week_start, **filters)
        return [day.toordinal() for day in found]

    def _week(self, day: int) -> int:
        return (day + 6 - self._rule.week_start) // _WEEK

    def _phase(self, day: int) -> int:
        """Where in a day the first hour, minute or second is that the interval meets."""
        first = (self._first_day * _DAY + self._first_time) // self._unit
        return (first - day * _DAY // self._unit) % self._rule.interval

    def _times_from(self, phase: int) -> Times:
        """The times of a day, its hours, minutes or seconds counted from a phase."""
        times = self._times.get(phase)
        if times is None:
            if len(self._times) >= _PHASES_KEPT:
                self._times.clear()
            self._times[phase] = times = self._worked_out(phase)
        return times

    def _worked_out(self, phase: int) -> Times:
        rule, within = self._rule, self._chosen(self._within)
        begins = range(phase * self._unit, _DAY, rule.interval * self._unit)
        if within == [0] and not (rule.by_hour or rule.by_minute or rule.by_second):
            return begins
        return [begin + time for begin in begins if self._matches(begin) for time in within]

    def _matches(self, begin: int) -> bool:
        """Whether the hour, minute and second that a period begins with are among those named."""
        rule = self._rule
        return (
            (not rule.by_hour or begin // 3600 in rule.by_hour)
            and (not rule.by_minute or rule.freq == HOURLY or begin // 60 % 60 in rule.by_minute)
            and (not rule.by_second or rule.freq in (HOURLY, MINUTELY) or begin % 60 in rule.by_second)
        )

    def _chosen(self, times: list[int]) -> list[int]:
        """Those that BYSETPOS names, counted within one period."""
        positions = self._rule.positions
        if not positions:
            return times
        found = {times[p - 1 if p > 0 else p] for p in positions if abs(p) <= len(times)}
        return sorted(found)

    def _by_position(self, days: list[int], year: int) -> Iterator[tuple[int, Times]]:
        """The days that hold a chosen position of their week, month or year."""
        size = len(self._within)
        found: dict[int, set[int]] = {}
        for _, group in groupby(days, self._period):
            period = list(group)
            total = len(period) * size
            for position in self._rule.positions:
                if abs(position) <= total:
                    day, time = divmod(position - 1 if position > 0 else total + position, size)
                    found.setdefault(period[day], set()).add(self._within[time])
        return ((day, sorted(found[day])) for day in sorted(found) if date.fromordinal(day).year == year)

    def _period(self, day: int) -> int:
        if self._rule.freq == WEEKLY:
            return self._week(day)
        return date.fromordinal(day).month if self._rule.freq == MONTHLY else 0


def _seconds(local: datetime) -> int:
    return local.hour * 3600 + local.minute * 60 + local.second


def _times_within(rule: Recurrence) -> list[int]:
    """What a matching day, or of the shorter frequencies a matching period, holds, in seconds from its beginning."""
    if rule.freq > MINUTELY:
        return [0]
    if rule.freq == MINUTELY:
        return list(rule.by_second)
    in_hour = [minute * 60 + second for minute in rule.by_minute for second in rule.by_second]
    return in_hour if rule.freq == HOURLY else [hour * 3600 + time for hour in rule.by_hour for time in in_hour]


def _day_filters(rule: Recurrence) -> dict[str, Any]:
    """What makes a day match, in dateutil's words."""
    filters = {
        "bymonth": rule.by_month,
        "bymonthday": rule.by_month_day,
        "byyearday": rule.by_year_day,
        "byweekno": rule.by_week,
        "byweekday": [weekday(day, place or None) for day, place in rule.by_weekday],
    }
    return {name: value for name, value in filters.items() if value}


def _from(days: list[tuple[int, Times]], first: datetime) -> list[tuple[int, Times]]:
    """Those days and times that do not come before a local time."""
    start, time = first.toordinal(), _seconds(first)
    found = [entry for entry in days if entry[0] >= start]
    if found and found[0][0] == start:
        times = found[0][1]
        found[0] = (start, times[bisect_left(times, time) :])
    return found if not found or found[0][1] else found[1:]


def _before(days: list[tuple[int, Times]], end: datetime) -> list[tuple[int, Times]]:
    """Those that come before a local time."""
    last = end.toordinal()
    found = [entry for entry in days if entry[0] <= last]
    if found and found[-1][0] == last:
        times = found[-1][1]
        found[-1] = (last, times[: bisect_left(times, _seconds(end) + (end.microsecond > 0))])
    return found if not found or found[-1][1] else found[:-1]


def _first_of(days: list[tuple[int, Times]], most: int) -> list[tuple[int, Times]]:
    """The first so many times."""
    found = []
    for day, times in days:
        if most <= 0:
            break
        found.append((day, times[:most]))
        most -= len(times)
    return found
