"""Watching the broker of a Celery while its Beat runs: each run of its jobs is kept, to be compared with our shadows.

While it is followed without a break, a span says so: what was not seen in it was not run.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from scheduler_service.errors import ServiceError, SourceAway, StoreAway
from scheduler_service.moving.broker_events import BrokerEvents
from scheduler_service.moving.found import FoundInterval, FoundJob, Source
from scheduler_service.moving.mapping import Mapping
from scheduler_service.moving.matching import Hearing, Jobs, Sent
from scheduler_service.moving.translation import translate
from scheduler_service.services.comparisons import DRIFTING
from scheduler_service.storage import moves, observed_runs, watched_spans
from scheduler_service.storage.session import Database, Session, store_errors
from scheduler_service.storage.timings import timing_of
from scheduler_service.timing.clock import SystemClock
from scheduler_service.timing.interval import Interval
from scheduler_service.timing.timings import Timing

#: Sources whose Beat sends by a broker.
WATCHABLE = DRIFTING
STORE_EVERY, READ_EVERY, RETRY_EVERY = 2.0, 10.0, 2.0
SLACK = timedelta(seconds=1)
PATIENCE = timedelta(seconds=10)
TURN_ON = (
    "start its workers with `-E`, or turn it on while they run: `celery -A … control enable_events`. Or set "
    "`task_send_sent_event = True` where its Beat runs"
)


class Watch:
    """One source and its broker. `tell` takes what a person should know, a sentence each."""

    def __init__(
        self,
        database: Database,
        source: Source,
        mapping: Mapping,
        broker: BrokerEvents,
        tell: Callable[[str], None],
        *,
        patience: timedelta = PATIENCE,
    ) -> None:
        self._database, self._source, self._mapping, self._broker, self._tell = database, source, mapping, broker, tell
        self._patience = patience
        self.hearing = Hearing()
        self._span: int | None = None
        self._connected_at: datetime | None = None
        self._due_by: datetime | None = None  # when an event must have come, if they are sent at all
        self._store_at = self._read_at = 0.0
        self._said: str | None = None
        self._known: Any = None  # what the jobs were made of

    def run(self, ended: Callable[[], bool], wait: Callable[[float], Any]) -> None:
        """Until `ended`, which is asked often; `wait` takes seconds. Raises: SourceAway, SourceNotUnderstood."""

        def look() -> bool:
            self._look()
            return ended()

        self._read_jobs()
        while not ended():
            self._connected_at = self._due_by = self._span = self.hearing.first_at = None
            try:
                self._broker.follow(self.hearing.hear, look)
            except SourceAway as why:
                self._store(hears=False)
                self._say(f"{why} It is tried again until it answers.")
                wait(RETRY_EVERY)
            else:
                self._store()

    def _look(self) -> None:
        """What is to be done beside hearing."""
        if self._connected_at is None:
            self._said = None
            self._tell(f"Watching {self._broker.label}.")
            self._connected_at = self._now()
            self._due_by = self._expected_by()
        now = monotonic()
        if now >= self._read_at:
            self._reread_jobs()
        if now >= self._store_at:
            self._store()
            self._warn()

    def _now(self) -> datetime:
        """The database's time; while it is away, ours."""
        try:
            with store_errors():
                return self._database.clock.now()
        except StoreAway:
            return SystemClock().now()

    def _store(self, *, hears: bool = True) -> None:
        """What was heard, and that all was heard until now; while the database is away, later."""
        self._store_at = monotonic() + STORE_EVERY
        rows = self.hearing.take()
        try:
            with self._database.transaction() as session:
                now = self._database.clock.now()
                told = {"source": self._source.label, "reported_at": now}
                observed_runs.store(session, [row | told for row in rows])
                if hears:
                    self._span = self._spanned(session, now)
        except StoreAway as why:
            self.hearing.put_back(rows)
            self._say(f"{why} What is heard is kept for it.")

    def _spanned(self, session: Session, now: datetime) -> int | None:
        """From the first event of a task on: before it, it is not known whether any are sent."""
        if self._span is not None:
            watched_spans.go_on(session, self._span, heard_at=now)
            return self._span
        if self._connected_at is None or self.hearing.first_at is None:
            return None
        began_at, blind = max(self._connected_at, self.hearing.first_at - SLACK), self.hearing.jobs.blind
        return watched_spans.begin(session, self._source.label, began_at=began_at, heard_at=now, blind=blind)

    def _reread_jobs(self) -> None:
        try:
            self._read_jobs()
        except ServiceError as why:
            self._say(f"{why} Its jobs are taken to be as they were.")

    def _read_jobs(self) -> None:
        self._read_at = monotonic() + READ_EVERY
        before, self.hearing.jobs = self.hearing.jobs, self._jobs()
        found = self.hearing.jobs
        if found.alike and found.alike != before.alike:
            those = ", ".join(found.alike)
            self._tell(f"Their messages are the same, so of each only the last run is known: {those}.")
        if (found.blind, len(found.all)) != (before.blind, len(before.all)):
            self._tell(f"Each run of {len(found.seen)} jobs of {self._source.label} is seen, of {len(found.all)}.")
        if found.blind != before.blind and self._span is not None:
            self._store()
            self._span, self._connected_at = None, self._now()

    def _jobs(self) -> Jobs:
        with self._database.reading() as session:
            found = moves.search(session, moves.MoveFilter(source=self._source.label))
            tasks = moves.schedules_of(session, found)
            ours = {
                move.source_id: timing_of(tasks[move.periodic_task_id])
                for move in found
                if move.periodic_task_id in tasks
            }
        jobs = self._source.jobs()
        known = ([_lasting(job) for job in jobs], ours)
        if known != self._known:  # to translate many takes seconds
            self._known = known
            sent = {job.id: _sent(job, self._timing(job, ours.get(job.id))) for job in jobs}
            unreadable = [key for key, one in sent.items() if one is None]
            return Jobs([one for one in sent.values() if one is not None], unreadable)
        return self.hearing.jobs

    def _timing(self, job: FoundJob, ours: Timing | None) -> Timing | None:
        """The timing that the job was translated to, at the phase of its schedule; None for one that is not applied."""
        document = translate(job, self._mapping).document
        if ours is None or document is None or document.timing is None:
            return None
        timing = document.timing.timing(document.start_time or SystemClock().now())
        same = isinstance(timing, Interval) and isinstance(ours, Interval) and timing.step == ours.step
        return ours if same else timing

    def _expected_by(self) -> datetime | None:
        """By when something must have come."""
        now = self._now()
        ends = [_surely_by(job.timing, now) for job in self.hearing.jobs.seen if job.timing is not None]
        first = min((at for at in ends if at is not None), default=None)
        return None if first is None else first + self._patience

    def _warn(self) -> None:
        """Once each time that it connects."""
        if self.hearing.first_at is not None or self._due_by is None or self._now() < self._due_by:
            return
        self._due_by = None
        self._tell(f"Nothing has come, though something was due. If its Beat runs, no events are sent: {TURN_ON}.")

    def _say(self, text: str) -> None:
        """Once, however often it happens in a row."""
        if text != self._said:
            self._said = text
            self._tell(text)


def _sent(job: FoundJob, timing: Timing | None) -> Sent | None:
    if job.task is None or not isinstance(job.args, list) or not isinstance(job.kwargs, dict):
        return None
    return Sent(job.id, job.name, job.task, job.args, job.kwargs, None if job.paused else timing)


def _lasting(job: FoundJob) -> Any:
    """What of a job no run of it changes."""
    trigger = replace(job.trigger, start=None) if isinstance(job.trigger, FoundInterval) else job.trigger
    return job.id, job.task, job.args, job.kwargs, job.fields, job.paused, trigger


def _surely_by(timing: Timing, now: datetime) -> datetime | None:
    return now + timing.step if isinstance(timing, Interval) else timing.next_after(now)
