"""Ending work that is in the middle of something."""

import time

import duckdb
import pytest

from scheduler_service.errors import Cancelled, TimeLimitReached
from scheduler_service.workloads.stopping import Stop, interruptible, never

ENDLESS = "SELECT count(*) FROM range(1_000_000_000) AS a, range(1_000_000) AS b WHERE a.range + b.range = -1"


def test_a_query_without_end_is_interrupted_by_the_time_limit() -> None:
    stop = Stop(never, 0.3)
    began = time.monotonic()

    with (
        duckdb.connect(config={"threads": 1}) as connection,
        pytest.raises(TimeLimitReached),
        interruptible(stop, connection.interrupt),
    ):
        connection.execute(ENDLESS)

    assert time.monotonic() - began < 3


def test_a_query_without_end_is_interrupted_by_a_cancel() -> None:
    end = time.monotonic() + 0.2

    with (
        duckdb.connect(config={"threads": 1}) as connection,
        pytest.raises(Cancelled),
        interruptible(Stop(lambda: time.monotonic() > end, 60), connection.interrupt),
    ):
        connection.execute(ENDLESS)


def test_a_failure_that_is_no_stop_passes_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError), interruptible(Stop(never, 60), lambda: None):
        raise ZeroDivisionError


def test_a_cancel_that_comes_with_the_last_statement_still_counts() -> None:
    with pytest.raises(Cancelled), interruptible(Stop(lambda: True, 60), lambda: None):
        pass


def test_a_long_wait_is_made_of_short_ones() -> None:
    slept: list[float] = []
    stop = Stop(lambda: len(slept) == 3, 60, sleep=slept.append)

    with pytest.raises(Cancelled):
        stop.sleep(1000)

    assert sum(slept) < 1
