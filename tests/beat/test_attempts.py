"""What a schedule says about its runs' attempts: retries with backoff, limits, and a time to start by."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from scheduler_service.beat.decide import decide_due, plan_unplanned
from scheduler_service.storage import attempts, cancelling, due, publishing, workers
from scheduler_service.storage.attempts import Ending
from scheduler_service.storage.models import TaskRun
from scheduler_service.storage.session import Database
from tests.support.clock import ManualClock
from tests.support.rows import given_schedule, runs


class Beat:
    name = "test beat"
    number = 1


def given_run(database: Database, clock: ManualClock, **fields: Any) -> TaskRun:
    """The one run of a schedule, just decided."""
    given_schedule(database, every=10, one_off=True, **fields)
    plan_unplanned(database, limit=10)
    clock.advance(timedelta(seconds=10))
    decide_due(database, Beat(), limit=10)
    (run,) = runs(database)
    return run


def attempt_ends(database: Database, clock: ManualClock, state: str) -> TaskRun:
    """The next attempt is sent, starts and ends like this; the run afterwards."""
    (run,) = runs(database)
    with database.transaction() as session:
        assert attempts.claim(session, run.id, run.attempt, worker="w", now=clock.now())
        assert attempts.fail(session, run.id, run.attempt, Ending(state, error="why"), now=clock.now())
    return runs(database)[0]


def leased(database: Database, clock: ManualClock) -> list[int]:
    """The attempts that a Beat would send now."""
    with database.transaction() as session:
        return [message.attempt for message in publishing.lease(session, 2, now=clock.now(), limit=10)]


def test_a_failed_run_is_tried_again_later_and_later(held_database: Database, clock: ManualClock) -> None:
    given_run(held_database, clock, retry_max=2, retry_delay_seconds=60)

    first = attempt_ends(held_database, clock, "failed")
    assert (first.state, first.attempt, first.reason) == ("pending", 2, "attempt 1 of 3: failed")
    assert first.retry_at is not None
    assert timedelta(seconds=60) <= first.retry_at - clock.now() <= timedelta(seconds=75)
    assert leased(held_database, clock) == []
    clock.set(first.retry_at + timedelta(seconds=1))
    assert leased(held_database, clock) == [2]

    second = attempt_ends(held_database, clock, "timed_out")
    assert second.retry_at is not None
    assert timedelta(seconds=120) <= second.retry_at - clock.now() <= timedelta(seconds=150)
    clock.set(second.retry_at + timedelta(seconds=1))
    last = attempt_ends(held_database, clock, "failed")
    assert (last.state, last.attempt, last.finished_at) == ("failed", 3, clock.now())


def test_a_run_that_was_asked_to_end_is_not_tried_again(held_database: Database, clock: ManualClock) -> None:
    run = given_run(held_database, clock, retry_max=3)
    with held_database.transaction() as session:
        assert attempts.claim(session, run.id, 1, worker="w", now=clock.now())
        assert cancelling.ask_running(session, run.id, mode="ask", reason="why", now=clock.now())
        assert attempts.fail(session, run.id, 1, Ending("failed"), now=clock.now())

    assert (runs(held_database)[0].state, runs(held_database)[0].attempt) == ("cancelled", 1)


def test_a_run_that_was_asked_to_end_and_is_lost_is_not_handed_back(
    held_database: Database, clock: ManualClock
) -> None:
    run = given_run(held_database, clock)
    with held_database.transaction() as session:
        assert attempts.claim(session, run.id, 1, worker="w", now=clock.now())
        assert cancelling.ask_running(session, run.id, mode="ask", reason="why", now=clock.now())
        assert attempts.hand_back_or_lose(session, run.id, 1, acks_late=True, why="gone", now=clock.now())

    assert (runs(held_database)[0].state, runs(held_database)[0].attempt) == ("cancelled", 1)


def test_beat_wakes_for_a_retry_and_not_before(held_database: Database, clock: ManualClock) -> None:
    given_run(held_database, clock, retry_max=1)

    run = attempt_ends(held_database, clock, "failed")

    with held_database.reading() as session:
        outlook = due.look(session, clock.now())
    assert (outlook.pending_at, outlook.leased_until, outlook.publishable) == (run.retry_at, None, False)


def test_limits_travel_with_the_message(held_database: Database, clock: ManualClock) -> None:
    run = given_run(held_database, clock, soft_time_limit_seconds=30, time_limit_seconds=40, queue="heavy")

    assert run.options == {"queue": "heavy", "soft_time_limit": 30, "time_limit": 40}


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"start_deadline_seconds": 30}, id="a start deadline"),
        pytest.param({"expire_seconds": 30}, id="a message's time to live"),
        pytest.param({"expire_seconds": 3000, "start_deadline_seconds": 30}, id="the earlier of both"),
    ],
)
def test_a_run_that_did_not_start_in_time_never_starts(
    held_database: Database, clock: ManualClock, fields: dict[str, Any]
) -> None:
    run = given_run(held_database, clock, **fields)
    with held_database.transaction() as session:
        publishing.mark_published(session, [run.id], now=clock.now())

    clock.advance(timedelta(seconds=29))
    assert _late(held_database, clock) is False
    clock.advance(timedelta(seconds=2))
    assert _late(held_database, clock) is True
    with held_database.transaction() as session:
        assert not attempts.claim(session, run.id, 1, worker="w", now=clock.now())
        assert publishing.expire_late(session, now=clock.now()) == 1
    assert (runs(held_database)[0].state, runs(held_database)[0].reason) == ("expired", "its time to start was over")


def test_a_run_that_started_in_time_may_take_its_time(held_database: Database, clock: ManualClock) -> None:
    run = given_run(held_database, clock, start_deadline_seconds=30)
    with held_database.transaction() as session:
        assert attempts.claim(session, run.id, 1, worker="w", now=clock.now())

    clock.advance(timedelta(hours=1))

    assert _late(held_database, clock) is False


def _late(database: Database, clock: ManualClock) -> bool:
    with database.reading() as session:
        return due.look(session, clock.now()).late


def test_a_run_on_a_worker_that_nobody_knows_is_given_up(held_database: Database, clock: ManualClock) -> None:
    run = given_run(held_database, clock)
    with held_database.transaction() as session:
        assert attempts.claim(session, run.id, run.attempt, worker="nobody", now=clock.now())

    clock.advance(timedelta(seconds=60))
    assert lost(held_database, clock) == []
    clock.advance(timedelta(seconds=1))
    assert lost(held_database, clock) == [run.id]


def lost(database: Database, clock: ManualClock) -> list[UUID]:
    with database.transaction() as session:
        return [run_id for run_id, _ in workers.give_up_silent(session, now=clock.now())]
