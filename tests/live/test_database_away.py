"""A database that is away, fails over, or breaks off in the middle of a transaction loses no run and doubles none."""

from collections.abc import Callable
from threading import Event

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from scheduler_service.storage.session import Database
from tests.support.accounts import nothing_lost_or_doubled
from tests.support.link import link_to
from tests.support.postgres import Postgres
from tests.support.processes import Site
from tests.support.rows import given_schedule, runs
from tests.support.waiting import eventually

Executions = Callable[[], list[str]]

AWAY = 30
FAILOVERS, BETWEEN = 20, 0.7
WAITS = "wait_event_type = 'Lock' AND query LIKE '{} task_run%'"


@pytest.mark.takes(60)
def test_a_database_that_is_away_for_half_a_minute_costs_no_run(
    postgres_site: Site, postgres_database: Database, postgres: Postgres, executions: Executions
) -> None:
    beat, worker = postgres_site.beat(), postgres_site.worker("-c", "2")
    key = given_schedule(postgres_database, every=2, task="sample.sleep", args=["a", 1], overlap_policy="allow_all")
    eventually(lambda: runs(postgres_database, periodic_task_id=key, state="running"), within=15)

    postgres.restart(away=AWAY)
    back_at = postgres_database.clock.now()
    eventually(lambda: _decided_after(postgres_database, back_at), within=20)

    nothing_lost_or_doubled(postgres_database, executions, every=2)
    assert beat.alive
    assert worker.alive
    postgres_site.examine()


@pytest.mark.takes(40)
def test_failovers_under_load_lose_nothing(
    postgres_site: Site, postgres_database: Database, postgres: Postgres, postgres_url: str, executions: Executions
) -> None:
    beats = [postgres_site.beat(), postgres_site.beat()]
    worker = postgres_site.worker("-c", "2")
    for number in range(20):
        given_schedule(postgres_database, name=f"one {number}", every=1, overlap_policy="allow_all")
    eventually(lambda: len(executions()) >= 20, within=20)

    pause, cut = Event(), 0
    for _ in range(FAILOVERS):
        cut += postgres.cut_connections(postgres_url)
        pause.wait(BETWEEN)

    assert cut > FAILOVERS
    nothing_lost_or_doubled(postgres_database, executions, every=1)
    assert all(process.alive for process in (*beats, worker))
    postgres_site.examine()


@pytest.mark.parametrize(
    ("statement", "task"),
    [
        pytest.param("INSERT INTO", "sample.count", id="deciding"),
        pytest.param("UPDATE", "sample.sleep_early", id="recording"),
    ],
)
def test_a_connection_that_is_cut_in_mid_transaction_changes_nothing(
    postgres_site: Site,
    postgres_database: Database,
    postgres: Postgres,
    postgres_url: str,
    executions: Executions,
    statement: str,
    task: str,
) -> None:
    postgres_site.beat(), postgres_site.worker("-c", "2")
    given_schedule(postgres_database, every=2, task=task, one_off=True)
    if statement == "UPDATE":
        eventually(executions, within=15)

    with postgres_database.transaction() as session:
        session.execute(text("LOCK TABLE task_run IN SHARE MODE"))
        cut = eventually(lambda: postgres.cut_connections(postgres_url, only=WAITS.format(statement)), within=15)
    eventually(lambda: {run.state for run in runs(postgres_database)} == {"succeeded"}, within=20)

    assert cut > 0
    assert executions() == [str(run.id) for run in runs(postgres_database)]
    assert {run.attempt for run in runs(postgres_database)} == {1}
    postgres_site.examine()


@pytest.mark.parametrize("words", [b"INSERT INTO task_run", b"COMMIT"], ids=["insert", "commit"])
def test_a_beat_whose_statement_was_answered_by_nobody_decides_once(
    postgres_site: Site, postgres_database: Database, postgres_url: str, executions: Executions, words: bytes
) -> None:
    postgres_site.worker("-c", "2")
    with link_to(postgres_url) as link:
        seen = make_url(postgres_url).set(host="127.0.0.1", port=link.port, query={})
        postgres_site.beat(SCHEDULER_DATABASE_URL=seen.render_as_string(hide_password=False))
        given_schedule(postgres_database, every=2, overlap_policy="allow_all")
        eventually(executions, within=15)

        link.cut_after(words)
        assert link.was_cut.wait(10)
        cut_at = postgres_database.clock.now()
        eventually(lambda: _decided_after(postgres_database, cut_at), within=20)
        nothing_lost_or_doubled(postgres_database, executions, every=2)
        postgres_site.examine()


def _decided_after(database: Database, since: object) -> bool:
    return any(run.decided_at > since for run in runs(database, state="succeeded"))  # type: ignore[operator]
