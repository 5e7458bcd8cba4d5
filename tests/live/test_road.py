"""A row in a table runs a task, live: with the sample app's own Beat and worker."""

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

from scheduler_service.storage.session import Database
from tests.support.processes import Site
from tests.support.rows import given_schedule, runs, schedule, sql
from tests.support.waiting import eventually, stays

Executions = Callable[[], list[str]]


def test_a_row_fires_is_edited_and_paused_by_plain_sql(
    any_site: Site, database: Database, executions: Executions
) -> None:
    any_site.worker()
    any_site.beat()

    key = given_schedule(database, every=1)
    eventually(lambda: len(executions()) >= 2, within=8)
    sql(database, "UPDATE periodic_task SET enabled = false WHERE id = :id", id=key)
    eventually(lambda: all(run.state == "succeeded" for run in runs(database, periodic_task_id=key)), within=5)
    seen = executions()
    stays(lambda: executions() == seen, during=2.5)

    done = runs(database, periodic_task_id=key)
    assert [run.result for run in done] == list(range(1, len(done) + 1))
    gaps = {b.occurrence_at - a.occurrence_at for a, b in pairwise(done)}
    assert gaps == {timedelta(seconds=1)}
    assert all(run.started_at >= run.fire_at for run in done if run.started_at)
    assert schedule(database, key).total_run_count == len(done)


def test_ten_seconds_become_two_without_a_restart_and_without_an_extra_fire(any_site: Site, database: Database) -> None:
    any_site.worker()
    any_site.beat()
    key = given_schedule(database, every=10)
    eventually(lambda: schedule(database, key).next_run_at, within=5)

    with database.transaction() as session:
        edited_at = database.clock.now()
        session.connection().exec_driver_sql("UPDATE interval_schedule SET every = 2 WHERE every = 10")
    eventually(lambda: len(runs(database, periodic_task_id=key, state="succeeded")) >= 2, within=8)

    first, second, *_ = runs(database, periodic_task_id=key)
    grid = (first.occurrence_at - schedule(database, key).created_at) / timedelta(seconds=2)
    assert grid == int(grid)
    assert timedelta(0) < first.occurrence_at - edited_at <= timedelta(seconds=2)
    assert second.occurrence_at - first.occurrence_at == timedelta(seconds=2)
