"""Real parts for every test: PostgreSQL, SQLite, Valkey; each test gets its own database and an empty broker."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler_service.storage import migrating
from scheduler_service.storage.session import Database
from tests.support.broker import Broker, broker_server
from tests.support.clock import ManualClock
from tests.support.postgres import Postgres, postgres_server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that none is left over when the rest is done."""
    items.sort(key=lambda item: -max((mark.args[0] for mark in item.iter_markers("takes")), default=0))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with postgres_server(durable=False) as server:
        yield server


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """A migrated database of its own."""
    url = postgres.create()
    yield url
    postgres.drop(url)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    migrating.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A migrated database of its own."""
    shutil.copy(sqlite_template, tmp_path / "scheduler.db")
    return f"sqlite:///{tmp_path / 'scheduler.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Each database in turn, with its own clock."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def held_database(database_url: str, clock: ManualClock) -> Iterator[Database]:
    """Each database in turn, with the time held by the test."""
    opened = Database(database_url, clock=clock)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def broker_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with broker_server(tmp_path_factory.mktemp("broker")) as server:
        yield server


@pytest.fixture
def broker(broker_process: Broker) -> Broker:
    """A real, empty broker."""
    broker_process.flush()
    return broker_process
