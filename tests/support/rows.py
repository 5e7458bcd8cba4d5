"""Schedules and runs, written and read as plain rows: the way any other program would."""

import json
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from scheduler_service.storage.models import (
    Calendar,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    RruleSchedule,
    SolarSchedule,
    TaskRun,
)
from scheduler_service.storage.session import Database


def given_schedule(
    database: Database,
    *,
    name: str = "one",
    every: int | None = None,
    period: str = "seconds",
    cron: str | None = None,
    timezone: str = "UTC",
    solar: tuple[str, float, float] | None = None,
    rrule: str | None = None,
    **fields: Any,
) -> int:
    """Insert a schedule of the sample app; its id. Times that the database would fill in come from its clock."""
    with database.transaction() as session:
        now = database.clock.now()
        defaults: dict[str, Any] = {
            "task": "sample.count",
            "args": [name],
            "created_at": now,
            "date_changed": now,
            "watermark": now,
        }
        schedule = PeriodicTask(name=name, **(defaults | fields))
        if every is not None:
            schedule.interval_id = _timing(session, IntervalSchedule, every=every, period=period)
        if cron is not None:
            names = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
            parts = dict(zip(names, cron.split(), strict=True))
            schedule.crontab_id = _timing(session, CrontabSchedule, **parts, timezone=timezone)
        if solar is not None:
            event, latitude, longitude = solar
            schedule.solar_id = _timing(session, SolarSchedule, event=event, latitude=latitude, longitude=longitude)
        if rrule is not None:
            schedule.rrule_id = _timing(session, RruleSchedule, rule=rrule)
        session.add(schedule)
        session.flush()
        return schedule.id


def given_calendar(database: Database, *, name: str = "days off", **definition: Any) -> int:
    """Insert a calendar; its id."""
    with database.transaction() as session:
        calendar = Calendar(name=name, definition=definition)
        session.add(calendar)
        session.flush()
        return calendar.id


def given_schedules(database: Database, count: int, **fields: Any) -> None:
    """Many rows at once, every one with the same interval of an hour."""
    with database.transaction() as session:
        interval = _timing(session, IntervalSchedule, every=1, period="hours")
        row = {"task": "sample.count", "args": json.dumps(["many"]), "interval_id": interval, **fields}
        names = ", ".join(["name", *row])
        values = ", ".join([":name", *(f":{field}" for field in row)])
        session.execute(
            text(f"INSERT INTO periodic_task ({names}) VALUES ({values})"),
            [{"name": f"many {number}", **row} for number in range(count)],
        )


def ended_run(at: datetime, **fields: Any) -> TaskRun:
    """A run that ended at the instant of its occurrence, to be added to a session."""
    instants = dict.fromkeys(("occurrence_at", "fire_at", "decided_at", "finished_at"), at)
    said: dict[str, Any] = {
        "id": uuid4(), "periodic_task_id": 1, "schedule_name": "one", "kind": "other", "task": "sample.count",
        "args": [], "kwargs": {}, "options": {}, "revision": 1, "origin": "auto", "state": "succeeded",
        "decided_by": "test",
    }  # fmt: skip
    return TaskRun(**(said | instants | fields))


def sql(database: Database, statement: str, **parameters: Any) -> None:
    """One statement from another program."""
    with database.transaction() as session:
        session.execute(text(statement), parameters)


def schedule(database: Database, schedule_id: int) -> PeriodicTask:
    with database.reading() as session:
        found = session.get(PeriodicTask, schedule_id)
        assert found is not None
        return found


def runs(database: Database, **wanted: Any) -> list[TaskRun]:
    """Runs by occurrence."""
    with database.reading() as session:
        return session.query(TaskRun).filter_by(**wanted).order_by(TaskRun.occurrence_at, TaskRun.id).all()


def _timing(session: Session, model: Any, **fields: Any) -> int:
    """The row of this timing, made unless it is there; a Beat that starts beside us may make the same one."""
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgresql_insert
    session.execute(insert(model).values(**fields).on_conflict_do_nothing())
    row_id: int = session.query(model).filter_by(**fields).one().id
    return row_id
