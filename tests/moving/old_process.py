"""The old process of the rehearsal: APScheduler 3 with twenty jobs, and the one line that tells of what they run.

REHEARSAL_STORE is its job store, REHEARSAL_SOURCE the name of that for the service. Its tasks count themselves in
Redis, and what the library says ran, with its instant, is kept beside.
"""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.events import EVENT_JOB_EXECUTED
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler.triggers.combining import AndTrigger, OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger
from redis import Redis

from scheduler_service.client.apscheduler_listener import Manner, observe

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
OPTIONS: dict[str, Any] = {"misfire_grace_time": 30, "coalesce": False, "max_instances": 3}
executions = Redis.from_url(os.environ.get("SAMPLE_BROKER", "redis://"))


def work(name: str) -> None:
    """What every job calls."""
    executions.incr(f"old:count:{name}")


def every(seconds: int, **options: Any) -> IntervalTrigger:
    return IntervalTrigger(seconds=seconds, start_date=EPOCH, timezone="UTC", **options)


def cron(**fields: Any) -> CronTrigger:
    return CronTrigger(**({"timezone": "UTC"} | fields))


def triggers(begun: datetime) -> dict[str, Any]:
    at = begun.replace(microsecond=0)
    daily = at + timedelta(seconds=25)
    return {
        "every 3 s": every(3),
        "every 4 s": every(4),
        "every 5 s": every(5),
        "every 6 s": every(6),
        "every 7 s": every(7),
        "every 8 s": every(8, end_date="2090-01-01"),
        "every 10 s": every(10),
        "every 20 s, about": every(20, jitter=2),
        "seconds 5": cron(second="*/5"),
        "seconds 10": cron(second="*/10"),
        "seconds 15": cron(second="*/15", timezone="Asia/Shanghai"),
        "seconds 20": cron(second="0,20,40"),
        "each minute": cron(minute="*"),
        "each minute in Shanghai": cron(minute="*", timezone="Asia/Shanghai"),
        "each minute of the week": cron(day_of_week="mon-sun", minute="*", timezone="Europe/Berlin"),
        "soon": DateTrigger(at + timedelta(seconds=20)),
        "later": DateTrigger(at + timedelta(seconds=65)),
        "daily": CalendarIntervalTrigger(
            days=1, start_date=daily.date(), hour=daily.hour, minute=daily.minute, second=daily.second, timezone="UTC"
        ),
        "either": OrTrigger([cron(second=15), cron(second=45)]),
        # Of two that do not come together, APScheduler looks for the next for ever once it has run.
        "both": AndTrigger([cron(second="*/30"), cron(second="0,30")]),
    }  # fmt: skip


def keep(event: Any) -> None:
    executions.rpush(f"old:ran:{event.job_id}", event.scheduled_run_time.astimezone(UTC).isoformat())


def main() -> None:
    scheduler = BlockingScheduler(jobstores={"default": SQLAlchemyJobStore(url=os.environ["REHEARSAL_STORE"])})
    scheduler.add_listener(keep, EVENT_JOB_EXECUTED)
    observe(
        scheduler,
        os.environ["REHEARSAL_URL"],
        os.environ["REHEARSAL_KEY"],
        source=os.environ["REHEARSAL_SOURCE"],
        manner=Manner(send_every=0.5, wake_every=0.5),
    )
    if os.environ.get("REHEARSAL_JOBS"):
        for name, trigger in triggers(datetime.now(UTC)).items():
            scheduler.add_job("tests.moving.old_process:work", trigger, args=[name], id=name, name=name, **OPTIONS)
    print("the old scheduler starts", flush=True)  # noqa: T201
    scheduler.start()


if __name__ == "__main__":
    main()
