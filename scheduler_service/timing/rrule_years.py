"""The local times of a recurrence rule, a calendar year at a time.

dateutil expands a rule from its first instant on, which for a rule of minutes that began ten years ago takes seconds.
Here it is asked for matching days only, from just before the year that is wanted; the times within a day follow by
arithmetic, and are one list for all days that have the same. A year is then some 365 entries, and counting is adding.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import accumulate, groupby

from dateutil.rrule import rrule, weekday

from scheduler_service.timing.rrule_parts import DAILY, HOURLY, MINUTELY, MONTHLY, WEEKLY, YEARLY, Recurrence

Times = Sequence[int]  # seconds since midnight, in order

_UNITS = {HOURLY: 3600, MINUTELY: 60}
_DAY = 86_400


class RecurrenceYears:
    """One RRULE's days and their times. Days are ordinals."""

    def __init__(self, rule: Recurrence, start: datetime) -> None:
        self._rule, self._start = rule, start
        self._first_day, self._first_time = start.toordinal(), _seconds(start)
        self._unit = _UNITS.get(rule.freq, 1)
        hours, minutes = rule.by_hour or (start.hour,), rule.by_minute or (start.minute,)
        seconds = rule.by_second or (start.second,)
        self._within = {  # what a matching day, hour, minute or second holds
            HOURLY: [m * 60 + s for m in minutes for s in seconds],
            MINUTELY: list(seconds),
        }.get(rule.freq, [0] if rule.freq > MINUTELY else [h * 3600 + m * 60 + s for h in hours for m in minutes for s in seconds])
        self._filters = self._day_filters()
        self._times: dict[int, Times] = {}
        self._spent = {start.year: 0}

    def _day_filters(self) -> dict[str, object]:
        """What makes a day match, with what DTSTART says where the rule does not."""
        rule, start = self._rule, self._start
        months, of_month, weekdays = rule.by_month, rule.by_month_day, rule.by_weekday
        if not (rule.by_week or rule.by_year_day or of_month or weekdays):
            if rule.freq == YEARLY:
                months = months or (start.month,)
            if rule.freq in (YEARLY, MONTHLY):
                of_month = (start.day,)
            elif rule.freq == WEEKLY:
                weekdays = ((start.weekday(), 0),)
        filters = {
            "bymonth": months,
            "bymonthday": of_month,
            "byyearday": rule.by_year_day,
            "byweekno": rule.by_week,
            "byweekday": [weekday(day, place or None) for day, place in weekdays],
        }
        return {name: value for name, value in filters.items() if value}

    def year(self, year: int) -> list[tuple[int, Times]]:
        """The days of a year that have occurrences."""
        found = self._unlimited(year) if year >= self._start.year else []
        if self._rule.until is not None:
            found = _cut_after(found, self._rule.until)
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
        return _cut_before(found, self._first_day, self._first_time)

    def _days(self, year: int) -> list[int]:
        """dateutil's days of the year, and of a week that begins before it or ends after it."""
        begin = self._begin(year)
        if begin is None:
            return []
        rule = self._rule
        found = rrule(
            min(rule.freq, DAILY),
            dtstart=datetime.combine(date.fromordinal(begin), datetime.min.time()),
            interval=rule.interval if rule.freq <= DAILY else 1,
            until=datetime(year, 12, 31) + timedelta(days=6 if rule.freq == WEEKLY else 0),  # noqa: DTZ001
            wkst=rule.week_start,
            byhour=0,
            byminute=0,
            bysecond=0,
            **self._filters,
        )
        return [day.toordinal() for day in found]

    def _begin(self, year: int) -> int | None:
        """The day to begin with: the last start of an interval before the year, or the first in it."""
        first, step, new_year = self._first_day, self._rule.interval, date(year, 1, 1).toordinal()
        if self._rule.freq > DAILY:
            return max(new_year, first)
        if self._rule.freq == DAILY:
            return max(new_year + (first - new_year) % step, first)
        if self._rule.freq == WEEKLY:
            week = first - (first + 6 - self._rule.week_start) % 7
            weeks = max(new_year - week, 0) // (7 * step) * step
            return week + 7 * weeks if weeks else first
        months, step = (12, 12 * step) if self._rule.freq == YEARLY else (12, step)
        month, first_month = year * 12, self._start.year * 12 + (self._start.month - 1) * (self._rule.freq == MONTHLY)
        month = max(month + (first_month - month) % step, first_month)
        return date(month // 12, month % 12 + 1, 1).toordinal() if month // 12 == year else None

    def _phase(self, day: int) -> int:
        """Where in a day the first hour, minute or second is that the interval meets."""
        first = (self._first_day * _DAY + self._first_time) // self._unit
        return (first - day * _DAY // self._unit) % self._rule.interval

    def _times_from(self, phase: int) -> Times:
        """The times of a day, its hours, minutes or seconds counted from a phase."""
        if phase not in self._times:
            if len(self._times) > 64:
                self._times.clear()
            rule, unit, within = self._rule, self._unit, self._chosen(self._within)
            begins = range(phase * unit, _DAY, rule.interval * unit)
            self._times[phase] = begins
            if rule.by_hour or rule.by_minute or rule.by_second or within != [0]:
                self._times[phase] = [begin + time for begin in begins if self._matches(begin) for time in within]
        return self._times[phase]

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
            return (day + 6 - self._rule.week_start) // 7
        return date.fromordinal(day).month if self._rule.freq == MONTHLY else 0
