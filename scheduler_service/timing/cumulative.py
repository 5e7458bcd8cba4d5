"""How many occurrences come before each of many instants: what a load forecast is made of.

Asked one bucket at a time, a week of hours is 168 spans per schedule. Here the instants are prepared once, for each
zone, and then every timing is counted against all of them in one go.
"""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from itertools import groupby

from scheduler_service.timing import zones
from scheduler_service.timing.crontab import Crontab
from scheduler_service.timing.crontab_grid import whole_minute_from
from scheduler_service.timing.interval import Interval
from scheduler_service.timing.timings import TICK, Timing

_Marks = list[tuple[datetime, list[int]]]  # a crontab's local minutes, by their days

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPAN_COST = 4  # a span takes about as long as so many next instants


class Bounds:
    """Instants in order, and what has been worked out about them."""

    def __init__(self, instants: Sequence[datetime]) -> None:
        self.instants = [instant.astimezone(UTC) for instant in instants]
        self._microseconds = [(instant - _EPOCH) // TICK for instant in self.instants]
        self._by_zone: dict[tuple[tzinfo, bool], list[_Marks]] = {}

    def before(self, timing: Timing) -> list[int]:
        """How many occurrences come in [the first instant, each instant)."""
        if isinstance(timing, Interval):
            return self._interval(timing)
        if isinstance(timing, Crontab):
            return self._real(timing) if timing.follows_real_time else self._fixed(timing)
        return self._any(timing)

    def _interval(self, timing: Interval) -> list[int]:
        step, anchor = timing.step // TICK, (timing.anchor - _EPOCH) // TICK
        first = (self._microseconds[0] - anchor - 1) // step
        return [(instant - anchor - 1) // step - first for instant in self._microseconds]

    def _fixed(self, timing: Crontab) -> list[int]:
        """As `Crontab.span` counts: local times as a whole, less those of a gap that are one together."""
        (marks,) = self._marks(timing.zone, real_time=False)
        found = timing.grid.counts(marks)
        found = [count - found[0] for count in found]
        for shift in zones.shifts(timing.zone, self.instants[0] - TICK, self.instants[-1] - TICK):
            gap_start, gap_end = zones.shown(shift.at, shift.before), zones.shown(shift.at, shift.after)
            swallowed = timing.grid.count(whole_minute_from(gap_start), whole_minute_from(gap_end + TICK))
            later = bisect_left(self.instants, shift.at + TICK)
            found[later:] = [count - max(swallowed - 1, 0) for count in found[later:]]
        return found

    def _real(self, timing: Crontab) -> list[int]:
        """Between two shifts local time is plain arithmetic; every stretch goes on where the last one ended."""
        found: list[int] = []
        total = 0
        for marks in self._marks(timing.zone, real_time=True):
            start, *counted = timing.grid.counts(marks)
            *inside, end = (total + count - start for count in counted)
            found += inside
            total = end
        return found

    def _marks(self, zone: tzinfo, *, real_time: bool) -> list[_Marks]:
        key = (zone, real_time)
        if key not in self._by_zone:
            self._by_zone[key] = (
                list(self._stretches(zone))
                if real_time
                else [_by_day([zones.shown_until(instant - TICK, zone) for instant in self.instants])]
            )
        return self._by_zone[key]

    def _stretches(self, zone: tzinfo) -> list[_Marks]:
        """Of each stretch of one offset: its beginning, the instants in it, its end."""
        first, last = self.instants[0], self.instants[-1]
        shifts = zones.shifts(zone, first, last)
        starts = [first, *(shift.at for shift in shifts)]
        found = []
        for number, start in enumerate(starts):
            final = number == len(shifts)
            end = last if final else shifts[number].at
            offset = zones.offset_at(start, zone)
            low = bisect_left(self.instants, start) if number else 0
            high = len(self.instants) if final else bisect_left(self.instants, end)
            found.append(_by_day([zones.shown(at, offset) for at in (start, *self.instants[low:high], end)]))
        return found

    def _any(self, timing: Timing) -> list[int]:
        """By walking where that is shorter, else a span at a time."""
        first, last = self.instants[0] - TICK, self.instants[-1] - TICK
        total = timing.span(first, last).count
        if total > _SPAN_COST * len(self.instants):
            found = [0]
            for start, end in zip(self.instants, self.instants[1:], strict=False):
                found.append(found[-1] + timing.span(start - TICK, end - TICK).count)
            return found
        came: list[datetime] = []
        at: datetime | None = first
        for _ in range(total):
            at = timing.next_after(at) if at else None
            if at is not None:
                came.append(at)
        return [bisect_left(came, instant) for instant in self.instants]


def _by_day(locals_: list[datetime]) -> _Marks:
    """Local times, rounded up to minutes, by their days."""
    minutes = [whole_minute_from(local) for local in locals_]
    days = groupby(minutes, lambda local: local.replace(hour=0, minute=0))
    return [(day, [local.hour * 60 + local.minute for local in group]) for day, group in days]
