"""A client of the real API over real HTTP, with weather in between."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scheduler_service.api.app import create_api
from scheduler_service.client import Client
from scheduler_service.storage.session import Database
from scheduler_service.workloads.warehouse import Warehouse
from tests.api.serving import KEY, Server
from tests.client.weather import Weather


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with Server().running() as running:
        yield running


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.close()


@pytest.fixture
def weather(server: Server, database: Database, tmp_path: Path) -> Weather:
    """In front of the API that is served."""
    api = create_api(database, admin_key=KEY, warehouse=Warehouse(tmp_path / "warehouse.duckdb"))
    server.app = weather = Weather(api)
    return weather


@pytest.fixture
def client(server: Server, weather: Weather) -> Iterator[Client]:
    """With the admin's key."""
    with Client(server.url, KEY, patience=5) as opened:
        yield opened


@pytest.fixture(scope="session")
def openapi(sqlite_template: Path) -> dict[str, Any]:
    """What the service says of itself."""
    database = Database(f"sqlite:///{sqlite_template}")
    described = create_api(database, admin_key=KEY, warehouse=Warehouse(sqlite_template.parent / "warehouse")).openapi()
    database.close()
    return described
