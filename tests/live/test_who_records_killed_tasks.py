"""A task whose process ends before it: the worker's parent records it, and the slot is free again. Prefork."""

from collections.abc import Iterator

import pytest

from tests.support.broker import Broker
from tests.support.endings import Case, Stage, check, stage
from tests.support.postgres import Postgres

pytestmark = pytest.mark.xdist_group("who records killed tasks")
CASES = {
    "soft limit": Case("sample.sleep_early", "timed_out", "SoftTimeLimitExceeded: SoftTimeLimitExceeded()",
                       args=(60,), fields={"soft_time_limit_seconds": 1}),
    "hard limit": Case("sample.sleep_early", "timed_out", "the hard time limit of 1 s was exceeded",
                       args=(60,), fields={"time_limit_seconds": 1}),
    "hard limit, late": Case("sample.sleep", "timed_out", "the hard time limit of 1 s was exceeded",
                             args=(60,), fields={"time_limit_seconds": 1}),
    "hard limit, retried": Case("sample.stuck_once", "succeeded", "attempt 1 of 2: timed out", result=2, attempts=2,
                                fields={"time_limit_seconds": 1, "retry_max": 1, "retry_delay_seconds": 0}),
    "exit": Case("sample.die", "lost", "SystemExit: 3", args=("exit",)),
    "killed": Case("sample.die", "lost", "WorkerLostError: Worker exited prematurely: signal 9 (SIGKILL)",
                   args=("SIGKILL",)),
    "crashed": Case("sample.die", "lost", "WorkerLostError: Worker exited prematurely: signal 6 (SIGABRT)",
                    args=("SIGABRT",)),
    "killed, late": Case("sample.die_late", "lost",
                         "WorkerLostError: Worker exited prematurely: signal 9 (SIGKILL)", attempts=3),
    "killed, to be delivered again": Case("sample.die_requeued", "lost",
                                          "WorkerLostError: Worker exited prematurely: signal 9 (SIGKILL)",
                                          attempts=3),
    "killed, retried by Celery": Case("sample.die_retried", "succeeded", result=2, attempts=2),
    "killed, retried by its schedule": Case("sample.die", "lost", "SystemExit: 3", attempts=2, args=("exit",),
                                            fields={"retry_max": 1, "retry_delay_seconds": 0}),
    "killed after it succeeded": Case("sample.die_afterwards", "succeeded",
                                      "its process was lost after it succeeded", args=("SIGKILL",)),
    "exit after it succeeded": Case("sample.die_afterwards", "succeeded",
                                    "its process was lost after it succeeded", args=("exit",)),
}  # fmt: skip


@pytest.fixture(scope="module")
def prefork(postgres: Postgres, broker_process: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A Beat and a worker whose processes die all the time; all cases go at once."""
    with stage(postgres, broker_process, tmp_path_factory.mktemp("prefork")) as opened:
        opened.give(CASES)
        opened.run_once("terminated", "sample.sleep", 60)
        opened.begin("-c", "4")
        yield opened


def test_a_revoked_task_that_runs_is_cancelled(prefork: Stage) -> None:
    running = prefork.started("terminated")

    prefork.control.revoke(str(running.id), terminate=True)

    ended = prefork.run("terminated")
    assert (ended.state, ended.reason) == ("cancelled", "revoked")
    assert prefork.attempts(ended) == [1]


@pytest.mark.parametrize("name", CASES)
def test_each_ending_is_recorded(prefork: Stage, name: str) -> None:
    check(prefork, name, CASES[name])


def test_the_worker_goes_on(prefork: Stage) -> None:
    prefork.run_once("afterwards", "sample.count")

    assert prefork.run("afterwards").state == "succeeded"


def test_a_run_that_does_not_listen_is_terminated_and_the_next_one_goes(prefork: Stage) -> None:
    prefork.give_schedule("deaf", "sample.sleep", 60, every=1, max_runs=2, overlap_policy="terminate_other")

    ended = prefork.run("deaf", "cancelled")
    following = prefork.started("deaf")

    assert ended.cancel_mode == "terminating"
    assert following.occurrence_at > ended.occurrence_at
    assert (prefork.attempts(ended), prefork.attempts(following)) == ([1], [1])
    prefork.control.revoke(str(following.id), terminate=True)  # else the worker waits for it at the end
