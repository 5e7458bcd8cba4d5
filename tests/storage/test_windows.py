"""From when to when a run is for."""

from datetime import UTC, datetime, timedelta

import pytest

from scheduler_service.storage import windows
from scheduler_service.storage.session import Database
from tests.support.rows import given_calendar, given_schedule

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def previous(database: Database, schedule_id: int, before: datetime = MONDAY) -> datetime | None:
    with database.reading() as session:
        return windows.previous_occurrence(session, schedule_id, before)


@pytest.mark.parametrize(
    ("timing", "before"),
    [
        pytest.param({"cron": "0 0 * * *"}, timedelta(days=1), id="daily"),
        pytest.param({"cron": "0 0 * * mon"}, timedelta(days=7), id="weekly"),
        pytest.param({"cron": "0 0 1 * *"}, timedelta(days=1), id="monthly, asked in the middle"),
        pytest.param({"cron": "0 0 29 2 *"}, MONDAY - datetime(2024, 2, 29, tzinfo=UTC), id="leap days"),
        pytest.param({"every": 90, "anchor_at": MONDAY - timedelta(hours=1)}, timedelta(seconds=90), id="interval"),
    ],
)
def test_the_occurrence_before(database: Database, timing: dict[str, object], before: timedelta) -> None:
    key = given_schedule(database, **timing)  # type: ignore[arg-type]

    assert previous(database, key) == MONDAY - before


def test_days_that_a_calendar_leaves_out_are_in_the_window(database: Database) -> None:
    weekends = given_calendar(database, weekly=["sat", "sun"])
    key = given_schedule(database, cron="0 0 * * *", calendar_id=weekends)

    assert previous(database, key) == MONDAY - timedelta(days=3)


def test_the_hours_of_a_zone(database: Database) -> None:
    key = given_schedule(database, cron="0 0 * * *", timezone="Asia/Shanghai")

    assert previous(database, key, MONDAY + timedelta(hours=16)) == MONDAY - timedelta(hours=8)


def test_none_where_there_is_none(database: Database) -> None:
    without_timing = given_schedule(database, name="after others")

    assert previous(database, without_timing) is None
    assert previous(database, 99) is None
