"""A message that is never executed: whoever throws it away says so on the run."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.broker import Broker
from tests.support.endings import Case, Stage, check, stage
from tests.support.postgres import Postgres
from tests.support.waiting import eventually

pytestmark = pytest.mark.xdist_group("who records unstarted")
CASES = {
    "unknown task": Case("sample.nowhere", "failed", "no worker of its queue knows the task sample.nowhere",
                         attempts=0),
    "unbound exchange": Case("sample.count", "failed",
                             "ValueError: no queue of this app is bound to the exchange 'nowhere'", attempts=0,
                             fields={"exchange": "nowhere", "routing_key": "x"}),
    "time to live over, no worker": Case("sample.count", "expired", "its time to start was over", attempts=0,
                                         fields={"queue": "deserted", "expire_seconds": 1}),
    "start deadline over, no worker": Case("sample.count", "expired", "its time to start was over", attempts=0,
                                           fields={"queue": "deserted", "start_deadline_seconds": 1}),
}  # fmt: skip


def undecodable(message: dict[str, Any]) -> None:
    message["body"] = base64.b64encode(b"no json").decode()


def refused(message: dict[str, Any]) -> None:
    message["content-type"] = "application/x-yaml"


@pytest.fixture(scope="module")
def prefork(postgres: Postgres, broker_process: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(postgres, broker_process, tmp_path_factory.mktemp("unstarted")) as opened:
        opened.give(CASES)
        for name in ("undecodable", "refused", "late"):
            opened.run_once(name, "sample.count", queue=name, **({"expire_seconds": 1} if name == "late" else {}))
        opened.run_once("revoked", "sample.count", queue="revoked")
        opened.begin("-c", "1")
        yield opened


def test_a_message_whose_time_is_over_is_not_executed(prefork: Stage) -> None:
    """The worker may have it before Beat sees that the time is over."""
    sent = prefork.run("late", "published", "expired")
    until = sent.start_by
    assert until is not None
    eventually(lambda: prefork.database.clock.now() > until, within=5)

    _deliver(prefork, "late")

    check(prefork, "late", Case("sample.count", "expired", "its time to start was over", attempts=0))


@pytest.mark.parametrize("name", CASES)
def test_each_ending_is_recorded(prefork: Stage, name: str) -> None:
    check(prefork, name, CASES[name])


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("undecodable", undecodable, "its message could not be read: Expecting value"),
        ("refused", refused, "its message could not be read: Refusing to deserialize"),
    ],
)
def test_a_message_that_cannot_be_read_fails_its_run(
    prefork: Stage, name: str, change: Callable[[dict[str, Any]], None], says: str
) -> None:
    _deliver(prefork, name, change)

    check(prefork, name, Case("sample.count", "failed", says, attempts=0))


def test_a_message_that_was_revoked_is_not_executed(prefork: Stage) -> None:
    run = prefork.run("revoked", "published")

    prefork.control.revoke(str(run.id))
    eventually(lambda: str(run.id) in str(prefork.control.inspect().revoked()), within=5)
    _deliver(prefork, "revoked")

    check(prefork, "revoked", Case("sample.count", "cancelled", "revoked", attempts=0))


def _deliver(stage: Stage, queue: str, change: Callable[[dict[str, Any]], None] = lambda _: None) -> None:
    """Move the one message of a queue that no worker serves to where one does."""
    with stage.broker.client() as client:
        entry = json.loads(eventually(lambda: client.lpop(queue), within=10))
        change(entry)
        client.lpush("sample", json.dumps(entry))
