"""What a timing may be over HTTP, and what an edit of one does to the plan."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from scheduler_service.storage.session import Database
from tests.api.given import CRONTAB, INTERVAL, fields_of, given_schedule, instant, planned, row_of, schedule_body
from tests.support.clock import ManualClock


@pytest.mark.parametrize(
    ("given", "read", "words"),
    [
        pytest.param(
            {"type": "crontab", "expression": "@daily", "timezone": "Europe/Berlin"},
            {
                "type": "crontab", "minute": "0", "hour": "0", "day_of_month": "*", "month_of_year": "*",
                "day_of_week": "*", "timezone": "Europe/Berlin", "day_match": "and",
            },
            "at 00:00 (Europe/Berlin)",
            id="an alias",
        ),
        pytest.param(
            {"type": "crontab", "minute": "0", "hour": "9", "day_of_week": "1, 2"},
            {
                "type": "crontab", "minute": "0", "hour": "9", "day_of_month": "*", "month_of_year": "*",
                "day_of_week": "1,2", "timezone": "UTC", "day_match": "and",
            },
            "at 09:00, on Monday and Tuesday",
            id="fields",
        ),
        pytest.param(INTERVAL, INTERVAL, "every 30 seconds", id="an interval"),
        pytest.param(
            {"type": "clocked", "clocked_time": "2030-07-01T09:00:00+02:00"},
            {"type": "clocked", "clocked_time": "2030-07-01T07:00:00Z"},
            "once, at 2030-07-01 07:00 UTC",
            id="an instant",
        ),
        pytest.param(
            {"type": "clocked", "clocked_time": "2030-07-01T09:00", "timezone": "Europe/Berlin"},
            {"type": "clocked", "clocked_time": "2030-07-01T07:00:00Z"},
            "once, at 2030-07-01 07:00 UTC",
            id="a local time",
        ),
    ],
)  # fmt: skip
def test_a_timing_is_understood_and_told_in_words(
    sqlite_api: httpx.Client, given: dict[str, Any], read: dict[str, Any], words: str
) -> None:
    made = given_schedule(sqlite_api, timing=given)

    assert (made["timing"], made["timing_text"]) == (read, words)


@pytest.mark.parametrize(
    ("timing", "field", "reason"),
    [
        (None, "timing", "must be a JSON object"),
        ({}, "timing.type", "is required"),
        ({"type": "lunar"}, "timing.type", "'lunar' is not one of 'crontab', 'interval', 'clocked'"),
        ({"type": "solar", "event": "sunset"}, "timing", "solar timings are not available in this version"),
        ({"type": "rrule", "rule": "x"}, "timing", "rrule timings are not available in this version"),
        ({"type": "crontab", "minute": "61"}, "timing.minute", "61 is not within 0-59"),
        ({"type": "crontab", "minute": 5}, "timing.minute", "should be a valid string"),
        ({"type": "crontab", "expression": "61 * * * *"}, "timing.expression", "61 is not within 0-59"),
        ({"type": "crontab", "expression": "* * *"}, "timing.expression", "has 3 fields; five are needed"),
        ({"type": "crontab", "expression": "* * * * *", "hour": "1"}, "timing.expression", "in place of the five"),
        ({"type": "crontab", "day_of_month": "31", "month_of_year": "2"}, "timing.day_of_month", "never comes"),
        ({"type": "crontab", "timezone": "Europe/Berln"}, "timing.timezone", "near to it: Europe/Berlin"),
        ({"type": "crontab", "day_match": "xor"}, "timing.day_match", "should be 'and' or 'or'"),
        ({"type": "crontab", "seconds": "0"}, "timing.seconds", "is not a known field"),
        ({"type": "interval", "every": 0, "period": "days"}, "timing.every", "greater than or equal to 1"),
        ({"type": "interval", "every": 1.5, "period": "days"}, "timing.every", "should be a valid integer"),
        ({"type": "interval", "every": True, "period": "days"}, "timing.every", "should be a valid integer"),
        ({"type": "interval", "every": 40_000, "period": "days"}, "timing.every", "a century"),
        ({"type": "interval", "every": 1, "period": "months"}, "timing.period", "should be 'weeks', 'days'"),
        ({"type": "interval", "every": 1}, "timing.period", "is required"),
        ({"type": "clocked", "clocked_time": "2030-01-01T09:00"}, "timing.clocked_time", "has no offset from UTC"),
        ({"type": "clocked", "clocked_time": "soon"}, "timing.clocked_time", "must be a date and time such as"),
        ({"type": "clocked", "clocked_time": 1893456000}, "timing.clocked_time", "must be a date and time such as"),
        ({"type": "clocked", "clocked_time": "2030-02-30T09:00:00Z"}, "timing.clocked_time", "of the calendar"),
        ({"type": "clocked", "clocked_time": "0001-01-01T00:00:00+09:00"}, "timing.clocked_time", "of the calendar"),
        ({"type": "clocked", "clocked_time": "9999-01-01T00:00:00Z"}, "timing.clocked_time", "in the years 1970 to"),
        (
            {"type": "clocked", "clocked_time": "2030-01-01T09:00Z", "timezone": "UTC"},
            "timing.clocked_time",
            "has an offset and a time zone",
        ),
        ({"type": "clocked", "clocked_time": "2030-01-01T09:00", "timezone": "X/Y"}, "timing.timezone", "not a known"),
        ({"type": "clocked", "clocked_time": "2026-03-02T12:00:00Z"}, "timing.clocked_time", "is in the past"),
    ],
)
def test_a_timing_without_a_meaning_is_refused_by_its_field(
    sqlite_api: httpx.Client, timing: Any, field: str, reason: str
) -> None:
    refused = sqlite_api.post("/schedules", json=schedule_body(timing=timing))

    assert refused.status_code == 422
    assert list(fields_of(refused)) == [field]
    assert reason in fields_of(refused)[field]


def test_an_instant_that_has_passed_is_taken_when_that_is_meant(api: httpx.Client) -> None:
    past = {"type": "clocked", "clocked_time": "2020-01-01T00:00:00Z", "allow_past": True}

    made = given_schedule(api, timing=past)

    edited = api.patch(f"/schedules/{made['id']}", json={"description": "the timing is left alone"})
    assert made["timing"] == {"type": "clocked", "clocked_time": "2020-01-01T00:00:00Z"}
    assert edited.status_code == 200


def test_an_edit_of_anything_but_when_leaves_the_plan_alone(api: httpx.Client, held_database: Database) -> None:
    edits: list[dict[str, Any]] = [
        {"description": "x"}, {"name": "x"}, {"args": [1]}, {"queue": "x"}, {"tags": ["x"]}, {"timing": {"every": 30}},
        {"misfire_policy": "skip"}, {"enabled": True},
    ]  # fmt: skip
    made = [given_schedule(api, str(edit))["id"] for edit in edits]
    before = [planned(held_database, schedule_id) for schedule_id in made]

    for schedule_id, edit in zip(made, edits, strict=True):
        assert api.patch(f"/schedules/{schedule_id}", json=edit).status_code == 200

    after = [row_of(held_database, schedule_id) for schedule_id in made]
    assert all(row.next_run_at for row in before)
    assert [(row.next_run_at, row.interval_id) for row in after] == [
        (row.next_run_at, row.interval_id) for row in before
    ]


def test_an_edit_of_when_makes_it_to_be_planned_again(api: httpx.Client, held_database: Database) -> None:
    edits: list[dict[str, Any]] = [
        {"timing": {"every": 2}}, {"timing": CRONTAB}, {"start_time": "2027-01-01T00:00:00Z"}, {"enabled": False},
        {"jitter_seconds": 5}, {"max_runs": 3},
    ]  # fmt: skip
    made = [given_schedule(api, str(edit))["id"] for edit in edits]
    planned(held_database, made[0])

    answers = [
        api.patch(f"/schedules/{schedule_id}", json=edit).json() for schedule_id, edit in zip(made, edits, strict=True)
    ]

    rows = [row_of(held_database, schedule_id) for schedule_id in made]
    assert {(row.next_run_at, row.next_occurrence_at, row.revision) for row in rows} == {(None, None, 2)}
    assert {answer["next_run_at"] for answer in answers} == {None}


def test_an_edit_moves_a_schedule_to_another_row_and_leaves_the_shared_one(
    api: httpx.Client, held_database: Database
) -> None:
    first, second = given_schedule(api, "first"), given_schedule(api, "second")
    before = [planned(held_database, made["id"]) for made in (first, second)]

    api.patch(f"/schedules/{first['id']}", json={"timing": {"every": 2}})

    after = [row_of(held_database, made["id"]) for made in (first, second)]
    assert before[0].interval_id == before[1].interval_id == after[1].interval_id
    assert after[0].interval_id != before[0].interval_id
    assert after[1].next_run_at == before[1].next_run_at
    assert api.get(f"/schedules/{second['id']}").json()["timing"] == INTERVAL


def test_an_interval_keeps_its_phase_through_edits_and_pauses(api: httpx.Client, clock: ManualClock) -> None:
    made = given_schedule(api, timing={"type": "interval", "every": 7, "period": "minutes"})
    path = f"/schedules/{made['id']}"
    before = api.get(f"{path}/next").json()

    api.post(f"{path}/pause", json={"reason": "x"})
    api.post(f"{path}/resume")
    api.patch(path, json={"description": "edited", "timing": {"type": "interval", "every": 7, "period": "minutes"}})
    api.put(path, json=api.get(path).json() | {"queue": "heavy"})

    assert api.get(f"{path}/next").json() == before
    assert (instant(before["items"][0]["occurrence_at"]) - instant(made["created_at"])) % timedelta(
        minutes=7
    ) == timedelta()


def test_a_timing_is_patched_within_its_type_and_replaced_by_another(api: httpx.Client) -> None:
    made = given_schedule(api, timing={"type": "crontab", "minute": "5", "timezone": "Europe/Berlin"})
    path = f"/schedules/{made['id']}"

    by_field = api.patch(path, json={"timing": {"hour": "9"}}).json()["timing"]
    by_expression = api.patch(path, json={"timing": {"expression": "0 8 * * *"}}).json()["timing"]
    by_type = api.patch(path, json={"timing": {"type": "interval", "every": 5, "period": "hours"}}).json()["timing"]

    assert (by_field["minute"], by_field["hour"], by_field["timezone"]) == ("5", "9", "Europe/Berlin")
    assert (by_expression["minute"], by_expression["hour"], by_expression["timezone"]) == ("0", "8", "Europe/Berlin")
    assert by_type == {"type": "interval", "every": 5, "period": "hours"}


def test_next_tells_occurrences_sendings_and_local_times(api: httpx.Client) -> None:
    timing = {"type": "crontab", "expression": "30 9 * * *", "timezone": "Europe/Berlin"}
    made = given_schedule(api, timing=timing, jitter_seconds=60)

    told = api.get(f"/schedules/{made['id']}/next", params={"count": 3, "after": "2026-03-28T00:00:00Z"}).json()

    assert [item["occurrence_at"] for item in told["items"]] == [
        "2026-03-28T08:30:00Z",
        "2026-03-29T07:30:00Z",
        "2026-03-30T07:30:00Z",
    ]
    assert [item["local"][10:] for item in told["items"]] == ["T09:30:00+01:00", "T09:30:00+02:00", "T09:30:00+02:00"]
    for item in told["items"]:
        assert timedelta() <= instant(item["fire_at"]) - instant(item["occurrence_at"]) <= timedelta(seconds=60)
    assert told["timing_text"] == "at 09:30 (Europe/Berlin)"


@pytest.mark.parametrize(
    ("fields", "count"),
    [({}, 10), ({"max_runs": 3}, 3), ({"one_off": True}, 1), ({"expires": "2026-03-02T12:11:00Z"}, 2)],
    ids=["without end", "max_runs", "one_off", "expires"],
)
def test_next_ends_where_the_schedule_does(api: httpx.Client, fields: dict[str, Any], count: int) -> None:
    made = given_schedule(api, timing=CRONTAB, **fields)

    told = api.get(f"/schedules/{made['id']}/next").json()

    assert len(told["items"]) == count
    assert told["items"][0]["occurrence_at"] == "2026-03-02T12:05:00Z"


def test_next_is_what_beat_plans(api: httpx.Client, held_database: Database) -> None:
    made = given_schedule(api, timing=CRONTAB, jitter_seconds=100)
    row = planned(held_database, made["id"])

    told = api.get(f"/schedules/{made['id']}/next", params={"count": 1, "after": made["created_at"]}).json()

    assert row.next_run_at is not None
    assert instant(told["items"][0]["fire_at"]) == row.next_run_at
