"""What every timing can be asked, whatever its kind.

Two questions are enough: the next instant, and how many there are in a stretch of time. The second exists so that
a Beat that was away for a year need not walk through the year.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from scheduler_service.errors import InvalidTiming

TICK = timedelta(microseconds=1)  # the resolution of instants: "at or after t" is "after t - TICK"


@dataclass(frozen=True, slots=True)
class Span:
    """The occurrences in a stretch of time: how many, and the latest."""

    count: int
    last: datetime | None


NOTHING = Span(0, None)


class Timing(Protocol):
    """A hashable value that names instants."""

    def next_after(self, instant: datetime) -> datetime | None:
        """The first occurrence strictly after the instant, in UTC; None when there is none."""
        ...

    def span(self, after: datetime, until: datetime) -> Span:
        """The occurrences in (after, until], exactly, in time that hardly depends on their number."""
        ...


def to_utc(instant: datetime, *, field: str) -> datetime:
    """The same instant in UTC; a naive one names no instant and is refused."""
    if instant.utcoffset() is None:
        raise InvalidTiming.field(field, "has no offset from UTC", "2026-01-01T09:00:00Z")
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise InvalidTiming.field(field, "is out of the calendar's range", "2026-01-01T09:00:00Z") from None
