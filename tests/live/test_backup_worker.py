"""The backup worker takes over the queues of one that is down."""

import pytest

from scheduler_service.services import manual_runs
from scheduler_service.storage.models import TaskRun
from scheduler_service.storage.session import Database
from scheduler_service.tasks.maintenance_tasks import TRIM_HISTORY
from tests.support.processes import Process, Site
from tests.support.rows import given_schedule, runs
from tests.support.waiting import eventually


def worker(site: Site, name: str) -> Process:
    started = site.service("worker", "--name", name, "--concurrency", "1")
    started.wait_for(" ready.", within=60)
    return started


def ends(database: Database, schedule_id: int) -> TaskRun:
    """A run of the schedule now, as it ends."""
    with database.transaction() as session:
        run_id = manual_runs.trigger(session, schedule_id, actor="test", now=database.clock.now()).id
    return eventually(lambda: next((run for run in runs(database, id=run_id) if run.finished_at), None), within=60)


@pytest.mark.takes(40)
def test_whichever_worker_stops_its_queue_is_served_on(postgres_site: Site, postgres_database: Database) -> None:
    postgres_site.service("beat")
    named = {name: worker(postgres_site, name) for name in ("default", "heavy")}
    keys = {
        name: given_schedule(postgres_database, name=name, task=TRIM_HISTORY, args=[], queue=name, enabled=False)
        for name in named
    }
    for name, key in keys.items():
        assert str(ends(postgres_database, key).worker).startswith(f"{name}@")
    worker(postgres_site, "backup")

    for stopped in named:
        assert named[stopped].stop() == 0
        run = ends(postgres_database, keys[stopped])
        assert (run.state, str(run.worker).split("@")[0]) == ("succeeded", "backup")
