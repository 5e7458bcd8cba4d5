"""New time zone data: what was planned with the old is planned again, and nothing is lost or fires twice."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

from scheduler_service.beat.decide import plan_unplanned
from scheduler_service.storage import zone_data
from scheduler_service.storage.session import Database
from tests.beat.test_decide import pass_time, stored
from tests.support.clock import ManualClock
from tests.support.rows import given_schedule, runs, schedule, sql

HOURLY = "0 * * * *"
RULE = "DTSTART;TZID=Europe/Berlin:20260105T090000\nRRULE:FREQ=DAILY"


def given_old_data(database: Database) -> None:
    """As a Beat leaves it that started with other data."""
    zone_data.replan_after_change(database, current="old")


def test_zoned_schedules_are_planned_again_and_the_others_are_not(held_database: Database, clock: ManualClock) -> None:
    given_old_data(held_database)
    zoned = [
        given_schedule(held_database, name="crontab", cron="0 9 * * *", timezone="Europe/Berlin"),
        given_schedule(held_database, name="rrule", rrule=RULE),
    ]
    other = given_schedule(held_database, name="interval", every=5, period="hours")
    pass_time(held_database, clock)
    before = schedule(held_database, other).next_run_at
    by_old_data = stored(held_database, clock, hours=21)  # the real one is an hour earlier
    for key in zoned:
        sql(held_database, "UPDATE periodic_task SET next_run_at = :at, next_occurrence_at = :at WHERE id = :id",
            at=by_old_data, id=key)  # fmt: skip

    count = zone_data.replan_after_change(held_database)
    forgotten = [schedule(held_database, key).next_run_at for key in zoned]
    pass_time(held_database, clock)

    assert (count, forgotten) == (2, [None, None])
    assert {schedule(held_database, key).next_run_at for key in zoned} == {datetime(2026, 3, 3, 8, tzinfo=UTC)}
    assert schedule(held_database, other).next_run_at == before
    assert {schedule(held_database, key).revision for key in zoned} == {1}


def test_the_same_data_changes_nothing(held_database: Database, clock: ManualClock) -> None:
    key = given_schedule(held_database, cron=HOURLY)
    zone_data.replan_after_change(held_database)
    pass_time(held_database, clock)
    before = schedule(held_database, key).next_run_at

    assert zone_data.replan_after_change(held_database) == 0
    assert schedule(held_database, key).next_run_at == before
    with held_database.reading() as session:
        assert zone_data.known(session) == zone_data.VERSION


def test_nothing_fires_twice_and_what_is_overdue_is_not_lost(held_database: Database, clock: ManualClock) -> None:
    given_old_data(held_database)
    given_schedule(held_database, cron=HOURLY, overlap_policy="allow_all", misfire_policy="fire_all", jitter_seconds=60)
    pass_time(held_database, clock)
    pass_time(held_database, clock, hours=1, minutes=2)

    clock.advance(timedelta(hours=2))  # no Beat ran; meanwhile somebody edited what is not about when
    sql(held_database, "UPDATE periodic_task SET description = 'x'")
    sql(held_database, "UPDATE periodic_task SET watermark = :now", now=stored(held_database, clock))
    zone_data.replan_after_change(held_database)
    pass_time(held_database, clock)
    zone_data.replan_after_change(held_database, current="newer still")
    pass_time(held_database, clock, hours=1)

    assert [run.occurrence_at.hour for run in runs(held_database)] == [13, 14, 15, 16]


def test_an_instant_that_was_set_by_hand_stays(held_database: Database, clock: ManualClock) -> None:
    given_old_data(held_database)
    key = given_schedule(held_database, cron=HOURLY, jitter_seconds=5)
    pass_time(held_database, clock)
    sql(held_database, "UPDATE periodic_task SET next_run_at = :at", at=stored(held_database, clock, minutes=7))

    zone_data.replan_after_change(held_database)

    assert schedule(held_database, key).next_run_at == clock.now() + timedelta(minutes=7)


def test_a_zone_that_only_the_new_data_knows_is_tried_again(held_database: Database, clock: ManualClock) -> None:
    given_old_data(held_database)
    key = given_schedule(held_database, cron=HOURLY, timezone="Europe/Berlin")
    sql(held_database, "UPDATE periodic_task SET quarantine_reason = 'not a known time zone'")

    zone_data.replan_after_change(held_database)
    pass_time(held_database, clock)

    assert schedule(held_database, key).quarantine_reason is None
    assert schedule(held_database, key).next_run_at == clock.now() + timedelta(hours=1)


def test_beats_that_start_together_share_the_work(held_database: Database, clock: ManualClock) -> None:
    given_old_data(held_database)
    for number in range(30):
        given_schedule(held_database, name=str(number), cron=HOURLY)
    plan_unplanned(held_database, limit=100)
    together = Barrier(4)

    def start(_: int) -> int:
        together.wait()
        return zone_data.replan_after_change(held_database)

    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(start, range(4)))

    assert sum(counts) >= 30
    assert {schedule(held_database, key + 1).next_run_at for key in range(30)} == {None}
    with held_database.reading() as session:
        assert zone_data.known(session) == zone_data.VERSION


def test_a_row_that_somebody_holds_is_not_waited_for_but_tried_again(postgres_url: str, clock: ManualClock) -> None:
    database = Database(postgres_url, clock=clock)
    given_old_data(database)
    held, free = (given_schedule(database, name=name, cron=HOURLY) for name in ("held", "free"))
    pass_time(database, clock)

    with database.engine.begin() as editor:
        editor.exec_driver_sql(f"SELECT 1 FROM periodic_task WHERE id = {held} FOR UPDATE")
        first = zone_data.replan_after_change(database)
    second = zone_data.replan_after_change(database)

    assert (first, second) == (1, 1)
    assert schedule(database, held).next_run_at is schedule(database, free).next_run_at is None
    database.close()
