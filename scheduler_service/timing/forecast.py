"""How many runs will fall in each hour to come, over all schedules.

Every schedule is a count of occurrences before each boundary of the buckets; equal ones are counted once. A calendar
adds the ends of its days as boundaries and drops what lies between. A jitter moves at most one occurrence over a
boundary, since delays are below the gap to the next occurrence: the last one before it.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from operator import add

from scheduler_service.timing.calendars import Days
from scheduler_service.timing.cumulative import Bounds
from scheduler_service.timing.jitter import delay
from scheduler_service.timing.planning import Terms
from scheduler_service.timing.restricted import stretches
from scheduler_service.timing.timings import TICK, Timing

MOST_BUCKETS = 10_000

_Limits = tuple[datetime, datetime]  # [start, end)
_Key = tuple[Timing, Days | None, _Limits]


def counts(terms: Iterable[Terms], *, start: datetime, end: datetime, bucket: timedelta) -> list[int]:
    """How many occurrences are to be sent (`fire_at`) in each bucket [start + i*bucket, start + (i+1)*bucket).

    The last bucket ends with `end`, which lies outside. Raises: ValueError for a bucket of no length, or more than
    MOST_BUCKETS of them.
    """
    if bucket < TICK or end <= start or -((start - end) // bucket) > MOST_BUCKETS:
        raise ValueError(f"needs 1 to {MOST_BUCKETS} buckets, of some length")
    return _Forecast([*_boundaries(start, end, bucket), end]).counts(terms)


def _boundaries(start: datetime, end: datetime, bucket: timedelta) -> Iterator[datetime]:
    while start < end:
        yield start
        start += bucket


class _Forecast:
    """The boundaries of the buckets, and what is shared between schedules."""

    def __init__(self, instants: list[datetime]) -> None:
        self._instants = instants
        self._bounds = Bounds(instants)
        # For a calendar: more boundaries, whether what follows each counts, and where the buckets' own are.
        self._by_days: dict[Days, tuple[Bounds, list[bool], list[int]]] = {}
        self._before_bounds: dict[timedelta, Bounds] = {}

    def counts(self, terms: Iterable[Terms]) -> list[int]:
        equal: Counter[_Key] = Counter()
        delayed = [0] * len(self._instants)  # of those before each boundary, how many are sent after it
        for one in terms:
            limits = self._limits(one)
            equal[(one.timing, one.days, limits)] += 1
            if one.jitter:
                for place in self._delayed(one):
                    delayed[place] += 1
        total = [0] * len(self._instants)
        for (timing, days, limits), times in equal.items():
            before = self._before(timing, days, limits)
            total = list(map(add, total, before if times == 1 else [count * times for count in before]))
        total = [count - late for count, late in zip(total, delayed, strict=True)]
        return [later - earlier for earlier, later in pairwise(total)]

    def _limits(self, terms: Terms) -> _Limits:
        """The part of the time in which the schedule's occurrences count."""
        first, last = self._instants[0], self._instants[-1]
        begin = first if terms.start_time is None else max(terms.start_time, first)
        end = last if terms.expires is None else min(terms.expires + TICK, last)
        return begin, max(begin, end)

    def _before(self, timing: Timing, days: Days | None, limits: _Limits) -> list[int]:
        """How many occurrences lie before each boundary, within the limits."""
        begin, end = limits
        if begin > self._instants[0] or end < self._instants[-1]:
            return self._clipped(timing, days, limits)
        if days is None:
            return self._bounds.before(timing)
        if days not in self._by_days:
            self._by_days[days] = self._with_days(days)
        bounds, allowed, places = self._by_days[days]
        before, total = [0], 0
        found = bounds.before(timing)
        for earlier, later, counts_in in zip(found, found[1:], allowed, strict=False):
            total += later - earlier if counts_in else 0
            before.append(total)
        return [before[place] for place in places]

    def _with_days(self, days: Days) -> tuple[Bounds, list[bool], list[int]]:
        """The boundaries with the ends of the allowed days among them."""
        allowed = list(stretches(days, self._instants[0], self._instants[-1]))
        merged = sorted({*self._instants, *(instant for stretch in allowed for instant in stretch)})
        places = {instant: place for place, instant in enumerate(merged)}
        inside = [False] * len(merged)
        for begin, end in allowed:
            inside[places[begin] : places[end]] = [True] * (places[end] - places[begin])
        return Bounds(merged), inside, [places[instant] for instant in self._instants]

    def _clipped(self, timing: Timing, days: Days | None, limits: _Limits) -> list[int]:
        """The same where a schedule starts or ends meanwhile: between the limits, with boundaries of its own."""
        begin, end = limits
        inner = [instant for instant in self._instants if begin < instant < end]
        part = _Forecast([begin, *inner, end])._before(timing, days, limits)
        first = bisect_right(self._instants, begin)
        found = [0] * first + part[1:-1]
        return found + [part[-1]] * (len(self._instants) - len(found))

    def _delayed(self, terms: Terms) -> Iterator[int]:
        """The boundaries over which the jitter moves an occurrence."""
        rule = terms.rule
        for place in self._near(terms):
            boundary = self._instants[place]
            until = boundary if terms.expires is None else min(boundary, terms.expires + TICK)
            since = boundary - terms.jitter
            since = since if terms.start_time is None else max(since, terms.start_time)
            last = rule.span(since - TICK, until - TICK).last if until > since else None
            if last is None:
                continue
            following = rule.next_after(last)
            gap = None if following is None else following - last
            if last + delay(terms.schedule_id, last, jitter=terms.jitter, gap=gap) >= boundary:
                yield place

    def _near(self, terms: Terms) -> list[int]:
        """The boundaries before which, within the jitter, the timing has an occurrence."""
        if terms.jitter not in self._before_bounds:
            both = [at for instant in self._instants for at in (instant - terms.jitter, instant)]
            self._before_bounds[terms.jitter] = Bounds(sorted(set(both)))
        bounds = self._before_bounds[terms.jitter]
        before = dict(zip(bounds.instants, bounds.before(terms.timing), strict=True))
        return [
            place for place, instant in enumerate(self._instants) if before[instant] > before[instant - terms.jitter]
        ]
