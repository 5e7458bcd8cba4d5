"""What the simulation found, each told by itself on both databases."""

from datetime import timedelta
from random import Random
from typing import Any

from celery import Celery

from scheduler_service.beat.decide import decide_due, plan_unplanned
from scheduler_service.beat.repair import BrokerWatch
from scheduler_service.storage import attempts, publishing
from scheduler_service.storage.models import TaskRun, Worker
from scheduler_service.storage.session import Database
from scheduler_service.storage.workers import KnownTask, register
from tests.simulation.simulated_broker import RedisFace, SimulatedBroker
from tests.support.clock import ManualClock
from tests.support.rows import given_schedule, runs, sql


class Beat:
    name = "test beat"
    number = 1


def test_a_copy_of_a_message_does_not_start_a_run_that_waits_for_its_retry(
    held_database: Database, clock: ManualClock
) -> None:
    run = _running(held_database, clock)
    _retries(held_database, clock, run)

    assert not _claims(held_database, clock, run, attempt=1)
    assert _claims(held_database, clock, run, attempt=2)


def test_occurrences_after_a_run_by_hand_that_no_beat_saw_are_not_lost(
    held_database: Database, clock: ManualClock
) -> None:
    given_schedule(held_database, every=1, period="hours", overlap_policy="allow_all")
    plan_unplanned(held_database, limit=10)
    by_hand = clock.now() + timedelta(minutes=30)
    stored = by_hand if held_database.dialect == "postgresql" else by_hand.strftime("%Y-%m-%d %H:%M:%S.%f")
    sql(held_database, "UPDATE periodic_task SET next_run_at = :at", at=stored)

    clock.advance(timedelta(hours=3))
    for _ in range(2):
        decide_due(held_database, Beat(), limit=10)

    assert [(run.occurrence_at, run.coalesced) for run in runs(held_database)] == [
        (by_hand, 0),
        (clock.now(), 2),
    ]


def test_a_lost_retry_is_sent_again_once_the_broker_is_seen_empty(held_database: Database, clock: ManualClock) -> None:
    run = _running(held_database, clock)
    _retries(held_database, clock, run)
    broker = SimulatedBroker(Random(0))
    watch: Any = BrokerWatch(Celery(set_as_current=False), held_database, republish_after=timedelta(hours=6))
    watch._app = RedisFace(broker)
    watch.look(unclaimed=False)
    clock.advance(timedelta(seconds=11))

    assert [watch.look(unclaimed=True) for _ in range(2)] == [0, 1]
    (again,) = runs(held_database)
    assert (again.state, again.attempt) == ("pending", 2)


def _running(database: Database, clock: ManualClock) -> TaskRun:
    """A run whose task is tracked, sent and started."""
    now = clock.now()
    row = Worker(name="w", queues=[], concurrency=1, pid=1, started_at=now, last_heartbeat_at=now)
    with database.transaction() as session:
        register(session, row, [KnownTask("sample.count", "", False, {})], now=now, first=True)
    given_schedule(database, every=10)
    plan_unplanned(database, limit=10)
    clock.advance(timedelta(seconds=10))
    decide_due(database, Beat(), limit=10)
    (run,) = runs(database)
    with database.transaction() as session:
        publishing.mark_published(session, [run.id], now=clock.now())
    assert _claims(database, clock, run, attempt=1)
    return run


def _claims(database: Database, clock: ManualClock, run: TaskRun, *, attempt: int) -> bool:
    with database.transaction() as session:
        return attempts.claim(session, run.id, attempt, worker="w", now=clock.now())


def _retries(database: Database, clock: ManualClock, run: TaskRun) -> None:
    with database.transaction() as session:
        assert attempts.retry(session, run.id, 1, retry_at=clock.now(), error="try 1", now=clock.now())
