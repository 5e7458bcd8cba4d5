"""A broker that loses messages loses no run, and no run is executed twice because of it."""

from collections import Counter
from collections.abc import Callable

from scheduler_service.storage.session import Database
from tests.support.broker import Broker
from tests.support.processes import Site
from tests.support.rows import given_schedule, given_schedules, runs, sql
from tests.support.waiting import eventually

Executions = Callable[[], list[str]]


def test_a_wiped_broker_gets_exactly_what_it_lost(
    postgres_site: Site, postgres_database: Database, broker: Broker, executions: Executions
) -> None:
    _track(postgres_database, "sample.count")
    postgres_site.beat()
    _due(postgres_database, 300)
    eventually(lambda: len(runs(postgres_database, state="published")) == 300, within=20)

    broker.flush()
    eventually(lambda: broker.queued("sample") == 300, within=12)
    postgres_site.worker("-c", "2")
    eventually(lambda: len(runs(postgres_database, state="succeeded")) == 300, within=30)

    assert Counter(executions()) == Counter(str(run.id) for run in runs(postgres_database))
    assert sum(run.duplicate_deliveries for run in runs(postgres_database)) == 0
    postgres_site.examine()


def test_a_restarted_broker_that_kept_its_messages_gets_none_twice(
    postgres_site: Site, postgres_database: Database, broker: Broker
) -> None:
    _track(postgres_database, "sample.count")
    beat = postgres_site.beat()
    _due(postgres_database, 50)
    eventually(lambda: len(runs(postgres_database, state="published")) == 50, within=20)
    with broker.client() as client:
        before = eventually(lambda: client.get("scheduler:epoch"), within=10)
        broker.stop()
        broker.start()
        eventually(lambda: client.get("scheduler:epoch") not in (None, before), within=15)

    assert broker.queued("sample") == 50
    assert beat.alive
    postgres_site.examine()


def test_a_single_lost_message_is_noticed_when_the_broker_is_empty(
    postgres_site: Site, postgres_database: Database, broker: Broker, executions: Executions
) -> None:
    _track(postgres_database, "sample.count")
    postgres_site.beat()
    key = given_schedule(postgres_database, every=1, one_off=True)
    (run,) = eventually(lambda: runs(postgres_database, periodic_task_id=key, state="published"), within=10)
    eventually(lambda: _marker(broker), within=10)

    with broker.client() as client:
        client.delete("sample")
    postgres_site.worker()
    (done,) = eventually(lambda: runs(postgres_database, periodic_task_id=key, state="succeeded"), within=30)

    assert executions() == [str(run.id)]
    assert done.reason == "its message was lost: the broker held none"
    postgres_site.examine()


def _due(database: Database, count: int) -> None:
    given_schedules(database, count)
    sql(
        database,
        "UPDATE periodic_task SET next_run_at = statement_timestamp() WHERE name LIKE 'many %'",
    )


def _track(database: Database, task: str) -> None:
    """As if a worker that knows the task had been here."""
    sql(
        database,
        "INSERT INTO worker (name, queues, concurrency, pid, started_at, last_heartbeat_at)"
        " VALUES ('old', '[]', 1, 1, now(), now())",
    )
    sql(
        database,
        "INSERT INTO worker_task (worker, task, doc, acks_late, arguments) VALUES ('old', :task, '', false, '{}')",
        task=task,
    )


def _marker(broker: Broker) -> bool:
    with broker.client() as client:
        return client.get("scheduler:epoch") is not None
