"""What Beat does with backfills: a few runs at a time, beside the schedule's own runs, until none is left."""

from datetime import UTC, datetime, timedelta
from threading import Event
from time import monotonic
from typing import Any

import pytest

from scheduler_service.beat.decide import decide_due, plan_unplanned
from scheduler_service.beat.wakeup import wakeup_for
from scheduler_service.services import backfills as services
from scheduler_service.services.backfills import BackfillDocument
from scheduler_service.storage import attempts, backfills, due, publishing
from scheduler_service.storage.attempts import Ending
from scheduler_service.storage.models import Backfill, TaskRun
from scheduler_service.storage.session import Database
from tests.support.clock import ManualClock
from tests.support.rows import given_schedule, runs, schedule, sql

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
POLICIES = ("skip", "buffer_one", "buffer_all", "cancel_other", "terminate_other")


class Beat:
    name = "test beat"
    number = 1


def given_backfill(database: Database, clock: ManualClock, schedule_id: int, *, hours: int = 5, **fields: Any) -> int:
    """A backfill of the hours from midnight on; its id."""
    start, end = MIDNIGHT.isoformat(), (MIDNIGHT + timedelta(hours=hours)).isoformat()
    wanted = BackfillDocument.model_validate({"start": start, "end": end} | fields)
    with database.transaction() as session:
        return services.create(session, schedule_id, wanted, actor="me", now=clock.now()).backfill.id


def given_worker(database: Database, *tasks: str) -> None:
    """A worker that tracks these tasks."""
    sql(
        database,
        "INSERT INTO worker (name, queues, concurrency, pid, started_at, last_heartbeat_at)"
        " VALUES ('w', '[]', 1, 1, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)",
    )
    for task in tasks:
        sql(
            database,
            "INSERT INTO worker_task (worker, task, doc, acks_late, arguments) VALUES ('w', :task, '', false, '{}')",
            task=task,
        )


def attends(database: Database, clock: ManualClock) -> bool:
    """What a Beat that sees something to do for a backfill does; whether it did."""
    with database.reading() as session:
        seen = due.look(session, clock.now()).backfills
    with database.transaction() as session:
        attended = backfills.attend(session, now=clock.now())
    assert seen == (attended > 0)
    return seen


def promotes(database: Database, clock: ManualClock) -> int:
    """The same for the schedules' own buffered runs; how many."""
    with database.reading() as session:
        seen = due.look(session, clock.now()).promotable
    with database.transaction() as session:
        promoted = publishing.promote(session, limit=100)
    assert seen == (promoted > 0)
    return promoted


def occurs(database: Database, clock: ManualClock, schedule_id: int) -> TaskRun:
    """The schedule's next occurrence comes; its run."""
    plan_unplanned(database, limit=100)
    at = schedule(database, schedule_id).next_run_at
    assert at is not None
    clock.set(at)
    decide_due(database, Beat(), limit=100)
    return runs(database, origin="auto")[-1]


def publish(database: Database, clock: ManualClock) -> list[TaskRun]:
    """Every pending run is sent."""
    pending = runs(database, state="pending")
    with database.transaction() as session:
        publishing.mark_published(session, [run.id for run in pending], now=clock.now())
    return pending


def starts(database: Database, clock: ManualClock, run: TaskRun) -> None:
    with database.transaction() as session:
        assert attempts.claim(session, run.id, run.attempt, worker="w", now=clock.now())


def ends(database: Database, clock: ManualClock, run: TaskRun, state: str = "succeeded") -> None:
    with database.transaction() as session:
        assert attempts.finish(session, run.id, run.attempt, Ending(state), now=clock.now())


def states(database: Database, **wanted: Any) -> list[str]:
    return [run.state for run in runs(database, **wanted)]


def backfill(database: Database, backfill_id: int) -> Backfill:
    with database.reading() as session:
        return session.get_one(Backfill, backfill_id)


def test_no_more_than_max_parallel_go_on_whatever_they_are_at(held_database: Database, clock: ManualClock) -> None:
    key = given_schedule(held_database, cron="0 * * * *")
    given_worker(held_database, "sample.count")
    given_backfill(held_database, clock, key, max_parallel=2)
    assert states(held_database) == ["buffered"] * 5

    assert attends(held_database, clock)
    assert not attends(held_database, clock)
    first, second = publish(held_database, clock)
    assert not attends(held_database, clock)
    starts(held_database, clock, first)
    starts(held_database, clock, second)
    assert not attends(held_database, clock)
    with held_database.transaction() as session:
        assert attempts.retry(session, second.id, 1, retry_at=None, error="", now=clock.now())
    assert not attends(held_database, clock)
    assert states(held_database) == ["running", "retrying", "buffered", "buffered", "buffered"]

    ends(held_database, clock, first, "failed")
    assert attends(held_database, clock)
    assert not attends(held_database, clock)
    assert states(held_database) == ["failed", "retrying", "pending", "buffered", "buffered"]


@pytest.mark.parametrize(("order", "hours"), [("oldest", [0, 1, 2]), ("newest", [4, 3, 2])])
def test_the_oldest_or_the_newest_go_first(
    held_database: Database, clock: ManualClock, order: str, hours: list[int]
) -> None:
    key = given_schedule(held_database, cron="0 * * * *")
    given_backfill(held_database, clock, key, order=order)

    gone = []
    for _ in hours:
        attends(held_database, clock)
        (run,) = runs(held_database, state="pending")
        assert (run.reason, run.fire_at) == (None, clock.now())
        gone.append(run.occurrence_at.hour)
        starts(held_database, clock, run)
        ends(held_database, clock, run)

    assert gone == hours


def test_it_is_done_when_all_its_runs_have_ended(held_database: Database, clock: ManualClock) -> None:
    key = given_schedule(held_database, cron="0 * * * *")
    made = given_backfill(held_database, clock, key, hours=2, max_parallel=10)
    attends(held_database, clock)
    first, second = runs(held_database)
    starts(held_database, clock, first)
    ends(held_database, clock, first, "failed")
    starts(held_database, clock, second)
    assert not attends(held_database, clock)

    clock.advance(timedelta(hours=1))
    ends(held_database, clock, second)

    assert backfill(held_database, made).state == "running"
    assert attends(held_database, clock)
    assert (backfill(held_database, made).state, backfill(held_database, made).finished_at) == ("done", clock.now())
    assert not attends(held_database, clock)


def test_runs_that_no_worker_tells_of_do_not_hold_it_for_ever(held_database: Database, clock: ManualClock) -> None:
    key = given_schedule(held_database, cron="0 * * * *")
    made = given_backfill(held_database, clock, key, hours=3)

    for _ in range(3):
        assert attends(held_database, clock)
        assert not attends(held_database, clock)
        assert len(publish(held_database, clock)) == 1
    assert attends(held_database, clock)

    assert states(held_database) == ["published"] * 3
    assert backfill(held_database, made).state == "done"


@pytest.mark.parametrize("policy", POLICIES)
def test_a_live_run_neither_waits_for_a_backfill_nor_ends_it(
    held_database: Database, clock: ManualClock, policy: str
) -> None:
    key = given_schedule(held_database, cron="0 * * * *", overlap_policy=policy)
    made = given_backfill(held_database, clock, key)
    attends(held_database, clock)
    started = runs(held_database, state="pending")[0]
    starts(held_database, clock, started)

    live = occurs(held_database, clock, key)

    assert live.state == "pending"
    assert states(held_database, origin=f"backfill:{made}") == ["running", *["buffered"] * 4]
    assert runs(held_database, id=started.id)[0].cancel_requested_at is None


@pytest.mark.parametrize("policy", POLICIES)
def test_a_backfill_does_not_wait_for_a_live_run(held_database: Database, clock: ManualClock, policy: str) -> None:
    key = given_schedule(held_database, cron="0 * * * *", overlap_policy=policy)
    starts(held_database, clock, occurs(held_database, clock, key))
    made = given_backfill(held_database, clock, key, max_parallel=2)

    assert attends(held_database, clock)

    assert states(held_database, origin=f"backfill:{made}") == ["pending"] * 2 + ["buffered"] * 3


def test_runs_that_wait_by_the_overlap_policy_and_those_of_a_backfill_are_let_go_apart(
    held_database: Database, clock: ManualClock
) -> None:
    key = given_schedule(held_database, cron="0 * * * *", overlap_policy="buffer_all")
    live = occurs(held_database, clock, key)
    starts(held_database, clock, live)
    made = given_backfill(held_database, clock, key)
    waiting = occurs(held_database, clock, key)
    assert waiting.state == "buffered"

    assert promotes(held_database, clock) == 0
    attends(held_database, clock)
    assert runs(held_database, id=waiting.id)[0].state == "buffered"
    ends(held_database, clock, live)
    assert promotes(held_database, clock) == 1

    assert runs(held_database, id=waiting.id)[0].state == "pending"
    assert states(held_database, origin=f"backfill:{made}") == ["pending", *["buffered"] * 4]


def test_two_backfills_of_one_schedule_have_a_bound_each(held_database: Database, clock: ManualClock) -> None:
    key = given_schedule(held_database, cron="0 * * * *")
    one = given_backfill(held_database, clock, key, mode="all")
    other = given_backfill(held_database, clock, key, mode="all", max_parallel=2)

    assert attends(held_database, clock)

    assert states(held_database, origin=f"backfill:{one}").count("pending") == 1
    assert states(held_database, origin=f"backfill:{other}").count("pending") == 2


def test_a_backfill_moves_nothing_on_its_schedule(held_database: Database, clock: ManualClock) -> None:
    key = given_schedule(held_database, cron="0 * * * *")
    occurs(held_database, clock, key)
    before = schedule(held_database, key)

    given_backfill(held_database, clock, key, hours=1)
    attends(held_database, clock)
    (run,) = runs(held_database, occurrence_at=MIDNIGHT)
    starts(held_database, clock, run)
    ends(held_database, clock, run)
    attends(held_database, clock)

    after = schedule(held_database, key)
    columns = [column.name for column in before.__table__.columns]
    assert [getattr(after, name) for name in columns] == [getattr(before, name) for name in columns]


def test_a_run_is_sent_as_the_schedule_says_but_last_and_however_late(
    held_database: Database, clock: ManualClock
) -> None:
    key = given_schedule(
        held_database, cron="0 * * * *", queue="heavy", expire_seconds=5, start_deadline_seconds=5, retry_max=2
    )
    given_backfill(held_database, clock, key, hours=1)

    (run,) = runs(held_database)
    assert run.options == {"queue": "heavy", "priority": 9, "retry": [2, 60]}
    assert (run.start_by, run.expire_seconds, run.decided_by) == (None, None, "me")
    assert run.reason == "waits for its turn in backfill 1"


@pytest.mark.parametrize("priority", [0, 3])
def test_a_priority_of_the_schedules_own_stays(held_database: Database, clock: ManualClock, priority: int) -> None:
    key = given_schedule(held_database, cron="0 * * * *", priority=priority)
    given_backfill(held_database, clock, key, hours=1)

    assert runs(held_database)[0].options == {"priority": priority}


def test_waiting_for_days_is_no_sign_that_the_broker_is_away(held_database: Database, clock: ManualClock) -> None:
    key = given_schedule(held_database, cron="0 * * * *")
    given_backfill(held_database, clock, key)
    clock.advance(timedelta(days=3))

    attends(held_database, clock)
    with held_database.transaction() as session:
        expired = publishing.expire_undelivered(session, now=clock.now(), deadline=timedelta(days=1))

    assert expired == 0
    assert states(held_database) == ["pending", *["buffered"] * 4]


def test_a_deleted_schedule_ends_what_waits_and_its_backfill_is_cancelled_when_the_rest_has_ended(
    held_database: Database, clock: ManualClock
) -> None:
    key = given_schedule(held_database, cron="0 * * * *")
    made = given_backfill(held_database, clock, key)
    attends(held_database, clock)
    (run,) = runs(held_database, state="pending")
    starts(held_database, clock, run)

    sql(held_database, "DELETE FROM periodic_task")
    assert states(held_database) == ["running", *["cancelled"] * 4]
    assert not attends(held_database, clock)
    ends(held_database, clock, run)
    assert attends(held_database, clock)

    assert backfill(held_database, made).state == "cancelled"


def test_what_another_beat_has_let_go_is_counted(postgres_url: str, clock: ManualClock) -> None:
    database = Database(postgres_url, clock=clock)
    key = given_schedule(database, cron="0 * * * *")
    given_backfill(database, clock, key)

    with database.transaction() as one:
        assert backfills.attend(one, now=clock.now()) == 1
        with database.transaction() as other:
            assert backfills.attend(other, now=clock.now()) == 0

    assert states(database).count("pending") == 1
    assert not attends(database, clock)
    database.close()


def test_a_new_backfill_wakes_beat(database: Database) -> None:
    now = database.clock.now()
    key = given_schedule(database, every=60)
    start, end = (now - timedelta(hours=hours) for hours in (2, 1))
    wanted = BackfillDocument.model_validate({"start": start.isoformat(), "end": end.isoformat()})
    wakeup = wakeup_for(database, 1, Event())
    wakeup.mark()

    with database.transaction() as session:
        services.create(session, key, wanted, actor="me", now=now)
    committed = monotonic()
    wakeup.wait(10)

    assert monotonic() - committed < 2
    wakeup.close()
