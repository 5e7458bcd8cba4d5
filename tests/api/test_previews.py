"""What would come of a timing, told before it is saved, and as Beat would decide it."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from scheduler_service.storage.session import Database
from tests.api.given import CRONTAB, fields_of, given_schedule, instant, planned
from tests.api.test_calendars import DAILY, given_calendar


def preview(api: httpx.Client, timing: dict[str, Any], **fields: Any) -> list[dict[str, Any]]:
    answer = api.post("/schedules/preview", json={"timing": timing} | fields)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def at(items: list[dict[str, Any]]) -> list[str]:
    return [item["occurrence_at"] for item in items]


def test_a_timing_that_is_not_saved_is_told_from_now_on(api: httpx.Client) -> None:
    answer = api.post("/schedules/preview", json={"timing": CRONTAB | {"timezone": "Asia/Kolkata"}})

    told = answer.json()
    assert (answer.status_code, len(told["items"])) == (200, 10)
    assert told["timing_text"] == "every 5 minutes (Asia/Kolkata)"
    assert told["items"][0] == {
        "occurrence_at": "2026-03-02T12:05:00Z",
        "fire_at": "2026-03-02T12:05:00Z",
        "local": "2026-03-02T17:35:00+05:30",
    }
    assert api.get("/schedules").json()["items"] == []


@pytest.mark.parametrize(
    ("timing", "expected"),
    [
        pytest.param({"type": "interval", "every": 7, "period": "hours"}, ["2026-03-02T19:00:00Z"], id="from now on"),
        pytest.param({"type": "clocked", "clocked_time": "2026-05-01T00:00:00Z"}, ["2026-05-01T00:00:00Z"], id="once"),
        pytest.param({"type": "clocked", "clocked_time": "2020-05-01T00:00:00Z"}, [], id="passed"),
        pytest.param(
            {"type": "rrule", "rule": "DTSTART;TZID=Europe/Berlin:20260328T023000\nRRULE:FREQ=DAILY;COUNT=3"},
            ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"],
            id="a recurrence over a gap",
        ),
    ],
)
def test_every_kind_of_timing_has_a_preview(
    sqlite_api: httpx.Client, timing: dict[str, Any], expected: list[str]
) -> None:
    assert at(preview(sqlite_api, timing))[: len(expected) or None] == expected


def test_start_end_after_and_calendar_are_honoured(api: httpx.Client) -> None:
    given_calendar(api, dates=["2026-04-03"])

    told = preview(
        api, DAILY,
        start_time="2026-04-01T09:00:00Z", expires="2026-04-05T09:00:00Z", calendar="days off", count=100,
    )  # fmt: skip
    later = preview(api, DAILY, after="2026-04-02T09:00:00Z", calendar={"name": "days off", "mode": "only"})

    assert at(told) == [f"2026-04-0{day}T09:00:00Z" for day in (1, 2, 4, 5)]
    assert at(later) == ["2026-04-03T09:00:00Z"]


def test_a_thousand_occurrences_are_told_and_no_more(sqlite_api: httpx.Client) -> None:
    told = preview(sqlite_api, CRONTAB, count=1000)

    refused = sqlite_api.post("/schedules/preview", json={"timing": CRONTAB, "count": 1001})
    assert len({item["occurrence_at"] for item in told}) == 1000
    assert list(fields_of(refused)) == ["count"]


def test_a_jitter_is_told_for_the_schedule_that_it_depends_on(api: httpx.Client, held_database: Database) -> None:
    made = given_schedule(api, timing=CRONTAB, jitter_seconds=200)
    row = planned(held_database, made["id"])
    after = made["created_at"]

    (mine,) = preview(api, CRONTAB, jitter_seconds=200, schedule_id=made["id"], after=after, count=1)
    (nobodys,) = preview(api, CRONTAB, jitter_seconds=200, after=after, count=1)

    assert (instant(mine["occurrence_at"]), instant(mine["fire_at"])) == (row.next_occurrence_at, row.next_run_at)
    assert nobodys["fire_at"] == nobodys["occurrence_at"] == mine["occurrence_at"]


def test_an_interval_is_told_on_the_grid_of_the_schedule_that_would_have_it(
    api: httpx.Client, held_database: Database
) -> None:
    made = given_schedule(api, timing={"type": "interval", "every": 3, "period": "hours"})
    hourly = {"type": "interval", "every": 1, "period": "hours"}

    (told,) = preview(api, hourly, schedule_id=made["id"], after=made["created_at"], count=1)
    api.patch(f"/schedules/{made['id']}", json={"timing": hourly})

    assert instant(told["occurrence_at"]) == instant(made["created_at"]) + timedelta(hours=1)
    assert planned(held_database, made["id"]).next_occurrence_at == instant(told["occurrence_at"])


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["timing"]),
        ({"timing": {"type": "crontab", "minute": "61"}}, ["timing.minute"]),
        ({"timing": CRONTAB, "count": 0, "jitter_seconds": -1, "x": 1}, ["count", "jitter_seconds", "x"]),
        ({"timing": CRONTAB, "start_time": "2026-05-01T00:00:00Z", "expires": "2026-04-01T00:00:00Z"}, ["expires"]),
        ({"timing": CRONTAB, "after": "soon", "schedule_id": 0}, ["after", "schedule_id"]),
    ],
)
def test_what_is_wrong_with_a_preview_is_named(sqlite_api: httpx.Client, body: Any, fields: list[str]) -> None:
    refused = sqlite_api.post("/schedules/preview", json=body)

    assert refused.status_code == 422
    assert sorted(fields_of(refused)) == fields


def test_a_preview_for_a_schedule_that_is_not_there_is_refused(sqlite_api: httpx.Client) -> None:
    refused = sqlite_api.post("/schedules/preview", json={"timing": CRONTAB, "schedule_id": 7})

    assert (refused.status_code, refused.json()["code"]) == (404, "schedule_not_found")
