"""A recurrence rule of RFC 5545: RRULE, RDATE and EXDATE from a DTSTART on.

It names local times of DTSTART's zone, expanded without regard to shifts of the clocks; each is then an instant by the
rule of all timings: the first after a gap, the first pass of a repeated hour. Local times that a gap swallowed are one
occurrence. They are whole seconds, so that no rule, nor several together, can be denser than once a second.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from scheduler_service.timing import rrule_text, zones
from scheduler_service.timing.rrule_moments import refusal
from scheduler_service.timing.rrule_text import RuleText
from scheduler_service.timing.rrule_years import RecurrenceYears, Times
from scheduler_service.timing.timings import NOTHING, TICK, Span

_YEARS_SEARCHED = 100
_YEARS_KEPT = 32
_LAST_YEAR = 9998
_DAY = 86_400


@dataclass(frozen=True)
class Rrule:
    """A rule by its text, such as "DTSTART;TZID=Europe/Berlin:20260105T090000" and a line "RRULE:FREQ=WEEKLY".

    Raises: InvalidTiming, for the field `rule`.
    """

    rule: str
    text: RuleText = field(init=False, repr=False, compare=False)
    _years: "_Years" = field(init=False, repr=False, compare=False)
    _zone: tzinfo = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rule", rrule_text.normalized(self.rule))
        text, years, zone = _compiled(self.rule)
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "_years", years)
        object.__setattr__(self, "_zone", zone)

    def __reduce__(self) -> tuple[type["Rrule"], tuple[str]]:
        return Rrule, (self.rule,)

    def next_after(self, instant: datetime) -> datetime | None:
        if instant.tzinfo is None:
            raise TypeError("a naive datetime names no instant")
        local = instant.astimezone(self._zone)
        since = zones.end_of_repeat(local, self._zone) - TICK if local.fold else local.replace(tzinfo=None)
        found = self._years.after(since)
        return zones.resolve(found, self._zone) if found else None

    def span(self, after: datetime, until: datetime) -> Span:
        if after.tzinfo is None or until.tzinfo is None:
            raise TypeError("a naive datetime names no instant")
        after, until = after.astimezone(UTC), until.astimezone(UTC)
        if until <= after:
            return NOTHING
        end = zones.shown_until(until, self._zone)
        count = self._years.count(zones.shown_until(after, self._zone), end)
        if not count:
            return NOTHING
        for shift in zones.shifts(self._zone, after, until):
            gap_start, gap_end = zones.shown(shift.at, shift.before), zones.shown(shift.at, shift.after)
            count -= max(self._years.count(gap_start, gap_end + TICK) - 1, 0)
        last = self._years.before(end)
        return Span(count, zones.resolve(last, self._zone)) if last else NOTHING


class _Year(NamedTuple):
    """The days of a year as ordinals, each one's times, and how many times there are before each, and in all."""

    days: list[int]
    times: list[Times]
    before: list[int]


class _Years(dict[int, _Year]):
    """A rule's local times, a year worked out when it is first asked for."""

    def __init__(self, text: RuleText) -> None:
        super().__init__()
        self._text = text
        self._recurrences = [RecurrenceYears(recurrence, text.start) for recurrence in text.recurrences]

    def __missing__(self, year: int) -> _Year:
        if len(self) >= _YEARS_KEPT:
            self.clear()
        found = self._composed(year)
        days = sorted(day for day, times in found.items() if times)
        times = [found[day] for day in days]
        self[year] = made = _Year(days, times, [0, *accumulate(len(listed) for listed in times)])
        return made

    def _composed(self, year: int) -> dict[int, Times]:
        """Every day of the year with what all the lines of the rule say of it."""
        found: dict[int, Times] = {}
        for recurrence in self._recurrences:
            for day, times in recurrence.year(year):
                found[day] = sorted({*found[day], *times}) if day in found else times
        for at in self._text.dates:
            if at.year == year:
                found[at.toordinal()] = _with(found.get(at.toordinal(), ()), _time(at))
        for begin, end in self._text.excluded:
            for day in range(begin.toordinal(), end.toordinal() + 1):
                if day in found:
                    first = _time(begin) if day == begin.toordinal() else 0
                    last = _time(end) if day == end.toordinal() else _DAY
                    found[day] = _without(found[day], first, last)
        return found

    def after(self, local: datetime) -> datetime | None:
        """The first local time after another; None when a century has none."""
        for year in range(max(local.year, self._text.earliest.year), min(local.year + _YEARS_SEARCHED, _LAST_YEAR) + 1):
            days, times, _ = self[year]
            index = bisect_left(days, local.toordinal()) if year == local.year else 0
            if index < len(days) and days[index] == local.toordinal():
                place = bisect_right(times[index], _time(local))
                if place < len(times[index]):
                    return _local(days[index], times[index][place])
                index += 1
            if index < len(days):
                return _local(days[index], times[index][0])
        return None

    def before(self, local: datetime) -> datetime | None:
        """The last local time before another."""
        for year in range(min(local.year, _LAST_YEAR), self._text.earliest.year - 1, -1):
            days, times, _ = self[year]
            index = bisect_right(days, local.toordinal()) - 1 if year == local.year else len(days) - 1
            if index >= 0 and days[index] == local.toordinal():
                place = bisect_left(times[index], _end(local))
                if place:
                    return _local(days[index], times[index][place - 1])
                index -= 1
            if index >= 0:
                return _local(days[index], times[index][-1])
        return None

    def count(self, start: datetime, end: datetime) -> int:
        """How many local times there are in [start, end)."""
        first = self._text.earliest
        start, end = max(start, first), min(end, datetime(_LAST_YEAR + 1, 1, 1))  # noqa: DTZ001 - local, on purpose
        if end <= start:
            return 0
        whole = sum(self[year].before[-1] for year in range(start.year, end.year))
        return whole + self._since_new_year(end) - self._since_new_year(start)

    def _since_new_year(self, local: datetime) -> int:
        days, times, before = self[local.year]
        index = bisect_left(days, local.toordinal())
        on_day = index < len(days) and days[index] == local.toordinal()
        return before[index] + (bisect_left(times[index], _end(local)) if on_day else 0)


@lru_cache(maxsize=512)
def _compiled(rule: str) -> tuple[RuleText, _Years, tzinfo]:
    """What equal rules share: the text as read, and the years worked out so far."""
    text = rrule_text.parse(rule)
    years = _Years(text)
    if years.after(text.earliest - TICK) is None:
        raise refusal("never comes: nothing that it names is left, or is in the calendar")
    return text, years, zones.load(text.zone_name)


def _with(times: Times, time: int) -> Times:
    index = bisect_left(times, time)
    return times if time in times[index : index + 1] else [*times[:index], time, *times[index:]]


def _without(times: Times, first: int, last: int) -> Times:
    return [*times[: bisect_left(times, first)], *times[bisect_right(times, last) :]]


def _time(local: datetime) -> int:
    return local.hour * 3600 + local.minute * 60 + local.second


def _end(local: datetime) -> int:
    """The second from which times do not come before this one any more."""
    return _time(local) + (local.microsecond > 0)


def _local(day: int, time: int) -> datetime:
    return datetime.fromordinal(day) + timedelta(seconds=time)
