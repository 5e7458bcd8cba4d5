"""A place to collect in, and servers to collect from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clock import ManualClock
from tests.workloads.collects import Place
from tests.workloads.web import Web


@pytest.fixture
def place(tmp_path: Path, clock: ManualClock) -> Place:
    return Place(tmp_path, clock)


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
