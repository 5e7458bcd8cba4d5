"""Beat keeps to the days of a calendar, and to the sun and to recurrences, as to any timing."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from scheduler_service.storage.session import Database
from tests.beat.test_decide import pass_time, stored
from tests.support.clock import ManualClock
from tests.support.rows import given_calendar, given_schedule, runs, schedule, sql

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)  # a Monday
NINE = [datetime(2026, 3, day, 9, tzinfo=UTC) for day in range(32) if day]


def days_passed(database: Database, clock: ManualClock, days: int) -> list[datetime]:
    """What was decided to run while days went by, hour by hour."""
    return [at for _ in range(days * 24) for at in pass_time(database, clock, hours=1)]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("exclude", [3, 4, 5, 6, 9]), ("only", [7, 8])],
)
def test_beat_leaves_days_out_or_keeps_to_them(
    held_database: Database, clock: ManualClock, mode: str, expected: list[int]
) -> None:
    calendar = given_calendar(held_database, weekly=["sat", "sun"])
    given_schedule(
        held_database, cron="0 9 * * *", calendar_id=calendar, calendar_mode=mode, overlap_policy="allow_all"
    )
    pass_time(held_database, clock)

    decided = days_passed(held_database, clock, 7)

    assert [at.day for at in decided] == expected


def test_equal_timings_with_unlike_calendars_are_planned_apart(held_database: Database, clock: ManualClock) -> None:
    tuesday = given_calendar(held_database, dates=["2026-03-04"])
    thursday = given_calendar(held_database, name="other", dates=["2026-03-05"])
    for name, calendar in (("a", tuesday), ("b", thursday), ("c", None)):
        given_schedule(held_database, name=name, cron="0 9 * * *", calendar_id=calendar)
    pass_time(held_database, clock)

    pass_time(held_database, clock, hours=21)

    rows = [schedule(held_database, key) for key in (1, 2, 3)]
    assert [row.next_run_at for row in rows] == [NINE[4], NINE[3], NINE[3]]


def test_days_that_a_calendar_left_out_were_not_missed(held_database: Database, clock: ManualClock) -> None:
    calendar = given_calendar(held_database, weekly=["sat", "sun"])
    given_schedule(held_database, cron="0 9 * * *", calendar_id=calendar, misfire_policy="skip")
    pass_time(held_database, clock)

    pass_time(held_database, clock, days=7)

    (missed,) = runs(held_database)
    assert (missed.state, missed.coalesced + 1) == ("missed", 5)


def test_an_edit_of_the_days_takes_effect_before_the_next_run(held_database: Database, clock: ManualClock) -> None:
    calendar = given_calendar(held_database, dates=["2026-12-25"])
    key = given_schedule(held_database, cron="0 9 * * *", calendar_id=calendar)
    pass_time(held_database, clock)
    before = schedule(held_database, key).next_run_at

    sql(
        held_database,
        "UPDATE calendar SET definition = :days",
        days=json.dumps({"dates": ["2026-03-03", "2026-03-04"]}),
    )
    replanned = schedule(held_database, key).next_run_at
    sql(held_database, "UPDATE periodic_task SET watermark = :now", now=stored(held_database, clock))
    decided = days_passed(held_database, clock, 3)

    assert (before, replanned) == (NINE[2], None)
    assert decided == [NINE[4]]


def test_a_calendar_that_is_not_understood_stops_only_its_own_schedules(
    held_database: Database, clock: ManualClock
) -> None:
    calendar = given_calendar(held_database, country="CN")
    broken = given_schedule(held_database, name="broken", every=10, calendar_id=calendar)
    given_schedule(held_database, name="good", every=10)

    decided = pass_time(held_database, clock) + pass_time(held_database, clock, seconds=10)

    assert decided == [START + timedelta(seconds=10)]
    reason = schedule(held_database, broken).quarantine_reason
    assert reason is not None
    assert "calendar.definition.country: is not known here" in reason


def test_a_schedule_of_the_sun_runs_when_it_sets(held_database: Database, clock: ManualClock) -> None:
    given_schedule(held_database, solar=("sunset", 52.52, 13.405), overlap_policy="allow_all")
    pass_time(held_database, clock)

    decided = days_passed(held_database, clock, 3)

    assert [at.replace(minute=0, second=0) for at in decided] == [
        datetime(2026, 3, day, 16, tzinfo=UTC) for day in (2, 3, 4)
    ]


def test_a_recurrence_runs_by_the_clocks_of_its_zone_and_ends(held_database: Database, clock: ManualClock) -> None:
    rule = "DTSTART;TZID=America/New_York:20260306T023000\nRRULE:FREQ=DAILY;COUNT=4\nEXDATE:20260307T023000"
    key = given_schedule(held_database, rrule=rule, overlap_policy="allow_all", misfire_policy="fire_all")
    pass_time(held_database, clock)

    decided = days_passed(held_database, clock, 8)

    assert decided == [
        datetime(2026, 3, 6, 7, 30, tzinfo=UTC),
        datetime(2026, 3, 8, 7, 0, tzinfo=UTC),  # 02:30 is in the gap
        datetime(2026, 3, 9, 6, 30, tzinfo=UTC),
    ]
    assert schedule(held_database, key).completed_reason == "its timing has no further occurrence"
