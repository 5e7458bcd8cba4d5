"""The main job, by REST, with the service's own processes: a schedule that is posted collects, live."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from scheduler_service.storage.models import TaskRun
from scheduler_service.storage.session import Database
from tests.support.api_client import api_of, ok
from tests.support.processes import Site
from tests.support.rows import runs
from tests.support.waiting import eventually, stays


class Source(BaseHTTPRequestHandler):
    """Seven records, three a page, only those after `since`."""

    def do_GET(self) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        records = [{"id": n, "at": f"2026-01-0{n}T00:00:00Z", "amount": n / 2} for n in range(1, 8)]
        wanted = [record for record in records if str(record["at"]) >= query.get("since", "")]
        begin = int(query.get("cursor", 0))
        more = begin + 3 if begin + 3 < len(wanted) else None
        body = json.dumps({"items": wanted[begin : begin + 3], "next": more}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def source() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Source)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def service(any_site: Site, source: str) -> Iterator[httpx.Client]:
    """The API, one Beat and one worker; a client that is signed in."""
    any_site.env["SCHEDULER_OUTBOUND_ALLOW"] = source
    beat, worker = any_site.service("beat"), any_site.service("worker")
    with api_of(any_site) as client:
        beat.wait_for("beat: Starting...")
        worker.wait_for(" ready.")
        yield client


def test_a_posted_schedule_collects_and_obeys(service: httpx.Client, database: Database, source: str) -> None:
    collect = {
        "dataset": "orders",
        "source": {
            "type": "http",
            "url": f"http://{source}/orders",
            "records": "$.items[*]",
            "paging": {"type": "cursor", "param": "cursor", "next": "$.next"},
            "incremental": {"cursor_field": "at", "param": "since"},
        },
        "mode": "merge",
        "key": ["id"],
    }
    task = ok(service.post("/collect-tasks", json={"name": "orders", "definition": collect}))
    timing = {"type": "interval", "every": 10, "period": "seconds"}
    schedule = {"name": "orders", "task": "collect.execute_task", "args": [task["id"]], "timing": timing}
    posted = ok(service.post("/schedules", json=schedule))
    path = f"/schedules/{posted['id']}"

    # run now: collects everything; its rows are typed
    triggered = ok(service.post(f"{path}/trigger", json={}))
    first = eventually(lambda: _succeeded(service, triggered["id"]), within=15)
    assert (first["result"]["rows_read"], first["result"]["rows_written"], first["result"]["pages"]) == (7, 7, 3)
    rows = ok(service.get("/datasets/orders/rows", params={"limit": 2}))
    assert rows["items"][0]["amount"] == 0.5
    assert rows["items"][0]["at"] == "2026-01-01T00:00:00Z"
    assert rows["next_cursor"] is not None

    # ten seconds become two, live, and the runs stay in step: none comes at once
    edited = ok(service.patch(path, json={"timing": timing | {"every": 2}}))
    changed_at = datetime.fromisoformat(edited["date_changed"])
    one, two, *_ = eventually(lambda: _succeeded_since(database, posted["id"], changed_at), within=12)
    assert one.occurrence_at - changed_at <= timedelta(seconds=2)
    assert (one.occurrence_at - datetime.fromisoformat(edited["created_at"])) % timedelta(seconds=2) == timedelta(0)
    assert two.occurrence_at - one.occurrence_at == timedelta(seconds=2)
    assert two.published_at is not None
    assert two.published_at - two.fire_at < timedelta(seconds=1)
    assert edited["revision"] == posted["revision"] + 1

    # paused is paused
    paused = ok(service.post(f"{path}/pause", json={"reason": "the source is down"}))
    assert (paused["state"], paused["next_run_at"]) == ("paused", None)
    seen = len(runs(database, periodic_task_id=posted["id"]))
    stays(lambda: len(runs(database, periodic_task_id=posted["id"])) == seen, during=3)
    assert ok(service.get("/datasets/orders/rows"))["items"][6]["id"] == 7


def test_what_cannot_be_collected_fails_with_a_clear_error(service: httpx.Client, source: str) -> None:
    definition: dict[str, Any] = {"dataset": "x", "source": {"type": "http", "url": "http://169.254.169.254/latest"}}
    task = ok(service.post("/collect-tasks", json={"name": "metadata", "definition": definition}))
    body = {
        "name": "metadata",
        "task": "collect.execute_task",
        "args": [task["id"]],
        "timing": {"type": "crontab", "expression": "0 0 1 1 *"},
    }
    schedule = ok(service.post("/schedules", json=body))

    run = ok(service.post(f"/schedules/{schedule['id']}/trigger", json={}))

    failed = eventually(lambda: _in_state(service, run["id"], "failed"), within=15)
    assert failed["attempt"] == 1
    assert "169.254.169.254" in failed["error"]


def _succeeded_since(database: Database, key: int, instant: datetime) -> list[TaskRun] | None:
    """The runs of its timing after this instant, once there are two."""
    done = runs(database, periodic_task_id=key, origin="auto", state="succeeded")
    later = [run for run in done if run.occurrence_at > instant]
    return later if len(later) >= 2 else None


def _succeeded(client: httpx.Client, run_id: str) -> dict[str, Any] | None:
    return _in_state(client, run_id, "succeeded")


def _in_state(client: httpx.Client, run_id: str, state: str) -> dict[str, Any] | None:
    run: dict[str, Any] = ok(client.get(f"/runs/{run_id}"))
    assert run["state"] in ("pending", "published", "running", state), run
    return run if run["state"] == state else None
