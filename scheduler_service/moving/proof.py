"""The next instants of the old trigger and of the new timing, side by side: equal, or each difference explained.

The old ones are what the old scheduler's own code says; the new ones are what a Beat will decide. They are compared as
far as both reach.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal

from scheduler_service.moving.found import (
    FoundCalendarInterval,
    FoundCombination,
    FoundCron,
    FoundCrontab,
    FoundInterval,
    FoundJob,
    FoundTrigger,
    NoInstants,
    Source,
)
from scheduler_service.moving.timing_translation import SAME
from scheduler_service.services.schedule_documents import ScheduleDocument
from scheduler_service.timing import planning, zones
from scheduler_service.timing.planning import Terms

COUNT = 50
_DAY = timedelta(days=1)

Reason = Literal["dst_gap", "dst_repeated", "drift", "jitter", "clamped", "unexplained"]


@dataclass(frozen=True)
class Row:
    """An instant of either side, or one of both that are the same, or whose difference has a reason."""

    old: datetime | None
    new: datetime | None
    reason: Reason | None = None


@dataclass(frozen=True)
class Proof:
    """What was compared. `why_not` says why it could not be."""

    rows: list[Row]
    why_not: str = ""
    #: Whether the schedule has nothing left to come, whatever the old one has.
    is_over: bool = False

    @property
    def differences(self) -> list[Row]:
        return [row for row in self.rows if row.reason is not None]

    @property
    def is_equal(self) -> bool:
        return not self.why_not and not self.differences

    @property
    def is_explained(self) -> bool:
        """Whether nothing is left that nobody can tell the reason of."""
        return not self.why_not and all(row.reason != "unexplained" for row in self.rows)


def prove(source: Source, job: FoundJob, document: ScheduleDocument, *, after: datetime, count: int = COUNT) -> Proof:
    """Compare a job's next instants with those of what it becomes."""
    new = upcoming(document, after=after, count=count)
    try:
        old = source.instants(job, after=after, count=count)
    except NoInstants as why:
        return Proof([], str(why), is_over=not new)
    if not old and not new:
        return Proof([], is_over=True)
    return compared([at.astimezone(UTC) for at in old], new, job.trigger, after=after)


def upcoming(document: ScheduleDocument, *, after: datetime, count: int) -> list[datetime]:
    """The next occurrences of a schedule that is made of the document, without its jitter."""
    if document.timing is None:
        return []
    timing = document.timing.timing(document.start_time or after)
    terms = Terms(timing, document.start_time, document.expires, timedelta(), 0)
    return [occurrence.occurrence_at for occurrence in planning.upcoming(terms, after=after, count=count)]


def compared(old: Sequence[datetime], new: Sequence[datetime], trigger: FoundTrigger, *, after: datetime) -> Proof:
    """The instants of both after an instant, in order."""
    if (reason := _moves_all(trigger)) is not None:
        each = zip(old, new, strict=False)
        return Proof([Row(was, will, reason if abs(was - will) > SAME else None) for was, will in each])
    jitter = timedelta(seconds=getattr(trigger, "jitter_seconds", 0))
    pairs = _side_by_side(*_as_far_as_both(old, new), jitter=max(jitter, SAME))
    zone, before, rows = _zone(trigger), after, []
    for was, will in pairs:
        if was is not None and will is not None:
            rows.append(Row(was, will, "jitter" if was - will > SAME else None))
        else:
            at = was or will or after
            rows.append(Row(was, will, _reason(at, since=before if was is None else at, zone=zone)))
        before = was or before
    return Proof(rows)


def _side_by_side(
    old: Sequence[datetime], new: Sequence[datetime], *, jitter: timedelta
) -> Iterator[tuple[datetime | None, datetime | None]]:
    """Both in order; the old one may be later by its jitter, and is still the same."""
    place = 0
    for was in old:
        while place < len(new) and new[place] < was - jitter:
            yield None, new[place]
            place += 1
        if place < len(new) and new[place] <= was + SAME:
            yield was, new[place]
            place += 1
        else:
            yield was, None
    yield from ((None, will) for will in new[place:])


def _moves_all(trigger: FoundTrigger) -> Reason | None:
    """Why every instant differs, each from the one at its place."""
    if not isinstance(trigger, FoundInterval):
        return None
    if trigger.every % timedelta(seconds=1):
        return "clamped"
    return "drift" if trigger.start is None or trigger.jitter_seconds else None


def _as_far_as_both(old: Sequence[datetime], new: Sequence[datetime]) -> tuple[Sequence[datetime], Sequence[datetime]]:
    """Without what is beyond the end of the shorter look; an end of both is compared, too."""
    if len(old) < COUNT and len(new) < COUNT:
        return old, new
    ends = [instants[-1] for instants in (old, new) if len(instants) >= COUNT]
    end = min(ends) + SAME
    return [at for at in old if at <= end], [at for at in new if at <= end]


def _reason(instant: datetime, *, since: datetime, zone: tzinfo | None) -> Reason:
    """Why one side alone has an instant: the clocks shift near by, and each side has its own rule for that.

    APScheduler also steps from day to day, and from month to month, in elapsed time: across a gap it comes out an hour
    late and misses what it has just passed. `since` is when it came last, where it misses the instant.
    """
    if zone is None:
        return "unexplained"
    for shift in zones.shifts(zone, since - _DAY, instant + _DAY):
        width = abs(shift.after - shift.before)
        near = abs(instant - shift.at) <= width
        if shift.after < shift.before:
            if near:
                return "dst_repeated"
        elif near or since - width <= shift.at <= instant:
            return "dst_gap"
    return "unexplained"


def _zone(trigger: FoundTrigger) -> tzinfo | None:
    """The zone whose clocks say when the trigger comes."""
    match trigger:
        case FoundCombination():
            return _zone(trigger.parts[0])
        case FoundCron() | FoundCalendarInterval() | FoundCrontab():
            return zones.load(trigger.timezone)
        case _:
            return None
