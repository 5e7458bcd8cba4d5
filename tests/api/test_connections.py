"""Connections over HTTP: what there is, and whether it works."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from scheduler_service.api.app import create_api
from scheduler_service.storage.session import Database
from scheduler_service.workloads.connections import Connection, Connections
from scheduler_service.workloads.turns import Patience, turn
from scheduler_service.workloads.warehouse import Warehouse
from scheduler_service.workloads.warehouse_postgresql import PostgresWarehouse
from tests.api.given import problem
from tests.api.serving import KEY, Server
from tests.support.clock import ManualClock
from tests.support.ports import free_port
from tests.workloads.web import Answer, Web

SECRET = "s3cr3t-of-ours"


def connections_of(**said: Any) -> Connections:
    from pydantic import TypeAdapter

    return {name: TypeAdapter(Connection).validate_python(value) for name, value in said.items()}


@pytest.fixture
def crm() -> Iterator[Web]:
    server = Web()
    yield server
    server.close()


@pytest.fixture
def connected(
    server: Server,
    sqlite_url: str,
    postgres_url: str,
    clock: ManualClock,
    warehouse: Warehouse,
    crm: Web,
    tmp_path: Path,
) -> Iterator[httpx.Client]:
    """The API with a connection of every kind, working and not."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    auth = {"type": "bearer", "token": SECRET}
    connections = connections_of(
        crm={"type": "http", "url": f"{crm.url}/api", "auth": auth},
        away={"type": "http", "url": nowhere, "auth": auth},
        shop={"type": "sql", "url": postgres_url},
        lost={"type": "sql", "url": f"postgresql://me:{SECRET}@127.0.0.1:{free_port()}/shop"},
        inbox={"type": "folder", "path": str(tmp_path)},
        hook={"type": "webhook", "url": f"{crm.url}/{SECRET}", "secret": SECRET},
        mail={"type": "smtp", "host": "127.0.0.1", "port": free_port(), "sender": "us@example.org"},
    )
    database = Database(sqlite_url, clock=clock)
    server.app = create_api(database, admin_key=KEY, warehouse=warehouse, connections=connections)
    with server.client() as client:
        yield client
    database.close()


def test_they_are_listed_without_their_secrets(connected: httpx.Client, warehouse: Warehouse, crm: Web) -> None:
    answer = connected.get("/connections")

    listed = {item["name"]: item for item in answer.json()["items"]}
    assert list(listed) == ["away", "crm", "hook", "inbox", "lost", "mail", "shop", "warehouse"]
    assert listed["crm"] == {"name": "crm", "type": "http", "place": f"{crm.url}/api", "auth": "bearer"}
    assert listed["warehouse"]["place"] == str(warehouse.path)
    assert SECRET not in answer.text


def tried(api: httpx.Client, name: str) -> dict[str, Any]:
    answer = api.post(f"/connections/{name}/test")
    assert answer.status_code == 200, answer.text
    assert SECRET not in answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize(("status", "works"), [(200, True), (404, True), (401, False), (403, False), (500, False)])
def test_an_api_works_when_it_lets_us_in(connected: httpx.Client, crm: Web, status: int, works: bool) -> None:
    crm.answer("/api", Answer({"you sent": SECRET}, status))

    trial = tried(connected, "crm")

    assert trial["works"] is works
    assert str(status) in trial["answer"]
    assert [asked.headers["authorization"] for asked in crm.asked] == [f"Bearer {SECRET}"]


@pytest.mark.parametrize(
    ("name", "works", "said"),
    [
        ("away", False, "could not be reached"),
        ("shop", True, "answered, postgresql 1"),
        ("lost", False, "could not be reached"),
        ("inbox", True, "can be written to"),
        ("hook", True, "nothing was sent"),
        ("mail", False, "does not work"),
        ("warehouse", True, "answered, with 0 datasets"),
    ],
)
def test_every_kind_is_tried(connected: httpx.Client, name: str, works: bool, said: str) -> None:
    trial = tried(connected, name)

    assert (trial["works"], said in trial["answer"]) == (works, True), trial


def test_one_that_nobody_set_is_not_found(connected: httpx.Client) -> None:
    answer = connected.post("/connections/erp/test")

    assert (answer.status_code, problem(answer)["code"]) == (404, "connection_unknown")


def test_a_warehouse_that_is_busy_says_so(connected: httpx.Client, warehouse: Warehouse) -> None:
    warehouse.path.touch()
    with turn(warehouse.path, write=True, patience=Patience.of(1, lambda: None)):
        trial = tried(connected, "warehouse")

    assert (trial["works"], "busy" in trial["answer"]) == (False, True)


def test_a_warehouse_that_is_away_is_told_without_its_place(
    server: Server, sqlite_url: str, clock: ManualClock
) -> None:
    database = Database(sqlite_url, clock=clock)
    away = PostgresWarehouse(f"postgresql://me:{SECRET}@127.0.0.1:{free_port()}/warehouse")
    server.app = create_api(database, admin_key=KEY, warehouse=away)
    with server.client() as api:
        answer, trial = api.get("/datasets"), tried(api, "warehouse")
    database.close()

    assert (answer.status_code, answer.json()["code"]) == (503, "warehouse_away")
    assert answer.json()["detail"] == "The warehouse cannot be reached right now."
    assert trial["works"] is False
