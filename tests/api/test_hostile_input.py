"""What hostile or careless callers send is refused by its field, and never breaks anything."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.api.given import fields_of, given_schedule, problem, schedule_body

JSON = "application/json"
GOOD = schedule_body()


def deep(levels: int) -> bytes:
    return b'{"name":"x","task":"x","timing":null,"args":' + b"[" * levels + b"]" * levels + b"}"


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        pytest.param(b"", JSON, 422, id="nothing"),
        pytest.param(b"{", JSON, 400, id="half an object"),
        pytest.param(b"null", JSON, 422, id="null"),
        pytest.param(b"[]", JSON, 422, id="a list"),
        pytest.param(b'"x"', JSON, 422, id="a text"),
        pytest.param(b"NaN", JSON, 422, id="no number"),
        pytest.param(b'\xff\xfe{"name"', JSON, 400, id="no UTF-8"),
        pytest.param(b'{"name": "\xc3\x28"}', JSON, 400, id="broken UTF-8"),
        pytest.param(json.dumps(GOOD).encode(), "text/plain", 422, id="a text of JSON"),
        pytest.param(json.dumps(GOOD).encode(), "application/x-www-form-urlencoded", 422, id="a form"),
        pytest.param(json.dumps(GOOD).encode(), "nonsense", 422, id="a media type that is none"),
        pytest.param(b'{"name": "\\ud800", "task": "\\udfff"}', JSON, 422, id="lone surrogates"),
        pytest.param(b'{"\\ud800": 1}', JSON, 422, id="a lone surrogate as a name"),
        pytest.param(deep(100), JSON, 422, id="a hundred levels"),
        pytest.param(deep(100_000), JSON, 400, id="a hundred thousand levels"),
        pytest.param(b'{"priority": ' + b"9" * 10_000 + b"}", JSON, 400, id="a number of ten thousand digits"),
        pytest.param(b'{"priority": ' + b"9" * 400 + b"}", JSON, 422, id="a number of four hundred digits"),
        pytest.param(b'{"priority": 1e999}', JSON, 422, id="a number that is infinite"),
        pytest.param(b'{"a": 1, "a": 2}', JSON, 422, id="a name twice"),
        pytest.param(b" " * (1024 * 1024 + 1), JSON, 413, id="a byte too much"),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_body_that_is_none_is_refused(
    sqlite_api: httpx.Client, method: str, content: bytes, media_type: str, status: int
) -> None:
    path = "/schedules" if method == "POST" else f"/schedules/{given_schedule(sqlite_api, 'there')['id']}"

    refused = sqlite_api.request(method, path, content=content, headers={"Content-Type": media_type})

    body = problem(refused)
    if refused.status_code != status:  # as a patch some are right in themselves
        assert (method, refused.status_code) == ("PATCH", 422), body


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        pytest.param({"name": "x" * 201}, "name", id="a long name"),
        pytest.param({"name": "a\nb"}, "name", id="a name of two lines"),
        pytest.param({"name": "a\x9bb"}, "name", id="a C1 control"),
        pytest.param({"name": 7}, "name", id="a number for a name"),
        pytest.param({"task": "a\0b"}, "task", id="NUL"),
        pytest.param({"queue": "  "}, "queue", id="a blank queue"),
        pytest.param({"description": "x" * 10_001}, "description", id="a long description"),
        pytest.param({"description": "bell \a"}, "description", id="a bell"),
        pytest.param({"args": [2**63]}, "args.0", id="beyond 64 bits"),
        pytest.param({"args": ["x" * 65_537]}, "args", id="more than 64 kB"),
        pytest.param({"kwargs": []}, "kwargs", id="a list of keyword arguments"),
        pytest.param({"kwargs": {"a": {"b": "\ud800"}}}, "kwargs.a.b", id="a lone surrogate inside"),
        pytest.param({"headers": {"a": "\x1b"}}, "headers.a", id="an escape"),
        pytest.param({"priority": -1}, "priority", id="a negative priority"),
        pytest.param({"priority": "5"}, "priority", id="a text for a number"),
        pytest.param({"enabled": 1}, "enabled", id="a number for a truth"),
        pytest.param({"enabled": "yes"}, "enabled", id="a text for a truth"),
        pytest.param({"jitter_seconds": -1}, "jitter_seconds", id="negative seconds"),
        pytest.param({"jitter_seconds": 2**31}, "jitter_seconds", id="seconds beyond 32 bits"),
        pytest.param({"max_runs": 0}, "max_runs", id="no runs"),
        pytest.param({"start_time": "2026-01-01"}, "start_time", id="a date"),
        pytest.param({"start_time": "2026-01-01T00:00:00"}, "start_time", id="a local time"),
        pytest.param({"start_time": "0001-01-01T00:00:00Z"}, "start_time", id="the year one"),
        pytest.param({"start_time": 0}, "start_time", id="a number for an instant"),
        pytest.param({"start_time": "٢٠٢٦-01-01T00:00:00Z"}, "start_time", id="digits that are not ASCII"),
        pytest.param({"tags": ["x" * 51]}, "tags.0", id="a long tag"),
        pytest.param({"tags": ["x"] * 51}, "tags", id="many tags"),
        pytest.param({"tags": "x"}, "tags", id="a text for tags"),
        pytest.param({"paused_reason": "x" * 1001}, "paused_reason", id="a long reason"),
        pytest.param({"kind": "backup"}, "kind", id="a kind that is none"),
        pytest.param({"id": 5}, "id", id="an id of one's own"),
        pytest.param({"overlap_policy": ["skip"]}, "overlap_policy", id="a list for a word"),
        pytest.param({"timing": {"type": ["crontab"]}}, "timing.type", id="a list for a type"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_its_field(
    sqlite_api: httpx.Client, fields: dict[str, Any], field: str
) -> None:
    body = json.dumps(schedule_body() | fields).encode()

    refused = sqlite_api.post("/schedules", content=body, headers={"Content-Type": JSON})

    assert refused.status_code == 422, refused.text
    assert list(fields_of(refused)) == [field]


@pytest.mark.parametrize("text_", ["O'Brien; DROP TABLE periodic_task", "日本語 🙂", "%s %(x)s :y {z}", "x" * 200])
def test_what_only_looks_bad_is_kept_as_it_is(api: httpx.Client, text_: str) -> None:
    made = given_schedule(api, text_, args=[text_, -(2**63), 2**63 - 1, 1.5e-7], kwargs={text_: "a\tb\nc"})

    assert (made["name"], made["args"], made["kwargs"]) == (
        text_,
        [text_, -(2**63), 2**63 - 1, 1.5e-7],
        {text_: "a\tb\nc"},
    )


@pytest.mark.parametrize("schedule_id", ["0", "-1", "x", "1.5", "9" * 30, "9" * 5000, "%00"])
def test_an_id_that_is_none_is_refused(sqlite_api: httpx.Client, schedule_id: str) -> None:
    refused = sqlite_api.get(f"/schedules/{schedule_id}")

    assert (refused.status_code, list(fields_of(refused))) == (422, ["schedule_id"])


def test_a_body_that_grows_beyond_the_bound_is_refused(sqlite_api: httpx.Client) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 65_536

    refused = sqlite_api.post("/schedules", content=endless(), headers={"Content-Type": JSON})

    assert (refused.status_code, problem(refused)["code"]) == (413, "body_too_large")


OVERLAPS = "'skip', 'buffer_one', 'buffer_all', 'allow_all', 'cancel_other' or 'terminate_other'"


def test_every_bad_field_is_named_once(sqlite_api: httpx.Client) -> None:
    body = {
        "name": " ",
        "timing": {"type": "crontab", "minute": "99", "hour": "x", "timezone": "Mars/Olympus"},
        "args": {},
        "kwargs": {"a": ["ok", "\0"], "\x01": 1},
        "priority": 256,
        "start_time": "2026-05-01T00:00:00Z",
        "expires": "2026-04-01T00:00:00Z",
        "expire_seconds": 0,
        "overlap_policy": "sometimes",
        "misfire_policy": "never",
        "calendar": {"name": "", "mode": "never", "days": 1},
        "after": [1],
        "pause_after_failures": 0,
        "retry_max": 101,
        "soft_time_limit_seconds": 30,
        "time_limit_seconds": 30,
        "tags": ["", "x"],
        "unknown": True,
    }

    refused = sqlite_api.post("/schedules", json=body)

    assert refused.status_code == 422
    assert fields_of(refused) == {
        "name": "should have at least 1 character",
        "task": "is required",
        "timing.minute": "99 is not within 0-59",
        "timing.hour": "'x' is not a number",
        "timing.timezone": "'Mars/Olympus' is not a known time zone",
        "args": "must be a list",
        "kwargs.a.1": "must not hold the control character U+0000",
        "kwargs.\x01": "its name must not hold the control character U+0001",
        "priority": "should be less than or equal to 255",
        "expires": "must be after start_time",
        "expire_seconds": "should be greater than or equal to 1",
        "overlap_policy": f"should be {OVERLAPS}",
        "misfire_policy": "should be 'fire_once', 'fire_all' or 'skip'",
        "calendar.name": "should have at least 1 character",
        "calendar.mode": "should be 'exclude' or 'only'",
        "calendar.days": "is not a known field",
        "after.0": "should be a valid string",
        "pause_after_failures": "should be greater than or equal to 1",
        "retry_max": "should be less than or equal to 100",
        "time_limit_seconds": "must be more than soft_time_limit_seconds",
        "tags.0": "should have at least 1 character",
        "unknown": "is not a known field",
    }
    assert {error["field"]: error.get("example") for error in refused.json()["errors"]}["timing.minute"] == "*/15"
