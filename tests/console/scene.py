"""A service in the middle of its day: workers, runs that went well and wrong, and what is to come."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from scheduler_service.beat import decide
from scheduler_service.storage import beats, tallies
from scheduler_service.storage.models import TaskRun, Worker
from scheduler_service.storage.session import Database
from tests.support.rows import given_schedule, sql


def given_run(database: Database, schedule_id: int, name: str, *, ago: timedelta, state: str, **fields: Any) -> UUID:
    """Insert a run whose occurrence was so long ago; its id."""
    now = database.clock.now()
    at = now - ago
    ended = state in ("succeeded", "failed", "timed_out", "lost")
    began = at + timedelta(milliseconds=84) if ended or state == "running" else None
    given: dict[str, Any] = {
        "id": uuid7(),
        "periodic_task_id": schedule_id,
        "schedule_name": name,
        "kind": "collect",
        "task": "sample.count",
        "args": [],
        "kwargs": {},
        "options": {},
        "revision": 1,
        "origin": "auto",
        "state": state,
        "occurrence_at": at,
        "fire_at": at,
        "decided_at": at,
        "decided_by": "beat@here",
        "started_at": began,
        "finished_at": at + timedelta(seconds=9) if ended else None,
    }
    run = TaskRun(**given | fields)
    with database.transaction() as session:
        session.add(run)
        session.flush()
        return run.id


def given_worker(database: Database, name: str, *, seen: timedelta = timedelta(), **fields: Any) -> None:
    """Insert a worker that was heard so long ago."""
    now: datetime = database.clock.now()
    given = {"queues": ["default"], "concurrency": 4, "pid": 1, "started_at": now, "last_heartbeat_at": now - seen}
    with database.transaction() as session:
        session.add(Worker(name=name, **given | fields))


def given_day(database: Database) -> dict[str, int]:
    """Schedules of every kind and their runs; the ids by name."""
    beats.say_alive(database)
    made = {
        "orders-hourly": given_schedule(database, name="orders-hourly", cron="0 * * * *"),
        "iot-gateway-health": given_schedule(database, name="iot-gateway-health", every=30),
        "customer-360": given_schedule(database, name="customer-360", cron="30 2 * * *", timezone="Europe/Berlin"),
        "weather-stations": given_schedule(database, name="weather-stations", cron="*/10 * * * *", jitter_seconds=30),
        "partner-sftp": given_schedule(
            database, name="partner-sftp", every=300, enabled=False, pause_after_failures=5,
            paused_reason="5 failures in a row",
        ),
        "legacy-sync": given_schedule(database, name="legacy-sync", every=300),
    }  # fmt: skip
    sql(database, "UPDATE periodic_task SET quarantine_reason = 'no such zone' WHERE name = 'legacy-sync'")
    decide.plan_unplanned(database, limit=100)
    for name in ("default-1", "heavy-1"):
        given_worker(database, name)
    given_worker(database, "backup-1", seen=timedelta(minutes=5))
    for hours in range(72):
        given_run(
            database, made["customer-360"], "customer-360", ago=timedelta(hours=hours, minutes=10), state="succeeded"
        )
    for hours in (1, 2):
        given_run(
            database, made["orders-hourly"], "orders-hourly", ago=timedelta(hours=hours), state="failed",
            error="ApiError: the orders API answered 503",
        )  # fmt: skip
    given_run(database, made["weather-stations"], "weather-stations", ago=timedelta(minutes=3), state="succeeded")
    given_run(
        database, made["customer-360"], "customer-360", ago=timedelta(seconds=31), state="running",
        worker="default-1", progress={"step": 5, "of": 8},
    )  # fmt: skip
    tallies.tally(database)
    return made
