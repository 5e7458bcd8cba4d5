"""What to do about the occurrences that have come, however late we are.

The past is counted, not walked through: `Timing.span` says how many there were, and only those that will run are
worked out one by one. Because a jitter keeps the order, what has fired, what is missed and what lies outside the
window are each a beginning of the same sequence.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Literal

from scheduler_service.timing.calendars import Days
from scheduler_service.timing.jitter import delay
from scheduler_service.timing.restricted import Restricted
from scheduler_service.timing.timings import NOTHING, TICK, Span, Timing

Policy = Literal["fire_once", "fire_all", "skip"]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """An instant that a timing yields, and when its run is to be sent."""

    occurrence_at: datetime
    fire_at: datetime


@dataclass(frozen=True, slots=True)
class Terms:
    """A timing with a schedule's limits. Both ends are inclusive and compare with occurrence_at.

    What a calendar does not allow is no occurrence: it is neither missed nor counted, and a jitter may reach over it.
    """

    timing: Timing
    start_time: datetime | None
    expires: datetime | None
    jitter: timedelta
    schedule_id: int
    days: Days | None = None

    @property
    def rule(self) -> Timing:
        """The timing, kept to the days that the calendar allows."""
        return self.timing if self.days is None else Restricted(self.timing, self.days)


@dataclass(frozen=True, slots=True)
class Misfire:
    """What becomes of runs later than `grace`; none later than `window` is caught up (None: however late).

    `fire_all` catches up the latest `most` of them.
    """

    policy: Policy
    grace: timedelta
    window: timedelta | None
    most: int = 1000


@dataclass(frozen=True, slots=True)
class Plan:
    """The decision: what runs, what was folded into the first of it, what never will, and where to go on.

    `following` is the first occurrence not decided here; it may be due already when a limit cut the plan.
    """

    runs: tuple[Occurrence, ...]
    coalesced: int
    missed: int
    last_missed: datetime | None
    following: Occurrence | None


def first(terms: Terms, *, after: datetime) -> Occurrence | None:
    """The first occurrence strictly after an instant, within the schedule's limits."""
    return next(_walk(terms, after), None)


def upcoming(terms: Terms, *, after: datetime, count: int) -> list[Occurrence]:
    """The next occurrences, at most so many."""
    return list(islice(_walk(terms, after), count))


def plan(terms: Terms, *, due: datetime, now: datetime, misfire: Misfire, limit: int = 1000) -> Plan:
    """Decide every occurrence from `due` that is to be sent by `now`, but run no more than the limit at once."""
    floor = due - TICK
    missed = _fired(terms, after=floor, by=now - misfire.grace - TICK)
    stale = missed if misfire.policy == "skip" else _beyond_window(terms, floor, now, misfire, missed)
    if misfire.policy == "fire_all" and missed.count - stale.count > misfire.most:
        stale = _earliest(terms, after=floor, count=missed.count - misfire.most, by=now)
    begin = stale if misfire.policy == "fire_all" else missed
    runs = tuple(islice(_fired_one_by_one(terms, after=begin.last or floor, by=now), limit))
    coalesced = 0
    if misfire.policy == "fire_once" and missed.last is not None and missed.count > stale.count:
        coalesced = missed.count - stale.count
        if not runs:
            runs, coalesced = (_occurrence(terms, missed.last),), coalesced - 1
    decided = runs[-1].occurrence_at if runs else begin.last
    return Plan(runs, coalesced, stale.count, stale.last, first(terms, after=decided or floor))


def _beyond_window(terms: Terms, floor: datetime, now: datetime, misfire: Misfire, missed: Span) -> Span:
    """Those of the missed that are too late to be caught up."""
    if misfire.window is None:
        return NOTHING
    if misfire.window <= misfire.grace:
        return missed
    return _fired(terms, after=floor, by=now - misfire.window - TICK)


def _earliest(terms: Terms, *, after: datetime, count: int, by: datetime) -> Span:
    """So many occurrences after an instant, of which there are more: looked for by halves, since they are counted."""
    low, high = _from_start(terms, after), by
    while high - low > TICK:
        middle = low + (high - low) // 2
        low, high = (
            (low, middle) if terms.rule.span(_from_start(terms, after), middle).count >= count else (middle, high)
        )
    return Span(count, high)


def _fired(terms: Terms, *, after: datetime, by: datetime) -> Span:
    """The occurrences after an instant that were to be sent by another one."""
    after, until = _from_start(terms, after), by if terms.expires is None else min(by, terms.expires)
    if until <= after:
        return NOTHING
    span = terms.rule.span(after, until)
    if span.last is None or _occurrence(terms, span.last).fire_at <= by:
        return span
    return terms.rule.span(after, span.last - TICK)  # only the last can be later: a jitter is below the gap


def _fired_one_by_one(terms: Terms, *, after: datetime, by: datetime) -> Iterator[Occurrence]:
    for occurrence in _walk(terms, after):
        if occurrence.fire_at > by:
            return
        yield occurrence


def _walk(terms: Terms, after: datetime) -> Iterator[Occurrence]:
    """The occurrences after an instant."""
    at = terms.rule.next_after(_from_start(terms, after))
    while at is not None and (terms.expires is None or at <= terms.expires):
        yield _occurrence(terms, at)
        at = terms.rule.next_after(at)


def _from_start(terms: Terms, after: datetime) -> datetime:
    return after if terms.start_time is None else max(after, terms.start_time - TICK)


def _occurrence(terms: Terms, at: datetime) -> Occurrence:
    if not terms.jitter:
        return Occurrence(at, at)
    following = terms.rule.next_after(at)
    gap = None if following is None else following - at
    return Occurrence(at, at + delay(terms.schedule_id, at, jitter=terms.jitter, gap=gap))
