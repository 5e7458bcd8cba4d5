"""One deed on many schedules: each is told of, and nobody waits for all of them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import make_url, text

from scheduler_service.api.app import create_api
from scheduler_service.storage.session import Database
from scheduler_service.workloads.warehouse import Warehouse
from tests.api.given import fields_of, given_schedule, problem
from tests.api.serving import KEY, Server
from tests.support.clock import ManualClock
from tests.support.rows import given_schedules, runs, schedule, sql
from tests.support.waiting import eventually


def done(api: httpx.Client, **body: Any) -> dict[str, Any]:
    answer = api.post("/schedules/bulk", json=body)
    assert answer.status_code == 200, answer.text
    read: dict[str, Any] = answer.json()
    return read


def outcomes(told: dict[str, Any]) -> dict[str, str]:
    return {item["name"]: item["outcome"] for item in told["items"]}


@pytest.fixture
def three(api: httpx.Client) -> httpx.Client:
    """Three schedules, `b` paused."""
    for name in ("a", "b", "c"):
        given_schedule(api, name, tags=["all", name])
    api.post("/schedules/2/pause", json={"reason": "first"})
    return api


def test_each_schedule_is_told_of(three: httpx.Client) -> None:
    told = done(three, action="pause", ids=[3, 1, 77, 2, 1], reason="the shop moves")

    assert told == {
        "action": "pause",
        "dry_run": False,
        "total": 4,
        "succeeded": 3,
        "failed": 1,
        "items": [
            {"id": 1, "name": "a", "outcome": "changed"},
            {"id": 2, "name": "b", "outcome": "changed"},
            {"id": 3, "name": "c", "outcome": "changed"},
            {
                "id": 77,
                "name": None,
                "outcome": "failed",
                "code": "schedule_not_found",
                "detail": "No schedule has the id 77.",
            },
        ],
    }
    assert {item["paused_reason"] for item in three.get("/schedules").json()["items"]} == {"the shop moves"}


def test_what_is_so_already_is_left_alone(three: httpx.Client) -> None:
    paused, resumed = done(three, action="pause", ids=[1, 2]), done(three, action="resume", ids=[1, 2, 3])

    assert outcomes(paused) == {"a": "changed", "b": "unchanged"}
    assert outcomes(resumed) == {"a": "changed", "b": "changed", "c": "unchanged"}
    assert [three.get(f"/schedules/{key}").json()["revision"] for key in (1, 2, 3)] == [3, 3, 1]


def test_a_filter_chooses(three: httpx.Client) -> None:
    told = done(three, action="tag", filter={"tag": "all", "state": "active"}, tags=["night", "all"])

    tags = {item["name"]: item["tags"] for item in three.get("/schedules").json()["items"]}
    assert outcomes(told) == {"a": "changed", "c": "changed"}
    assert tags == {"a": ["all", "a", "night"], "b": ["all", "b"], "c": ["all", "c", "night"]}


def test_tags_are_taken_away(three: httpx.Client) -> None:
    told = done(three, action="untag", ids=[1, 2], tags=["a", "x"])

    assert outcomes(told) == {"a": "changed", "b": "unchanged"}
    assert three.get("/schedules/1").json()["tags"] == ["all"]


def test_more_tags_than_are_allowed_fail_alone(three: httpx.Client) -> None:
    given_schedule(three, "d", tags=[str(number) for number in range(50)])

    told = done(three, action="tag", ids=[1, 4], tags=["one more"])

    assert [(item["outcome"], item.get("code")) for item in told["items"]] == [
        ("changed", None),
        ("failed", "too_many_tags"),
    ]


def test_a_trigger_makes_a_run_of_each_with_its_options(three: httpx.Client, held_database: Database) -> None:
    three.patch("/schedules/1", json={"queue": "heavy", "args": [5]})

    told = done(three, action="trigger", filter={})

    made = runs(held_database)
    assert outcomes(told) == {"a": "changed", "b": "changed", "c": "changed"}
    assert {run.schedule_name for run in made} == {"a", "b", "c"}
    assert len({run.origin for run in made}) == 1
    assert {(run.args[0], run.options["queue"]) for run in made if run.schedule_name == "a"} == {(5, "heavy")}


def test_a_deletion_cancels_what_waits(three: httpx.Client, held_database: Database) -> None:
    done(three, action="trigger", ids=[1, 2, 3])

    told = done(three, action="delete", ids=[1, 2])

    assert outcomes(told) == {"a": "changed", "b": "changed"}
    assert [item["name"] for item in three.get("/schedules").json()["items"]] == ["c"]
    assert sorted(run.state for run in runs(held_database)) == ["cancelled", "cancelled", "pending"]


@pytest.mark.parametrize("action", ["pause", "resume", "trigger", "delete", "tag", "untag"])
def test_a_dry_run_tells_the_same_and_changes_nothing(
    three: httpx.Client, held_database: Database, action: str
) -> None:
    before = three.get("/schedules").json()
    body: dict[str, Any] = {"action": action, "ids": [1, 2, 99]}
    if action in ("tag", "untag"):
        body["tags"] = ["a"]

    dry = done(three, **body, dry_run=True)

    assert three.get("/schedules").json() == before
    assert runs(held_database) == []
    assert dry == done(three, **body) | {"dry_run": True}


def test_each_change_is_in_the_audit_trail_as_if_made_alone(three: httpx.Client) -> None:
    done(three, action="pause", ids=[1, 2, 3], reason="x")
    done(three, action="delete", ids=[3])

    items = three.get("/audit", params={"subject_type": "schedule", "limit": 4}).json()["items"]
    told = {(item["action"], item["subject_name"]): item for item in items}
    assert set(told) == {("pause", "a"), ("pause", "b"), ("pause", "c"), ("delete", "c")}
    assert told["pause", "a"]["changes"] == {"enabled": [True, False], "paused_reason": [None, "x"]}
    assert told["pause", "b"]["changes"] == {"paused_reason": ["first", "x"]}
    assert told["delete", "c"]["changes"]["name"] == ["c", None]
    assert {item["source"] for item in items} == {"127.0.0.1"}
    assert {item["actor"] for item in items} == {"admin"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "pause"}, "filter"),
        ({"action": "pause", "ids": [1], "filter": {}}, "filter"),
        ({"action": "pause", "ids": []}, "ids"),
        ({"action": "pause", "ids": [True]}, "ids.0"),
        ({"action": "pause", "ids": ["1"]}, "ids.0"),
        ({"action": "pause", "ids": [0]}, "ids.0"),
        ({"action": "pause", "ids": [1] * 10_001}, "ids"),
        ({"action": "explode", "ids": [1]}, "action"),
        ({"action": "pause", "filter": {"tagged": "x"}}, "filter.tagged"),
        ({"action": "pause", "filter": {"q": "\0"}}, "filter.q"),
        ({"action": "tag", "ids": [1]}, "tags"),
        ({"action": "untag", "ids": [1], "tags": []}, "tags"),
        ({"action": "pause", "ids": [1], "tags": ["x"]}, "tags"),
        ({"action": "resume", "ids": [1], "reason": "x"}, "reason"),
    ],
)
def test_what_is_not_understood_is_refused(sqlite_api: httpx.Client, body: Any, field: str) -> None:
    refused = sqlite_api.post("/schedules/bulk", json=body)

    assert refused.status_code == 422
    assert list(fields_of(refused)) == [field]


@pytest.mark.takes(20)
def test_ten_thousand_are_changed_at_once(api: httpx.Client, held_database: Database) -> None:
    given_schedules(held_database, 10_001, enabled=True)

    refused = api.post("/schedules/bulk", json={"action": "pause", "filter": {}})
    told = [
        done(api, action="pause", ids=list(range(1, 10_001))),
        done(api, action="trigger", filter={"enabled": False}),
        done(api, action="delete", filter={"state": "paused"}),
    ]

    assert (refused.status_code, list(fields_of(refused))) == (422, ["filter"])
    assert [(one["succeeded"], one["failed"]) for one in told] == [(10_000, 0)] * 3
    assert len(runs(held_database)) == 10_000
    assert [item["name"] for item in api.get("/schedules").json()["items"]] == ["many 10000"]


@pytest.fixture
def impatient(server: Server, postgres_url: str, clock: ManualClock, warehouse: Warehouse) -> Iterator[Database]:
    """PostgreSQL, 600 schedules, and an API that waits for a lock no longer than a moment."""
    given_schedules(database := Database(postgres_url), 600)
    url = make_url(postgres_url).update_query_dict({"options": "-c lock_timeout=1000"})
    own = Database(url.render_as_string(hide_password=False), clock=clock)
    server.app = create_api(own, admin_key=KEY, warehouse=warehouse)
    yield database
    own.close()
    database.close()


@contextmanager
def held_row(database: Database, schedule_id: int) -> Iterator[None]:
    """Somebody's open session that has the row locked."""
    with database.transaction() as session:
        session.execute(text(f"SELECT 1 FROM periodic_task WHERE id = {schedule_id} FOR UPDATE"))
        yield


def paused(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(text("SELECT count(*) FROM periodic_task WHERE NOT enabled")) or 0


def test_others_write_between_its_transactions(impatient: Database, server: Server) -> None:
    with server.client() as api, ThreadPoolExecutor(1) as pool:
        with held_row(impatient, 401):
            told = pool.submit(done, api, action="pause", filter={})
            eventually(lambda: paused(impatient) == 400, within=10)
            sql(impatient, "UPDATE periodic_task SET description = 'mine' WHERE id = 1")

        assert told.result()["total"] == 600
    assert schedule(impatient, 1).description == "mine"


def test_what_the_database_does_not_give_fails_and_what_was_done_stays(impatient: Database, server: Server) -> None:
    with server.client() as api, held_row(impatient, 401):
        told = done(api, action="pause", filter={})
        none = api.post("/schedules/bulk", json={"action": "resume", "ids": [401]})

    failed = [item for item in told["items"] if item["outcome"] == "failed"]
    assert (told["succeeded"], paused(impatient)) == (400, 400)
    assert [item["id"] for item in failed] == list(range(401, 601))
    assert {item["code"] for item in failed} == {"database_away"}
    assert (none.status_code, problem(none)["code"]) == (503, "database_away")


def test_an_operator_may_pause_and_not_delete(served: Server, api: httpx.Client) -> None:
    given_schedule(api)
    key = api.post("/keys", json={"name": "op", "role": "operator"}).json()["key"]

    with served.client(key=key) as operator:
        paused = operator.post("/schedules/bulk", json={"action": "pause", "ids": [1]})
        deleted = operator.post("/schedules/bulk", json={"action": "delete", "ids": [1]})

    assert (paused.status_code, deleted.status_code) == (200, 403)
    assert problem(deleted)["code"] == "forbidden"
