"""How `up` ends, whoever ends it, and that the next one goes on from there."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.cli.foreground import Foreground, is_alive
from tests.support.waiting import eventually


class Slow:
    """A source that answers when it is told to."""

    def __init__(self) -> None:
        self.answer = threading.Event()
        self.requests = 0
        slow = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                slow.requests += 1
                slow.answer.wait(60)
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                with suppress(OSError):  # who asked first is gone by then
                    self.wfile.write(b'[{"id": 1}]')

            def log_message(self, format: str, *args: object) -> None:
                """Nothing on the test's screen."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = "127.0.0.1:{1}".format(*self.server.server_address)


@pytest.fixture
def slow() -> Iterator[Slow]:
    slow = Slow()
    thread = threading.Thread(target=slow.server.serve_forever, args=(0.05,))
    thread.start()
    yield slow
    slow.answer.set()
    slow.server.shutdown()
    slow.server.server_close()
    thread.join()


def collect_from(slow: Slow) -> dict[str, object]:
    source = {"type": "http", "url": f"http://{slow.address}/"}
    return {"name": "slow", "definition": {"dataset": "slow", "mode": "replace", "source": source}}


SCHEDULE = {
    "name": "kept",
    "task": "collect.execute_task",
    "args": [4711],
    "timing": {"type": "interval", "every": 1, "period": "days"},
}


def test_sigterm_ends_everything_in_order_and_the_next_start_has_all_that_was(start: Callable[..., Foreground]) -> None:
    first = start().wait()
    with first.client() as api:
        made = api.post("/schedules", json=SCHEDULE).raise_for_status().json()
    family, began = first.family(), time.monotonic()

    code = first.end(signal.SIGTERM)

    assert time.monotonic() - began < 20
    assert code == 0
    eventually(lambda: not any(map(is_alive, family)), within=1, patience=1)
    assert "is killed" not in first.screen
    second = start().wait()
    with second.client() as api:
        assert api.get(f"/schedules/{made['id']}").raise_for_status().json()["name"] == "kept"
    assert second.key == first.key


def test_a_task_that_takes_too_long_is_handed_back_and_runs_after_the_next_start(
    start: Callable[..., Foreground], slow: Slow
) -> None:
    first = start(outbound_allow=slow.address).wait()
    with first.client() as api:
        task = api.post("/collect-tasks", json=collect_from(slow)).raise_for_status().json()
        schedule = api.post("/schedules", json={**SCHEDULE, "args": [task["id"]]}).raise_for_status().json()
        run = api.post(f"/schedules/{schedule['id']}/trigger", json={}).raise_for_status().json()
    eventually(lambda: slow.requests == 1, within=10)
    began = time.monotonic()

    code = first.end(signal.SIGTERM)

    assert (code, time.monotonic() - began < 20) == (0, True)
    assert "is still busy" in first.screen
    slow.answer.set()
    second = start(outbound_allow=slow.address).wait()
    with second.client() as api:
        eventually(lambda: api.get(f"/runs/{run['id']}").json()["state"] == "succeeded", within=30)
        first_attempt = api.get(f"/runs/{run['id']}").json()["attempts"][0]
    assert first_attempt["error"] == "its worker was shut down or lost the broker"


def test_killing_it_leaves_nothing_behind_and_the_next_one_starts(start: Callable[..., Foreground]) -> None:
    first = start().wait()
    family = first.family()

    first.end(signal.SIGKILL)
    second = start()

    eventually(lambda: not any(map(is_alive, family)), within=3, patience=1)
    second.wait()


def test_ctrl_c_while_it_starts_ends_it_too(start: Callable[..., Foreground]) -> None:
    service = start()
    eventually(lambda: "valkey " in service.screen, within=10)
    family = service.family()

    code = service.end(signal.SIGINT)

    assert code == 0
    eventually(lambda: not any(map(is_alive, family)), within=1, patience=1)
    assert "Traceback" not in service.screen
