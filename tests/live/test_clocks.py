"""A host whose clock is ten minutes wrong changes nothing: only the database's clock counts."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from scheduler_service.storage.session import Database
from tests.support.api_client import api_of, ok
from tests.support.processes import Site
from tests.support.rows import given_schedule, runs
from tests.support.waiting import eventually, stays

Executions = Callable[[], list[str]]
SOON = timedelta(seconds=10)  # far less than the clocks are wrong, and more than a busy machine takes

wrong = pytest.mark.parametrize("wrong_by", ["600", "-600"], ids=["fast", "slow"])


@wrong
@pytest.mark.parametrize("where", ["beat", "worker"])
def test_a_wrong_clock_on_beat_or_worker_changes_nothing(
    postgres_site: Site, postgres_database: Database, executions: Executions, wrong_by: str, where: str
) -> None:
    postgres_site.beat(WRONG_BY=wrong_by if where == "beat" else "0")
    postgres_site.worker(WRONG_BY=wrong_by if where == "worker" else "0")
    started_at = postgres_database.clock.now()

    key = given_schedule(postgres_database, every=1, expire_seconds=30, overlap_policy="allow_all")
    eventually(lambda: len(executions()) >= 4, within=20)

    done = runs(postgres_database, periodic_task_id=key, state="succeeded")
    for run in done:
        assert run.started_at is not None
        assert started_at < run.fire_at <= run.started_at < postgres_database.clock.now()
        assert run.started_at - run.fire_at < SOON
    assert {b.occurrence_at - a.occurrence_at for a, b in pairwise(done)} == {timedelta(seconds=1)}
    assert len(set(executions())) == len(executions())
    postgres_site.examine()


@wrong
def test_a_wrong_clock_on_the_api_changes_nothing(
    postgres_site: Site, postgres_database: Database, executions: Executions, wrong_by: str
) -> None:
    now = postgres_database.clock.now
    postgres_site.beat(), postgres_site.worker()
    with api_of(postgres_site, WRONG_BY=wrong_by) as api:
        # what it tells of time is the database's
        before = now()
        timing = {"type": "interval", "every": 2, "period": "seconds"}
        body = {"name": "two", "task": "sample.count", "args": ["two"], "timing": timing, "overlap_policy": "allow_all"}
        posted = ok(api.post("/schedules", json=body))
        path = f"/schedules/{posted['id']}"
        following = ok(api.get(f"{path}/next", params={"count": 1}))["items"]
        previewed = ok(api.post("/schedules/preview", json={"timing": timing, "count": 1}))["items"]
        assert timedelta(0) <= _at(posted["created_at"]) - before < SOON
        for item in (*following, *previewed):
            assert before < _at(item["fire_at"]) < before + SOON

        # past and future are
        clocked = {"type": "clocked", "clocked_time": (now() + timedelta(minutes=5)).isoformat()}
        over = {"type": "clocked", "clocked_time": (now() - timedelta(minutes=5)).isoformat()}
        assert api.post("/schedules", json=body | {"name": "to come", "timing": clocked}).status_code == 201
        assert api.post("/schedules", json=body | {"name": "over", "timing": over}).status_code == 422

        # it fires when it should, and when it is told to
        eventually(lambda: len(runs(postgres_database, origin="auto", state="succeeded")) >= 2, within=15)
        told_at = now()
        told = ok(api.post(f"{path}/trigger", json={}))
        eventually(lambda: str(told["id"]) in executions(), within=10)
        assert all(timedelta(0) <= _at(told[name]) - told_at < SOON for name in ("fire_at", "decided_at"))

        # paused is paused; resumed, it goes on
        assert ok(api.post(f"{path}/pause", json={"reason": "clocks"}))["state"] == "paused"
        seen = len(runs(postgres_database, origin="auto"))
        stays(lambda: len(runs(postgres_database, origin="auto")) == seen, during=3)
        resumed_at = now()
        ok(api.post(f"{path}/resume"))
        eventually(lambda: len(runs(postgres_database, origin="auto")) > seen, within=10)

    auto = runs(postgres_database, origin="auto")
    assert min(run.decided_at - run.fire_at for run in auto) >= timedelta(0)
    assert max(run.decided_at - run.fire_at for run in auto) < SOON
    assert all(run.occurrence_at > resumed_at for run in auto[seen:])
    postgres_site.examine()


def _at(instant: str) -> datetime:
    return datetime.fromisoformat(instant)
