"""What must have become of every occurrence, worked out from the log of edits alone.

A schedule lives through eras: from an edit that decides when (or its creation, or a resume) to the next one (or a
pause, or its end). In an era its occurrences are its timing's, after the era's begin. Those that came before the last
time that a Beat was done are decided; those that came after it and before the era's end may be, or may not.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from scheduler_service.storage.models import SHADOW, SHADOWED
from scheduler_service.timing.jitter import delay
from scheduler_service.timing.planning import Terms
from scheduler_service.timing.timings import TICK

NOT_RUN = ("skipped", "missed", "dropped")
DECIDED_BY_ITSELF = ("auto", SHADOW)


class Broken(AssertionError):
    """Something that must never be."""


@dataclass
class Era:
    """Occurrences after `begins_late` are certain to belong to it, those after `begins` may."""

    terms: Terms
    begins: datetime
    begins_late: datetime
    limited: bool
    shadow: bool = False
    ends: datetime | None = None
    done: datetime | None = None  # when a Beat was last done before it ended
    known: list[datetime] = field(default_factory=list, repr=False)
    fires: dict[datetime, datetime] = field(default_factory=dict, repr=False)
    over: bool = False

    def until(self, now: datetime) -> int:
        """How many occurrences were to be sent by now; a jitter keeps their order."""
        while not self.over and (not self.known or self.fires[self.known[-1]] <= now):
            self._next()
        return bisect_right(self.known, now, key=self.fires.__getitem__)

    def _next(self) -> None:
        terms, floor = self.terms, self.known[-1] if self.known else self.begins
        if terms.start_time is not None:
            floor = max(floor, terms.start_time - TICK)
        at = terms.rule.next_after(floor)
        if at is None or (terms.expires is not None and at > terms.expires):
            self.over = True
            return
        following = terms.rule.next_after(at) if terms.jitter else None
        gap = None if following is None else following - at
        later = delay(terms.schedule_id, at, jitter=terms.jitter, gap=gap) if terms.jitter else timedelta()
        self.known.append(at)
        self.fires[at] = at + later

    def has(self, at: datetime, now: datetime) -> datetime | None:
        """When the occurrence was to be sent, if it is one of this era that has come."""
        self.until(now)
        fire_at = self.fires.get(at)
        return fire_at if fire_at is not None and fire_at <= now else None

    def counts(self, done: datetime, now: datetime) -> tuple[int, int]:
        """How many occurrences must be accounted for, and how many may be."""
        most = self.until(self.ends or now)
        uncertain = bisect_right(self.known, self.begins_late)
        return max(self.until(self.done or done) - uncertain, 0), most


@dataclass
class Life:
    """All that happened to one schedule."""

    eras: list[Era] = field(default_factory=list)
    by_hand: list[datetime] = field(default_factory=list)
    one_at_a_time: bool = True
    max_runs: int | None = None

    @property
    def current(self) -> Era | None:
        return self.eras[-1] if self.eras and self.eras[-1].ends is None else None


class Ledger:
    """Told of every edit and every start; says what is wrong."""

    def __init__(self, begins: datetime) -> None:
        self.lives: dict[int, Life] = {}
        self.done = begins  # when a Beat last had nothing left to do
        self.started: Counter[tuple[UUID, int]] = Counter()
        self.ended: dict[UUID, tuple[str, datetime, int]] = {}

    def opens(
        self,
        key: int,
        terms: Terms,
        now: datetime,
        *,
        limited: bool,
        shadow: bool,
        after: datetime | None = None,
        since: datetime | None = None,
    ) -> None:
        """A new timing from now on; `after`: from the next run that somebody set by hand, `since`: from a boundary."""
        self.closes(key, now)
        life = self.lives.setdefault(key, Life())
        if after is None:
            life.eras.append(Era(terms, since or now, since or now, limited, shadow))
        else:
            life.by_hand.append(after)
            life.eras.append(Era(terms, min(after, now), max(after, now), limited, shadow))

    def closes(self, key: int, now: datetime) -> None:
        """Paused, ended, deleted, or another timing."""
        life = self.lives.get(key)
        if life is not None and life.current is not None:
            life.current.done, life.current.ends = self.done, now

    def starts(self, run_id: UUID, attempt: int, fire_at: datetime, now: datetime) -> None:
        self.started[run_id, attempt] += 1
        if self.started[run_id, attempt] > 1:
            raise Broken(f"attempt {attempt} of run {run_id} started twice")
        if now < fire_at:
            raise Broken(f"run {run_id} started at {now}, before {fire_at}")

    def check_ended(self, ended: Iterable[Any]) -> None:
        now = {run.id: (run.state, run.finished_at, run.attempt) for run in ended}
        for run_id, end in self.ended.items():
            if now.get(run_id) != end:
                raise Broken(f"run {run_id} had ended as {end}, and is {now.get(run_id)}")
        self.ended = now

    def check(self, runs: list[Any], now: datetime, *, sent: set[UUID]) -> None:
        """Every run against the eras, and every era against the runs."""
        by_schedule: dict[int, list[Any]] = {key: [] for key in self.lives}
        for run in runs:
            if run.origin == SHADOW:
                self._check_shadow(run, sent)
            if run.origin in DECIDED_BY_ITSELF:
                by_schedule[run.periodic_task_id].append(run)
        for key, rows in by_schedule.items():
            self._check_life(key, self.lives[key], rows, now)

    def _check_shadow(self, run: Any, sent: set[UUID]) -> None:
        """What a shadow decides is at its end, and nothing of it goes anywhere."""
        if run.state not in (SHADOWED, "missed"):
            raise Broken(f"run {run.id} of a shadow is {run.state}")
        if run.id in sent or run.published_at is not None:
            raise Broken(f"run {run.id} of a shadow was sent")

    def _check_life(self, key: int, life: Life, rows: list[Any], now: datetime) -> None:
        accounted: Counter[int] = Counter()
        ran: Counter[int] = Counter()
        for run in rows:
            index = self._era_of(key, life, run, now)
            if index is not None:
                accounted[index] += 1 + run.coalesced
                ran[index] += run.state not in NOT_RUN
        for index, era in enumerate(life.eras):
            least, most = era.counts(self.done, now)
            if era.limited:
                least = 0
            if not least <= accounted[index] <= most:
                told = f"{accounted[index]} accounted for, and it must be {least} to {most}"
                raise Broken(f"schedule {key}, era {index} ({era}): {told}")
        self._check_limits(key, life, rows)
        occurrences = Counter((run.occurrence_at, run.origin) for run in rows)
        if occurrences and max(occurrences.values()) > 1:
            raise Broken(f"schedule {key}: two runs of one occurrence")

    def _era_of(self, key: int, life: Life, run: Any, now: datetime) -> int | None:
        """Which era an automatic run belongs to; None for one that was set by hand."""
        if run.decided_at < run.fire_at:
            raise Broken(f"run {run.id} was decided at {run.decided_at}, before {run.fire_at}")
        for index, era in enumerate(life.eras):
            decided_in_it = era.begins <= run.decided_at and (era.ends is None or run.decided_at <= era.ends)
            if decided_in_it and era.shadow == (run.origin == SHADOW) and era.has(run.occurrence_at, now) is not None:
                self._check_fire_at(key, era, run, now)
                return index
        if run.occurrence_at in life.by_hand:
            return None
        raise Broken(f"schedule {key}: {run.occurrence_at}, decided at {run.decided_at}, is no occurrence: {life}")

    def _check_fire_at(self, key: int, era: Era, run: Any, now: datetime) -> None:
        if run.state != "missed" and run.fire_at != era.has(run.occurrence_at, now):
            raise Broken(f"schedule {key}: {run.occurrence_at} was to be sent at {run.fire_at}")

    def _check_limits(self, key: int, life: Life, rows: list[Any]) -> None:
        ran = sum(run.state not in (*NOT_RUN, SHADOWED) for run in rows)
        if life.max_runs is not None and ran > life.max_runs:
            raise Broken(f"schedule {key} ran {ran} times of {life.max_runs}")
        going_on = sum(run.state == "running" for run in rows)
        if life.one_at_a_time and going_on > 1:
            raise Broken(f"schedule {key}: {going_on} runs at once")
