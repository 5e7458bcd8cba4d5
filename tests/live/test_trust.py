"""Nothing lost, nothing executed twice: several Beats, killed ones, and copies of messages. PostgreSQL and Valkey."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from celery import Celery

from scheduler_service.beat.publish import Publisher
from scheduler_service.storage.publishing import Message
from scheduler_service.storage.session import Database
from tests.support.broker import Broker
from tests.support.postgres import Postgres
from tests.support.processes import Site
from tests.support.rows import given_schedule, given_schedules, runs, sql
from tests.support.waiting import eventually

Executions = Callable[[], list[str]]

DUE_AT = "UPDATE periodic_task SET next_run_at = statement_timestamp() + :after WHERE name LIKE 'many %'"


def test_two_beats_share_two_hundred_due_schedules(
    postgres_site: Site, postgres_database: Database, executions: Executions
) -> None:
    given_schedules(postgres_database, 200)
    postgres_site.worker("-c", "2")
    postgres_site.beat(), postgres_site.beat()
    eventually(lambda: _planned(postgres_database) == 200, within=10)

    sql(postgres_database, DUE_AT, after=timedelta(seconds=1))
    eventually(lambda: len(runs(postgres_database, state="succeeded")) == 200, within=30)

    done = runs(postgres_database)
    assert len(done) == 200
    assert sorted(executions()) == sorted(str(run.id) for run in done)
    assert len({run.decided_by for run in done}) == 2
    postgres_site.examine()


def test_a_beat_killed_in_a_burst_loses_nothing_and_the_rest_goes_on(
    postgres_site: Site, postgres_database: Database, executions: Executions
) -> None:
    given_schedules(postgres_database, 3000)
    killed, other = postgres_site.beat(), postgres_site.beat()
    eventually(lambda: _planned(postgres_database) == 3000, within=20)
    sql(postgres_database, DUE_AT, after=timedelta(seconds=1))
    eventually(lambda: runs(postgres_database, decided_by=f"{_host()}:{killed.pid}"), within=10, every=0.005)

    killed.kill()
    eventually(lambda: len(runs(postgres_database)) == 3000, within=20)
    eventually(lambda: not runs(postgres_database, state="pending"), within=4, patience=1)
    postgres_site.worker("-c", "2")
    eventually(lambda: len(runs(postgres_database, state="succeeded")) == 3000, within=60, every=0.5)

    assert Counter(executions()) == Counter(str(run.id) for run in runs(postgres_database))
    assert other.alive
    postgres_site.examine()


def test_a_message_delivered_twice_is_executed_once(
    postgres_site: Site, postgres_database: Database, broker: Broker, executions: Executions
) -> None:
    postgres_site.worker("-c", "2")
    postgres_site.beat()
    key = given_schedule(postgres_database, every=1, one_off=True)
    eventually(lambda: runs(postgres_database, periodic_task_id=key, state="succeeded"), within=10)
    (run,) = runs(postgres_database)

    app = Celery("copier", broker=broker.url, set_as_current=False)
    app.conf.task_default_queue = "sample"
    copies = [_message(run.id, key, run.occurrence_at) for _ in range(3)]
    Publisher(app).send(copies, now=postgres_database.clock.now())
    app.close()

    eventually(lambda: runs(postgres_database)[0].duplicate_deliveries == 3, within=10)
    assert executions() == [str(run.id)]
    postgres_site.examine()


def test_beat_lives_through_restarts_of_broker_and_database(
    postgres_site: Site, postgres_database: Database, broker: Broker, postgres: Postgres, executions: Executions
) -> None:
    beat = postgres_site.beat()
    postgres_site.worker()
    key = given_schedule(postgres_database, every=1, overlap_policy="allow_all")
    eventually(executions, within=10)

    with broker.stopped():
        eventually(lambda: runs(postgres_database, periodic_task_id=key, state="pending"), within=5)
    _goes_on(postgres_database, key)

    postgres.restart()
    _goes_on(postgres_database, key)

    assert beat.alive
    assert "the broker is back" in beat.log
    assert "the database is back" in beat.log
    counted = Counter(executions())
    assert set(counted.values()) == {1}
    postgres_site.examine()


def _goes_on(database: Database, key: int) -> None:
    now = database.clock.now()
    eventually(
        lambda: [run for run in runs(database, periodic_task_id=key, state="succeeded") if run.decided_at > now],
        within=20,
    )


def _planned(database: Database) -> int:
    with database.reading() as session:
        statement = "SELECT count(*) FROM periodic_task WHERE next_run_at IS NOT NULL AND name LIKE 'many %%'"
        count: int = session.connection().exec_driver_sql(statement).scalar_one()
        return count


def _message(run_id: UUID, schedule_id: int, occurrence_at: object) -> Message:
    return Message(run_id, schedule_id, "sample.count", ["copy"], {}, {}, occurrence_at, 1)  # type: ignore[arg-type]


def _host() -> str:
    import socket

    return socket.gethostname()
