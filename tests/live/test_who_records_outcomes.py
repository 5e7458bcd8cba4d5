"""What a task ends with is recorded by the process that executes it: on processes, threads and solo."""

from collections.abc import Iterator

import pytest

from tests.support.broker import Broker
from tests.support.endings import Case, Stage, check, stage
from tests.support.postgres import Postgres

pytestmark = pytest.mark.xdist_group("who records outcomes")
CASES = {
    "success": Case("sample.count", "succeeded", result=1),
    "success, its result ignored": Case("sample.odd", "succeeded", result={"repr": "{1, 3}"}),
    "failure": Case("sample.fail", "failed", "ValueError: it \ufffd failed"),
    "rejected": Case("sample.reject", "failed", "the task rejected it: not mine"),
    "rejected, to be delivered again": Case("sample.reject", "lost", "the task rejected it, to be delivered again",
                                            attempts=3, fields={"kwargs": {"requeue": True}}),
    "ignored": Case("sample.ignore", "succeeded", "the task asked to ignore its result: nothing to do"),
    "replaced": Case("sample.replace", "succeeded", "the task put another in its place, which is not followed"),
    "retried": Case("sample.flaky", "succeeded", result=4, attempts=4, args=(3,)),
    "retried by Celery": Case("sample.autoretry", "succeeded", result=3, attempts=3, args=(2,)),
    "retries used up": Case("sample.flaky", "failed", "ValueError: try 6", attempts=6, args=(99,)),
    "retried by its schedule": Case("sample.fail", "failed", "ValueError: it \ufffd failed", attempts=3,
                                    fields={"retry_max": 2, "retry_delay_seconds": 0}),
}  # fmt: skip
POOLS = ("prefork", "threads", "solo")


@pytest.fixture(scope="module", params=POOLS)
def pool(
    request: pytest.FixtureRequest,
    postgres: Postgres,
    broker_process: Broker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    """A Beat, and a worker with each kind of pool in turn; all cases go at once."""
    with stage(postgres, broker_process, tmp_path_factory.mktemp(request.param)) as opened:
        opened.give(CASES)
        opened.begin("-c", "2", "-P", request.param)
        yield opened


@pytest.mark.parametrize("name", CASES)
def test_each_ending_is_recorded(pool: Stage, name: str) -> None:
    check(pool, name, CASES[name])


def test_a_run_says_where_and_when_it_was_executed(pool: Stage) -> None:
    run = pool.run("success")

    assert run.started_at is not None
    assert run.finished_at is not None
    assert run.fire_at <= run.started_at <= run.finished_at
    assert run.worker is not None
    assert run.worker.startswith("w1@")
    assert run.duplicate_deliveries == 0


def test_a_failure_keeps_its_traceback(pool: Stage) -> None:
    run = pool.run("failure")

    assert run.traceback is not None
    assert "in fail" in run.traceback


def test_a_rejected_message_that_comes_back_is_refused(pool: Stage) -> None:
    run = pool.run("rejected, to be delivered again")

    assert run.duplicate_deliveries >= 1
