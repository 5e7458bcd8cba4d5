"""The ear in the old process: it tells what ran, and never stands in that process's way."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from apscheduler.events import EVENT_JOB_EXECUTED, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED
from apscheduler.schedulers.background import BackgroundScheduler

from scheduler_service.client.apscheduler_listener import Manner, Observer, observe
from scheduler_service.storage.models import ObservedRun
from scheduler_service.storage.session import Database
from tests.api.serving import KEY, Server
from tests.client.weather import Weather
from tests.support.ports import free_port
from tests.support.waiting import eventually

QUICK = Manner(send_every=0.05, wake_every=0)
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def fine() -> None: ...


def broken() -> None:
    raise RuntimeError("as jobs do")


def told(database: Database) -> list[tuple[str, str]]:
    with database.reading() as session:
        return [(row.source_id, row.outcome) for row in session.query(ObservedRun).order_by(ObservedRun.source_id)]


@pytest.fixture
def scheduler() -> Iterator[BackgroundScheduler]:
    made = BackgroundScheduler(timezone="UTC")
    made.start()
    yield made
    made.shutdown()


def event(code: int, **fields: Any) -> Any:
    said = {"job_id": "a", "jobstore": "default", "scheduled_run_time": NOON}
    return SimpleNamespace(code=code, **(said | fields))


def test_what_ran_is_told(server: Server, weather: Weather, database: Database, scheduler: BackgroundScheduler) -> None:
    observer = observe(scheduler, server.url, KEY, source="there", manner=QUICK)
    scheduler.add_job(fine, "date", id="a")
    scheduler.add_job(broken, "date", id="b")

    eventually(lambda: told(database) == [("a", "executed"), ("b", "error")], within=10)
    observer.close()
    assert observer.dropped == 0


def test_what_did_not_run_is_told_with_its_instant(server: Server, weather: Weather, database: Database) -> None:
    observer = listening(server.url)
    later = [NOON + timedelta(minutes=1), NOON + timedelta(minutes=2)]

    observer.hear(event(EVENT_JOB_MISSED))
    observer.hear(event(EVENT_JOB_MAX_INSTANCES, scheduled_run_times=later))
    observer.close()

    with database.reading() as session:
        rows = session.query(ObservedRun).order_by(ObservedRun.scheduled_at).all()
    assert [(row.scheduled_at, row.outcome, row.ran_at) for row in rows] == [
        (NOON, "missed", None), (later[0], "skipped", None), (later[1], "skipped", None)
    ]  # fmt: skip


def test_while_nobody_answers_the_oldest_are_let_go_and_counted() -> None:
    observer = listening(f"http://127.0.0.1:{free_port()}", capacity=3)

    for minute in range(5):
        observer.hear(event(EVENT_JOB_EXECUTED, scheduled_run_time=NOON + timedelta(minutes=minute)))

    eventually(lambda: observer.dropped == 2, within=5)
    observer.close()
    assert (observer.dropped, observer.told) == (2, 0)


def test_what_it_does_not_understand_does_not_stop_the_scheduler() -> None:
    observer = listening(f"http://127.0.0.1:{free_port()}")

    observer.hear(object())
    observer.hear(event(99))

    observer.close()


def test_another_job_store_is_not_told_of(server: Server, weather: Weather, database: Database) -> None:
    observer = Observer(server.url, KEY, source="there", jobstore="mine", manner=QUICK, wake=fine)
    observer.start()

    observer.hear(event(EVENT_JOB_EXECUTED))
    observer.hear(event(EVENT_JOB_EXECUTED, jobstore="mine", job_id="b"))
    observer.close()

    assert told(database) == [("b", "executed")]


def listening(url: str, **manner: Any) -> Observer:
    made = Manner(**({"send_every": 0.05, "wake_every": 0, "timeout": 2} | manner))
    observer = Observer(url, KEY, source="there", jobstore=None, manner=made, wake=fine)
    observer.start()
    return observer
