"""What another scheduler really ran, against what our shadow would have run: matched instant by instant.

Pure but for the two reads. Only what both have had time to tell is compared: from when the shadow began and the source
was first heard, until shortly before the source was last heard.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from scheduler_service.storage import moves, observed_runs
from scheduler_service.storage.models import Move, ObservedRun, PeriodicTask
from scheduler_service.storage.moves import Shadowed
from scheduler_service.storage.observed_runs import Watched
from scheduler_service.storage.session import Session
from scheduler_service.storage.timings import timing_of, zone_name_of
from scheduler_service.timing.interval import Interval
from scheduler_service.timing.zones import load, offset_at

TOLERANCE = timedelta(seconds=1)
FARTHEST = timedelta(minutes=30)  # instants farther apart than this are never one
SETTLED_AFTER = timedelta(seconds=5)  # a listener tells in batches
NEAR_A_CLOCK_CHANGE = timedelta(hours=3)
SHOWN = 20
DRIFT = "drift: it counts from the run before there, and from its start here"
#: Sources whose every run is told. Of the others the latest run is seen at each look, or all while they are watched.
TOLD_OF_EACH_RUN = ("apscheduler3",)
#: Sources whose intervals count from the run before.
DRIFTING = (
    "beat-schedule",
    "celery-sqlalchemy-scheduler",
    "django-celery-beat",
    "redbeat",
    "sqlalchemy-celery-beat",
)

#: The source whose intervals do so from a run that jitter has moved.
JITTER_ADDS_UP = "apscheduler3"

Kind = Literal["matched", "early", "late", "missing", "extra"]
KINDS: tuple[Kind, ...] = ("matched", "early", "late", "missing", "extra")


@dataclass(frozen=True)
class Difference:
    """An instant of one side and what is on the other; the milliseconds are ours less theirs."""

    kind: Kind
    ours: datetime | None
    theirs: datetime | None
    milliseconds: int | None
    explained: str | None = None


@dataclass
class Comparison:
    """One job's comparison; `since` is None where there was nothing to compare with."""

    source_id: str
    name: str
    since: datetime | None
    until: datetime | None
    counts: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    unexplained: int = 0
    greatest_milliseconds: int = 0
    differences: list[Difference] = field(default_factory=list)

    @property
    def is_compared(self) -> bool:
        """Whether something was found on both sides."""
        return any(self.counts[kind] for kind in ("matched", "early", "late"))

    @property
    def is_clean(self) -> bool:
        """Whether something was found on both sides, and nothing differs without a reason."""
        return self.is_compared and self.unexplained == 0

    @property
    def is_quiet(self) -> bool:
        """Whether neither side had anything to run while both were looked at."""
        return self.since is not None and not any(self.counts.values())

    def add(self, found: Difference) -> None:
        """Count it; the first that differ are kept."""
        self.counts[found.kind] += 1
        self.greatest_milliseconds = max(self.greatest_milliseconds, abs(found.milliseconds or 0))
        if found.kind != "matched":
            self.unexplained += found.explained is None
            if len(self.differences) < SHOWN:
                self.differences.append(found)


@dataclass(frozen=True)
class Job:
    """What is known of a job that explains differences. `drifts`: the length of an interval that does."""

    jitter: timedelta = timedelta(0)
    zone_name: str = "UTC"
    seen_each: bool = True
    seen_within: tuple[tuple[datetime, datetime], ...] = ()
    drifts: timedelta | None = None
    ran: Sequence[datetime] = ()  # when it really ran there

    def sees(self, at: datetime) -> bool:
        """Whether its source would have told of a run at that instant."""
        return self.seen_each or any(begin <= at <= end for begin, end in self.seen_within)

    def has_drifted_over(self, at: datetime) -> bool:
        """Whether an instant lies between two runs that came one interval apart, or hardly more."""
        place = bisect_right(self.ran, at)
        if self.drifts is None or not 0 < place < len(self.ran):
            return False
        return self.ran[place] - self.ran[place - 1] < self.drifts * 3 / 2

    def has_drifted_to(self, at: datetime) -> bool:
        """Whether a run came about one interval after the run before it."""
        place = bisect_left(self.ran, at)
        return self.drifts is not None and place > 0 and at - self.ran[place - 1] > self.drifts / 2


def compare(
    session: Session,
    move: Move,
    *,
    now: datetime,
    since: datetime | None = None,
    until: datetime | None = None,
    tolerance: timedelta = TOLERANCE,
    heard: Watched | None = None,
) -> Comparison:
    """Compare one job; by default since its shadow began. `heard`: of its source, where that was looked up already."""
    heard = heard or observed_runs.watched(session, move.source)
    span = _span(move, heard, since=since, until=until, now=now)
    task = moves.schedules_of(session, [move]).get(move.periodic_task_id or 0)
    if heard is None or span is None or task is None:
        return Comparison(move.source_id, move.name, None, None)
    result = Comparison(move.source_id, move.name, *span)
    ours = moves.shadowed(session, task.id, since=span[0], until=span[1])
    told = observed_runs.of_jobs(session, move.source, [move.source_id], since=span[0], until=span[1])
    theirs = [row.scheduled_at for row in told]
    job = _job(move, task, heard, told)
    for found in differences(ours, theirs, job, tolerance=tolerance):
        if not _may_have_its_twin_beyond(found, span, job.jitter + tolerance):
            result.add(found)
    return result


def would_be_told(move: Move, heard: Watched | None, at: datetime) -> bool:
    """Whether a run of the job at that instant would have been told of by now."""
    if heard is None:
        return False
    if move.source_kind in TOLD_OF_EACH_RUN:
        return heard.until > at + SETTLED_AFTER
    return any(begin <= at <= end for begin, end in _seen_within(move, heard))


def heard_of(session: Session, wanted: Iterable[Move]) -> dict[str, Watched | None]:
    """From when until when each source of these was heard: once for all its jobs, since it looks at all it told."""
    return {source: observed_runs.watched(session, source) for source in {move.source for move in wanted}}


def differences(
    ours: Sequence[Shadowed], theirs: Sequence[datetime], job: Job, *, tolerance: timedelta
) -> Iterator[Difference]:
    """Walk along both sides, each sorted; what is nearest belongs together."""
    reach = max(_reach([one.fire_at for one in ours], theirs), tolerance)
    ours = sorted((one for one in ours if one.state != "missed"), key=lambda one: one.fire_at)
    folds = sorted(one.fire_at for one in ours if one.folded)
    i = j = 0
    while i < len(ours) or j < len(theirs):
        mine = ours[i].fire_at if i < len(ours) else None
        other = theirs[j] if j < len(theirs) else None
        if mine is not None and other is not None and abs(mine - other) <= reach:
            yield _pair(mine, other, job, tolerance)
            i, j = i + 1, j + 1
        elif other is None or (mine is not None and mine < other):
            yield Difference("extra", mine, None, None, _why_extra(job, mine))
            i += 1
        else:
            yield Difference("missing", None, other, None, _why_missing(job, other, folds))
            j += 1


def _may_have_its_twin_beyond(found: Difference, span: tuple[datetime, datetime], reach: timedelta) -> bool:
    """Whether what it belongs to may lie outside the span that is compared."""
    at = found.ours or found.theirs
    alone = found.kind in ("missing", "extra")
    return alone and at is not None and (at - span[0] <= reach or span[1] - at <= reach)


def _pair(mine: datetime, other: datetime, job: Job, tolerance: timedelta) -> Difference:
    between = mine - other
    milliseconds = round(between.total_seconds() * 1000)
    if abs(between) <= tolerance:
        return Difference("matched", mine, other, milliseconds)
    why = "jitter" if abs(between) <= job.jitter + tolerance else DRIFT if job.drifts else _clock_change(job, other)
    return Difference("early" if between < timedelta(0) else "late", mine, other, milliseconds, why)


def _why_extra(job: Job, mine: datetime | None) -> str | None:
    if mine is None or not job.sees(mine):
        return "unseen: its source tells only of the latest run at each look"
    return DRIFT if job.has_drifted_over(mine) else _clock_change(job, mine)


def _why_missing(job: Job, other: datetime, folds: Sequence[datetime]) -> str | None:
    if any(other <= fold for fold in folds):
        return "misfire: it came due while no Beat ran, and was folded into a later one"
    return DRIFT if job.has_drifted_to(other) else _clock_change(job, other)


def _clock_change(job: Job, at: datetime | None) -> str | None:
    """`dst` near a change of the clocks in the timing's zone."""
    if at is None:
        return None
    there = load(job.zone_name)
    offsets = {offset_at(at + by, there) for by in (-NEAR_A_CLOCK_CHANGE, NEAR_A_CLOCK_CHANGE)}
    return "dst: the clocks change there" if len(offsets) > 1 else None


def _reach(ours: Sequence[datetime], theirs: Sequence[datetime]) -> timedelta:
    """Half the smallest distance of two instants of one side."""
    gaps = [
        later - earlier
        for side in (sorted(ours), sorted(theirs))
        for earlier, later in pairwise(side)
        if later > earlier
    ]
    return min([FARTHEST, *(gap / 2 for gap in gaps)])


def _span(
    move: Move, watched: Watched | None, *, since: datetime | None, until: datetime | None, now: datetime
) -> tuple[datetime, datetime] | None:
    """From when until when both sides can be compared. Until it went live, if it has."""
    if watched is None or move.shadow_since is None:
        return None
    start = max(move.shadow_since, watched.since, since or move.shadow_since)
    end = min(now - SETTLED_AFTER, watched.until - SETTLED_AFTER, until or now)
    if move.state == "live" and move.boundary_at is not None:
        end = min(end, move.boundary_at)
    return (start, end) if end > start else None


def _job(move: Move, task: PeriodicTask, heard: Watched, told: Sequence[ObservedRun]) -> Job:
    timing = timing_of(task)
    counts_from_before = move.source_kind in DRIFTING or (task.jitter_seconds and move.source_kind == JITTER_ADDS_UP)
    drifts = timing.step if isinstance(timing, Interval) and counts_from_before else None
    return Job(
        jitter=timedelta(seconds=task.jitter_seconds),
        zone_name=zone_name_of(timing),
        seen_each=move.source_kind in TOLD_OF_EACH_RUN,
        seen_within=_seen_within(move, heard),
        drifts=drifts,
        ran=sorted(row.ran_at or row.scheduled_at for row in told),
    )


def _seen_within(move: Move, heard: Watched) -> tuple[tuple[datetime, datetime], ...]:
    """When a run of the job would have been seen on its broker, a moment before the end of each look."""
    seeing = (span for span in heard.spans if move.source_id not in span.blind)
    return tuple((span.began_at, span.heard_at - SETTLED_AFTER) for span in seeing)
