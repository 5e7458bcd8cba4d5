"""Pausing and resuming the jobs of an APScheduler 3 that runs them meanwhile."""

import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest

from scheduler_service.moving.sources.opening import open_source
from tests.moving.sources.aps3 import fill, scheduler, sql_store
from tests.support.broker import Broker
from tests.support.postgres import Postgres
from tests.support.processes import Process
from tests.support.waiting import eventually, stays


@pytest.fixture(params=["postgresql", "redis"])
def place(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "redis":
        broker: Broker = request.getfixturevalue("broker")
        yield broker.url
        return
    server: Postgres = request.getfixturevalue("postgres")
    url = server.create(template="template1")
    yield url
    server.drop(url)


class Runs:
    """What the jobs wrote down."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def of(self, name: str) -> list[float]:
        lines = [line.split() for line in self.path.read_text().splitlines()] if self.path.exists() else []
        return [float(at) for job, at in lines if job == name]

    def after(self, name: str, instant: datetime) -> list[float]:
        return [at for at in self.of(name) if at > instant.timestamp()]

    def count(self, name: str) -> int:
        return len(self.of(name))


@pytest.mark.takes(9)
def test_a_running_scheduler_lets_a_paused_job_be_and_takes_it_up_again(place: str, tmp_path: Path) -> None:
    runs, source = Runs(tmp_path / "runs"), open_source(f"apscheduler+{place}", trust_pickle=True)
    command = [sys.executable, "-m", "tests.moving.sources.aps3_process", place, str(runs.path)]
    process = Process(command, {}, tmp_path / "log")
    try:
        eventually(lambda: runs.count("a") >= 2, within=20)

        source.pause(["a", "b"])
        paused_at = datetime.now(UTC)
        assert source.are_paused(["a", "b", "c"]) == {"a": True, "b": True, "c": False}
        ran = runs.count("c")
        eventually(lambda: runs.count("c") >= ran + 2, within=10)
        assert max(runs.of("a")) <= paused_at.timestamp()
        assert source.are_paused(["a"]) == {"a": True}

        not_before = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3)
        source.resume(["a"], not_before=not_before)
        eventually(lambda: len(runs.after("a", paused_at)) >= 2, within=15)
    finally:
        process.stop()

    assert min(runs.after("a", paused_at)) >= not_before.timestamp()
    assert max(Counter(int(at) for at in runs.of("a")).values()) == 1  # no second was run twice
    assert max(runs.of("b")) <= paused_at.timestamp()


def test_a_scheduler_that_writes_a_job_back_does_not_undo_its_pause(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/jobs.db"
    fill(sql_store(url))
    source = open_source(f"apscheduler+{url}")
    with scheduler(sql_store(url)) as opened:
        held = opened.get_job("nightly")  # as a scheduler holds one that is due
        pausing = Thread(target=source.pause, args=[["nightly"]])
        pausing.start()
        eventually(lambda: source.are_paused(["nightly"])["nightly"], within=5)
        opened._jobstores["default"].update_job(held)
        pausing.join()

    stays(lambda: source.are_paused(["nightly"])["nightly"], during=0.2)
