"""A database, a broker, Beats and workers in one thread, on a clock that only the simulation moves.

What is real: the database with its triggers, the whole loop of a Beat but for the wire to the broker, and what a worker
writes. What is simulated: the wire, the broker, the task's body, and time, also for the triggers.
"""

import logging
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any
from uuid import UUID

import pytest
from celery import Celery
from sqlalchemy import event, func, select, text

from scheduler_service.beat import decide, loop
from scheduler_service.beat.loop import Loop
from scheduler_service.storage import invariants
from scheduler_service.storage.models import FINISHED_STATES, PLANNABLE, PeriodicTask, TaskRun
from scheduler_service.storage.session import Database
from tests.simulation.ledger import Broken, Ledger
from tests.simulation.simulated_broker import BeatKilled, RedisFace, SimulatedBroker, SimulatedPublisher
from tests.simulation.simulated_workers import SimulatedWorker
from tests.support.clock import ManualClock

MOST_TICKS = 400
#: What a simulation brings about on purpose.
EXPECTED = {"no_beat", "queue_unserved", "task_unserved", "task_untracked", "next_run_by_hand"}
_RUN = (
    TaskRun.id, TaskRun.periodic_task_id, TaskRun.origin, TaskRun.state, TaskRun.coalesced, TaskRun.occurrence_at,
    TaskRun.fire_at, TaskRun.decided_at, TaskRun.published_at, TaskRun.attempt,
)  # fmt: skip


class Idle:
    """A Beat's wake-up: it tells that there is nothing to do instead of waiting."""

    def __init__(self) -> None:
        self.waited = False

    def mark(self) -> None:
        self.waited = False

    def wait(self, _seconds: float) -> None:
        self.waited = True

    def close(self) -> None:
        """Nothing to let go."""


class Errors(logging.Handler):
    """What was swallowed with a log line is an error here."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if "expired" not in record.getMessage():
            self.seen.append(self.format(record))


class World:
    def __init__(self, url: str, seed: int, begins: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seed = seed
        self.chance = Random(seed)
        ids = count(1)  # a run's id decides how long its retries wait
        monkeypatch.setattr(decide, "uuid7", lambda: UUID(int=next(ids)))
        self.begins = begins
        self.clock = ManualClock(begins)
        self.database = Database(url, clock=self.clock)
        event.listen(self.database.engine, "connect", self._prepare)
        monkeypatch.setattr(loop, "monotonic", self._seconds)
        self.broker = SimulatedBroker(self.chance)
        self.ledger = Ledger(begins)
        self.terminated: list[UUID] = []
        self._app = Celery("sim", broker="memory://", set_as_current=False)
        self.beats: list[Loop] = []
        self.workers = [
            SimulatedWorker(f"w{number}@sim", self.database, self.broker, self.chance, self._starts)
            for number in range(3)
        ]
        self.errors = Errors()
        logging.getLogger("scheduler_service").addHandler(self.errors)

    def close(self) -> None:
        logging.getLogger("scheduler_service").removeHandler(self.errors)
        self.database.close()

    def start(self) -> None:
        self.beats = [self._beat(), self._beat()]
        for worker in self.workers:
            worker.start()

    def advance(self, by: timedelta) -> None:
        """Time passes; the workers that live say so."""
        self.clock.advance(timedelta(milliseconds=max(by // timedelta(milliseconds=1), 0)))
        for worker in self.workers:
            worker.beat()

    def tick(self, number: int, *, killed: bool = False) -> None:
        """Let a Beat work until it has nothing to do, or is killed while it publishes; another takes its place."""
        beat = self.beats[number]
        publisher: Any = beat._publisher
        publisher.kills = killed
        try:
            for _ in range(MOST_TICKS):
                beat.tick()
                if beat._wakeup.waited:  # type: ignore[attr-defined]
                    break
            else:
                raise Broken("a Beat never comes to rest")
        except BeatKilled:
            self.beats[number] = self._beat()
            return
        finally:
            publisher.kills = False
        self.ledger.done = self.clock.now()
        for worker in self.workers:
            worker.terminate(self.terminated)
        self.terminated.clear()
        self.notice()

    def notice(self) -> None:
        """Schedules that paused themselves."""
        with self.database.reading() as session:
            for key in session.scalars(select(PeriodicTask.id).where(~PeriodicTask.enabled)):
                self.ledger.closes(key, self.clock.now())

    def work(self) -> int:
        done = sum(worker.work() for worker in self.workers)
        if done:
            self.notice()
        return done

    def check(self) -> None:
        """Everything that must hold at any time."""
        if self.errors.seen:
            raise Broken(self.errors.seen[0])
        self.check_ended()
        with self.database.reading() as session:
            runs = list(session.execute(select(*_RUN).order_by(TaskRun.id)))
        self.ledger.check(runs, self.clock.now(), sent={envelope.run_id for envelope in self.broker.log})

    def check_ended(self) -> None:
        """An end is the end: nothing writes over it."""
        ended = select(TaskRun.id, TaskRun.state, TaskRun.finished_at, TaskRun.attempt)
        with self.database.reading() as session:
            self.ledger.check_ended(session.execute(ended.where(TaskRun.state.in_(FINISHED_STATES))))

    def check_rest(self) -> None:
        """What must hold as well when nothing goes on any more."""
        self.check()
        with self.database.reading() as session:
            left = session.execute(select(TaskRun.state, TaskRun.reason).where(TaskRun.finished_at.is_(None))).all()
            found = invariants.examine(session, self.clock.now())
        if left:
            raise Broken(f"never finished: {left}")
        if wrong := [one for one in found if one.code not in EXPECTED]:
            raise Broken(f"the doctor finds {wrong}")

    def goes_on(self) -> bool:
        """Whether any run is not finished."""
        with self.database.reading() as session:
            return session.scalar(select(TaskRun.id).where(TaskRun.finished_at.is_(None)).limit(1)) is not None

    def until_next_run(self) -> timedelta:
        """How long until something comes due; an hour when nothing does."""
        with self.database.reading() as session:
            statement = select(func.min(PeriodicTask.next_run_at)).where(text(PLANNABLE))
            at = session.scalar(statement.where(PeriodicTask.next_run_at > self.clock.now()))
        return timedelta(hours=1) if at is None else at - self.clock.now()

    def _starts(self, run_id: UUID, attempt: int) -> None:
        with self.database.reading() as session:
            fire_at = session.scalar(select(TaskRun.fire_at).where(TaskRun.id == run_id))
        assert fire_at is not None
        self.ledger.starts(run_id, attempt, fire_at, self.clock.now())

    def _beat(self) -> Loop:
        made: Any = Loop(
            self._app,
            self.database,
            dispatch_deadline=timedelta(hours=24),
            republish_after=timedelta(hours=6),
        )
        made._publisher = SimulatedPublisher(self.broker, self.terminated, self.work)
        made._wakeup = Idle()
        made._watch._app = RedisFace(self.broker)
        beat: Loop = made
        return beat

    def _seconds(self) -> float:
        return (self.clock.now() - self.begins).total_seconds()

    def _prepare(self, dbapi: Any, _record: object) -> None:
        dbapi.execute("PRAGMA synchronous=off")
        dbapi.create_function("strftime", -1, self._strftime)

    def _strftime(self, form: str, when: str, *modifiers: str | None) -> str | None:
        """SQLite's own, on our clock: so the triggers and defaults tell the simulated time."""
        if None in (form, when, *modifiers):
            return None
        at = self.clock.now() if when == "now" else datetime.fromisoformat(when)
        for modifier in modifiers:
            amount, unit = str(modifier).split()
            at += timedelta(**{unit: int(amount)})
        return at.strftime(form.replace("%f", f"{at.second:02d}.{at.microsecond // 1000:03d}"))
