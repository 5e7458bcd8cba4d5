"""Real Beats and workers between a real database and a real broker."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scheduler_service.storage.session import Database
from tests.support.broker import Broker
from tests.support.processes import Site, site


@pytest.fixture
def postgres_site(postgres_url: str, broker: Broker, tmp_path: Path) -> Iterator[Site]:
    with site(postgres_url, broker.url, tmp_path) as opened:
        yield opened


@pytest.fixture
def any_site(database_url: str, broker: Broker, tmp_path: Path) -> Iterator[Site]:
    """On each database in turn."""
    with site(database_url, broker.url, tmp_path) as opened:
        yield opened


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[Database]:
    opened = Database(postgres_url)
    yield opened
    opened.close()


@pytest.fixture
def executions(broker: Broker) -> Callable[[], list[str]]:
    """The run ids that the sample app's tasks executed, as they counted themselves."""

    def read() -> list[str]:
        with broker.client() as client:
            return [entry.decode() for entry in client.lrange("executed", 0, -1)]

    return read
