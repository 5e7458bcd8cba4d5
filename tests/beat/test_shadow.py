"""A shadow decides as a live schedule does, records what it would have run, and sends nothing."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from scheduler_service.beat.chains import follow
from scheduler_service.beat.decide import decide_due, plan_unplanned
from scheduler_service.errors import ScheduleIsShadow
from scheduler_service.services import backfills, manual_runs
from scheduler_service.services.backfills import BackfillDocument
from scheduler_service.storage import due, invariants
from scheduler_service.storage.session import Database
from tests.support.clock import ManualClock
from tests.support.rows import given_schedule, runs, schedule, sql

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@dataclass
class Beat:
    name: str = "test beat"
    number: int = 1


def pass_time(database: Database, clock: ManualClock, **by: float) -> int:
    """Move on and do what a Beat does; how many messages there would be to send."""
    clock.advance(timedelta(**by))
    messages = 0
    while True:
        planned = plan_unplanned(database, limit=100)
        decided, made = decide_due(database, Beat(), limit=100)
        messages += len(made)
        if not planned and not decided:
            return messages


def given_range(start: datetime, end: datetime) -> BackfillDocument:
    return BackfillDocument.model_validate({"start": start.isoformat(), "end": end.isoformat(), "mode": "missing"})


def test_its_occurrences_are_recorded_and_not_sent(held_database: Database, clock: ManualClock) -> None:
    key = given_schedule(held_database, every=10, shadow=True, max_runs=2)
    pass_time(held_database, clock)

    assert [pass_time(held_database, clock, seconds=10) for _ in range(3)] == [0, 0, 0]

    made = runs(held_database)
    assert [run.occurrence_at for run in made] == [START + timedelta(seconds=10 * number) for number in (1, 2, 3)]
    assert {(run.state, run.origin, run.finished_at is not None) for run in made} == {("shadowed", "shadow", True)}
    stands = schedule(held_database, key)
    assert (stands.total_run_count, stands.last_run_at, stands.completed_reason) == (0, None, None)


def test_no_run_of_it_is_ever_in_the_way(held_database: Database, clock: ManualClock) -> None:
    given_schedule(held_database, every=10, shadow=True, overlap_policy="buffer_one")
    pass_time(held_database, clock)

    for _ in range(3):
        pass_time(held_database, clock, seconds=10)

    assert [run.state for run in runs(held_database)] == ["shadowed"] * 3


def test_what_it_misses_is_told_by_its_policy(held_database: Database, clock: ManualClock) -> None:
    given_schedule(held_database, every=5, period="minutes", shadow=True)
    given_schedule(held_database, name="skips", every=5, period="minutes", shadow=True, misfire_policy="skip")
    pass_time(held_database, clock)

    assert pass_time(held_database, clock, hours=1, minutes=2) == 0

    told = {(run.schedule_name, run.state): run.coalesced for run in runs(held_database)}
    assert told == {("one", "shadowed"): 11, ("skips", "missed"): 11}


def test_a_one_off_shadow_records_its_one_occurrence_and_is_complete(
    held_database: Database, clock: ManualClock
) -> None:
    key = given_schedule(held_database, every=10, shadow=True, one_off=True)
    pass_time(held_database, clock)

    pass_time(held_database, clock, seconds=10)
    sql(held_database, "UPDATE periodic_task SET shadow = :off", off=False)

    assert pass_time(held_database, clock, minutes=5) == 0
    assert [run.state for run in runs(held_database)] == ["shadowed"]
    assert schedule(held_database, key).completed_reason == "one_off: it has been shadowed once"


def test_made_live_it_runs_from_its_next_occurrence_on(held_database: Database, clock: ManualClock) -> None:
    given_schedule(held_database, every=10, shadow=True, overlap_policy="allow_all")
    pass_time(held_database, clock)
    pass_time(held_database, clock, seconds=10)
    clock.advance(timedelta(seconds=15))

    now = clock.now()
    sql(held_database, "UPDATE periodic_task SET shadow = :off, watermark = :now", off=False, now=now)

    assert pass_time(held_database, clock) == 0
    assert pass_time(held_database, clock, seconds=5) == 1
    assert [run.occurrence_at for run in runs(held_database, origin="auto")] == [START + timedelta(seconds=30)]


def test_an_occurrence_that_was_shadowed_may_still_be_run(held_database: Database, clock: ManualClock) -> None:
    """What came due after the boundary of a cut-over and before its end."""
    given_schedule(held_database, every=10, shadow=True, overlap_policy="allow_all")
    pass_time(held_database, clock)
    pass_time(held_database, clock, seconds=10)

    boundary = START + timedelta(seconds=5)
    sql(held_database, "UPDATE periodic_task SET shadow = :off, watermark = :at", off=False, at=boundary)

    assert pass_time(held_database, clock) == 1
    at = START + timedelta(seconds=10)
    assert [(run.occurrence_at, run.origin) for run in runs(held_database)] == [(at, "shadow"), (at, "auto")]


def test_nothing_follows_it(held_database: Database, clock: ManualClock) -> None:
    upstream = given_schedule(held_database, name="upstream", every=10, shadow=True)
    downstream = given_schedule(held_database, name="downstream")
    sql(held_database, "INSERT INTO schedule_after VALUES (:up, :down)", up=upstream, down=downstream)
    pass_time(held_database, clock)

    pass_time(held_database, clock, seconds=10)

    with held_database.reading() as session:
        assert not due.look(session, clock.now()).followers
    assert follow(held_database, Beat(), limit=100) == (False, [])
    assert runs(held_database, schedule_name="downstream") == []


def test_it_is_not_run_by_hand(held_database: Database, clock: ManualClock) -> None:
    key = given_schedule(held_database, every=10, shadow=True)
    pass_time(held_database, clock, seconds=10)
    (recorded,) = runs(held_database)
    past = given_range(START - timedelta(hours=1), START)

    with held_database.transaction() as session, pytest.raises(ScheduleIsShadow):
        manual_runs.trigger(session, key, actor="me", now=clock.now())
    with held_database.transaction() as session, pytest.raises(ScheduleIsShadow):
        backfills.create(session, key, past, actor="me", now=clock.now())
    with held_database.transaction() as session, pytest.raises(ScheduleIsShadow):
        manual_runs.retry(session, recorded.id, actor="me", now=clock.now())


def test_a_backfill_does_not_miss_what_another_scheduler_ran(held_database: Database, clock: ManualClock) -> None:
    key = given_schedule(held_database, every=1, period="minutes", shadow=True)
    pass_time(held_database, clock)
    for _ in range(3):
        pass_time(held_database, clock, minutes=1)
    sql(held_database, "UPDATE periodic_task SET shadow = :off", off=False)

    wanted = given_range(START - timedelta(minutes=2), clock.now())
    with held_database.reading() as session:
        found = backfills.propose(session, key, wanted, now=clock.now())

    assert [at for at in found.items if at > START] == []


def test_the_invariants_hold_of_it(held_database: Database, clock: ManualClock) -> None:
    given_schedule(held_database, every=10, shadow=True)
    pass_time(held_database, clock)
    for _ in range(5):
        pass_time(held_database, clock, seconds=10)

    with held_database.reading() as session:
        assert {found.code for found in invariants.examine(session, clock.now())} == {"no_beat", "task_untracked"}
