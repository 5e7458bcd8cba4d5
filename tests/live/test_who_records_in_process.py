"""Threads and solo: nobody watches the process that executes, and nobody can end it."""

from collections.abc import Iterator

import pytest

from tests.support.broker import Broker
from tests.support.endings import Case, Stage, check, stage
from tests.support.postgres import Postgres

pytestmark = pytest.mark.xdist_group("who records in process")
CASES = {
    "soft limit": Case("sample.sleep_early", "succeeded", result="slept", args=(1.5,),
                       fields={"soft_time_limit_seconds": 1}),
    "hard limit": Case("sample.sleep_early", "succeeded", result="slept", args=(1.5,),
                       fields={"time_limit_seconds": 1}),
    "exit": Case("sample.die", "failed", "SystemExit: 3", args=("exit",)),
    "exit, retried by its schedule": Case("sample.die", "failed", "SystemExit: 3", args=("exit",), attempts=9,
                                          fields={"retry_max": 8, "retry_delay_seconds": 0}),
}  # fmt: skip


@pytest.fixture(scope="module", params=["threads", "solo"])
def pool(
    request: pytest.FixtureRequest, postgres: Postgres, broker_process: Broker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    with stage(postgres, broker_process, tmp_path_factory.mktemp(request.param)) as opened:
        opened.give(CASES)
        opened.begin("-c", "2", "-P", request.param)
        yield opened


@pytest.mark.parametrize("name", CASES)
def test_each_ending_is_recorded(pool: Stage, name: str) -> None:
    check(pool, name, CASES[name])


def test_the_worker_says_that_it_does_not_enforce_limits(pool: Stage) -> None:
    assert pool.worker is not None
    assert "this worker's pool does not enforce time limits" in pool.worker.log


def test_the_worker_goes_on(pool: Stage) -> None:
    for number in range(5):
        pool.run_once(f"afterwards {number}", "sample.count")

    assert [pool.run(f"afterwards {number}").state for number in range(5)] == ["succeeded"] * 5
