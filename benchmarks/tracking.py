"""What claiming and recording cost a task, in a real worker: the same messages with `track(app)` and without it."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from statistics import median
from time import perf_counter
from typing import Any

from celery import Celery
from sqlalchemy import text

from benchmarks.parts import ROOT, Parts, given_schedules
from scheduler_service.beat.loop import Loop
from scheduler_service.storage.session import Database
from scheduler_service.worker import track
from tests.support.broker import Broker
from tests.support.waiting import eventually

SIZE = 2000
ROUNDS = 3
QUEUE = "bench"

WORKER = """
import sys
from benchmarks.tracking import worker_app
worker_app(*sys.argv[1:]).worker_main(["worker", "-P", "prefork", "-c", "1", "-l", "WARNING"])
"""


def nothing(*_: Any) -> None:
    """The task."""


def worker_app(broker_url: str, database_url: str = "") -> Celery:
    """An app with one task; its runs are tracked where a database is named."""
    app = Celery("bench", broker=broker_url, backend=broker_url, set_as_current=False)
    app.conf.update(task_default_queue=QUEUE, broker_connection_retry_on_startup=True)
    app.task(nothing, name="bench.nothing")
    if database_url:
        track(app, database_url=database_url)
    return app


def tracking(parts: Parts) -> list[str]:
    """Milliseconds a task takes a worker with one process, with tracking and without, in turn."""
    bare, tracked = [], []
    for _ in range(ROUNDS):
        bare.append(_milliseconds(parts, track_runs=False))
        tracked.append(_milliseconds(parts, track_runs=True))
    costs = [one - other for one, other in zip(tracked, bare, strict=True)]
    return [
        f"{SIZE} tasks that do nothing, one process: {median(tracked):.2f} ms each, untracked {median(bare):.2f}: "
        f"claim and record cost {median(costs):.2f} ms (at most 3; {min(costs):.2f} to {max(costs):.2f} "
        f"in {ROUNDS} rounds)"
    ]


def _milliseconds(parts: Parts, *, track_runs: bool) -> float:
    with parts.database() as database:
        url = database.url.render_as_string(hide_password=False)
        given_schedules(database, SIZE, due_in="0 seconds")
        _publish(parts, database, url)
        with _worker([parts.broker.url, url] if track_runs else [parts.broker.url]):
            seconds = _seconds_to_empty(parts.broker)
            if track_runs:
                eventually(lambda: _succeeded(database) == SIZE, within=5)
    parts.broker.flush()
    return seconds / SIZE * 1000


def _publish(parts: Parts, database: Database, url: str) -> None:
    with database.transaction() as session:
        session.execute(text("UPDATE periodic_task SET task = 'bench.nothing'"))
    beats = Database(url, pre_ping=False)
    day = timedelta(days=1)
    loop = Loop(worker_app(parts.broker.url), beats, dispatch_deadline=day, republish_after=day)
    loop._prepare()
    while parts.broker.queued(QUEUE) < SIZE:
        loop._work(loop._look())
    loop._wakeup.close()
    beats.close()


@contextmanager
def _worker(arguments: Sequence[str]) -> Iterator[None]:
    running = subprocess.Popen([sys.executable, "-c", WORKER, *arguments], cwd=ROOT, env=os.environ)
    yield
    running.terminate()
    running.wait(30)


def _seconds_to_empty(broker: Broker) -> float:
    """From the worker's first task to its last: what waits, or was taken and is not acknowledged, is left."""
    with broker.client() as client:

        def left() -> int:
            return int(client.llen(QUEUE)) + int(client.hlen("unacked"))

        eventually(lambda: left() < SIZE, within=30)
        began = perf_counter()
        eventually(lambda: not left(), within=120)
        return perf_counter() - began


def _succeeded(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(text("SELECT count(*) FROM task_run WHERE state = 'succeeded'")) or 0
