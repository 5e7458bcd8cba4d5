"""What a worker records, whatever ends a task: on processes, and on threads and solo where they differ."""

import signal
from collections.abc import Callable
from typing import Any

import pytest

from scheduler_service.storage.models import TaskRun, Worker, WorkerTask
from scheduler_service.storage.session import Database
from tests.support.processes import Site
from tests.support.rows import given_schedule, runs, schedule
from tests.support.waiting import eventually

Executions = Callable[[], list[str]]
POOLS = ("prefork", "threads", "solo")


def once(database: Database, task: str, *args: object, within: float = 15, **fields: Any) -> TaskRun:
    """The finished run of a task that is scheduled to run once, now."""
    key = given_schedule(database, name=f"{task} {args}", every=1, task=task, args=list(args), one_off=True, **fields)
    waiting = ("pending", "published", "running", "retrying")
    (run,) = eventually(
        lambda: [run for run in runs(database, periodic_task_id=key) if run.state not in waiting], within=within
    )
    return run


@pytest.fixture(params=POOLS)
def pool_site(request: pytest.FixtureRequest, postgres_site: Site) -> Site:
    """A Beat, and a worker with each kind of pool in turn."""
    postgres_site.worker("-c", "2", "-P", request.param)
    postgres_site.beat()
    return postgres_site


def test_every_way_to_end_is_recorded(pool_site: Site, postgres_database: Database, executions: Executions) -> None:
    succeeded = once(postgres_database, "sample.count", "a")
    failed = once(postgres_database, "sample.fail", "b")
    odd = once(postgres_database, "sample.odd", "c")
    retried = once(postgres_database, "sample.flaky", "d", 3)

    assert (succeeded.state, succeeded.result, succeeded.attempt) == ("succeeded", 1, 1)
    assert succeeded.worker is not None
    assert succeeded.worker.startswith("w1@")
    assert failed.state == "failed"
    assert failed.error == "ValueError: it \ufffd failed"
    assert failed.traceback is not None
    assert "in fail" in failed.traceback
    assert odd.result == {"repr": "{1, 3}"}
    assert (retried.state, retried.result, retried.attempt) == ("succeeded", 4, 4)
    assert executions().count(str(retried.id)) == 4
    for run in (succeeded, failed, odd, retried):
        assert run.started_at is not None
        assert run.finished_at is not None
        assert run.fire_at <= run.started_at <= run.finished_at
        assert run.duplicate_deliveries == 0


def test_retries_that_are_used_up_fail(pool_site: Site, postgres_database: Database) -> None:
    run = once(postgres_database, "sample.flaky", "e", 99, within=30)

    assert (run.state, run.attempt) == ("failed", 6)
    assert run.error == "ValueError: try 6"


def test_a_killed_child_is_lost_and_the_slot_is_free(postgres_site: Site, postgres_database: Database) -> None:
    postgres_site.worker("-c", "1")
    postgres_site.beat()

    run = once(postgres_database, "sample.die", "a")
    after = once(postgres_database, "sample.count", "b")

    assert run.state == "lost"
    assert run.error is not None
    assert "SIGKILL" in run.error
    assert after.state == "succeeded"


def test_a_hard_time_limit_is_timed_out(postgres_site: Site, postgres_database: Database) -> None:
    postgres_site.worker("-c", "1", "--time-limit", "1")
    postgres_site.beat()

    run = once(postgres_database, "sample.sleep_early", "a", 30)

    assert run.state == "timed_out"
    assert run.error == "the hard time limit of 1.0 s was exceeded"


def test_a_cold_shutdown_hands_a_late_task_to_the_next_worker(
    postgres_site: Site, postgres_database: Database, executions: Executions
) -> None:
    first = postgres_site.worker("-c", "1", name="first")
    postgres_site.beat()
    key = given_schedule(postgres_database, every=1, task="sample.sleep", args=["a", 4], one_off=True)
    eventually(executions, within=10)

    first.signal(signal.SIGQUIT)
    eventually(lambda: not first.alive, within=10)
    (handed,) = runs(postgres_database)
    assert handed.state in ("pending", "published")
    postgres_site.worker("-c", "1", name="second")
    (run,) = eventually(lambda: runs(postgres_database, periodic_task_id=key, state="succeeded"), within=20)

    assert run.attempt == 2
    assert run.worker is not None
    assert run.worker.startswith("second@")
    assert executions() == [str(run.id)] * 2


def test_a_worker_killed_and_restarted_gives_up_what_it_had(
    postgres_site: Site, postgres_database: Database, executions: Executions
) -> None:
    first = postgres_site.worker("-c", "1")
    postgres_site.beat()
    early = given_schedule(postgres_database, every=1, task="sample.sleep_early", args=["a", 60], one_off=True)
    eventually(lambda: runs(postgres_database, periodic_task_id=early, state="running"), within=10)

    first.kill()
    postgres_site.worker("-c", "1")

    (run,) = eventually(lambda: runs(postgres_database, periodic_task_id=early, state="lost"), within=10)
    assert run.reason == "its worker was restarted"
    assert executions() == [str(run.id)]


def test_an_untracked_task_is_sent_each_time(
    postgres_site: Site, postgres_database: Database, executions: Executions
) -> None:
    postgres_site.worker(SAMPLE_UNTRACKED="1")
    postgres_site.beat(SAMPLE_UNTRACKED="1")

    key = given_schedule(postgres_database, every=1)
    eventually(lambda: len(executions()) >= 3, within=10)

    assert {run.state for run in runs(postgres_database, periodic_task_id=key)} <= {"published", "pending"}


def test_a_task_that_no_worker_knows_says_so(postgres_site: Site, postgres_database: Database) -> None:
    postgres_site.worker()
    postgres_site.beat()

    run = once(postgres_database, "sample.nowhere")

    assert (run.state, run.reason) == ("failed", "no worker of its queue knows the task sample.nowhere")


def test_what_cannot_be_published_fails_alone(postgres_site: Site, postgres_database: Database) -> None:
    postgres_site.worker()
    postgres_site.beat()

    unknown = once(postgres_database, "sample.count", "a", exchange="nowhere", routing_key="x")
    good = once(postgres_database, "sample.count", "b")

    assert unknown.state == "failed"
    assert unknown.error == "ValueError: no queue of this app is bound to the exchange 'nowhere'"
    assert good.state == "succeeded"


def test_a_worker_lists_its_tasks_and_their_arguments(postgres_site: Site, postgres_database: Database) -> None:
    worker = postgres_site.worker()

    def registered() -> tuple[Worker, dict[str, WorkerTask]] | None:
        with postgres_database.reading() as session:
            known = session.query(Worker).one_or_none()
            tasks = {task.task: task for task in session.query(WorkerTask)}
            return (known, tasks) if known is not None and tasks else None

    row, tasks = eventually(registered, within=5)
    assert (row.pid, row.queues) == (worker.pid, ["sample"])
    assert tasks["sample.odd"].arguments == {
        "type": "object",
        "properties": {"key": {"type": "string"}, "limit": {"type": "integer", "default": 3}},
        "required": ["key"],
        "additionalProperties": False,
    }
    assert tasks["sample.odd"].doc == "Return what no JSON can hold."
    assert tasks["sample.sleep"].acks_late is True
    worker.stop()
    with postgres_database.reading() as session:
        assert session.query(Worker).one().stopped_at is not None


def test_a_static_schedule_is_taken_in_and_an_operators_edit_stays(
    postgres_site: Site, postgres_database: Database
) -> None:
    from scheduler_service.storage.models import PeriodicTask

    postgres_site.beat()

    def adopted() -> PeriodicTask | None:
        with postgres_database.reading() as session:
            return session.query(PeriodicTask).filter_by(name="from code").one_or_none()

    row = eventually(adopted, within=10)
    assert (row.task, row.args) == ("sample.count", ["static"])
    with postgres_database.transaction() as session:
        session.query(PeriodicTask).filter_by(name="from code").update({"enabled": False, "paused_reason": "no"})
    second = postgres_site.beat()
    second.stop()
    again = adopted()
    assert again is not None
    assert (again.enabled, again.paused_reason) == (False, "no")


def test_a_run_that_does_not_listen_is_terminated_and_the_next_one_goes(
    postgres_site: Site, postgres_database: Database, executions: Executions
) -> None:
    postgres_site.worker("-c", "2")
    postgres_site.beat()
    key = given_schedule(
        postgres_database, every=1, task="sample.sleep", args=["a", 60], max_runs=2, overlap_policy="terminate_other"
    )

    (ended,) = eventually(lambda: runs(postgres_database, periodic_task_id=key, state="cancelled"), within=30)
    eventually(lambda: runs(postgres_database, periodic_task_id=key, state="running"), within=10)

    assert ended.cancel_mode == "terminating"
    assert executions().count(str(ended.id)) == 1
    assert len(set(executions())) == 2


def test_failures_in_a_row_pause_by_themselves(postgres_site: Site, postgres_database: Database) -> None:
    postgres_site.worker()
    postgres_site.beat()

    key = given_schedule(postgres_database, every=1, task="sample.fail", pause_after_failures=3)
    paused = eventually(lambda: row if not (row := schedule(postgres_database, key)).enabled else None, within=20)

    assert paused.paused_reason == "3 failures in a row"
    assert len(runs(postgres_database, periodic_task_id=key, state="failed")) in (3, 4)
