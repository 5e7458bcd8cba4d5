"""Due occurrences become runs: exactly one record each, whatever was late, edited by hand or broken."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scheduler_service.beat.decide import decide_due, plan_unplanned
from scheduler_service.storage.session import Database
from tests.support.clock import ManualClock
from tests.support.rows import given_schedule, runs, schedule, sql

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@dataclass
class Beat:
    name: str = "test beat"
    number: int = 1


def pass_time(database: Database, clock: ManualClock, **by: float) -> list[datetime]:
    """Move on and do what a Beat does; the occurrences that were decided to run, of every pass."""
    clock.advance(timedelta(**by))
    decided = []
    while True:
        planned = plan_unplanned(database, limit=100)
        due, messages = decide_due(database, Beat(), limit=100)
        decided += [message.occurrence_at for message in messages]
        if not planned and not due:
            return decided


def test_a_new_schedule_does_not_fire_at_once(held_database: Database, clock: ManualClock) -> None:
    given_schedule(held_database, every=10)

    assert pass_time(held_database, clock) == []
    assert pass_time(held_database, clock, seconds=10) == [START + timedelta(seconds=10)]


def test_nor_does_one_whose_creation_the_database_told_a_moment_after_its_watermark(
    held_database: Database, clock: ManualClock
) -> None:
    given_schedule(held_database, every=10, watermark=START - timedelta(microseconds=1))

    assert pass_time(held_database, clock) == []
    assert pass_time(held_database, clock, seconds=10) == [START + timedelta(seconds=10)]


def test_every_occurrence_runs_once(held_database: Database, clock: ManualClock) -> None:
    given_schedule(held_database, every=10, overlap_policy="allow_all")
    pass_time(held_database, clock)

    for _ in range(5):
        pass_time(held_database, clock, seconds=10)

    assert [run.occurrence_at for run in runs(held_database)] == [
        START + timedelta(seconds=10 * number) for number in range(1, 6)
    ]


def test_a_night_of_missed_runs_becomes_one(held_database: Database, clock: ManualClock) -> None:
    key = given_schedule(held_database, every=5, period="minutes")
    pass_time(held_database, clock)

    decided = pass_time(held_database, clock, hours=8)

    assert decided == [clock.now()]
    (run,) = runs(held_database)
    assert (run.coalesced, run.state) == (95, "pending")
    assert run.reason == "95 earlier occurrences were missed and folded into this run"
    assert schedule(held_database, key).total_run_count == 1


def test_a_skipped_night_leaves_a_row_that_counts_it(held_database: Database, clock: ManualClock) -> None:
    given_schedule(held_database, every=5, period="minutes", misfire_policy="skip")
    pass_time(held_database, clock)

    clock.advance(timedelta(minutes=2))
    decided = pass_time(held_database, clock, hours=8)

    assert decided == []
    (missed,) = runs(held_database)
    assert (missed.state, missed.coalesced) == ("missed", 95)
    assert missed.reason == "96 occurrences were missed (misfire policy: skip)"


def test_an_unfinished_run_makes_the_next_be_skipped(held_database: Database, clock: ManualClock) -> None:
    given_schedule(held_database, every=10)
    pass_time(held_database, clock)

    pass_time(held_database, clock, seconds=10)
    pass_time(held_database, clock, seconds=10)

    assert [run.state for run in runs(held_database)] == ["pending", "skipped"]


def test_a_run_of_an_untracked_task_never_blocks(held_database: Database, clock: ManualClock) -> None:
    given_schedule(held_database, every=10)
    pass_time(held_database, clock)
    pass_time(held_database, clock, seconds=10)
    sql(held_database, "UPDATE task_run SET state = 'published'")

    pass_time(held_database, clock, seconds=10)

    assert [run.state for run in runs(held_database)] == ["published", "pending"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"one_off": True}, "one_off: it has run once", id="one_off"),
        pytest.param({"max_runs": 1}, "max_runs: it has run 1 times", id="max_runs"),
        pytest.param({"expires": START + timedelta(seconds=15)}, "its timing has no further occurrence", id="expires"),
    ],
)
def test_a_finished_schedule_says_why(
    held_database: Database, clock: ManualClock, fields: dict[str, Any], expected: str
) -> None:
    key = given_schedule(held_database, every=10, **fields)
    pass_time(held_database, clock)

    decided = pass_time(held_database, clock, seconds=10) + pass_time(held_database, clock, minutes=10)

    assert len(decided) == 1
    assert schedule(held_database, key).completed_reason == expected


def test_a_change_of_the_timing_neither_fires_at_once_nor_late(held_database: Database, clock: ManualClock) -> None:
    key = given_schedule(held_database, every=10, period="minutes")
    pass_time(held_database, clock)
    pass_time(held_database, clock, minutes=9)

    sql(held_database, "UPDATE interval_schedule SET every = 2")
    sql(held_database, "UPDATE periodic_task SET watermark = :now", now=stored(held_database, clock))
    decided = pass_time(held_database, clock)

    assert decided == []
    assert schedule(held_database, key).next_run_at == START + timedelta(minutes=10)


def test_what_was_paused_is_not_caught_up(held_database: Database, clock: ManualClock) -> None:
    key = given_schedule(held_database, every=10)
    pass_time(held_database, clock)

    sql(held_database, "UPDATE periodic_task SET enabled = false")
    assert pass_time(held_database, clock, hours=1) == []
    sql(held_database, "UPDATE periodic_task SET enabled = true, date_changed = date_changed")
    sql(held_database, "UPDATE periodic_task SET watermark = :now", now=stored(held_database, clock))

    assert pass_time(held_database, clock, seconds=9) == []
    assert pass_time(held_database, clock, seconds=1) == [START + timedelta(hours=1, seconds=10)]
    assert schedule(held_database, key).total_run_count == 1


def test_a_schedule_made_while_no_beat_ran_is_not_lost(held_database: Database, clock: ManualClock) -> None:
    sql(held_database, "INSERT INTO clocked_schedule (clocked_time) VALUES (:at)",
        at=stored(held_database, clock, minutes=1))  # fmt: skip
    with held_database.reading() as session:
        clocked = session.connection().exec_driver_sql("SELECT id FROM clocked_schedule").scalar_one()
    given_schedule(held_database, clocked_id=clocked)

    assert pass_time(held_database, clock, hours=2) == [START + timedelta(minutes=1)]


def test_a_next_run_set_by_hand_is_honoured(held_database: Database, clock: ManualClock) -> None:
    given_schedule(held_database, every=1, period="hours", overlap_policy="allow_all")
    pass_time(held_database, clock)

    sql(held_database, "UPDATE periodic_task SET next_run_at = :at", at=stored(held_database, clock, minutes=7))

    assert pass_time(held_database, clock, minutes=7) == [START + timedelta(minutes=7)]
    assert pass_time(held_database, clock, minutes=53) == [START + timedelta(hours=1)]


def test_a_next_run_set_by_hand_with_its_occurrence_is_honoured(held_database: Database, clock: ManualClock) -> None:
    given_schedule(held_database, every=1, period="hours")
    pass_time(held_database, clock)

    at = stored(held_database, clock, minutes=7)
    sql(held_database, "UPDATE periodic_task SET next_run_at = :at, next_occurrence_at = :at", at=at)

    assert pass_time(held_database, clock, minutes=7) == [START + timedelta(minutes=7)]


def test_an_occurrence_that_has_a_run_gets_no_second(held_database: Database, clock: ManualClock) -> None:
    given_schedule(held_database, every=10)
    pass_time(held_database, clock)
    pass_time(held_database, clock, seconds=10)

    at = stored(held_database, clock)
    sql(held_database, "UPDATE periodic_task SET next_run_at = :at, next_occurrence_at = :at", at=at)

    assert pass_time(held_database, clock) == []
    assert len(runs(held_database)) == 1


def test_a_broken_row_is_quarantined_and_the_others_go_on(held_database: Database, clock: ManualClock) -> None:
    broken = given_schedule(held_database, name="broken", cron="61 * * * *")
    given_schedule(held_database, name="lost zone", cron="0 * * * *", timezone="Mars/Olympus")
    given_schedule(held_database, name="good", every=10)

    decided = pass_time(held_database, clock) + pass_time(held_database, clock, seconds=10)

    assert decided == [START + timedelta(seconds=10)]
    reason = schedule(held_database, broken).quarantine_reason
    assert reason is not None
    assert "minute" in reason


def test_a_mended_row_comes_back(held_database: Database, clock: ManualClock) -> None:
    key = given_schedule(held_database, cron="61 * * * *")
    pass_time(held_database, clock)

    sql(held_database, "UPDATE crontab_schedule SET minute = '30'")
    sql(held_database, "UPDATE periodic_task SET watermark = :now", now=stored(held_database, clock))
    decided = pass_time(held_database, clock, minutes=30)

    assert schedule(held_database, key).quarantine_reason is None
    assert decided == [START + timedelta(minutes=30)]


def stored(database: Database, clock: ManualClock, **later: float) -> object:
    """An instant as plain SQL writes it."""
    at = clock.now() + timedelta(**later)
    return at if database.dialect == "postgresql" else at.strftime("%Y-%m-%d %H:%M:%S.%f")
