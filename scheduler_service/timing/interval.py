"""Every so often, counted in elapsed time from an anchor.

The grid is `anchor + n * every`, so it never drifts, a restart keeps the phase, and no time zone shifts it: a day is
24 hours here. `n` is any integer; clipping to a schedule's start is planning's business.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, get_args

from scheduler_service.errors import FieldProblem, InvalidTiming
from scheduler_service.timing.timings import NOTHING, Span, to_utc

Period = Literal["weeks", "days", "hours", "minutes", "seconds"]

LONGEST = timedelta(days=36_525)  # a century; what is rarer is a typing error, and could overflow the calendar


@dataclass(frozen=True)
class Interval:
    """Occurrences at anchor + n * every periods, for every integer n."""

    every: int
    period: Period
    anchor: datetime
    step: timedelta = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "step", _step(self.every, self.period))
        object.__setattr__(self, "anchor", to_utc(self.anchor, field="anchor"))

    def next_after(self, instant: datetime) -> datetime | None:
        try:
            return self.anchor + ((instant - self.anchor) // self.step + 1) * self.step
        except OverflowError:  # past the year 9999
            return None

    def span(self, after: datetime, until: datetime) -> Span:
        first, last = (after - self.anchor) // self.step + 1, (until - self.anchor) // self.step
        return Span(last - first + 1, self.anchor + last * self.step) if last >= first else NOTHING


def _step(every: int, period: str) -> timedelta:
    if period not in get_args(Period):
        raise InvalidTiming.field("period", f"{period!r} is not one of {', '.join(get_args(Period))}", "minutes")
    if isinstance(every, bool) or not isinstance(every, int) or every < 1:
        raise InvalidTiming.field("every", "must be a whole number, 1 or more", "30")
    longest = LONGEST // timedelta(**{period: 1})
    if every > longest:
        raise InvalidTiming([FieldProblem("every", f"must be at most {longest} {period}, a century", "30")])
    return timedelta(**{period: every})
