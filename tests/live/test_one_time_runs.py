"""Tasks run once, by real Beats and workers."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from scheduler_service.services import one_time_runs, runs
from scheduler_service.services.one_time_runs import OneTimeRun
from scheduler_service.storage.session import Database
from tests.support.processes import Site
from tests.support.waiting import eventually


@pytest.mark.takes(15)
def test_it_runs_once_at_its_time_though_the_beat_was_killed_meanwhile(
    postgres_site: Site, postgres_database: Database, executions: Callable[[], list[str]]
) -> None:
    postgres_site.worker()
    beat = postgres_site.beat()
    with postgres_database.transaction() as session:
        wanted = OneTimeRun(task="sample.count", args=["once"], countdown=3)
        made = one_time_runs.create(session, wanted, actor="ann", now=postgres_database.clock.now())
        run_id, at = made.id, made.fire_at
    beat.kill()
    postgres_site.beat()
    postgres_site.beat()

    def ended() -> bool:
        with postgres_database.reading() as session:
            return runs.get(session, run_id).state == "succeeded"

    eventually(ended, within=20)
    assert executions() == [str(run_id)]
    with postgres_database.reading() as session:
        run = runs.get(session, run_id)
    assert run.started_at is not None
    assert timedelta() <= run.started_at - at < timedelta(seconds=2)
