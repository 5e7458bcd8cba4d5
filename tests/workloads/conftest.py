"""A place to collect in, and servers to collect from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clock import ManualClock
from tests.workloads.collects import Place
from tests.workloads.web import Web


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.definition.get_closest_marker("on_each_warehouse") and "place" in metafunc.fixturenames:
        metafunc.parametrize("place", ["duckdb", "postgresql"], indirect=True)


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> Place:
    """With a DuckDB file; where a test is marked `on_each_warehouse`, on PostgreSQL too."""
    server = getattr(request, "param", "duckdb") == "postgresql"
    return Place(tmp_path, clock, request.getfixturevalue("postgres_url") if server else None)


@pytest.fixture
def web(place: Place) -> Iterator[Web]:
    """A server that the place may reach."""
    server = Web()
    place.allow(server.place)
    yield server
    server.close()


@pytest.fixture
def elsewhere(place: Place) -> Iterator[Web]:
    """A second one, of another origin."""
    server = Web()
    place.allow(server.place)
    yield server
    server.close()
