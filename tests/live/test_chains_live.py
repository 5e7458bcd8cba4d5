"""A chain with a real Beat and worker: each part once, one after the other, also when Beat was not there meanwhile."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

from scheduler_service.services import manual_runs
from scheduler_service.storage.session import Database
from tests.support.processes import Site
from tests.support.rows import given_schedule, runs, sql
from tests.support.waiting import eventually

Executions = Callable[[], list[str]]


def test_a_chain_runs_through_once_though_its_beat_is_killed(
    any_site: Site, database: Database, executions: Executions
) -> None:
    any_site.worker("-c", "2")
    beat = any_site.beat()
    head = given_schedule(database, name="collect", every=3600)
    following = [head]
    for name in ("etl", "report"):
        task: dict[str, Any] = {"task": "sample.sleep", "args": [name, 0.5], "overlap_policy": "buffer_all"}
        following.append(given_schedule(database, name=name, **task))
        sql(database, "INSERT INTO schedule_after VALUES (:up, :down)", up=following[-2], down=following[-1])
    for _ in range(3):
        with database.transaction() as session:
            manual_runs.trigger(session, head, actor="test", now=database.clock.now())

    eventually(lambda: any(run.schedule_name == "etl" and run.state == "running" for run in runs(database)), within=30)
    beat.kill()
    any_site.beat()
    eventually(lambda: len([run for run in runs(database) if run.finished_at]) == 9, within=60)

    done = runs(database)
    assert [run.state for run in done] == ["succeeded"] * 9
    assert Counter(executions()) == Counter(str(run.id) for run in done)
    for origin in {run.origin for run in done}:
        one_pass = {run.schedule_name: run for run in done if run.origin == origin}
        first, second, third = (one_pass[name] for name in ("collect", "etl", "report"))
        assert moment(first.finished_at) <= moment(second.started_at)
        assert moment(second.finished_at) <= moment(third.started_at)


def moment(at: datetime | None) -> datetime:
    assert at is not None
    return at
