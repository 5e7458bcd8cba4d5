"""Runs: made by hand, found, and read from where a reader was."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from uuid_utils.compat import uuid7

from scheduler_service.storage import attempts, cancelling, publishing, runs
from scheduler_service.storage.attempts import Ending
from scheduler_service.storage.models import TaskRun
from scheduler_service.storage.session import Database
from tests.api.given import fields_of, given_schedule, planned, row_of
from tests.api.test_lists import pages

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
UNSENT = dict.fromkeys(("worker", "published_at", "started_at"))
WIRE = [
    "id", "schedule_id", "schedule_name", "task", "args", "kwargs", "kind", "origin", "state", "reason",
    "occurrence_at", "fire_at", "decided_at", "published_at", "started_at", "finished_at", "worker", "attempt",
    "duplicate_deliveries", "revision", "progress", "result", "error",
]  # fmt: skip


def given_runs(database: Database, schedule_id: int, *changes: dict[str, Any]) -> list[UUID]:
    """Runs of the schedule, a minute apart, each changed as told."""
    schedule = row_of(database, schedule_id)
    made = []
    for number, change in enumerate(changes):
        at = NOON + timedelta(minutes=number)
        run = runs.new_run(schedule, run_id=uuid7(), origin="auto", occurrence_at=at, fire_at=at, now=at)
        made.append(run | {"decided_at": at, "decided_by": "test", "attempt": 1, **UNSENT} | change)
    with database.transaction() as session:
        publishing.insert_runs(session, made)
    return [run["id"] for run in made]


def test_a_trigger_runs_the_schedule_with_all_its_options_and_moves_nothing(
    api: httpx.Client, held_database: Database
) -> None:
    options: dict[str, Any] = {"queue": "heavy", "priority": 5, "headers": {"tenant": "7"}, "expire_seconds": 60}
    made = given_schedule(api, args=[1], kwargs={"a": 2}, kind="etl", **options)
    before = planned(held_database, made["id"])

    answer = api.post(f"/schedules/{made['id']}/trigger")

    run = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (202, f"/api/v1/runs/{run['id']}")
    assert (run["state"], run["origin"], run["attempt"]) == ("pending", f"manual:{run['id']}", 1)
    assert (run["task"], run["args"], run["kwargs"], run["kind"]) == (made["task"], [1], {"a": 2}, "etl")
    assert (run["occurrence_at"], run["fire_at"], run["decided_at"]) == ("2026-03-02T12:00:00Z",) * 3
    after = row_of(held_database, made["id"])
    assert (after.next_run_at, after.revision, after.total_run_count) == (before.next_run_at, before.revision, 0)
    with held_database.reading() as session:
        row = session.get_one(TaskRun, UUID(run["id"]))
        assert (row.options, row.decided_by, row.lease_until) == (options, "admin", None)


def test_a_trigger_may_bring_its_own_arguments(api: httpx.Client) -> None:
    made = given_schedule(api, args=[1], kwargs={"a": 2})

    run = api.post(f"/schedules/{made['id']}/trigger", json={"args": ["other"], "kwargs": {}}).json()

    assert (run["args"], run["kwargs"]) == (["other"], {})


def test_a_paused_schedule_can_be_triggered_and_twice_is_two_runs(api: httpx.Client) -> None:
    made = given_schedule(api, enabled=False)

    answers = [api.post(f"/schedules/{made['id']}/trigger") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [202, 202]
    assert len(api.get(f"/schedules/{made['id']}/runs").json()["items"]) == 2


def test_a_run_looks_the_same_in_a_list_and_alone(api: httpx.Client, held_database: Database) -> None:
    made = given_schedule(api)
    ended = {"state": "failed", "finished_at": NOON + timedelta(microseconds=1500)}
    (run_id,) = given_runs(held_database, made["id"], ended)
    with held_database.transaction() as session:
        row = session.get_one(TaskRun, run_id)
        row.error, row.traceback, row.result = "ValueError: no", "Traceback …", {"rows": 3}

    (listed,) = api.get("/runs").json()["items"]
    alone = api.get(f"/runs/{run_id}").json()

    assert list(listed) == WIRE
    assert alone == listed | {
        "coalesced": 0, "retry_at": None, "cancel_requested_at": None, "traceback": "Traceback …", "attempts": [],
    }  # fmt: skip
    assert (alone["finished_at"], alone["result"]) == ("2026-03-02T12:00:00.001500Z", {"rows": 3})


def test_runs_are_found_by_what_they_are(api: httpx.Client, held_database: Database) -> None:
    first, second = given_schedule(api, "first"), given_schedule(api, "second", task="collect.execute_task")
    ids = given_runs(
        held_database,
        first["id"],
        {"state": "succeeded", "finished_at": NOON + timedelta(hours=1), "worker": "w1"},
        {"state": "failed", "finished_at": NOON + timedelta(hours=2)},
        {"state": "skipped", "finished_at": NOON + timedelta(hours=3)},
    ) + given_runs(held_database, second["id"], {"origin": "backfill:1"})

    def found(path: str = "/runs", **query: Any) -> list[int]:
        items = api.get(path, params=query).json()["items"]
        return [ids.index(UUID(item["id"])) for item in items]

    assert {
        "all": found(),
        "schedule_id": found(schedule_id=second["id"]),
        "of a schedule": found(f"/schedules/{first['id']}/runs", state=["failed", "skipped"]),
        "states": found(state=["succeeded", "failed"]),
        "kind": found(kind="collect"),
        "task": found(task="shop.collect_orders", limit=1),
        "origin": found(origin="backfill:1"),
        "kind of origin": found(origin="backfill"),
        "part of an origin": found(origin="back"),
        "decided": found(decided_after="2026-03-02T12:01:00Z", decided_before="2026-03-02T12:02:00Z"),
        "worker": found(worker="w1"),
        "occurrence": found(occurrence_after="2026-03-02T12:01:00Z", occurrence_before="2026-03-02T12:02:00Z"),
        "finished": found(finished_after="2026-03-02T14:00:00Z", finished_before="2026-03-02T15:00:00Z"),
        "finished, oldest first": found(order="finished_at"),
    } == {
        "all": [2, 1, 3, 0],
        "schedule_id": [3],
        "of a schedule": [2, 1],
        "states": [1, 0],
        "kind": [3],
        "task": [2],
        "origin": [3],
        "kind of origin": [3],
        "part of an origin": [],
        "decided": [1],
        "worker": [0],
        "occurrence": [1],
        "finished": [1],
        "finished, oldest first": [0, 1, 2],
    }


@pytest.mark.parametrize("order", ["-decided_at", "finished_at"])
def test_pages_of_runs_with_equal_instants_neither_repeat_nor_skip(
    api: httpx.Client, held_database: Database, order: str
) -> None:
    made = given_schedule(api)
    same = {"decided_at": NOON, "finished_at": NOON, "state": "succeeded"}
    ids = given_runs(held_database, made["id"], *[same] * 7)

    seen = [item["id"] for page in pages(api, "/runs", order=order, limit=2) for item in page]

    expected = [str(run_id) for run_id in sorted(ids, reverse=order == "-decided_at")]
    assert seen == expected


def test_all_that_match_are_counted_where_it_is_asked_for(api: httpx.Client, held_database: Database) -> None:
    made = given_schedule(api)
    ended = {"state": "succeeded", "finished_at": NOON}
    given_runs(held_database, made["id"], ended, ended, {"state": "running"})

    def total(path: str = "/runs", **query: Any) -> int | None:
        count: int | None = api.get(path, params={"limit": 1, **query}).json().get("total")
        return count

    assert total() is None
    assert total(total=True) == 3
    assert total(total=True, order="finished_at") == 2
    assert total(f"/schedules/{made['id']}/runs", total=True, state="running") == 1


@pytest.mark.parametrize("how", ["retried by the service", "retried by the task", "lost", "retried by hand"])
def test_a_run_tells_of_every_attempt(api: httpx.Client, held_database: Database, how: str) -> None:
    made = given_schedule(api, retry_max=3)
    (run_id,) = given_runs(held_database, made["id"], {"state": "published"})
    at = [NOON + timedelta(minutes=minute) for minute in range(4)]
    failed = Ending("timed_out", error="SoftTimeLimitExceeded", traceback="x" * 4000 + "the end")

    with held_database.transaction() as session:
        attempts.claim(session, run_id, 1, worker="w1", now=at[0])
        if how == "retried by the task":
            attempts.retry(session, run_id, 1, retry_at=at[2], error="SoftTimeLimitExceeded", now=at[1])
        elif how == "lost":
            attempts.hand_back_or_lose(session, run_id, 1, acks_late=True, why="SoftTimeLimitExceeded", now=at[1])
        elif how == "retried by hand":
            attempts.finish(session, run_id, 1, failed, now=at[1])
            cancelling.start_over(session, run_id, reason="again", now=at[1])
        else:
            attempts.fail(session, run_id, 1, failed, now=at[1])
    between = api.get(f"/runs/{run_id}").json()
    with held_database.transaction() as session:
        attempts.claim(session, run_id, 2, worker="w2", now=at[2])
        attempts.finish(session, run_id, 2, Ending("succeeded", result=1), now=at[3])
    after = api.get(f"/runs/{run_id}").json()

    first, second = after["attempts"]
    assert between["attempts"] == [first]
    assert (first["attempt"], first["worker"], first["error"]) == (1, "w1", "SoftTimeLimitExceeded")
    assert (first["started_at"], first["ended_at"]) == ("2026-03-02T12:00:00Z", "2026-03-02T12:01:00Z")
    state, traceback = {
        "lost": ("lost", None),
        "retried by the task": ("failed", None),
    }.get(how, ("timed_out", ("x" * 4000 + "the end")[-4000:]))
    assert (first["state"], first["traceback"]) == (state, traceback)
    assert second == {
        "attempt": 2, "state": "succeeded", "worker": "w2", "error": None, "traceback": None,
        "started_at": "2026-03-02T12:02:00Z", "ended_at": "2026-03-02T12:03:00Z",
    }  # fmt: skip


def test_of_many_attempts_the_last_are_kept(api: httpx.Client, held_database: Database) -> None:
    made = given_schedule(api)
    (run_id,) = given_runs(held_database, made["id"], {"state": "published"})

    with held_database.transaction() as session:
        for number in range(1, 25):
            attempts.claim(session, run_id, number, worker="w", now=NOON + timedelta(seconds=number))
            attempts.retry(session, run_id, number, retry_at=NOON, error="x" * 3000, now=NOON)

    told = api.get(f"/runs/{run_id}").json()["attempts"]
    assert [attempt["attempt"] for attempt in told] == list(range(5, 25))
    assert {len(attempt["error"]) for attempt in told} == {2000}


def test_a_reader_of_finished_runs_sees_those_that_finish_meanwhile(api: httpx.Client, held_database: Database) -> None:
    made = given_schedule(api)
    ended = [{"state": "succeeded", "finished_at": NOON + timedelta(seconds=number)} for number in range(3)]
    given_runs(held_database, made["id"], *ended)
    first = api.get("/runs", params={"order": "finished_at", "limit": 2}).json()

    later = {"state": "failed", "finished_at": NOON + timedelta(hours=1), "origin": "backfill:2"}
    (last,) = given_runs(held_database, made["id"], later)
    second = api.get("/runs", params={"order": "finished_at", "cursor": first["next_cursor"]}).json()

    assert [item["finished_at"][17:] for item in first["items"]] == ["00Z", "01Z"]
    assert [item["id"] for item in second["items"]][1:] == [str(last)]
    assert second["next_cursor"] is None


def test_the_runs_of_a_deleted_schedule_stay(api: httpx.Client, held_database: Database) -> None:
    made = given_schedule(api)
    (run_id,) = given_runs(held_database, made["id"], {"state": "succeeded", "finished_at": NOON})

    api.delete(f"/schedules/{made['id']}")

    assert api.get(f"/runs/{run_id}").json()["schedule_name"] == "orders"
    assert len(api.get("/runs", params={"schedule_id": made["id"]}).json()["items"]) == 1


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/runs/0198c0de-0000-7000-8000-000000000000", 404, "run_not_found"),
        ("/runs/not-a-uuid", 422, "invalid"),
        ("/runs?state=done", 422, "invalid"),
        ("/runs?order=decided_at", 422, "invalid"),
        ("/runs?finished_after=yesterday", 422, "invalid"),
        ("/runs?finished_after=2026-01-01T00:00:00", 422, "invalid"),
        ("/runs?schedule_id=99999999999999999999", 422, "invalid"),
        ("/runs?worker=%00", 422, "invalid"),
    ],
)
def test_what_does_not_name_runs_is_refused(sqlite_api: httpx.Client, path: str, status: int, code: str) -> None:
    refused = sqlite_api.get(path)

    fields_of(refused)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
