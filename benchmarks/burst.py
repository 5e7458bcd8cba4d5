"""Many schedules due at one instant: one Beat against a bare `send_task` loop of the same run."""

import logging
from datetime import timedelta
from statistics import median
from time import perf_counter

from celery import Celery
from pydantic import SecretStr
from sqlalchemy import text

from benchmarks.parts import Parts, given_schedules
from scheduler_service.beat.loop import Loop
from scheduler_service.settings import Settings
from scheduler_service.storage.session import Database
from scheduler_service.worker.app import create_app

SIZE = 10_000
ROUNDS = 3


def burst(parts: Parts) -> list[str]:
    """Schedules decided, published and marked a second, as a ratio to `send_task`."""
    logging.getLogger("scheduler_service").setLevel(logging.ERROR)
    ours, bare = [], []
    for _ in range(ROUNDS):
        bare.append(SIZE / _send_task(parts))
        ours.append(SIZE / _beat(parts))
        parts.broker.flush()
    ratios = [one / other for one, other in zip(ours, bare, strict=True)]
    return [
        f"burst of {SIZE}: {median(ours):.0f} runs a second decided, published and marked; send_task alone "
        f"{median(bare):.0f} a second: ratio {median(ratios):.2f} (at least 1.0; "
        f"{min(ratios):.2f} to {max(ratios):.2f} in {ROUNDS} rounds)"
    ]


def _send_task(parts: Parts) -> float:
    app = Celery("bare", broker=parts.broker.url, set_as_current=False)
    app.send_task("collect.execute_task", [0], queue="default")
    started = perf_counter()
    for number in range(SIZE):
        app.send_task("collect.execute_task", [number], queue="default")
    seconds = perf_counter() - started
    app.close()
    return seconds


def _beat(parts: Parts) -> float:
    with parts.database() as database:
        given_schedules(database, SIZE, due_in="0 seconds")
        url = database.url.render_as_string(hide_password=False)
        app = create_app(Settings(database_url=SecretStr(url), broker_url=SecretStr(parts.broker.url)))
        loop = Loop(
            app, Database(url, pre_ping=False), dispatch_deadline=timedelta(days=1), republish_after=timedelta(days=1)
        )
        loop._prepare()
        started = perf_counter()
        while _published(database) < SIZE:
            while loop._work(loop._look()):
                pass
        seconds = perf_counter() - started
        loop._wakeup.close()
        loop._database.close()
        return seconds


def _published(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(text("SELECT count(*) FROM task_run WHERE state = 'published'")) or 0
