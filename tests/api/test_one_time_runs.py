"""A task once, without a schedule."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from scheduler_service.storage import attempts, due, publishing, trimming
from scheduler_service.storage.attempts import Ending
from scheduler_service.storage.session import Database
from tests.api.given import fields_of, given_key, instant
from tests.support.clock import ManualClock

TASK = {"task": "shop.collect", "args": [1], "kwargs": {"full": True}}
HOUR = timedelta(hours=1)


def given_run(api: httpx.Client, **fields: Any) -> dict[str, Any]:
    answer = api.post("/runs", json=TASK | fields)
    assert answer.status_code == 202, answer.text
    body: dict[str, Any] = answer.json()
    return body


def to_send(database: Database, clock: ManualClock) -> list[str]:
    """What a Beat would take now."""
    with database.transaction() as session:
        return [str(message.id) for message in publishing.lease(session, 1, now=clock.now(), limit=10)]


def test_without_a_time_it_is_now(api: httpx.Client, held_database: Database, clock: ManualClock) -> None:
    run = given_run(api)
    clock.advance(timedelta(milliseconds=1))

    assert (run["state"], run["schedule_id"], run["schedule_name"]) == ("pending", 0, "shop.collect")
    assert (run["args"], run["kwargs"], run["origin"]) == ([1], {"full": True}, f"once:{run['id']}")
    assert to_send(held_database, clock) == [run["id"]]


@pytest.mark.parametrize("when", [{"countdown": 3600}, {"run_at": "2026-03-02T13:00:00Z"}], ids=["countdown", "run_at"])
def test_it_waits_for_its_time(
    api: httpx.Client, held_database: Database, clock: ManualClock, when: dict[str, Any]
) -> None:
    at = clock.now() + HOUR
    run = given_run(api, **when)

    assert instant(run["fire_at"]) == instant(run["occurrence_at"]) == at
    assert to_send(held_database, clock) == []
    with held_database.reading() as session:  # a Beat sleeps until then
        outlook = due.look(session, clock.now())
    assert (outlook.publishable, outlook.pending_at) == (False, at)
    clock.advance(HOUR + timedelta(milliseconds=1))
    assert to_send(held_database, clock) == [run["id"]]


def test_it_is_seen_and_cancelled_before_it_starts(
    api: httpx.Client, held_database: Database, clock: ManualClock
) -> None:
    run = given_run(api, countdown=60)

    listed = api.get("/runs", params={"origin": "once"}).json()["items"]
    cancelled = api.post(f"/runs/{run['id']}/cancel")

    assert [item["id"] for item in listed] == [run["id"]]
    assert (cancelled.status_code, cancelled.json()["state"]) == (202, "cancelled")
    clock.advance(HOUR)
    assert to_send(held_database, clock) == []


def test_a_repeat_with_its_key_makes_no_second_one(api: httpx.Client) -> None:
    key = {"Idempotency-Key": "monday"}
    first = api.post("/runs", json=TASK, headers=key)
    again = api.post("/runs", json=TASK, headers=key)

    assert first.json()["id"] == again.json()["id"]
    assert first.headers["location"] == f"/api/v1/runs/{first.json()['id']}"
    assert len(api.get("/runs").json()["items"]) == 1


def test_it_is_tried_again_and_trimmed_like_any_other(
    api: httpx.Client, held_database: Database, clock: ManualClock
) -> None:
    run = given_run(api)
    with held_database.transaction() as session:
        attempts.claim(session, UUID(run["id"]), 1, worker="w", now=clock.now())
        attempts.finish(session, UUID(run["id"]), 1, Ending("failed", error="why"), now=clock.now())

    assert api.post(f"/runs/{run['id']}/retry").json()["state"] == "pending"

    api.post(f"/runs/{run['id']}/cancel")
    with held_database.transaction() as session:
        assert trimming.trim_runs(session, finished_before=clock.now() + HOUR)[0] == 1


def test_how_it_is_sent_is_kept(api: httpx.Client, held_database: Database, clock: ManualClock) -> None:
    given_run(api, queue="heavy", priority=3, headers={"who": "ann"}, time_limit_seconds=60, retry_max=2, name="once")
    clock.advance(timedelta(milliseconds=1))

    with held_database.transaction() as session:
        (message,) = publishing.lease(session, 1, now=clock.now(), limit=10)

    sent = {"queue": "heavy", "priority": 3, "headers": {"who": "ann"}, "time_limit": 60, "retry": [2, 60]}
    assert message.options == sent


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"run_at": "2026-03-02T11:00:00Z"}, "run_at"),
        ({"run_at": "2027-01-01T00:00:00Z", "countdown": 1}, "countdown"),
        ({"countdown": -1}, "countdown"),
        ({"countdown": 1e12}, "countdown"),
        ({"task": ""}, "task"),
        ({"priority": 900}, "priority"),
        ({"headers": {"id": "x"}}, "headers.id"),
        ({"soft_time_limit_seconds": 9, "time_limit_seconds": 9}, "time_limit_seconds"),
        ({"retry_max": 1000}, "retry_max"),
        ({"cron": "* * * * *"}, "cron"),
    ],
)
def test_what_makes_no_sense_is_refused(api: httpx.Client, fields: dict[str, Any], field: str) -> None:
    refused = api.post("/runs", json=TASK | fields)

    assert refused.status_code == 422
    assert list(fields_of(refused)) == [field]


def test_it_is_told_who_asked(api: httpx.Client) -> None:
    run = given_run(api)

    (event,) = api.get("/audit", params={"subject_type": "run"}).json()["items"]
    assert (event["actor"], event["action"], event["subject_id"]) == ("admin", "create", run["id"])


def test_a_viewer_may_not(api: httpx.Client) -> None:
    key = given_key(api, role="viewer")["key"]

    assert api.post("/runs", json=TASK, headers={"Authorization": f"Bearer {key}"}).status_code == 403
