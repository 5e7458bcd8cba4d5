"""API keys: what is told of them, what they open and until when."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic
from typing import Any

import httpx
import pytest
from sqlalchemy import event, text

from scheduler_service.api.app import create_api
from scheduler_service.storage.session import Database
from scheduler_service.workloads.warehouse import Warehouse
from tests.api.given import fields_of, given_key, given_schedule, instant, problem
from tests.api.serving import KEY, Server
from tests.support.clock import ManualClock
from tests.support.waiting import eventually, stays


@contextmanager
def using(server: Server, key: dict[str, Any]) -> Iterator[httpx.Client]:
    with server.client(key=key["key"]) as client:
        yield client


def listed(api: httpx.Client) -> dict[str, dict[str, Any]]:
    return {key["name"]: key for key in api.get("/keys").json()["items"]}


def test_a_key_is_told_once_and_kept_as_a_hash(api: httpx.Client, held_database: Database) -> None:
    answer = api.post("/keys", json={"name": "ci", "role": "operator"})

    made = answer.json()
    assert made["key"].startswith(made["prefix"] + "_")
    assert len(made["key"]) > 50
    assert answer.headers["location"] == f"/api/v1/keys/{made['id']}"
    assert answer.headers["cache-control"] == "no-store"
    assert listed(api) == {"ci": {name: value for name, value in made.items() if name != "key"}}
    with held_database.reading() as session:
        rows = [*session.execute(text("SELECT * FROM api_key")), *session.execute(text("SELECT * FROM audit_event"))]
    assert made["key"].removeprefix(made["prefix"] + "_") not in repr(rows)


def test_a_key_says_whose_it_is(api: httpx.Client, served: Server, clock: ManualClock) -> None:
    until = clock.now() + timedelta(days=1)
    key = given_key(api, "ci", "operator", expires_at=until.isoformat())

    with using(served, key) as client:
        me = client.get("/me").json()

    assert instant(me.pop("expires_at")) == until
    assert me == {"actor": "key:ci", "role": "operator", "csrf_token": None}
    assert api.get("/me").json() == {"actor": "admin", "role": "admin", "expires_at": None, "csrf_token": None}


def test_a_key_stops_when_it_expires(api: httpx.Client, served: Server, clock: ManualClock) -> None:
    key = given_key(api, expires_at=(clock.now() + timedelta(hours=1)).isoformat())
    with using(served, key) as client:
        before = client.get("/schedules").status_code
        clock.advance(timedelta(hours=1))
        after = client.get("/schedules")

    assert (before, after.status_code, problem(after)["code"]) == (200, 401, "unauthenticated")


def test_a_revoked_key_opens_nothing_any_more_in_any_process(
    api: httpx.Client,
    served: Server,
    held_database: Database,
    database_url: str,
    warehouse: Warehouse,
    clock: ManualClock,
) -> None:
    key = given_key(api)
    another = Database(database_url, clock=clock)
    here, elsewhere = served.app, create_api(another, admin_key=KEY, warehouse=warehouse)

    with using(served, key) as client:
        served.app = elsewhere
        before = client.get("/schedules").status_code
        served.app = here
        revoked = [api.delete(f"/keys/{key['id']}").status_code for _ in range(2)]
        served.app = elsewhere
        after = client.get("/schedules").status_code

    served.app = here
    another.close()
    assert (before, revoked, after) == (200, [204, 204], 401)
    assert listed(api)["ci"]["revoked_at"] is not None
    actions = [entry["action"] for entry in audited(held_database, "key")]
    assert actions == ["create", "revoke"]


def test_a_key_that_is_revoked_by_plain_sql_is_revoked(
    api: httpx.Client, served: Server, held_database: Database
) -> None:
    key = given_key(api)
    with held_database.transaction() as session:
        session.execute(text("UPDATE api_key SET revoked_at = created_at"))

    with using(served, key) as client:
        assert client.get("/schedules").status_code == 401


def test_what_a_key_cannot_be_is_said_by_field(api: httpx.Client, clock: ManualClock) -> None:
    given_key(api, "ci")
    wrong = api.post("/keys", json={"name": " ", "role": "boss", "expires_at": "tomorrow", "key": "mine"})
    past = api.post("/keys", json={"name": "old", "role": "viewer", "expires_at": clock.now().isoformat()})
    taken = api.post("/keys", json={"name": "ci", "role": "viewer"})
    api.delete("/keys/1")
    taken_by_a_revoked = api.post("/keys", json={"name": "ci", "role": "viewer"})
    nobody = api.delete("/keys/77")

    assert set(fields_of(wrong)) == {"name", "role", "expires_at", "key"}
    assert fields_of(past) == {"expires_at": "is past already"}
    assert [problem(answer)["code"] for answer in (taken, taken_by_a_revoked)] == ["name_taken"] * 2
    assert (nobody.status_code, problem(nobody)["code"]) == (404, "key_not_found")


def test_the_last_use_is_written_once_a_minute(api: httpx.Client, served: Server, clock: ManualClock) -> None:
    key, first = given_key(api), clock.now()
    with using(served, key) as client:
        client.get("/me")
        eventually(lambda: listed(api)["ci"]["last_used_at"], within=5)

        clock.advance(timedelta(seconds=59))
        client.get("/me")
        stays(lambda: instant(listed(api)["ci"]["last_used_at"]) == first, during=0.3)

        clock.advance(timedelta(seconds=1))
        client.get("/me")
        eventually(lambda: instant(listed(api)["ci"]["last_used_at"]) == clock.now(), within=5)


def test_no_request_waits_for_the_last_use_to_be_written(
    api: httpx.Client, served: Server, held_database: Database
) -> None:
    key = given_key(api)
    with using(served, key) as client:
        with held_database.transaction() as session:
            session.execute(text("UPDATE api_key SET name = name"))  # holds the row, on SQLite the whole file
            began = monotonic()
            answers = [client.get("/schedules").status_code for _ in range(5)]
            took = monotonic() - began

        eventually(lambda: listed(api)["ci"]["last_used_at"], within=15)

    assert (answers, took < 3) == ([200] * 5, True)


def test_a_request_costs_one_read_of_a_key_and_none_of_the_admins(
    api: httpx.Client, served: Server, held_database: Database
) -> None:
    key = given_key(api)
    statements: list[str] = []
    with using(served, key) as client:
        client.get("/me")
        eventually(lambda: listed(api)["ci"]["last_used_at"], within=5)

        def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            statements.append(statement)

        event.listen(held_database.engine, "before_cursor_execute", note)
        client.get("/me")
        of_the_key, statements[:] = list(statements), []
        api.get("/me")
        event.remove(held_database.engine, "before_cursor_execute", note)

    reads = [statement for statement in of_the_key if not statement.startswith("BEGIN")]
    assert len(reads) == 1
    assert "WHERE api_key.hash =" in reads[0]
    assert statements == []


def test_the_audit_trail_says_which_key_it_was(api: httpx.Client, served: Server, held_database: Database) -> None:
    with using(served, given_key(api, "deploy", "admin")) as client:
        given_schedule(client)

    assert [(entry["actor"], entry["action"]) for entry in audited(held_database, "schedule")] == [
        ("key:deploy", "create")
    ]
    assert [entry["actor"] for entry in audited(held_database, "key")] == ["admin"]


def test_keys_come_in_pages(api: httpx.Client) -> None:
    for number in range(5):
        given_key(api, f"key {number}")

    first = api.get("/keys", params={"limit": 3}).json()
    second = api.get("/keys", params={"limit": 3, "cursor": first["next_cursor"]}).json()

    assert [key["name"] for key in first["items"] + second["items"]] == [f"key {number}" for number in range(5)]
    assert second["next_cursor"] is None


@pytest.mark.parametrize("key", ["sk_00000000_" + "x" * 43, "x" * 4000, "sk_\u00e9", "sk_\x7f"])
def test_a_key_that_is_none_opens_nothing(sqlite_api: httpx.Client, key: str) -> None:
    answer = sqlite_api.get("/schedules", headers={b"Authorization": b"Bearer " + key.encode("latin-1")})

    assert (answer.status_code, problem(answer)["code"]) == (401, "unauthenticated")


def audited(database: Database, subject_type: str) -> list[dict[str, Any]]:
    statement = text("SELECT actor, action FROM audit_event WHERE subject_type = :subject ORDER BY id")
    with database.reading() as session:
        return [dict(row._mapping) for row in session.execute(statement, {"subject": subject_type})]
