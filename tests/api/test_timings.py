"""What a timing may be over HTTP, and what an edit of one does to the plan."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from scheduler_service.storage.session import Database
from tests.api.given import CRONTAB, INTERVAL, fields_of, given_schedule, instant, planned, row_of, schedule_body
from tests.support.clock import ManualClock

SUNSET = {"type": "solar", "event": "sunset", "latitude": 52.52, "longitude": 13.405}
WEEKLY = "DTSTART;TZID=Europe/Berlin:20260105T090000\nRRULE:FREQ=WEEKLY;BYDAY=MO"
RRULE = {"type": "rrule", "rule": WEEKLY}


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
        pytest.param(
            {"type": "solar", "event": "sunset", "latitude": 52, "longitude": 13.405},
            {"type": "solar", "event": "sunset", "latitude": 52.0, "longitude": 13.405},
            "sunset",
            id="the sun",
        ),
        pytest.param(
            {"type": "rrule", "rule": WEEKLY.replace("\n", "\r\n").replace(";BYDAY", ";\r\n BYDAY") + "\r\n"},
            RRULE,
            "Europe/Berlin",
            id="a recurrence",
        ),
    ],
)  # fmt: skip
def test_a_timing_is_understood_and_told_in_words(
    sqlite_api: httpx.Client, given: dict[str, Any], read: dict[str, Any], words: str
) -> None:
    made = given_schedule(sqlite_api, timing=given)

    assert made["timing"] == read
    assert words in made["timing_text"]
    assert sqlite_api.get(f"/schedules/{made['id']}").json() == made


@pytest.mark.parametrize(
    ("timing", "field", "reason"),
    [
        (None, "timing", "is required, or after"),
        ({}, "timing.type", "is required"),
        ({"type": "lunar"}, "timing.type", "'lunar' is not one of 'crontab', 'interval', 'clocked', 'solar', 'rrule'"),
        (SUNSET | {"event": "sunsett"}, "timing.event", "is no event of the sun; near to it: sunset"),
        (SUNSET | {"event": 1}, "timing.event", "should be a valid string"),
        (SUNSET | {"latitude": 91}, "timing.latitude", "less than or equal to 90"),
        (SUNSET | {"longitude": "13"}, "timing.longitude", "should be a valid number"),
        (SUNSET | {"longitude": True}, "timing.longitude", "should be a valid number"),
        ({"type": "solar", "event": "sunset", "latitude": 1}, "timing.longitude", "is required"),
        (SUNSET | {"timezone": "UTC"}, "timing.timezone", "is not a known field"),
        ({"type": "rrule", "rule": "x"}, "timing.rule", "is none of DTSTART, RRULE, RDATE, EXDATE"),
        ({"type": "rrule"}, "timing.rule", "is required"),
        ({"type": "rrule", "rule": "RRULE:FREQ=DAILY"}, "timing.rule", "has no DTSTART"),
        ({"type": "rrule", "rule": WEEKLY + ";COUNT=0"}, "timing.rule", "COUNT=0"),
        ({"type": "rrule", "rule": WEEKLY.replace("Berlin", "Berln")}, "timing.rule", "near to it: Europe/Berlin"),
        ({"type": "rrule", "rule": "x" * 2001}, "timing.rule", "should have at most 2000 characters"),
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
    by_sun = api.patch(path, json={"timing": SUNSET}).json()["timing"]
    by_event = api.patch(path, json={"timing": {"event": "sunrise"}}).json()["timing"]
    by_rule = api.patch(path, json={"timing": RRULE}).json()["timing"]

    assert (by_field["minute"], by_field["hour"], by_field["timezone"]) == ("5", "9", "Europe/Berlin")
    assert (by_expression["minute"], by_expression["hour"], by_expression["timezone"]) == ("0", "8", "Europe/Berlin")
    assert by_type == {"type": "interval", "every": 5, "period": "hours"}
    assert (by_sun, by_event, by_rule) == (SUNSET, SUNSET | {"event": "sunrise"}, RRULE)


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


@pytest.mark.parametrize("timing", [SUNSET, RRULE], ids=["solar", "rrule"])
def test_beat_plans_the_sun_and_recurrences_as_next_tells(
    api: httpx.Client, held_database: Database, timing: dict[str, Any]
) -> None:
    made = given_schedule(api, timing=timing, jitter_seconds=30)
    row = planned(held_database, made["id"])

    told = api.get(f"/schedules/{made['id']}/next", params={"count": 2, "after": made["created_at"]}).json()

    assert row.quarantine_reason is None
    assert [instant(told["items"][0][name]) for name in ("occurrence_at", "fire_at")] == [
        row.next_occurrence_at,
        row.next_run_at,
    ]


def test_equal_timings_share_a_row_of_any_kind(api: httpx.Client, held_database: Database) -> None:
    wordy = {"type": "rrule", "rule": WEEKLY.replace("\n", "\r\n ")}
    made = [given_schedule(api, str(n), timing=timing) for n, timing in enumerate([SUNSET, SUNSET, RRULE, wordy])]

    rows = [row_of(held_database, schedule["id"]) for schedule in made]

    assert [(row.solar_id, row.rrule_id) for row in rows] == [(1, None), (1, None), (None, 1), (None, 1)]


def test_next_begins_with_an_instant_that_was_set_by_hand(
    api: httpx.Client, held_database: Database, clock: ManualClock
) -> None:
    made = given_schedule(api, timing=CRONTAB, max_runs=3)
    row = planned(held_database, made["id"])
    assert row.next_run_at is not None
    clock.set(instant(made["created_at"]))
    by_hand = row.next_run_at + timedelta(minutes=7)
    with held_database.transaction() as session:
        session.merge(row).next_run_at = by_hand

    told = api.get(f"/schedules/{made['id']}/next").json()["items"]
    later = api.get(f"/schedules/{made['id']}/next", params={"after": told[0]["fire_at"]}).json()["items"]

    assert [instant(item["fire_at"]) - by_hand for item in told] == [timedelta(minutes=m) for m in (0, 3, 8)]
    assert later[:2] == told[1:]


def test_next_is_what_beat_plans(api: httpx.Client, held_database: Database) -> None:
    made = given_schedule(api, timing=CRONTAB, jitter_seconds=100)
    row = planned(held_database, made["id"])

    told = api.get(f"/schedules/{made['id']}/next", params={"count": 1, "after": made["created_at"]}).json()

    assert row.next_run_at is not None
    assert instant(told["items"][0]["fire_at"]) == row.next_run_at
