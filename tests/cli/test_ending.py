"""How `up` ends, whoever ends it, and that the next one goes on from there."""

import signal
import time
from collections.abc import Callable

from tests.cli.foreground import Foreground, is_alive
from tests.support.waiting import eventually

SCHEDULE = {
    "name": "kept",
    "task": "collect.execute_task",
    "args": ["nothing"],
    "timing": {"type": "interval", "every": 1, "period": "days"},
}


def test_sigterm_ends_everything_in_order_and_the_next_start_has_all_that_was(start: Callable[[], Foreground]) -> None:
    first = start().wait()
    with first.client() as api:
        made = api.post("/schedules", json=SCHEDULE).raise_for_status().json()
    family, began = first.family(), time.monotonic()

    code = first.end(signal.SIGTERM)

    assert time.monotonic() - began < 10
    assert code == 0
    eventually(lambda: not any(map(is_alive, family)), within=1)
    assert "is killed" not in first.screen
    second = start().wait()
    with second.client() as api:
        assert api.get(f"/schedules/{made['id']}").raise_for_status().json()["name"] == "kept"
    assert second.key == first.key


def test_killing_it_leaves_nothing_behind_and_the_next_one_starts(start: Callable[[], Foreground]) -> None:
    first = start().wait()
    family = first.family()

    first.end(signal.SIGKILL)
    second = start()

    eventually(lambda: not any(map(is_alive, family)), within=3)
    second.wait()


def test_ctrl_c_while_it_starts_ends_it_too(start: Callable[[], Foreground]) -> None:
    service = start()
    eventually(lambda: "valkey " in service.screen, within=10)
    family = service.family()

    code = service.end(signal.SIGINT)

    assert code == 0
    eventually(lambda: not any(map(is_alive, family)), within=1)
    assert "Traceback" not in service.screen
