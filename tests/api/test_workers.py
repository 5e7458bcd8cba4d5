"""Workers: who is there, how they are, what they do."""

from datetime import datetime, timedelta
from typing import Any

import httpx

from scheduler_service.storage import workers
from scheduler_service.storage.models import Worker
from scheduler_service.storage.session import Database
from scheduler_service.storage.workers import KnownTask
from tests.api.given import fields_of, given_schedule
from tests.api.test_runs import NOON, given_runs


def given_worker(database: Database, name: str, *, seen_at: datetime = NOON, tasks: int = 0, **fields: Any) -> None:
    row = {"queues": ["default"], "concurrency": 2, "pid": 7, "started_at": NOON, "stopped_at": None} | fields
    known = [KnownTask(name=f"shop.{number}", doc="", acks_late=False, arguments={}) for number in range(tasks)]
    with database.transaction() as session:
        worker = Worker(name=name, last_heartbeat_at=seen_at, **row)
        workers.register(session, worker, known, now=NOON, first=True)


def test_workers_are_told_with_their_state_and_load(api: httpx.Client, held_database: Database) -> None:
    made = given_schedule(api)
    given_worker(held_database, "alive@host", tasks=3, queues=["a", "b"])
    given_worker(held_database, "silent@host", seen_at=NOON - timedelta(seconds=61))
    given_worker(held_database, "stopped@host", stopped_at=NOON)
    running = {"state": "running", "worker": "alive@host"}
    given_runs(held_database, made["id"], running, running, running | {"state": "succeeded"})

    page = api.get("/workers", params={"total": True}).json()

    assert page["items"][0] == {
        "name": "alive@host", "queues": ["a", "b"], "concurrency": 2, "pid": 7, "state": "alive", "running": 2,
        "tasks": 3, "started_at": "2026-03-02T12:00:00Z", "last_heartbeat_at": "2026-03-02T12:00:00Z",
    }  # fmt: skip
    assert [(item["name"], item["state"], item["running"]) for item in page["items"][1:]] == [
        ("silent@host", "silent", 0),
        ("stopped@host", "stopped", 0),
    ]
    assert (page["total"], page["next_cursor"]) == (3, None)


def test_pages_of_workers_go_on_by_name(api: httpx.Client, held_database: Database) -> None:
    for name in ("c", "a", "b"):
        given_worker(held_database, name)

    first = api.get("/workers", params={"limit": 2}).json()
    second = api.get("/workers", params={"limit": 2, "cursor": first["next_cursor"]}).json()

    assert [item["name"] for item in first["items"] + second["items"]] == ["a", "b", "c"]
    assert fields_of(api.get("/workers", params={"cursor": "nonsense"})).keys() == {"cursor"}
