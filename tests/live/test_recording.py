"""What a worker and a Beat tell of themselves and of their app, and what comes of many runs together."""

from collections.abc import Callable

from scheduler_service.storage.models import PeriodicTask, Worker, WorkerTask
from scheduler_service.storage.session import Database
from tests.support.processes import Site
from tests.support.rows import given_schedule, runs, schedule
from tests.support.waiting import eventually

Executions = Callable[[], list[str]]


def test_an_untracked_task_is_sent_each_time(
    postgres_site: Site, postgres_database: Database, executions: Executions
) -> None:
    postgres_site.worker(SAMPLE_UNTRACKED="1")
    postgres_site.beat(SAMPLE_UNTRACKED="1")

    key = given_schedule(postgres_database, every=1)
    eventually(lambda: len(executions()) >= 3, within=10)

    assert {run.state for run in runs(postgres_database, periodic_task_id=key)} <= {"published", "pending"}


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
        "x-positional": ["key"],
    }
    assert tasks["sample.odd"].queue == "sample"
    assert tasks["sample.odd"].doc == "Return what no JSON can hold."
    assert tasks["sample.sleep"].acks_late is True
    worker.stop()
    with postgres_database.reading() as session:
        assert session.query(Worker).one().stopped_at is not None


def test_a_static_schedule_is_taken_in_and_an_operators_edit_stays(
    postgres_site: Site, postgres_database: Database
) -> None:
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


def test_failures_in_a_row_pause_by_themselves(postgres_site: Site, postgres_database: Database) -> None:
    postgres_site.worker()
    postgres_site.beat()

    key = given_schedule(postgres_database, every=1, task="sample.fail", pause_after_failures=3)
    paused = eventually(lambda: row if not (row := schedule(postgres_database, key)).enabled else None, within=20)

    assert paused.paused_reason == "3 failures in a row"
    assert len(runs(postgres_database, periodic_task_id=key, state="failed")) in (3, 4)
