"""Workers that only write what real ones write: with the real recorder, at the moments where real ones can die."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from types import SimpleNamespace
from uuid import UUID

from celery.exceptions import Retry

from scheduler_service.storage import cancelling, workers
from scheduler_service.storage.models import Worker
from scheduler_service.storage.session import Database
from scheduler_service.storage.workers import KnownTask
from scheduler_service.worker.recording import Attempt, Recorder
from tests.simulation.simulated_broker import LATE, Envelope, SimulatedBroker, for_next_attempt

EARLY = "sim.early"
MOST_RETRIES = 3
SLOTS = 3


@dataclass
class Execution:
    """A task's body, from its start to its end."""

    envelope: Envelope
    ends_at: datetime
    outcome: str
    unrecorded: bool = False

    @property
    def attempt(self) -> Attempt:
        return Attempt(self.envelope.run_id, self.envelope.attempt)


@dataclass
class SimulatedWorker:
    """One worker process with its pool. `told` is called with each attempt that starts."""

    name: str
    database: Database
    broker: SimulatedBroker
    chance: Random
    told: Callable[[UUID, int], None]
    alive: bool = False
    frozen_until: datetime | None = None
    calm: bool = False
    running: list[Execution] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._recorder = Recorder(self.database, worker=self.name)

    def start(self) -> None:
        now = self.database.clock.now()
        row = Worker(name=self.name, queues=["sim"], concurrency=SLOTS, pid=1, started_at=now, last_heartbeat_at=now)
        tasks = [KnownTask(EARLY, "", False, {}), KnownTask(LATE, "", True, {})]
        with self.database.transaction() as session:
            workers.register(session, row, tasks, now=now, first=True)
        self.alive, self.frozen_until = True, None

    def crash(self) -> None:
        """SIGKILL, with everything that it was doing."""
        self.alive, self.running = False, []
        self.broker.restore(self.name)

    def beat(self) -> None:
        """The heartbeat; a frozen worker works on and does not write it."""
        now = self.database.clock.now()
        if not self.alive or (self.frozen_until is not None and now < self.frozen_until):
            return
        with self.database.transaction() as session:
            known = workers.heartbeat(session, self.name, now=now)
        assert known

    def work(self) -> int:
        """End what is over and begin what there is; how much."""
        if not self.alive:
            return 0
        now, done = self.database.clock.now(), 0
        for execution in [one for one in self.running if one.ends_at <= now]:
            self._end(execution, now)
            done += 1
        while len(self.running) < SLOTS and (envelope := self.broker.deliver(self.name, now)) is not None:
            done += 1
            if not self._begin(envelope, now):
                break
        return done

    def terminate(self, ids: list[UUID]) -> None:
        for execution in [one for one in self.running if one.envelope.run_id in ids]:
            self.running.remove(execution)
            self.broker.ack(self.name, execution.envelope)
            self._recorder.finish(execution.attempt, "cancelled", reason="revoked")

    def _begin(self, envelope: Envelope, now: datetime) -> bool:
        """False when the worker died of it."""
        if envelope.expires_at is not None and envelope.expires_at < now:
            self.broker.ack(self.name, envelope)
            self._recorder.never_started(envelope.run_id, "expired", reason="its message's time to live was over")
            return True
        if not envelope.acks_late:
            self.broker.ack(self.name, envelope)
        if not self.calm and self.chance.random() < 0.02:
            self.crash()
            return False
        attempt = Attempt(envelope.run_id, envelope.attempt)
        if not self._recorder.claim(attempt):
            self.broker.ack(self.name, envelope)
            return True
        self.told(attempt.run_id, attempt.number)
        self.running.append(Execution(envelope, now + self._duration(), self._outcome(envelope)))
        return True

    def _duration(self) -> timedelta:
        if self.calm or self.chance.random() < 0.6:
            return timedelta(seconds=self.chance.randrange(5))
        return timedelta(seconds=self.chance.randrange(6 * 3600))

    def _outcome(self, envelope: Envelope) -> str:
        if self.calm:
            return "succeeded"
        chosen = self.chance.choices(["succeeded", "failed", "timed_out", "retry", "killed"], [60, 10, 3, 22, 5])[0]
        return "failed" if chosen == "retry" and envelope.attempt > MOST_RETRIES else chosen

    def _end(self, execution: Execution, now: datetime) -> None:
        if execution.outcome == "retry" and not execution.unrecorded:
            countdown = self.chance.choice([0, 0, 30, 900])
            self.broker.put(for_next_attempt(execution.envelope, now + timedelta(seconds=countdown)))
            execution.unrecorded = self.chance.random() < 0.5  # the next attempt may start before this one is told
            if execution.unrecorded:
                return
        self.running.remove(execution)
        self._record(execution, now)
        self.broker.ack(self.name, execution.envelope)

    def _record(self, execution: Execution, now: datetime) -> None:
        attempt, outcome = execution.attempt, execution.outcome
        if outcome == "killed":
            self._recorder.lost(attempt, acks_late=execution.envelope.acks_late, why="its process was killed")
        elif outcome == "retry":
            why = Retry("again", exc=ValueError("try"), when=0)
            self._recorder.returned(attempt, SimpleNamespace(info=SimpleNamespace(state="RETRY", retval=why)))
        elif outcome == "succeeded" and self._asked_to_end(attempt.run_id):
            self._recorder.finish(attempt, "cancelled", reason="it was asked to end, and did")
        else:
            self._recorder.finish(attempt, outcome, error=None if outcome == "succeeded" else "it failed")

    def _asked_to_end(self, run_id: UUID) -> bool:
        with self.database.reading() as session:
            return cancelling.is_requested(session, run_id)
