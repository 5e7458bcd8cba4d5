"""What a preview tells is what Beat then does: the same occurrences, sent at the same instants, and no other."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scheduler_service.services import previews
from scheduler_service.storage.session import Database
from tests.beat.test_decide import pass_time
from tests.support.clock import ManualClock
from tests.support.rows import given_calendar, given_schedule, runs, schedule

COUNT = 12


@pytest.mark.parametrize(
    ("begin", "fields"),
    [
        pytest.param("2026-03-07", {"cron": "30 2 * * *", "timezone": "America/New_York"}, id="over a gap"),
        pytest.param("2026-11-01", {"cron": "*/20 * * * *", "timezone": "America/New_York"}, id="both passes"),
        pytest.param("2026-11-01", {"cron": "0,30 1-2 * * *", "timezone": "America/New_York"}, id="the first pass"),
        pytest.param("2026-03-02", {"cron": "*/7 * * * *", "jitter_seconds": 3600}, id="a jitter longer than the gap"),
        pytest.param("2026-03-02", {"every": 90, "period": "minutes", "jitter_seconds": 60}, id="an interval"),
        pytest.param("2026-03-02", {"cron": "0 9 * * *", "calendar_id": 1, "jitter_seconds": 900}, id="days left out"),
        pytest.param("2026-03-02", {"cron": "0 9 * * *", "calendar_id": 1, "calendar_mode": "only"}, id="days kept to"),
        pytest.param("2026-03-20", {"solar": ("sunrise", 78.2, 15.6), "jitter_seconds": 30}, id="until the polar day"),
        pytest.param(
            "2026-03-20",
            {"rrule": "DTSTART;TZID=Europe/Berlin:20260101T023000\nRRULE:FREQ=DAILY;COUNT=90\nEXDATE:20260322T023000"},
            id="a recurrence that ends",
        ),
        pytest.param("2026-03-02", {"cron": "0 * * * *", "max_runs": 5, "jitter_seconds": 60}, id="max_runs"),
        pytest.param("2026-03-02", {"cron": "0 * * * *", "one_off": True}, id="one_off"),
        pytest.param(
            "2026-03-02",
            {"cron": "0 * * * *", "start_time": datetime(2026, 3, 2, 5, tzinfo=UTC),
             "expires": datetime(2026, 3, 2, 9, tzinfo=UTC)},
            id="from a start to an end",
        ),
    ],
)  # fmt: skip
def test_beat_does_what_was_told(
    held_database: Database, clock: ManualClock, begin: str, fields: dict[str, Any]
) -> None:
    clock.set(datetime.fromisoformat(begin).replace(tzinfo=UTC) + timedelta(minutes=3, seconds=20))
    given_calendar(held_database, weekly=["sun"], dates=["2026-03-04"], holidays={"country": "DE", "subdivision": "BE"})
    key = given_schedule(held_database, overlap_policy="allow_all", **fields)
    with held_database.reading() as session:
        told = previews.upcoming(session, key, after=None, now=clock.now(), count=COUNT, language="en").items

    pass_time(held_database, clock)
    while len(runs(held_database)) < COUNT and not (row := schedule(held_database, key)).completed_reason:
        assert row.next_run_at is not None
        clock.set(row.next_run_at)
        pass_time(held_database, clock)

    assert len(told) > 0
    assert [(run.occurrence_at, run.fire_at) for run in runs(held_database)] == [
        (one.occurrence_at, one.fire_at) for one in told
    ]


def test_an_occurrence_that_waits_for_its_jitter_is_still_to_come(held_database: Database, clock: ManualClock) -> None:
    key = given_schedule(held_database, every=1, period="hours", jitter_seconds=3000)
    pass_time(held_database, clock)
    row = schedule(held_database, key)
    assert row.next_run_at is not None
    assert row.next_occurrence_at is not None
    clock.set(row.next_run_at - timedelta(seconds=1))

    with held_database.reading() as session:
        first, second = previews.upcoming(session, key, after=None, now=clock.now(), count=2, language="en").items

    assert row.next_occurrence_at < clock.now()
    assert (first.occurrence_at, first.fire_at) == (row.next_occurrence_at, row.next_run_at)
    assert second.occurrence_at == row.next_occurrence_at + timedelta(hours=1)
