"""How many runs are to come, in buckets of time, over all schedules."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import insert

from scheduler_service.beat.decide import plan_unplanned
from scheduler_service.storage.models import CrontabSchedule, IntervalSchedule, PeriodicTask
from scheduler_service.storage.session import Database
from tests.api.given import fields_of, given_schedule, planned
from tests.api.test_calendars import given_calendar
from tests.support.rows import given_schedule as given_row

DAY = {"start": "2026-12-01T00:00:00Z", "end": "2026-12-02T00:00:00Z"}
HOURLY = {"type": "crontab", "expression": "0 * * * *"}


def load(api: httpx.Client, **query: Any) -> dict[str, Any]:
    answer = api.get("/load", params=DAY | query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def totals(told: dict[str, Any]) -> list[int]:
    return [item["total"] for item in told["items"]]


def test_runs_are_counted_by_bucket_and_kind(api: httpx.Client) -> None:
    given_schedule(api, "a", timing=HOURLY, task="collect.execute_task")
    given_schedule(api, "b", timing=HOURLY, task="collect.execute_task")
    given_schedule(api, "c", timing={"type": "crontab", "expression": "*/15 6 * * *"}, task="etl.execute_pipeline")
    given_schedule(api, "d", timing={"type": "crontab", "expression": "30 6 1 12 *"}, kind="report")
    given_schedule(api, "e", timing={"type": "interval", "every": 8, "period": "hours"}, start_time=DAY["start"])
    given_schedule(api, "paused", timing=HOURLY, enabled=False)

    told = load(api, bucket=6 * 3600)

    assert told == {
        "start": DAY["start"],
        "end": DAY["end"],
        "bucket": 21_600,
        "left_out": 0,
        "items": [
            {"at": "2026-12-01T00:00:00Z", "total": 13, "collect": 12, "etl": 0, "report": 0, "other": 1},
            {"at": "2026-12-01T06:00:00Z", "total": 18, "collect": 12, "etl": 4, "report": 1, "other": 1},
            {"at": "2026-12-01T12:00:00Z", "total": 13, "collect": 12, "etl": 0, "report": 0, "other": 1},
            {"at": "2026-12-01T18:00:00Z", "total": 12, "collect": 12, "etl": 0, "report": 0, "other": 0},
        ],
    }


def test_the_next_day_is_told_by_the_hour_unless_somebody_wants_other(api: httpx.Client) -> None:
    given_schedule(api, timing=HOURLY)

    told = api.get("/load").json()

    assert (told["start"], told["end"], told["bucket"]) == ("2026-03-02T12:00:00Z", "2026-03-03T12:00:00Z", 3600)
    assert totals(told) == [1] * 24


def test_the_last_bucket_ends_where_the_time_does(api: httpx.Client) -> None:
    given_schedule(api, timing=HOURLY)

    told = load(api, end="2026-12-01T07:00:00Z", bucket=3 * 3600)

    assert totals(told) == [3, 3, 1]


@pytest.mark.parametrize(
    ("fields", "hours"),
    [
        pytest.param({"expires": "2026-12-01T03:00:00Z"}, [0, 1, 2, 3], id="an end"),
        pytest.param({"start_time": "2026-12-01T22:00:00Z"}, [22, 23], id="a start"),
        pytest.param({"start_time": "2026-12-01T05:00:00Z", "max_runs": 3}, [5, 6, 7], id="runs that are left"),
        pytest.param({"start_time": "2026-11-30T22:00:00Z", "max_runs": 3}, [0], id="runs that come before"),
        pytest.param({"start_time": "2026-11-25T00:00:00Z", "max_runs": 150}, list(range(6)), id="many runs left"),
        pytest.param({"start_time": "2026-12-01T05:00:00Z", "max_runs": 150}, list(range(5, 24)), id="more than come"),
        pytest.param({"start_time": "2026-12-01T05:00:00Z", "one_off": True}, [5], id="one_off"),
        pytest.param({"calendar": "december"}, [], id="days left out"),
    ],
)
def test_the_limits_of_a_schedule_count(api: httpx.Client, fields: dict[str, Any], hours: list[int]) -> None:
    given_calendar(api, "december", ranges=[{"start": "2026-12-01", "end": "2026-12-31"}])
    given_schedule(api, timing=HOURLY, **fields)

    assert [hour for hour, total in enumerate(totals(load(api))) if total] == hours


@pytest.mark.parametrize("fields", [{}, {"max_runs": 500}, {"max_runs": 7}], ids=["for ever", "long", "short"])
def test_a_load_is_what_next_tells(api: httpx.Client, held_database: Database, fields: dict[str, Any]) -> None:
    made = given_schedule(api, timing={"type": "crontab", "expression": "*/20 * * * *"}, jitter_seconds=900, **fields)
    row = planned(held_database, made["id"])
    assert row.next_run_at is not None
    start = (row.next_run_at - timedelta(hours=1)).replace(minute=0, second=0)

    told = load(api, start=start.isoformat(), end=(start + timedelta(days=5)).isoformat(), bucket=600)
    coming = api.get(f"/schedules/{made['id']}/next", params={"after": made["created_at"], "count": 1000}).json()

    sent = [datetime.fromisoformat(item["fire_at"]) for item in coming["items"]]
    counted = [0] * len(told["items"])
    for at in sent:
        if at < start + timedelta(days=5):
            counted[(at - start) // timedelta(seconds=600)] += 1
    begun = next(number for number, count in enumerate(counted) if count)
    assert totals(told)[begun:] == counted[begun:]


def test_an_instant_set_by_hand_counts_in_place_of_what_comes_before_it(
    api: httpx.Client, held_database: Database
) -> None:
    made = given_schedule(api, timing=HOURLY)
    row = planned(held_database, made["id"])
    with held_database.transaction() as session:
        session.merge(row).next_run_at = datetime(2026, 12, 1, 20, 30, tzinfo=UTC)

    assert totals(load(api)) == [0] * 20 + [1, 1, 1, 1]


def test_a_row_that_is_not_understood_is_left_out_and_counted(api: httpx.Client, held_database: Database) -> None:
    given_row(held_database, name="broken", cron="61 * * * *")
    given_row(held_database, name="lost", solar=("moonrise", 0.0, 0.0))
    given_schedule(api, timing=HOURLY)

    told = load(api, bucket=86_400)

    assert (told["left_out"], totals(told)) == (2, [24])


@pytest.mark.parametrize(
    ("query", "field", "reason"),
    [
        ({"end": DAY["start"]}, "end", "must be after start"),
        ({"end": "2027-12-03T00:00:00Z", "bucket": 86_400}, "end", "at most 366 days"),
        ({"end": "2026-12-03T00:00:00Z", "bucket": 60}, "bucket", "makes 2880 buckets; 2000 are allowed"),
        ({"bucket": 59}, "bucket", "greater than or equal to 60"),
        ({"bucket": 31 * 86_400 + 1}, "bucket", "less than or equal to"),
        ({"start": "2026-12-01"}, "start", "must be a date and time"),
        ({"kind": "etl"}, "kind", "is not a known field"),
    ],
)
def test_what_cannot_be_counted_is_refused_by_its_field(
    sqlite_api: httpx.Client, query: dict[str, Any], field: str, reason: str
) -> None:
    refused = sqlite_api.get("/load", params=DAY | query)

    assert refused.status_code == 422
    assert list(fields_of(refused)) == [field]
    assert reason in fields_of(refused)[field]


def test_a_week_of_ten_thousand_schedules_is_told(api: httpx.Client, held_database: Database) -> None:
    with held_database.transaction() as session:
        session.execute(insert(CrontabSchedule), list(_crontabs()))
        session.execute(insert(IntervalSchedule), [{"every": n + 1, "period": "minutes"} for n in range(1000)])
        session.execute(insert(PeriodicTask), list(_schedules(10_000)))
    while plan_unplanned(held_database, limit=1000):
        pass

    told = load(api, end="2026-12-08T00:00:00Z")

    assert (len(told["items"]), told["left_out"]) == (168, 0)
    assert min(totals(told)) > 0


def _crontabs() -> Iterator[dict[str, Any]]:
    """5,000 unlike ones, the rarest twice a week."""
    zones = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Shanghai")
    for number in range(5000):
        hour = number // 60 % 24
        yield {
            "minute": str(number % 60),
            "hour": f"{hour}-23/2" if number % 3 == 0 else str(hour),
            "day_of_week": ("*", "mon-fri", "mon,thu")[number % 7 % 3],
            "timezone": zones[number // 1440],
        }


def _schedules(count: int) -> Iterator[dict[str, Any]]:
    kinds = ("collect", "etl", "report", "other")
    for number in range(count):
        timing = {"crontab_id": number % 5000 + 1} if number % 2 else {"interval_id": number // 2 % 1000 + 1}
        yield {"name": str(number), "task": "t", "kind": kinds[number % 4], "crontab_id": None, "interval_id": None,
               "jitter_seconds": 30 if number % 10 == 0 else 0} | timing  # fmt: skip
