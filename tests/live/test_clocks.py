"""A host whose clock is ten minutes wrong changes nothing: only the database's clock counts."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from scheduler_service.storage.session import Database
from tests.support.processes import Site
from tests.support.rows import given_schedule, runs
from tests.support.waiting import eventually

Executions = Callable[[], list[str]]
TEN_MINUTES = 600


@pytest.mark.parametrize("wrong_by", [TEN_MINUTES, -TEN_MINUTES], ids=["fast", "slow"])
def test_wrong_clocks_on_beat_and_worker_change_nothing(
    postgres_site: Site, postgres_database: Database, executions: Executions, wrong_by: int
) -> None:
    postgres_site.beat(WRONG_BY=str(wrong_by))
    postgres_site.worker(WRONG_BY=str(wrong_by))
    started_at = postgres_database.clock.now()

    key = given_schedule(postgres_database, every=1, expire_seconds=30, overlap_policy="allow_all")
    eventually(lambda: len(executions()) >= 4, within=15)

    for run in runs(postgres_database, periodic_task_id=key, state="succeeded"):
        assert run.published_at is not None
        assert run.started_at is not None
        assert started_at < run.fire_at <= run.published_at
        assert run.published_at - run.fire_at < timedelta(seconds=2)
        assert run.fire_at <= run.started_at < postgres_database.clock.now()
    assert len(set(executions())) == len(executions())
