"""A timing kept to the days that a calendar allows, itself a timing.

The days are judged by a zone's local date. Between two shifts of its clocks, runs of days are stretches of real time
by plain arithmetic; so a stretch of years is a few spans of the timing per month, and exact where a midnight is
skipped or repeated.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from scheduler_service.timing import zones
from scheduler_service.timing.calendars import Days
from scheduler_service.timing.timings import NOTHING, TICK, Span, Timing

_SEARCHED = timedelta(days=3653)  # from the first occurrence that is not allowed
_END = datetime(9998, 1, 1, tzinfo=UTC)
_YEAR = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Restricted:
    """The occurrences of a timing that come on allowed days."""

    timing: Timing
    days: Days

    def next_after(self, instant: datetime) -> datetime | None:
        at = self.timing.next_after(instant)
        if at is None or self.days.allows(at):
            return at
        for start, end in stretches(self.days, at, min(at, _END - _SEARCHED) + _SEARCHED):
            if at < start:
                at = self.timing.next_after(start - TICK)
            if at is None or at < end:
                return at
        return None

    def span(self, after: datetime, until: datetime) -> Span:
        count, last = 0, None
        for start, end in stretches(self.days, after + TICK, min(until, _END) + TICK):
            found = self.timing.span(start - TICK, end - TICK)
            if found.count:
                count, last = count + found.count, found.last
        return Span(count, last) if count else NOTHING


def stretches(days: Days, since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The real time in [since, until) whose days are allowed, as stretches [start, end) in order."""
    start, zone = since.astimezone(UTC), days.zone
    until = until.astimezone(UTC)
    while start < until:
        offset = zones.offset_at(start, zone)
        shift = zones.first_shift(zone, start, min(start + _YEAR, until))
        end = shift.at if shift else min(start + _YEAR, until)
        first, last = (start + offset).toordinal(), (end + offset - TICK).toordinal()
        for begin_day, end_day in days.runs(first, last):
            yield max(start, _midnight(begin_day, offset)), min(end, _midnight(end_day + 1, offset))
        start = end


def _midnight(ordinal: int, offset: timedelta) -> datetime:
    """The instant at which a date begins for clocks that are so far ahead of UTC."""
    return datetime.fromordinal(ordinal).replace(tzinfo=UTC) - offset
