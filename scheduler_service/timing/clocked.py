"""Once, at one instant."""

from dataclasses import dataclass
from datetime import datetime

from scheduler_service.errors import InvalidTiming
from scheduler_service.timing import zones
from scheduler_service.timing.timings import NOTHING, Span, to_utc


@dataclass(frozen=True)
class Clocked:
    """A single occurrence."""

    at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", to_utc(self.at, field="clocked_time"))

    def next_after(self, instant: datetime) -> datetime | None:
        return self.at if instant < self.at else None

    def span(self, after: datetime, until: datetime) -> Span:
        return Span(1, self.at) if after < self.at <= until else NOTHING


def resolve_local(local: datetime, timezone: str) -> datetime:
    """The instant at which a zone's clocks show a local time, in UTC.

    A time that the clocks skip is the first instant after the gap; one that they show twice is the first pass.
    """
    if local.tzinfo is not None:
        raise InvalidTiming.field("clocked_time", "has an offset and a time zone: give one of them", "2026-01-01T09:00")
    try:
        return zones.resolve(local, zones.load(timezone))
    except OverflowError:
        raise InvalidTiming.field("clocked_time", "is out of the calendar's range", "2026-01-01T09:00") from None
