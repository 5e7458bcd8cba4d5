"""Calendars over HTTP, by the same rules as schedules, and what they do to those that use them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier
from typing import Any

import httpx
import pytest

from scheduler_service.storage.session import Database
from tests.api.given import fields_of, given_schedule, instant, planned, row_of, schedule_body
from tests.api.serving import Server
from tests.api.test_lists import pages
from tests.support.rows import sql

CHRISTMAS = {"dates": ["2026-12-25"]}
DAILY = {"type": "crontab", "expression": "0 9 * * *"}


def given_calendar(api: httpx.Client, name: str = "days off", **definition: Any) -> dict[str, Any]:
    answer = api.post("/calendars", json={"name": name, "definition": definition or CHRISTMAS})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def days_to_come(api: httpx.Client, schedule_id: int, *, after: str, count: int) -> list[str]:
    """The local dates of the next occurrences."""
    told = api.get(f"/schedules/{schedule_id}/next", params={"after": after, "count": count})
    return [item["local"][:10] for item in told.json()["items"]]


def test_a_calendar_is_kept_as_it_was_written(api: httpx.Client) -> None:
    body = {"name": " days off ", "description": "of the shop", "definition": {"weekly": ["Sun"], "dates": None}}

    answer = api.post("/calendars", json=body)

    made = answer.json()
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    assert answer.headers["location"] == f"/api/v1/calendars/{made['id']}"
    assert (made["name"], made["definition"]) == ("days off", body["definition"])
    assert api.get(f"/calendars/{made['id']}").json() == made | {"covered": None}


def test_only_a_real_change_is_a_revision(api: httpx.Client) -> None:
    made = given_calendar(api)
    path = f"/calendars/{made['id']}"

    same = api.put(path, json={"name": "days off", "definition": CHRISTMAS})
    patched = api.patch(path, json={"definition": {"weekly": ["sat"]}})
    replaced = api.put(path, json={"name": "weekends", "definition": {"weekly": ["sat", "sun"]}})

    assert (same.json(), same.headers["etag"]) == (made, '"1"')
    assert (patched.json()["revision"], patched.json()["definition"]) == (2, CHRISTMAS | {"weekly": ["sat"]})
    assert (replaced.json()["revision"], replaced.headers["etag"]) == (3, '"3"')
    assert replaced.json()["definition"] == {"weekly": ["sat", "sun"]}
    assert replaced.json()["date_changed"] > made["date_changed"]


def test_who_changed_a_calendar_is_kept(api: httpx.Client, held_database: Database) -> None:
    path = f"/calendars/{given_calendar(api)['id']}"
    api.patch(path, json={"definition": {"dates": ["2026-12-24"]}})
    api.delete(path)

    with held_database.reading() as session:
        events = session.connection().exec_driver_sql(
            "SELECT action, subject_type, subject_name FROM audit_event ORDER BY id"
        )
        assert [tuple(event) for event in events] == [
            (action, "calendar", "days off") for action in ("create", "patch", "delete")
        ]


def test_an_edit_of_what_somebody_else_has_changed_is_refused(api: httpx.Client) -> None:
    path, stale = f"/calendars/{given_calendar(api)['id']}", {"If-Match": '"1"'}
    api.patch(path, json={"description": "somebody else was here"})

    answers = [
        api.put(path, json={"name": "x", "definition": CHRISTMAS}, headers=stale),
        api.patch(path, json={"name": "x"}, headers=stale),
        api.delete(path, headers=stale),
    ]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(412, "revision_mismatch")}


def test_names_are_given_once(api: httpx.Client) -> None:
    given_calendar(api, "days off")
    other = given_calendar(api, "weekends")

    answers = [
        api.post("/calendars", json={"name": "days off", "definition": CHRISTMAS}),
        api.patch(f"/calendars/{other['id']}", json={"name": "days off"}),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(409, "name_taken")] * 2


def test_they_are_listed_by_name_page_by_page(api: httpx.Client) -> None:
    for name in ("c", "a", "b"):
        given_calendar(api, name)

    read = [[item["name"] for item in page] for page in pages(api, "/calendars", limit=2)]

    assert read == [["a", "b"], ["c"]]
    assert [item["name"] for item in api.get("/calendars?q=B").json()["items"]] == ["b"]


@pytest.mark.parametrize(
    ("definition", "fields"),
    [
        (None, ["definition"]),
        ([], ["definition"]),
        ({}, ["definition"]),
        ({"dates": []}, ["definition"]),
        ({"dates": ["2026-12-25", "2026-02-30", 5]}, ["definition.dates.1", "definition.dates.2"]),
        ({"ranges": [{"start": "2026-12-31", "end": "2026-12-24"}]}, ["definition.ranges.0.end"]),
        ({"weekly": ["sat", "caturday"], "holiday": 1}, ["definition.holiday", "definition.weekly.1"]),
        ({"holidays": {"country": "Atlantis"}}, ["definition.holidays.country"]),
        ({"holidays": {"country": "DE", "subdivision": "XX"}}, ["definition.holidays.subdivision"]),
        ({"dates": ["2026-12-25\0"]}, ["definition.dates.0"]),
    ],
)
def test_a_definition_that_is_not_understood_is_refused_by_its_fields(
    sqlite_api: httpx.Client, definition: Any, fields: list[str]
) -> None:
    made = given_calendar(sqlite_api)

    refused = [
        sqlite_api.post("/calendars", json={"name": "x", "definition": definition}),
        sqlite_api.put(f"/calendars/{made['id']}", json={"name": "x", "definition": definition}),
    ]

    assert [answer.status_code for answer in refused] == [422, 422]
    assert [sorted(fields_of(answer)) for answer in refused] == [fields, fields]


def test_the_days_of_a_year_are_told(api: httpx.Client) -> None:
    china = given_calendar(api, weekly=["sat", "sun"], holidays={"country": "CN"})

    covered = api.get(f"/calendars/{china['id']}", params={"year": 2025}).json()["covered"]
    refused = api.get(f"/calendars/{china['id']}", params={"year": 1})

    assert {"2025-10-01", "2025-10-08", "2025-10-12"} <= set(covered)
    assert "2025-10-11" not in covered, "a Saturday that makes up for the holidays"
    assert all(date.fromisoformat(day).year == 2025 for day in covered)
    assert list(fields_of(refused)) == ["year"]


def test_a_schedule_leaves_the_days_out_or_keeps_to_them(api: httpx.Client) -> None:
    given_calendar(api, dates=["2026-12-25", "2026-12-27"])
    out = given_schedule(api, "out", timing=DAILY, calendar="days off")
    only = given_schedule(api, "only", timing=DAILY, calendar={"name": "days off", "mode": "only"})

    assert (out["calendar"], only["calendar"]) == (
        {"name": "days off", "mode": "exclude"},
        {"name": "days off", "mode": "only"},
    )
    after = "2026-12-24T00:00:00Z"
    assert days_to_come(api, out["id"], after=after, count=3) == ["2026-12-24", "2026-12-26", "2026-12-28"]
    assert days_to_come(api, only["id"], after=after, count=3) == ["2026-12-25", "2026-12-27"]


@pytest.mark.parametrize(
    "timing",
    [
        {"type": "crontab", "expression": "0 7 * * *", "timezone": "Asia/Tokyo"},
        {"type": "rrule", "rule": "DTSTART;TZID=Asia/Tokyo:20260101T070000\nRRULE:FREQ=DAILY"},
    ],
    ids=["crontab", "rrule"],
)
def test_days_are_those_of_the_timing_s_zone(api: httpx.Client, timing: dict[str, Any]) -> None:
    given_calendar(api)

    made = given_schedule(api, timing=timing, calendar="days off")

    # 07:00 on Christmas in Tokyo is the evening before in UTC
    assert days_to_come(api, made["id"], after="2026-12-23T00:00:00Z", count=3) == [
        "2026-12-24", "2026-12-26", "2026-12-27",
    ]  # fmt: skip


def test_the_days_of_a_timing_without_a_zone_are_those_of_utc(api: httpx.Client) -> None:
    given_calendar(api)
    made = given_schedule(
        api,
        timing={"type": "interval", "every": 12, "period": "hours"},
        start_time="2026-12-24T00:00:00Z",
        calendar="days off",
    )

    told = api.get(f"/schedules/{made['id']}/next", params={"after": "2026-12-24T10:00:00Z", "count": 2}).json()

    assert [item["occurrence_at"] for item in told["items"]] == ["2026-12-24T12:00:00Z", "2026-12-26T00:00:00Z"]


def test_a_calendar_that_is_not_there_is_named_with_those_near_to_it(api: httpx.Client) -> None:
    given_calendar(api, "Days off")
    made = given_schedule(api)

    refused = [
        api.post("/schedules", json=schedule_body("x", calendar="days of")),
        api.patch(f"/schedules/{made['id']}", json={"calendar": {"name": "days of"}}),
        api.post("/schedules/preview", json={"timing": DAILY, "calendar": "days of"}),
    ]

    reason = "no calendar is named 'days of'; near to it: Days off"
    assert [(answer.status_code, fields_of(answer)) for answer in refused] == [(422, {"calendar.name": reason})] * 3


def test_a_calendar_is_patched_taken_away_and_replaced(api: httpx.Client, held_database: Database) -> None:
    for name in ("days off", "weekends"):
        given_calendar(api, name, dates=["2026-12-25"], weekly=["sun"])
    path = f"/schedules/{given_schedule(api, timing=DAILY, calendar='days off')['id']}"

    edits: list[Any] = [{"mode": "only"}, "weekends", {"name": "days off", "mode": "only"}, None]
    answers = [api.patch(path, json={"calendar": edit}).json() for edit in edits]

    assert [answer["calendar"] for answer in answers] == [
        {"name": "days off", "mode": "only"},
        {"name": "weekends", "mode": "exclude"},
        {"name": "days off", "mode": "only"},
        None,
    ]
    assert [answer["revision"] for answer in answers] == [2, 3, 4, 5]
    assert row_of(held_database, 1).calendar_mode == "exclude"


def test_what_was_read_can_be_sent_back_with_its_calendar(api: httpx.Client, held_database: Database) -> None:
    given_calendar(api)
    made = given_schedule(api, timing=DAILY, calendar={"name": "days off", "mode": "only"})
    before = planned(held_database, made["id"])

    again = api.put(f"/schedules/{made['id']}", json=made)

    assert (again.json()["calendar"], again.headers["etag"]) == (made["calendar"], '"1"')
    assert row_of(held_database, made["id"]).next_run_at == before.next_run_at
    assert before.next_run_at == datetime(2026, 12, 25, 9, tzinfo=UTC)


def test_one_that_schedules_use_is_not_deleted(api: httpx.Client) -> None:
    path = f"/calendars/{given_calendar(api)['id']}"
    for name in ("b", "a"):
        given_schedule(api, name, timing=DAILY, calendar="days off")

    refused = api.delete(path)
    for schedule_id in (1, 2):
        api.patch(f"/schedules/{schedule_id}", json={"calendar": None})
    deleted = api.delete(path)

    assert (refused.status_code, refused.json()["code"]) == (409, "in_use")
    assert refused.json()["detail"] == "Calendar 1 is used by the schedules 'a', 'b'."
    assert deleted.status_code == 204
    assert api.get(path).json()["code"] == "calendar_not_found"


def test_a_calendar_that_is_not_there_is_not_found(api: httpx.Client) -> None:
    answers = [
        api.get("/calendars/7"),
        api.put("/calendars/7", json={"name": "x", "definition": CHRISTMAS}),
        api.patch("/calendars/7", json={}),
        api.delete("/calendars/7"),
    ]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "calendar_not_found")}


def test_an_edit_of_the_days_replans_the_schedules_that_use_them(api: httpx.Client, held_database: Database) -> None:
    calendar = given_calendar(api)
    using = given_schedule(api, "using", timing=DAILY, calendar="days off")
    other = given_schedule(api, "other", timing=DAILY)
    before = {made["id"]: planned(held_database, made["id"]).next_run_at for made in (using, other)}
    first = before[using["id"]]
    assert first is not None

    api.patch(f"/calendars/{calendar['id']}", json={"definition": {"dates": [f"{first:%Y-%m-%d}"]}})

    assert row_of(held_database, using["id"]).next_run_at is None
    assert planned(held_database, using["id"]).next_run_at == first + timedelta(days=1)
    assert planned(held_database, other["id"]).next_run_at == before[other["id"]]
    assert api.get(f"/schedules/{using['id']}").json()["revision"] == 2


def test_an_edit_of_its_name_alone_leaves_the_plans_alone(api: httpx.Client, held_database: Database) -> None:
    calendar = given_calendar(api)
    made = given_schedule(api, timing=DAILY, calendar="days off")
    before = planned(held_database, made["id"])

    api.patch(f"/calendars/{calendar['id']}", json={"name": "Christmas", "description": "x"})

    assert row_of(held_database, made["id"]).next_run_at == before.next_run_at
    assert api.get(f"/schedules/{made['id']}").json()["calendar"] == {"name": "Christmas", "mode": "exclude"}


def test_edits_of_a_calendar_and_of_its_schedules_at_once_all_succeed(served: Server, api: httpx.Client) -> None:
    given_calendar(api)
    for number in range(4):
        given_schedule(api, str(number), timing=DAILY, calendar="days off")
    together = Barrier(8)

    def edit(number: int) -> list[int]:
        with served.client() as client:
            together.wait()
            path = f"/schedules/{number + 1}" if number < 4 else "/calendars/1"
            modes = [{"calendar": {"mode": mode}} for mode in ("only", "exclude")]
            days = [{"definition": {"dates": [f"2027-01-0{number}", "2026-12-25"]}}, {"definition": CHRISTMAS}]
            return [client.patch(path, json=body).status_code for body in (modes if number < 4 else days) * 5]

    with ThreadPoolExecutor(8) as pool:
        statuses = [status for answers in pool.map(edit, range(8)) for status in answers]

    assert set(statuses) == {200}


def test_lists_and_schedules_bear_a_calendar_that_was_broken_by_sql(api: httpx.Client, held_database: Database) -> None:
    given_calendar(api)
    made = given_schedule(api, timing=DAILY, calendar="days off")
    sql(held_database, """UPDATE calendar SET definition = '{"dates": ["soon"]}'""")

    assert [item["calendar"]["name"] for item in api.get("/schedules").json()["items"]] == ["days off"]
    assert api.get("/calendars").status_code == 200
    assert list(fields_of(api.get("/calendars/1?year=2026"))) == ["definition.dates.0"]
    assert list(fields_of(api.get(f"/schedules/{made['id']}/next"))) == ["calendar.definition.dates.0"]
    assert instant(made["created_at"])
