"""Pipelines by the service's own processes: past days are computed as they were, and what is cancelled ends."""

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from scheduler_service.workloads.warehouse import Warehouse
from tests.support.api_client import api_of, ok
from tests.support.processes import Process, Site
from tests.support.waiting import eventually
from tests.workloads.etl.test_running import ENDLESS

FIRST = datetime(2026, 3, 1, tzinfo=UTC)
SUMS = {
    "name": "daily",
    "kind": "incremental",
    "window_column": "since",
    "sql": "SELECT {{ window_start }} AS since, coalesce(sum(amount), 0) AS amount FROM orders"
    " WHERE placed_at >= {{ window_start }} AND placed_at < {{ window_end }}",
}


@pytest.fixture
def warehouse(postgres_site: Site) -> Warehouse:
    """Four days of orders: 1 on the first, 10 on the second, and so on; each at noon."""
    made = Warehouse(Path(postgres_site.env["SCHEDULER_DATA_DIR"]) / "warehouse.duckdb")
    with made.transaction() as connection:
        connection.execute("CREATE TABLE orders (placed_at TIMESTAMPTZ, amount DOUBLE)")
        for day in range(4):
            connection.execute("INSERT INTO orders VALUES (?, ?)", [FIRST + timedelta(days=day, hours=12), 10**day])
    return made


@pytest.fixture
def worker(postgres_site: Site) -> Process:
    return postgres_site.service("worker", "--name", "heavy")


@pytest.fixture
def service(postgres_site: Site, warehouse: Warehouse, worker: Process) -> Iterator[httpx.Client]:
    """The API and one Beat; a client that is signed in."""
    beat = postgres_site.service("beat")
    with api_of(postgres_site) as client:
        beat.wait_for("beat: Starting...")
        worker.wait_for(" ready.")
        yield client


def given_schedule(service: httpx.Client, *steps: dict[str, Any], **fields: Any) -> str:
    """A pipeline of these steps, every day at midnight; the schedule's path."""
    pipeline = ok(service.post("/etl-pipelines", json={"name": "daily", "definition": {"steps": steps}}))
    timing = {"type": "crontab", "expression": "0 0 * * *"}
    schedule = {"name": "daily", "task": "etl.execute_pipeline", "args": [pipeline["id"]], "timing": timing, **fields}
    return f"/schedules/{ok(service.post('/schedules', json=schedule))['id']}"


def run_of(service: httpx.Client, run_id: str) -> dict[str, Any]:
    found: dict[str, Any] = ok(service.get(f"/runs/{run_id}"))
    return found


def test_a_backfill_computes_each_day_as_it_was(service: httpx.Client, warehouse: Warehouse) -> None:
    path = given_schedule(service, SUMS, {"name": "total", "sql": "SELECT sum(amount) AS amount FROM daily"})
    days = {"start": "2026-03-02T00:00:00Z", "end": "2026-03-04T12:00:00Z", "mode": "all", "max_parallel": 3}

    ok(service.post(f"{path}/backfill", json=days))

    def done() -> list[dict[str, Any]]:
        found = ok(service.get(f"{path}/runs"))["items"]
        return found if len(found) == 3 and all(run["state"] == "succeeded" for run in found) else []

    runs = eventually(done, within=60)
    assert warehouse.rows("total").items == [{"amount": 111}]
    by_day = {date.fromisoformat(row["since"][:10]): row["amount"] for row in warehouse.rows("daily").items}
    assert by_day == {FIRST.date() + timedelta(days=day): 10**day for day in range(3)}
    first = next(run for run in runs if run["occurrence_at"] == "2026-03-02T00:00:00Z")
    assert [step["rows"] for step in first["result"]["steps"]] == [1, 1]
    assert first["result"]["window_start"] == "2026-03-01T00:00:00+00:00"


def test_a_cancelled_run_ends_soon_and_leaves_nothing(service: httpx.Client, warehouse: Warehouse) -> None:
    path = given_schedule(service, {"name": "first", "sql": "SELECT 1 AS n"}, {"name": "second", "sql": ENDLESS})
    run = ok(service.post(f"{path}/trigger", json={}))["id"]
    eventually(lambda: run_of(service, run)["progress"] == {"step": 2, "of": 2, "text": "second"}, within=30)

    asked_at = datetime.now(UTC)
    ok(service.post(f"/runs/{run}/cancel", json={}))

    ended = eventually(lambda: _ended(run_of(service, run)), within=10)
    assert ended["state"] == "cancelled"
    assert datetime.fromisoformat(ended["finished_at"]) - asked_at < timedelta(seconds=4)
    assert [dataset.name for dataset in warehouse.datasets()] == ["orders"]


def test_what_runs_ends_with_its_worker_and_is_tried_again(
    service: httpx.Client, warehouse: Warehouse, worker: Process
) -> None:
    path = given_schedule(service, {"name": "first", "sql": "SELECT 1 AS n"}, {"name": "second", "sql": ENDLESS})
    run = ok(service.post(f"{path}/trigger", json={}))["id"]
    eventually(lambda: (run_of(service, run)["progress"] or {}).get("step") == 1, within=30)
    (child,) = (one for one in psutil.Process(worker.pid).children(recursive=True) if _is_killable(one))

    os.kill(child.ppid(), 9)

    eventually(lambda: not child.is_running(), within=5)
    again = eventually(lambda: _running(run_of(service, run), attempt=2), within=60)
    assert "signal 9" in again["reason"]
    ok(service.post(f"/runs/{run}/cancel", json={}))
    eventually(lambda: _ended(run_of(service, run)), within=10)
    assert [dataset.name for dataset in warehouse.datasets()] == ["orders"]


def _ended(run: dict[str, Any]) -> dict[str, Any] | None:
    return run if run["finished_at"] else None


def _running(run: dict[str, Any], *, attempt: int) -> dict[str, Any] | None:
    return run if run["state"] == "running" and run["attempt"] == attempt else None


def _is_killable(process: psutil.Process) -> bool:
    return "scheduler_service.workloads.killable" in process.cmdline()
