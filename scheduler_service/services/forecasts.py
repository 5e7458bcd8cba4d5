"""How many runs are to come, and when: over all schedules, by the same code that Beat decides with."""

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from scheduler_service.errors import FieldProblem, Invalid
from scheduler_service.storage import forecasts as stored
from scheduler_service.storage.models import KINDS
from scheduler_service.storage.session import Session
from scheduler_service.storage.timings import is_set_by_hand, terms_of_row
from scheduler_service.timing import forecast, planning
from scheduler_service.timing.planning import Terms
from scheduler_service.timing.timings import TICK

logger = logging.getLogger(__name__)

MOST_BUCKETS = 2000
LONGEST = timedelta(days=366)
FEW = 100  # runs left, which are rather walked through than counted


@dataclass(frozen=True)
class Frame:
    """The stretch of time that is asked about, [start, end), in buckets; the last may be shorter. Raises: Invalid."""

    start: datetime
    end: datetime
    bucket: timedelta

    def __post_init__(self) -> None:
        if problem := self._problem():
            raise Invalid([problem])

    def _problem(self) -> FieldProblem | None:
        if self.end <= self.start:
            return FieldProblem("end", "must be after start")
        if self.end - self.start > LONGEST:
            return FieldProblem("end", f"must be at most {LONGEST.days} days after start")
        if self.size > MOST_BUCKETS:
            least = -(-(self.end - self.start) // (MOST_BUCKETS * timedelta(seconds=1)))
            return FieldProblem("bucket", f"makes {self.size} buckets; {MOST_BUCKETS} are allowed", str(least))
        return None

    @property
    def size(self) -> int:
        """How many buckets."""
        return -((self.start - self.end) // self.bucket)


@dataclass(frozen=True)
class Load:
    """Runs in each bucket of a frame, by kind; `left_out` counts the schedules that are not understood."""

    frame: Frame
    by_kind: dict[str, list[int]]
    left_out: int


@dataclass
class Tally:
    """The schedules of one kind: those that are counted by their terms, and instants that were found one by one."""

    frame: Frame
    terms: list[Terms] = field(default_factory=list)
    sent: list[datetime] = field(default_factory=list)

    def enter(self, row: Any, *, now: datetime) -> None:
        """Take a schedule in, as far as it has runs left. Raises: InvalidTiming."""
        terms, left = terms_of_row(row), _left(row)
        by_hand = is_set_by_hand(row, terms)
        if left is None and not by_hand:
            self.terms.append(terms)
            return
        begin = row.next_run_at + TICK if by_hand else row.next_occurrence_at or now + TICK
        if by_hand and left != 0:
            self.sent.append(row.next_run_at)
            left = None if left is None else left - 1
        self._enter_rest(terms, begin, left)

    def _enter_rest(self, terms: Terms, begin: datetime, left: int | None) -> None:
        """What comes from an instant on, and no more than is left."""
        rest = replace(terms, start_time=max(begin, terms.start_time or begin))
        since, until = (rest.start_time or begin) - TICK, min(self.frame.end, terms.expires or self.frame.end)
        count = rest.rule.span(since, until).count if until > since else 0
        if left is None or count <= left:
            skipped = planning.first(terms, after=self.frame.start - terms.jitter - TICK)
            unclipped = skipped is None or skipped.occurrence_at >= begin
            self.terms.append(terms if unclipped else rest)  # equal terms are counted once
        elif left <= FEW:
            self.sent += [one.fire_at for one in planning.upcoming(rest, after=since, count=left)]
        else:
            self.terms.append(_ended(rest, left, until=until))

    def counts(self) -> list[int]:
        """The runs in each bucket."""
        frame = self.frame
        found = forecast.counts(self.terms, start=frame.start, end=frame.end, bucket=frame.bucket)
        for at in self.sent:
            if frame.start <= at < frame.end:
                found[(at - frame.start) // frame.bucket] += 1
        return found


def load(session: Session, frame: Frame, *, now: datetime) -> Load:
    """The runs of every schedule that is enabled and understood, as its row stands now."""
    tallies = {kind: Tally(frame) for kind in KINDS}
    left_out = 0
    for row in stored.plannable(session):
        try:
            tallies[row.kind].enter(row, now=now)
        except Exception as why:  # noqa: BLE001 - foreign data may raise anything; it must not stop the others
            left_out += 1
            logger.warning("schedule %s (%s) was left out of the forecast: %s", row.id, row.name, why)
    return Load(frame, {kind: tally.counts() for kind, tally in tallies.items()}, left_out)


def _left(row: Any) -> int | None:
    """How many runs the schedule may still have; None for any number."""
    left = None if row.max_runs is None else max(row.max_runs - row.total_run_count, 0)
    return left if not row.one_off else min(1, 1 if left is None else left)


def _ended(terms: Terms, left: int, *, until: datetime) -> Terms:
    """The terms with their end where no runs are left, of which there are more until an instant."""
    since = (terms.start_time or until) - TICK
    low, high = since, until
    while high - low > TICK:  # at `high` there are too many, at `low` there are not
        middle = low + (high - low) / 2
        low, high = (low, middle) if terms.rule.span(since, middle).count > left else (middle, high)
    return replace(terms, expires=low)
