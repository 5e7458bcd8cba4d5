"""A broker that is set back to an old backup brings nothing twice, and what the backup lacks is sent again."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from scheduler_service.storage.session import Database
from tests.support.accounts import copies
from tests.support.broker import Broker
from tests.support.processes import Site
from tests.support.rows import given_schedule, given_schedules, runs, sql
from tests.support.waiting import eventually

Executions = Callable[[], list[str]]

COUNT = 30


def test_messages_of_runs_that_ended_are_not_executed_again_and_later_ones_are_not_lost(
    postgres_site: Site, postgres_database: Database, broker: Broker, tmp_path: Path, executions: Executions
) -> None:
    postgres_site.beat()
    given_schedules(postgres_database, COUNT)
    sql(postgres_database, "UPDATE periodic_task SET next_run_at = statement_timestamp() WHERE name LIKE 'many %'")
    eventually(lambda: broker.queued("sample") == COUNT, within=20)
    broker.back_up(tmp_path / "backup")
    worker = postgres_site.worker("-c", "2")
    eventually(lambda: len(runs(postgres_database, state="succeeded")) == COUNT, within=30)
    first = executions()
    worker.stop()
    late = given_schedule(postgres_database, name="late", every=1, one_off=True)
    eventually(lambda: broker.queued("sample") == 1, within=15)

    with broker.stopped():
        broker.restore(tmp_path / "backup")
    assert broker.queued("sample") >= COUNT
    assert executions() == []  # the counting was set back, too
    postgres_site.worker("-c", "2")
    eventually(lambda: copies(postgres_database) == COUNT, within=30)
    (sent_again,) = eventually(lambda: runs(postgres_database, periodic_task_id=late, state="succeeded"), within=30)

    assert Counter(first) == Counter(str(run.id) for run in runs(postgres_database) if run.id != sent_again.id)
    assert executions() == [str(sent_again.id)]
    assert sent_again.reason == "its message was lost with the broker"
    assert {run.state for run in runs(postgres_database)} == {"succeeded"}
    postgres_site.examine()
