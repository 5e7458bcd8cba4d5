"""The API over each database, on a clock that the test holds."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from scheduler_service.api.app import create_api
from scheduler_service.storage.session import Database
from scheduler_service.workloads.report.places import ReportPlaces
from scheduler_service.workloads.warehouse import Warehouse
from tests.api.serving import KEY, Server
from tests.support.clock import ManualClock


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with Server().running() as running:
        yield running


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path / "warehouse.duckdb")


@pytest.fixture
def served(server: Server, held_database: Database, warehouse: Warehouse, tmp_path: Path) -> Server:
    places = ReportPlaces(tmp_path)
    server.app = create_api(held_database, admin_key=KEY, warehouse=warehouse, report_places=places)
    return server


@pytest.fixture
def sqlite_api(
    server: Server, sqlite_url: str, clock: ManualClock, warehouse: Warehouse, tmp_path: Path
) -> Iterator[httpx.Client]:
    """The same over SQLite alone, for what no database has a part in."""
    database = Database(sqlite_url, clock=clock)
    places = ReportPlaces(tmp_path)
    server.app = create_api(database, admin_key=KEY, warehouse=warehouse, report_places=places)
    with server.client() as client:
        yield client
    database.close()


@pytest.fixture
def api(served: Server) -> Iterator[httpx.Client]:
    """A client with the admin's key."""
    with served.client() as client:
        yield client
