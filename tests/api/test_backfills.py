"""Backfills over HTTP: which occurrences they take, how they are followed and ended."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, select
from uuid_utils.compat import uuid7

from scheduler_service.beat.decide import plan_unplanned
from scheduler_service.storage import attempts, backfills, publishing, runs, schedules
from scheduler_service.storage.attempts import Ending
from scheduler_service.storage.models import RUN_STATES, AuditEvent, Backfill, TaskRun
from scheduler_service.storage.session import Database
from tests.api.given import fields_of, problem
from tests.api.test_lists import pages
from tests.support import rows
from tests.support.clock import ManualClock
from tests.support.rows import given_calendar, given_schedule, sql

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
RANGE = {"start": "2026-03-02T00:00:00Z", "end": "2026-03-02T03:00:00Z"}


@pytest.fixture
def hourly(held_database: Database) -> int:
    """A schedule of every hour, planned by a Beat at noon; its id."""
    key = given_schedule(held_database, cron="0 * * * *", overlap_policy="skip")
    plan_unplanned(held_database, limit=10)
    return key


def given_run(
    database: Database, schedule_id: int, hour: int, state: str, *, origin: str = "auto", decided: int = 0
) -> None:
    """A run of this hour of the day, decided so many minutes after it."""
    at = MIDNIGHT + timedelta(hours=hour)
    decided_at = at + timedelta(minutes=decided)
    with database.transaction() as session:
        task = schedules.get(session, schedule_id)
        run = runs.new_run(task, run_id=uuid7(), origin=origin, occurrence_at=at, fire_at=at, now=at, state=state)
        publishing.insert_runs(session, [run | {"decided_at": decided_at, "decided_by": "test"}])


def backfill(api: httpx.Client, schedule_id: int, **fields: Any) -> dict[str, Any]:
    answer = api.post(f"/schedules/{schedule_id}/backfill", json=RANGE | fields)
    assert answer.status_code == 202, answer.text
    made: dict[str, Any] = answer.json()
    return made


def hours(api: httpx.Client, schedule_id: int, **fields: Any) -> list[int]:
    """The hours of the day that a backfill would run."""
    answer = api.post(f"/schedules/{schedule_id}/backfill", json=RANGE | fields | {"dry_run": True})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["total"] == len(told["items"])
    return [datetime.fromisoformat(item).hour for item in told["items"]]


def attend(database: Database, clock: ManualClock) -> None:
    """What Beat does."""
    with database.transaction() as session:
        backfills.attend(session, now=clock.now())


def finish(database: Database, clock: ManualClock, run_id: UUID, state: str = "succeeded") -> None:
    with database.transaction() as session:
        assert attempts.claim(session, run_id, 1, worker="w", now=clock.now())
        assert attempts.finish(session, run_id, 1, Ending(state), now=clock.now())


def test_a_backfill_is_made_with_all_its_runs(api: httpx.Client, held_database: Database, hourly: int) -> None:
    answer = api.post(f"/schedules/{hourly}/backfill", json=RANGE)

    made = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (202, f"/api/v1/backfills/{made['id']}")
    assert made == {
        "id": made["id"],
        "schedule_id": hourly,
        **RANGE,
        "mode": "missing",
        "max_parallel": 1,
        "order": "oldest",
        "total": 3,
        "state": "running",
        "created_by": "admin",
        "created_at": "2026-03-02T12:00:00Z",
        "finished_at": None,
        "runs": {"buffered": 3},
    }
    found = api.get("/runs", params={"origin": f"backfill:{made['id']}"}).json()["items"]
    assert sorted(run["occurrence_at"] for run in found) == [f"2026-03-02T0{hour}:00:00Z" for hour in range(3)]
    assert {run["fire_at"] for run in found} == {"2026-03-02T12:00:00Z"}
    assert api.get(f"/backfills/{made['id']}").json() == made


def test_a_dry_run_tells_the_first_hundred_and_writes_nothing(
    api: httpx.Client, held_database: Database, hourly: int
) -> None:
    start = "2026-02-01T00:00:00Z"
    path = f"/schedules/{hourly}/backfill"

    oldest = api.post(path, json=RANGE | {"start": start, "dry_run": True})
    newest = api.post(path, json=RANGE | {"start": start, "dry_run": True, "order": "newest"})

    assert oldest.status_code == newest.status_code == 200
    assert (oldest.json()["total"], len(oldest.json()["items"])) == (29 * 24 + 3, 100)
    assert oldest.json()["items"][:2] == [start, "2026-02-01T01:00:00Z"]
    assert newest.json()["items"][:2] == ["2026-03-02T02:00:00Z", "2026-03-02T01:00:00Z"]
    with held_database.reading() as session:
        for table in (Backfill, TaskRun, AuditEvent):
            assert session.scalar(select(func.count()).select_from(table)) == 0


def test_the_state_of_its_run_tells_whether_an_occurrence_is_missing_or_failed(
    api: httpx.Client, held_database: Database, clock: ManualClock, hourly: int
) -> None:
    clock.set(MIDNIGHT + timedelta(days=1))
    sql(held_database, "UPDATE periodic_task SET enabled = false")
    for hour, state in enumerate(RUN_STATES):
        given_run(held_database, hourly, hour, state)

    def states(mode: str) -> list[str]:
        end = (MIDNIGHT + timedelta(hours=len(RUN_STATES))).isoformat()
        return [RUN_STATES[hour] for hour in hours(api, hourly, end=end, mode=mode)]

    assert states("missing") == ["cancelled", "skipped", "missed", "dropped", "expired"]
    assert states("failed") == ["failed", "timed_out", "cancelled", "lost", "expired"]
    assert states("all") == list(RUN_STATES)


def test_the_newest_run_tells_whether_an_occurrence_failed(
    api: httpx.Client, held_database: Database, hourly: int
) -> None:
    mended, failed_again = (backfill(api, hourly, mode="all") for _ in range(2))
    sql(held_database, "DELETE FROM task_run")
    given_run(held_database, hourly, 0, "failed", decided=1)
    given_run(held_database, hourly, 0, "succeeded", decided=2, origin=f"backfill:{mended['id']}")
    given_run(held_database, hourly, 1, "succeeded", decided=1)
    given_run(held_database, hourly, 1, "lost", decided=2, origin=f"backfill:{failed_again['id']}")
    given_run(held_database, hourly, 2, "failed", decided=1)
    given_run(held_database, hourly, 2, "succeeded", decided=2, origin="manual:1")

    assert hours(api, hourly, mode="failed") == [1, 2]


def test_what_another_backfill_is_to_run_is_not_missing(
    api: httpx.Client, held_database: Database, clock: ManualClock, hourly: int
) -> None:
    first = backfill(api, hourly)
    assert hours(api, hourly) == []

    again = backfill(api, hourly, mode="all")
    assert (again["total"], again["runs"]) == (3, {"buffered": 3})

    for made in (first, again):
        api.post(f"/backfills/{made['id']}/cancel")
    assert hours(api, hourly) == [0, 1, 2]


def test_runs_of_other_instants_and_schedules_say_nothing(
    api: httpx.Client, held_database: Database, hourly: int
) -> None:
    other = given_schedule(held_database, name="two", cron="0 * * * *")
    given_run(held_database, other, 1, "succeeded")
    given_run(held_database, hourly, 1, "succeeded", origin="manual:1")

    assert hours(api, hourly) == [0, 1, 2]


def test_start_is_in_the_range_and_end_is_not(api: httpx.Client, hourly: int) -> None:
    assert hours(api, hourly, start="2026-03-02T01:00:00Z", end="2026-03-02T02:00:00Z") == [1]
    assert hours(api, hourly, start="2026-03-02T01:00:00.000001Z", end="2026-03-02T02:00:00Z") == []
    assert hours(api, hourly, start="2026-03-02T10:00:00Z", end="2026-03-02T12:00:00Z") == [10, 11]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"start_time": MIDNIGHT + timedelta(hours=1)}, [1, 2], id="its start"),
        pytest.param({"expires": MIDNIGHT + timedelta(hours=1)}, [0, 1], id="its end"),
        pytest.param({"jitter_seconds": 1800}, [0, 1, 2], id="a jitter only delays"),
        pytest.param({"enabled": False}, [0, 1, 2], id="paused"),
        pytest.param({"completed_reason": "over"}, [0, 1, 2], id="completed"),
        pytest.param({"one_off": True}, [0, 1, 2], id="one_off"),
    ],
)
def test_the_schedules_own_limits_hold(
    api: httpx.Client, held_database: Database, fields: dict[str, Any], expected: list[int]
) -> None:
    key = given_schedule(held_database, cron="0 * * * *", **fields)

    assert hours(api, key) == expected


def test_the_calendar_holds(api: httpx.Client, held_database: Database) -> None:
    sunday = given_calendar(held_database, weekly=["Sun"])
    key = given_schedule(held_database, cron="0 */6 * * *", calendar_id=sunday)

    assert hours(api, key, start="2026-02-28T12:00:00Z", end="2026-03-02T12:00:00Z") == [12, 18, 0, 6]


def test_what_beat_is_yet_to_decide_is_not_missing(
    api: httpx.Client, held_database: Database, clock: ManualClock, hourly: int
) -> None:
    clock.advance(timedelta(hours=2, minutes=30))
    late = {"start": "2026-03-02T11:00:00Z", "end": "2026-03-02T14:30:00Z"}

    assert hours(api, hourly, **late) == [11, 12]
    assert hours(api, hourly, **late, mode="all") == [11, 12, 13, 14]
    sql(held_database, "UPDATE periodic_task SET enabled = false")
    assert hours(api, hourly, **late) == [11, 12, 13, 14]


def test_a_schedule_that_no_beat_has_planned_will_be_planned_from_its_last_edit_on(
    api: httpx.Client, held_database: Database, clock: ManualClock
) -> None:
    key = given_schedule(held_database, cron="0 * * * *")
    clock.advance(timedelta(hours=2, minutes=30))

    assert hours(api, key, start="2026-03-02T11:00:00Z", end="2026-03-02T14:30:00Z") == [11, 12]


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        pytest.param({"end": "2026-03-02T12:00:01Z"}, "end", "must not be in the future", id="future"),
        pytest.param({"end": RANGE["start"]}, "end", "must be after start", id="nothing"),
        pytest.param({"start": "2026-03-02"}, "start", "must be a date and time", id="a date"),
        pytest.param({"start": "2026-03-02T00:00:00"}, "start", "has no offset", id="local"),
        pytest.param({"max_parallel": 0}, "max_parallel", "greater than or equal to 1", id="none at once"),
        pytest.param({"max_parallel": 101}, "max_parallel", "less than or equal to 100", id="too many at once"),
        pytest.param({"max_parallel": "2"}, "max_parallel", "integer", id="a text"),
        pytest.param({"mode": "some"}, "mode", "'missing', 'failed' or 'all'", id="mode"),
        pytest.param({"order": "random"}, "order", "'oldest' or 'newest'", id="order"),
        pytest.param({"dry_run": 1}, "dry_run", "boolean", id="dry_run"),
        pytest.param({"parallel": 3}, "parallel", "", id="an unknown field"),
    ],
)
def test_a_wrong_field_is_named(
    api: httpx.Client, hourly: int, fields: dict[str, Any], field: str, reason: str
) -> None:
    refused = api.post(f"/schedules/{hourly}/backfill", json=RANGE | fields)

    assert refused.status_code == 422
    found = fields_of(refused)
    assert list(found) == [field]
    assert reason in found[field]


def test_ten_thousand_occurrences_are_the_most(api: httpx.Client, held_database: Database, hourly: int) -> None:
    key = given_schedule(held_database, name="seconds", every=1)
    end = datetime(2026, 3, 1, tzinfo=UTC)
    start = {most: (end - timedelta(seconds=most)).isoformat() for most in (10_000, 10_001)}
    body = {"end": end.isoformat(), "dry_run": True}

    taken = api.post(f"/schedules/{key}/backfill", json=body | {"start": start[10_000]})
    refused = api.post(f"/schedules/{key}/backfill", json=body | {"start": start[10_001]})

    assert (taken.status_code, taken.json()["total"]) == (200, 10_000)
    assert "more than 10000 occurrences" in fields_of(refused)["end"]
    assert backfill(api, key, start=start[10_000], end=body["end"])["runs"] == {"buffered": 10_000}


def test_a_schedule_without_a_timing_has_no_occurrences(api: httpx.Client, held_database: Database) -> None:
    key = given_schedule(held_database)

    refused = api.post(f"/schedules/{key}/backfill", json=RANGE)

    assert (refused.status_code, list(fields_of(refused))) == (422, ["timing"])


def test_an_empty_backfill_is_done_at_once(api: httpx.Client, hourly: int) -> None:
    made = backfill(api, hourly, mode="failed")

    assert (made["total"], made["state"], made["runs"]) == (0, "done", {})
    assert made["finished_at"] == made["created_at"]


def test_its_progress_is_told_until_it_is_done(
    api: httpx.Client, held_database: Database, clock: ManualClock, hourly: int
) -> None:
    path = f"/backfills/{backfill(api, hourly)['id']}"
    seen = []
    for state in ("succeeded", "failed", "succeeded"):
        attend(held_database, clock)
        (run,) = rows.runs(held_database, state="pending")
        seen.append(api.get(path).json()["runs"])
        finish(held_database, clock, run.id, state)
    clock.advance(timedelta(minutes=1))
    attend(held_database, clock)

    assert seen[0] == {"buffered": 2, "pending": 1}
    assert seen[2] == {"failed": 1, "pending": 1, "succeeded": 1}
    done = api.get(path).json()
    assert (done["state"], done["finished_at"]) == ("done", "2026-03-02T12:01:00Z")
    assert done["runs"] == {"failed": 1, "succeeded": 2}


def test_a_cancelled_one_ends_what_waits_and_asks_what_runs(
    api: httpx.Client, held_database: Database, clock: ManualClock, hourly: int
) -> None:
    made = backfill(api, hourly, max_parallel=2)
    given_run(held_database, hourly, 8, "buffered")
    attend(held_database, clock)
    running, sent = rows.runs(held_database, state="pending")
    with held_database.transaction() as session:
        publishing.mark_published(session, [running.id, sent.id], now=clock.now())
        assert attempts.claim(session, running.id, 1, worker="w", now=clock.now())

    clock.advance(timedelta(minutes=1))
    answer = api.post(f"/backfills/{made['id']}/cancel")

    assert (answer.status_code, answer.json()["state"]) == (202, "cancelled")
    assert (answer.json()["finished_at"], answer.json()["runs"]) == (
        "2026-03-02T12:01:00Z",
        {"cancelled": 2, "running": 1},
    )
    (asked,) = rows.runs(held_database, id=running.id)
    assert (asked.cancel_mode, asked.cancel_requested_at) == ("ask", clock.now())
    assert asked.reason == f"cancelled by admin, with backfill {made['id']}"
    with held_database.transaction() as session:
        assert not attempts.claim(session, sent.id, 1, worker="w", now=clock.now())
    assert [run.state for run in rows.runs(held_database, origin="auto")] == ["buffered"]


def test_cancelling_once_more_changes_nothing(
    api: httpx.Client, held_database: Database, clock: ManualClock, hourly: int
) -> None:
    path = f"/backfills/{backfill(api, hourly)['id']}/cancel"
    first = api.post(path)
    clock.advance(timedelta(minutes=1))

    again = api.post(path)

    assert (again.status_code, again.json()) == (202, first.json())
    attend(held_database, clock)
    assert api.post(path).json() == first.json()


def test_what_is_done_cannot_be_cancelled(api: httpx.Client, hourly: int) -> None:
    made = backfill(api, hourly, mode="failed")

    refused = api.post(f"/backfills/{made['id']}/cancel")

    assert (refused.status_code, problem(refused)["code"]) == (409, "backfill_done")


def test_both_are_in_the_audit_trail(api: httpx.Client, held_database: Database, hourly: int) -> None:
    made = backfill(api, hourly, max_parallel=3)
    sql(held_database, "DELETE FROM periodic_task")
    for _ in range(2):
        api.post(f"/backfills/{made['id']}/cancel")

    with held_database.reading() as session:
        create, cancel = session.scalars(select(AuditEvent).where(AuditEvent.subject_type == "backfill"))
    assert (create.actor, create.action, create.subject_id, create.subject_name) == ("admin", "create", "1", "one")
    assert create.changes == {
        "start": [None, RANGE["start"]],
        "end": [None, RANGE["end"]],
        "mode": [None, "missing"],
        "max_parallel": [None, 3],
        "order": [None, "oldest"],
        "total": [None, 3],
    }
    assert (cancel.action, cancel.subject_name) == ("cancel", "one")
    assert cancel.changes == {"state": ["running", "cancelled"]}


def test_backfills_are_listed_newest_first(api: httpx.Client, held_database: Database, hourly: int) -> None:
    other = given_schedule(held_database, name="two", cron="0 * * * *")
    made = [backfill(api, key, mode="all") for key in (hourly, other, hourly, hourly)]
    api.post(f"/backfills/{made[0]['id']}/cancel")

    def found(**query: Any) -> list[int]:
        return [item["id"] for page in pages(api, "/backfills", **query) for item in page]

    ids = [one["id"] for one in made]
    assert found(limit=1) == found() == ids[::-1]
    assert found(schedule_id=other) == [ids[1]]
    assert found(state="cancelled") == [ids[0]]
    assert found(schedule_id=hourly, state="running") == [ids[3], ids[2]]
    assert "runs" not in api.get("/backfills").json()["items"][0]


@pytest.mark.parametrize(
    ("query", "field"),
    [({"state": "over"}, "state"), ({"schedule_id": "x"}, "schedule_id"), ({"cursor": "x"}, "cursor")],
)
def test_a_wrong_question_is_refused(api: httpx.Client, query: dict[str, str], field: str) -> None:
    assert list(fields_of(api.get("/backfills", params=query))) == [field]


def test_what_is_not_there_is_not_found(api: httpx.Client) -> None:
    assert problem(api.post("/schedules/7/backfill", json=RANGE))["code"] == "schedule_not_found"
    assert problem(api.get("/backfills/7"))["code"] == "backfill_not_found"
    assert problem(api.post("/backfills/7/cancel"))["code"] == "backfill_not_found"
