"""An `up` for the tests that look at one, and a way to start more."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.commands import Commands, api_process
from tests.cli.foreground import Foreground


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Foreground]:
    """One that is up, shared by the tests of a module."""
    service = Foreground(tmp_path_factory.mktemp("up") / "var")
    try:
        yield service.wait()
    finally:
        service.clean_up()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Foreground]]:
    """Start one on the test's own data directory, the same each time."""
    started: list[Foreground] = []

    def start(**settings: object) -> Foreground:
        started.append(Foreground(tmp_path / "var", **settings))
        return started[-1]

    yield start
    for service in started:
        service.clean_up()


@pytest.fixture(scope="module")
def commands(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    """Commands against an API, shared by the tests of a module."""
    with api_process(sqlite_template, tmp_path_factory.mktemp("api")) as opened:
        yield opened
