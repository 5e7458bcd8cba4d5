"""Many schedules due at one instant: one Beat against a bare `send_task` loop of the same run, and two against one."""

import logging
from datetime import timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from threading import Event
from time import perf_counter

from celery import Celery
from pydantic import SecretStr
from sqlalchemy import text

from benchmarks.parts import Parts, given_schedules
from scheduler_service.beat.loop import Loop
from scheduler_service.settings import Settings
from scheduler_service.storage.session import Database
from scheduler_service.worker.app import create_app
from tests.support.processes import site
from tests.support.waiting import eventually

SIZES = (10_000, 100_000)
ROUNDS = 3
SHARED = 40_000


def burst(parts: Parts) -> list[str]:
    """Schedules decided, published and marked a second, as a ratio to `send_task`."""
    logging.getLogger("scheduler_service").setLevel(logging.ERROR)
    return [_measured(parts, size) for size in SIZES]


def _measured(parts: Parts, size: int) -> str:
    ours, bare = [], []
    for _ in range(ROUNDS):
        bare.append(SIZES[0] / _send_task(parts))
        ours.append(size / _beat(parts, size))
        parts.broker.flush()
    ratios = [one / other for one, other in zip(ours, bare, strict=True)]
    return (
        f"burst of {size}: {median(ours):.0f} runs a second decided, published and marked; send_task alone "
        f"{median(bare):.0f} a second: ratio {median(ratios):.2f} (at least 2.5; "
        f"{min(ratios):.2f} to {max(ratios):.2f} in {ROUNDS} rounds)"
    )


def two_beats(parts: Parts) -> list[str]:
    """The same with real Beat processes, one and two, from the instant that all are due."""
    rates: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(ROUNDS):
        for beats, measured in rates.items():
            measured.append(SHARED / _shared(parts, beats))
            parts.broker.flush()
    ratios = [two / one for one, two in zip(rates[1], rates[2], strict=True)]
    return [
        f"burst of {SHARED}, Beat processes: {median(rates[1]):.0f} runs a second with one, {median(rates[2]):.0f} "
        f"with two: ratio {median(ratios):.2f} (at least 1.3; {min(ratios):.2f} to {max(ratios):.2f})"
    ]


def _shared(parts: Parts, beats: int) -> float:
    """Seconds from the instant that all were due to the last that was marked, by the database's clock."""
    with parts.database() as database, TemporaryDirectory() as logs:
        url = database.url.render_as_string(hide_password=False)
        with site(url, parts.broker.url, Path(logs)) as started:
            for _ in range(beats):
                started.service("beat", SCHEDULER_LOG_LEVEL="INFO").wait_for("beat: Starting...")
            Event().wait(5)  # an idle Beat has looked at everything once
            given_schedules(database, SHARED, due_in="8 seconds")
            eventually(lambda: _published(database) == SHARED, within=120, every=0.5)
        with database.reading() as session:
            took = text("SELECT extract(epoch FROM max(published_at) - min(fire_at)) FROM task_run")
            return float(session.execute(took).scalar_one())


def _send_task(parts: Parts) -> float:
    app = Celery("bare", broker=parts.broker.url, set_as_current=False)
    app.send_task("collect.execute_task", [0], queue="default")
    started = perf_counter()
    for number in range(SIZES[0]):
        app.send_task("collect.execute_task", [number], queue="default")
    seconds = perf_counter() - started
    app.close()
    return seconds


def _beat(parts: Parts, size: int) -> float:
    with parts.database() as database:
        url = database.url.render_as_string(hide_password=False)
        app = create_app(Settings(database_url=SecretStr(url), broker_url=SecretStr(parts.broker.url)))
        loop = Loop(
            app, Database(url, pre_ping=False), dispatch_deadline=timedelta(days=1), republish_after=timedelta(days=1)
        )
        loop.tick()
        given_schedules(database, size, due_in="0 seconds")
        started = perf_counter()
        while _published(database) < size:
            while loop._work(loop._look()):
                pass
        seconds = perf_counter() - started
        loop._wakeup.close()
        loop._database.close()
        return seconds


def _published(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(text("SELECT count(*) FROM task_run WHERE state = 'published'")) or 0
