"""Collects of the service's own worker, with the warehouse on PostgreSQL: watched, cancelled, done all over."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import httpx
import psutil
import pytest

from tests.support.api_client import api_of, ok
from tests.support.processes import Process, Site
from tests.support.waiting import eventually
from tests.workloads.web import Answer, Asked, Web

SECRET = "a-token-that-nobody-may-see"


class Crm(Web):
    """Pages of ten records, without end until it is told how many there are."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: int | None = None
        self.serve("/api/things", self.things)

    def things(self, asked: Asked) -> Answer:
        assert asked.headers["authorization"] == f"Bearer {SECRET}"
        Event().wait(0.01)
        page = int(asked.params["page"])
        if self.pages is not None and page > self.pages:
            return Answer([])
        return Answer([{"id": 10 * page + number} for number in range(10)])


@pytest.fixture
def crm() -> Iterator[Crm]:
    server = Crm()
    yield server
    server.close()


@pytest.fixture
def worker(postgres_site: Site, postgres_url: str, crm: Crm) -> Process:
    """With `crm` as a connection, and one process to work in."""
    postgres_site.env |= {
        "SCHEDULER_WAREHOUSE_URL": postgres_url,
        "SCHEDULER_CONNECTION_CRM": f"http://:{SECRET}@{crm.place}/api",
        "SCHEDULER_LOG_LEVEL": "DEBUG",
        "SCHEDULER_CONCURRENCY": "1",
        "SCHEDULER_CHILD_MEMORY_MB": "50",  # any collect takes more
    }
    return postgres_site.service("worker")


@pytest.fixture
def service(postgres_site: Site, worker: Process, tmp_path: Path) -> Iterator[httpx.Client]:
    """The API, a Beat and the worker; a client that is signed in."""
    beat = postgres_site.service("beat")
    with api_of(postgres_site) as client:
        beat.wait_for("beat: Starting...", within=40)
        worker.wait_for(" ready.", within=40)
        yield client
    logs = [path.read_text(errors="replace") for path in tmp_path.glob("*.log")]
    assert len(logs) == 3
    assert all(SECRET not in log for log in logs)


def given_schedule(service: httpx.Client, **kwargs: Any) -> str:
    """A schedule of a collect of all things, that never comes due by itself; its path."""
    source = {"type": "http", "connection": "crm", "path": "things", "paging": {"type": "page"}}
    body = {"name": "things", "definition": {"dataset": "things", "source": source}}
    task = ok(service.post("/collect-tasks", json=body))
    schedule = {
        "name": "things",
        "task": "collect.execute_task",
        "kwargs": {"task_id": task["id"], **kwargs},
        "timing": {"type": "crontab", "expression": "0 0 1 1 *"},
    }
    return f"/schedules/{ok(service.post('/schedules', json=schedule))['id']}"


def run_of(service: httpx.Client, path: str) -> str:
    return f"/runs/{ok(service.post(f'{path}/trigger', json={}))['id']}"


def ended(service: httpx.Client, run: str, state: str) -> Any:
    def look() -> Any:
        told = ok(service.get(run))
        return told if told["state"] == state else None

    return eventually(look, within=30)


def children_of(worker: Process) -> set[int]:
    return {child.pid for child in psutil.Process(worker.pid).children()}


@pytest.mark.takes(25)
def test_a_collect_is_watched_cancelled_and_done_all_over(service: httpx.Client, worker: Process, crm: Crm) -> None:
    assert ok(service.post("/connections/crm/test"))["works"]
    path = given_schedule(service, full_refresh=True)

    # it tells how far it is, and ends soon when it is asked to, leaving nothing
    run = run_of(service, path)
    told = eventually(lambda: ok(service.get(run))["progress"], within=20)
    assert (told["step"], told["of"], told["text"]) == (1, 2, "reading")
    eventually(lambda: ok(service.get(run))["progress"]["rows"] > told["rows"], within=10)
    ok(service.post(f"{run}/cancel"))
    asked_at = monotonic()
    ended(service, run, "cancelled")
    assert monotonic() - asked_at < 4
    assert ok(service.get("/datasets"))["items"] == []

    used = children_of(worker)

    # twice the same with a full refresh leaves it once
    crm.pages = 3
    for _ in range(2):
        done = ended(service, run_of(service, path), "succeeded")
        assert (done["result"]["rows_written"], done["attempt"]) == (30, 1)
    dataset = ok(service.get("/datasets/things"))
    assert (dataset["row_count"], dataset["last_run_id"]) == (30, done["id"])
    assert len(ok(service.get("/datasets/things/rows"))["items"]) == 30

    # the processes that took so much memory are gone, and another has their place
    eventually(lambda: used.isdisjoint(now := children_of(worker)) and now, within=10)
