"""Whatever fails answers with a problem that a program can read."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from scheduler_service.api.app import create_api
from scheduler_service.errors import StoreAway
from scheduler_service.storage.session import Database
from scheduler_service.workloads.warehouse import Warehouse
from tests.api.given import fields_of, given_schedule, problem, schedule_body
from tests.api.serving import KEY, Server
from tests.support.postgres import Postgres

#: What answers, whether the database does or not.
#: They need bodies of their own, or ask somebody else than the database first.
OTHERS = ("dataset", "collect-tasks", "etl-pipelines", "reports", "connections", "deliver")
WITHOUT_DATABASE = ("/healthz", "/metrics", "/api/v1/me")


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer wrong", f"Basic {KEY}", KEY, f"Bearer {KEY}x", "Bearer \xff\xfe"],
)
def test_without_the_key_nothing_is_told(sqlite_api: httpx.Client, header: str | None) -> None:
    del sqlite_api.headers["Authorization"]
    headers = {} if header is None else {b"Authorization": header.encode("latin-1")}

    answers = [
        sqlite_api.get("/schedules", headers=headers),
        sqlite_api.post("/schedules", json={}, headers=headers),
        sqlite_api.delete("/schedules/1", headers=headers),
        sqlite_api.get("/runs", headers=headers),
        sqlite_api.get("/collect-tasks/nonsense", headers=headers),
        sqlite_api.get("/datasets", headers=headers),
    ]

    assert {problem(answer)["code"] for answer in answers} == {"unauthenticated"}
    assert {answer.status_code for answer in answers} == {401}
    assert answers[0].headers["www-authenticate"].startswith("Bearer")


def test_health_needs_no_key(sqlite_api: httpx.Client, server: Server) -> None:
    del sqlite_api.headers["Authorization"]

    answers = {path: sqlite_api.get(f"{server.url}{path}") for path in ("/healthz", "/readyz")}

    assert answers["/healthz"].json() == {"status": "ok", "version": "0.1.0", "tzdata": version("tzdata")}
    assert answers["/readyz"].status_code == 200


def test_what_is_not_there_and_what_cannot_be_done_are_problems(sqlite_api: httpx.Client, server: Server) -> None:
    answers = [
        sqlite_api.get("/nothing"),
        sqlite_api.get(f"{server.url}/nothing/%00/%ff"),
        sqlite_api.get("/schedules/"),
        sqlite_api.put("/schedules"),
        sqlite_api.request("BREW", "/schedules"),
    ]

    assert [problem(answer)["code"] for answer in answers] == ["no_such_path"] * 3 + ["method_not_allowed"] * 2
    assert answers[3].headers["allow"]


class Unlucky(Database):
    """A database that goes away at the last moment."""

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        with super().transaction() as session:
            yield session
            raise StoreAway("The database went away at the last moment.")


def test_a_commit_that_fails_is_not_answered_with_success(
    server: Server, database_url: str, warehouse: Warehouse
) -> None:
    database = Unlucky(database_url)
    server.app = create_api(database, admin_key=KEY, warehouse=warehouse)

    with server.client() as client:
        answer = client.post("/schedules", json=schedule_body())
        listed = client.get("/schedules").json()["items"]
    database.close()

    assert (answer.status_code, problem(answer)["code"], listed) == (503, "database_away", [])


def test_while_the_database_is_away_everything_says_so(server: Server, warehouse: Warehouse) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nowhere = Database(f"postgresql://nobody@127.0.0.1:{probe.getsockname()[1]}/none")
        server.app = app = create_api(nowhere, admin_key=KEY, warehouse=warehouse)
        with server.client() as client:
            days = {"name": "days off", "definition": {"weekly": ["sun"]}}
            bodies = {"create_schedule": schedule_body(), "replace_schedule": schedule_body(), "patch_schedule": {}}
            bodies |= {"create_calendar": days, "replace_calendar": days, "patch_calendar": {}}
            bodies |= {"preview_timing": {"timing": schedule_body()["timing"]}}
            bodies |= {"backfill_schedule": {"start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"}}
            bodies |= {"create_key": {"name": "ci", "role": "viewer"}, "sign_in_with_key": {"key": KEY}}
            ids = {"schedule_id": 1, "calendar_id": 1, "backfill_id": 1, "run_id": "0" * 32, "key_id": 1}
            ids |= {"pipeline_id": 1, "report_id": 1, "artifact_id": "0" * 32, "delivery_id": 1, "name": "x"}
            answers = {
                operation["operationId"]: client.request(
                    method,
                    server.url + path.format(**ids),
                    json=bodies.get(operation["operationId"]),
                )
                for path, operations in app.openapi()["paths"].items()
                for method, operation in operations.items()
                if path not in WITHOUT_DATABASE and not any(noun in path for noun in OTHERS)
            }
            alive = client.get(f"{server.url}/healthz")

    assert len(answers) > 10
    assert {name: answer.status_code for name, answer in answers.items() if answer.status_code != 503} == {}
    assert all(answer.headers["retry-after"] for answer in answers.values())
    assert {problem(answer)["code"] for answer in answers.values()} == {"database_away", "not_ready"}
    assert alive.status_code == 200
    assert not any("nobody" in answer.text or "127.0.0.1" in answer.text for answer in answers.values())


def test_readiness_names_what_is_missing(server: Server, tmp_path: Path, warehouse: Warehouse) -> None:
    empty = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    server.app = create_api(empty, admin_key=KEY, warehouse=warehouse)

    with server.client() as client:
        answer = client.get(f"{server.url}/readyz")
    empty.close()

    assert (answer.status_code, problem(answer)["code"]) == (503, "not_ready")
    assert list(fields_of(answer)) == ["migrations"]
    assert "db upgrade" in answer.text


def test_connections_that_were_cut_are_replaced(
    server: Server, postgres: Postgres, postgres_url: str, warehouse: Warehouse
) -> None:
    database = Database(postgres_url)
    server.app = create_api(database, admin_key=KEY, warehouse=warehouse)
    with server.client() as client:
        given_schedule(client)

        postgres.cut_connections(postgres_url)

        assert client.post("/schedules/1/pause").status_code == 200
    database.close()


def test_what_nobody_foresaw_is_a_problem_that_tells_no_secrets(api: httpx.Client, held_database: Database) -> None:
    with held_database.transaction() as session:
        session.execute(text("DROP TABLE audit_event"))

    answer = api.post("/schedules", json=schedule_body())

    assert (answer.status_code, problem(answer)["code"]) == (500, "unforeseen")
    assert "audit_event" not in answer.text
