"""A worker that ends, or loses sight of its broker: what it had is finished, or handed back, and nothing runs twice."""

import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.broker import Broker
from tests.support.endings import Stage, stage
from tests.support.postgres import Postgres
from tests.support.processes import Process
from tests.support.waiting import eventually

pytestmark = pytest.mark.xdist_group("who records shutdowns")
Hire = Callable[..., Process]


@pytest.fixture(scope="module")
def theatre(postgres: Postgres, broker_process: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A Beat; each test has its own workers."""
    with stage(postgres, broker_process, tmp_path_factory.mktemp("shutdowns")) as opened:
        opened.site.beat()
        yield opened


@pytest.fixture
def hire(theatre: Stage) -> Iterator[Hire]:
    """Start a worker; it ends with the test."""
    hired: list[Process] = []

    def start(*options: str, **named: Any) -> Process:
        hired.append(theatre.site.worker(*options, **named))
        return hired[-1]

    yield start
    for worker in hired:
        worker.stop()


def test_a_cold_shutdown_loses_an_early_task_and_hands_a_late_one_to_the_next_worker(
    theatre: Stage, hire: Hire
) -> None:
    first = hire("-c", "2", name="first")
    theatre.run_once("cold late", "sample.stuck_once_late")
    theatre.run_once("cold early", "sample.stuck_once")
    theatre.started("cold late"), theatre.started("cold early")

    _ends(first, signal.SIGQUIT)

    early, handed = theatre.run("cold early", within=1), theatre.run("cold late", "pending", "published", within=1)
    assert (early.state, early.error) == ("lost", "its worker was shut down or lost the broker")
    assert handed.reason == "attempt 1 was lost: its worker was shut down or lost the broker"
    hire("-c", "1", name="second")
    late = theatre.run("cold late")
    assert (late.state, late.attempt, late.worker) == ("succeeded", 2, f"second@{_host()}")
    assert (theatre.attempts(late), theatre.attempts(early)) == ([1, 2], [1])


def test_a_warm_shutdown_finishes_what_runs_and_gives_back_what_waits(theatre: Stage, hire: Hire) -> None:
    first = hire("-c", "1", "--prefetch-multiplier", "4", name="first")
    theatre.run_once("warm running", "sample.sleep_early", 2)
    running = theatre.started("warm running")
    for number in range(3):
        theatre.run_once(f"warm, waiting {number}", "sample.count")
    eventually(lambda: first.log.count(" received") == 4, within=5)

    _ends(first, signal.SIGTERM)

    assert theatre.run("warm running", within=1).state == "succeeded"
    assert [theatre.run(f"warm, waiting {number}", "published", within=1).attempt for number in range(3)] == [1, 1, 1]
    hire("-c", "1", name="second")
    waiting = [theatre.run(f"warm, waiting {number}") for number in range(3)]
    assert [(run.state, run.worker) for run in waiting] == [("succeeded", f"second@{_host()}")] * 3
    assert [theatre.attempts(run) for run in (running, *waiting)] == [[1]] * 4


def test_a_gentle_shutdown_that_takes_too_long_hands_back_what_it_cannot_finish(theatre: Stage, hire: Hire) -> None:
    first = hire("-c", "2", name="first")
    theatre.run_once("gentle late", "sample.stuck_once_late")
    theatre.run_once("gentle early", "sample.stuck_once", retry_max=1, retry_delay_seconds=0)
    theatre.started("gentle late"), theatre.started("gentle early")

    first.signal(signal.SIGTERM)
    first.wait_for("worker: Warm shutdown")
    _ends(first, signal.SIGQUIT)

    hire("-c", "2", name="second")
    done = [theatre.run("gentle late"), theatre.run("gentle early")]
    assert [(run.state, run.attempt, run.worker) for run in done] == [("succeeded", 2, f"second@{_host()}")] * 2
    assert [theatre.attempts(run) for run in done] == [[1, 2]] * 2


def test_a_worker_killed_and_started_again_gives_up_what_it_had(theatre: Stage, hire: Hire) -> None:
    first = hire("-c", "2")
    theatre.run_once("restarted early", "sample.stuck_once")
    theatre.run_once("restarted late", "sample.stuck_once_late")
    theatre.started("restarted late"), theatre.started("restarted early")

    first.kill()
    hire("-c", "2")

    early, late = theatre.run("restarted early"), theatre.run("restarted late")
    assert (early.state, early.reason) == ("lost", "its worker was restarted")
    assert (late.state, late.attempt) == ("succeeded", 2)
    assert (theatre.attempts(late), theatre.attempts(early)) == ([1, 2], [1])


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_what_is_delivered_again_while_it_runs_is_refused(theatre: Stage, hire: Hire, pool: str) -> None:
    """The broker takes the worker for dead: the visibility timeout is over, then its connections are cut."""
    long, afterwards = f"long on {pool}", f"afterwards on {pool}"
    hire("-c", "2", "-P", pool, SAMPLE_VISIBILITY="1")
    theatre.run_once(long, "sample.sleep", 4)
    theatre.started(long)

    again = eventually(lambda: run if (run := theatre.run(long, "running")).duplicate_deliveries else None, within=5)
    with theatre.broker.client() as client:
        client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    done = theatre.run(long)

    assert again.attempt == 1
    assert (done.state, done.attempt, done.result) == ("succeeded", 1, "slept")
    assert theatre.attempts(done) == [1]
    theatre.run_once(afterwards, "sample.count")
    assert theatre.run(afterwards).state == "succeeded"


def _ends(worker: Process, number: int) -> None:
    worker.signal(number)
    eventually(lambda: not worker.alive, within=15)


def _host() -> str:
    return socket.gethostname()
