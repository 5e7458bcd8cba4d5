"""The console over each database, on a clock that the test holds, and readers of each role in front of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler_service.console.site import create_site
from scheduler_service.services import keys
from scheduler_service.services.keys import KeyDocument
from scheduler_service.services.roles import Role
from scheduler_service.storage.session import Database
from scheduler_service.workloads.report.places import ReportPlaces
from scheduler_service.workloads.warehouse import Warehouse
from tests.api.serving import KEY, Server
from tests.console.pages import Browser
from tests.support.clock import ManualClock


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with Server().running() as running:
        yield running


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path / "warehouse.duckdb")


@pytest.fixture
def site(server: Server, held_database: Database, warehouse: Warehouse, tmp_path: Path) -> Server:
    """The console over each database in turn."""
    places = ReportPlaces(tmp_path)
    server.app = create_site(held_database, admin_key=KEY, warehouse=warehouse, report_places=places)
    return server


@pytest.fixture
def visitor(site: Server) -> Iterator[Browser]:
    """Somebody who has not signed in."""
    with Browser(site.url) as browser:
        yield browser


@pytest.fixture
def admin(site: Server) -> Iterator[Browser]:
    with Browser(site.url) as browser:
        yield browser.signed_in(KEY)


@pytest.fixture
def operator(site: Server, held_database: Database, clock: ManualClock) -> Iterator[Browser]:
    with Browser(site.url) as browser:
        yield browser.signed_in(key_of(held_database, clock, "operator"))


@pytest.fixture
def viewer(site: Server, held_database: Database, clock: ManualClock) -> Iterator[Browser]:
    with Browser(site.url) as browser:
        yield browser.signed_in(key_of(held_database, clock, "viewer"))


@pytest.fixture
def sqlite_site(
    server: Server, sqlite_url: str, clock: ManualClock, warehouse: Warehouse, tmp_path: Path
) -> Iterator[Database]:
    """The same over SQLite alone, for what no database has a part in."""
    database = Database(sqlite_url, clock=clock)
    places = ReportPlaces(tmp_path)
    server.app = create_site(database, admin_key=KEY, warehouse=warehouse, report_places=places)
    yield database
    database.close()


@pytest.fixture
def sqlite_admin(sqlite_site: Database, server: Server) -> Iterator[Browser]:
    """An admin before SQLite alone."""
    with Browser(server.url) as browser:
        yield browser.signed_in(KEY)


def key_of(database: Database, clock: ManualClock, role: Role) -> str:
    """A new key with this role."""
    with database.transaction() as session:
        document = KeyDocument(name=f"{role}'s key", role=role)
        return keys.create(session, document, actor="test", now=clock.now())[1]
