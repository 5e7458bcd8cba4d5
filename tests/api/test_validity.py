"""What nothing will ever come of is refused when it is written, by the field that makes it so."""

from typing import Any

import httpx
import pytest

from tests.api.given import CRONTAB, fields_of, given_schedule, schedule_body
from tests.api.test_calendars import DAILY, given_calendar

PAST = "2026-03-01T00:00:00Z"
IN_GAP = {"type": "crontab", "expression": "*/15 2 * 3 sun#2", "timezone": "America/New_York"}
ENDED = {"type": "rrule", "rule": "DTSTART:20250101T090000Z\nRRULE:FREQ=DAILY;COUNT=3"}
FIRST_OF_JUNE = {"type": "crontab", "expression": "0 9 1 6 *"}
SUNDAYS = {"type": "crontab", "expression": "0 9 * * sun"}


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        pytest.param({"timing": IN_GAP}, "timing", "has no occurrence from now on", id="always in a gap"),
        pytest.param({"timing": ENDED}, "timing", "has no occurrence from now on", id="a recurrence that has ended"),
        pytest.param(
            {"timing": CRONTAB, "expires": PAST},
            "expires",
            "is before the first occurrence from now on, which is at 2026-03-02T12:05:00Z",
            id="ended",
        ),
        pytest.param(
            {"timing": FIRST_OF_JUNE, "expires": "2026-05-01T00:00:00Z"},
            "expires",
            "which is at 2026-06-01T09:00:00Z",
            id="ends before it begins",
        ),
        pytest.param(
            {
                "timing": {"type": "clocked", "clocked_time": "2026-04-01T00:00:00Z"},
                "start_time": "2026-05-01T00:00:00Z",
            },
            "start_time",
            "is after the last occurrence",
            id="starts after it came",
        ),
        pytest.param(
            {"timing": SUNDAYS, "calendar": "sundays"},
            "calendar",
            "are days that it leaves out",
            id="all days left out",
        ),
        pytest.param(
            {"timing": DAILY, "calendar": {"name": "past", "mode": "only"}},
            "calendar",
            "are none of its days",
            id="keeps to days that are over",
        ),
        pytest.param(
            {"timing": DAILY, "calendar": {"name": "sundays", "mode": "only"}, "expires": "2026-03-04T00:00:00Z"},
            "expires",
            "which is at 2026-03-08T09:00:00Z",
            id="ends before a day that it keeps to",
        ),
    ],
)
def test_what_never_comes_is_refused(sqlite_api: httpx.Client, fields: dict[str, Any], field: str, reason: str) -> None:
    given_calendar(sqlite_api, "sundays", weekly=["sun"])
    given_calendar(sqlite_api, "past", dates=["2026-03-01"])
    made = given_schedule(sqlite_api, "good")

    refused = [
        sqlite_api.post("/schedules", json=schedule_body(**fields)),
        sqlite_api.put(f"/schedules/{made['id']}", json=schedule_body("good", **fields)),
        sqlite_api.patch(f"/schedules/{made['id']}", json=fields),
    ]

    assert [answer.status_code for answer in refused] == [422] * 3
    assert [list(fields_of(answer)) for answer in refused] == [[field]] * 3
    assert reason in fields_of(refused[0])[field]
    assert sqlite_api.get(f"/schedules/{made['id']}").json() == made
    assert [item["name"] for item in sqlite_api.get("/schedules").json()["items"]] == ["good"]


def test_an_edit_that_ends_a_schedule_by_another_field_is_refused(sqlite_api: httpx.Client) -> None:
    made = given_schedule(sqlite_api, timing=FIRST_OF_JUNE, expires="2026-07-01T00:00:00Z")

    refused = sqlite_api.patch(f"/schedules/{made['id']}", json={"start_time": "2026-06-02T00:00:00Z"})

    assert fields_of(refused) == {
        "expires": "is before the first occurrence from now on, which is at 2027-06-01T09:00:00Z"
    }


def test_what_has_ended_may_be_edited_in_what_is_not_the_reason(sqlite_api: httpx.Client) -> None:
    past = {"type": "clocked", "clocked_time": "2020-01-01T00:00:00Z"}
    path = f"/schedules/{given_schedule(sqlite_api, timing=past | {'allow_past': True})['id']}"

    edits: list[dict[str, Any]] = [{"description": "x"}, {"start_time": PAST}, {"expires": "2027-01-01T00:00:00Z"}]
    answers = [sqlite_api.patch(path, json=edit) for edit in edits]
    moved = sqlite_api.patch(path, json={"timing": {"clocked_time": "2021-01-01T00:00:00Z"}})
    mended = sqlite_api.patch(path, json={"timing": {"clocked_time": "2026-12-01T00:00:00Z"}})

    assert [answer.status_code for answer in answers] == [200] * 3
    assert list(fields_of(moved)) == ["timing.clocked_time"]
    assert mended.status_code == 200


def test_a_schedule_may_be_sent_back_when_its_time_is_over(sqlite_api: httpx.Client, clock: Any) -> None:
    made = given_schedule(sqlite_api, expires="2026-03-03T00:00:00Z")
    clock.set(clock.now().replace(year=2027))

    again = sqlite_api.put(f"/schedules/{made['id']}", json=made | {"description": "over"})

    assert (again.status_code, again.json()["description"]) == (200, "over")
