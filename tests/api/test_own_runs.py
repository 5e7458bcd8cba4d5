"""The sample, for real: the service collects its own runs over HTTP."""

from pathlib import Path

import httpx
from pydantic import SecretStr

from scheduler_service.services import samples
from scheduler_service.services.collect_tasks import collect_tasks
from scheduler_service.storage.session import Database
from scheduler_service.timing.clock import SystemClock
from scheduler_service.workloads.collect.collecting import CollectSite, collect
from scheduler_service.workloads.collect.definitions import CollectDefinition
from scheduler_service.workloads.connections import BearerAuth, HttpConnection
from scheduler_service.workloads.warehouse import Warehouse
from tests.api.given import given_schedule
from tests.api.serving import KEY, Server
from tests.api.test_runs import NOON, given_runs


def test_the_service_collects_its_own_finished_runs_and_goes_on_where_it_was(
    served: Server, api: httpx.Client, held_database: Database, warehouse: Warehouse, tmp_path: Path
) -> None:
    samples.seed(held_database)
    schedule = given_schedule(api, args=[{"deep": True}], kwargs={"a": 1})
    ended = {"state": "succeeded", "finished_at": NOON, "worker": "w1"}
    given_runs(held_database, schedule["id"], ended, ended, {"state": "running"})
    with held_database.reading() as session:
        definition = CollectDefinition.model_validate(collect_tasks.get(session, 1).definition)
    own = HttpConnection(url=served.url, auth=BearerAuth(type="bearer", token=SecretStr(KEY)))
    site = CollectSite(warehouse, tmp_path / "staging", SystemClock(), {"self": own})

    first = collect(definition, task_id=1, run_id="first", attempt=1, site=site)
    given_runs(held_database, schedule["id"], {**ended, "origin": "backfill:1"})
    second = collect(definition, task_id=1, run_id="second", attempt=1, site=site)

    rows = api.get("/datasets/scheduler_runs/rows").json()["items"]
    assert (first.rows_read, second.rows_read) == (2, 3)
    assert len(rows) == 3
    assert {row["finished_at"] for row in rows} == {"2026-03-02T12:00:00Z"}
    assert api.get("/datasets/scheduler_runs").json()["last_run_id"] == "second"
