"""A job store made by APScheduler 3 itself, with a job of every kind."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

from apscheduler.jobstores.base import BaseJobStore
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.base import BaseScheduler
from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler.triggers.combining import AndTrigger, OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

BERLIN = "Europe/Berlin"
START = datetime(2026, 1, 1, 12, 30, tzinfo=UTC)
WORK = "tests.moving.sources.aps3:work"


def work(*args: Any, **kwargs: Any) -> None:
    """What the jobs call."""


class Customer:
    """What no reader should import."""

    def visit(self) -> None:
        """A job may be a method."""


class OwnTrigger(DateTrigger):  # type: ignore[misc]
    """A trigger of somebody's own."""

    __slots__ = ()


class OwnUrl(str):
    """A text that JSON would not give back as it was."""

    __slots__ = ()


TRIGGERS: dict[str, Any] = {
    "nightly": CronTrigger(hour=2, minute=30, timezone=BERLIN),
    "crontab": CronTrigger.from_crontab("*/15 8-17/3 * jan-mar,9 mon-fri", timezone="UTC"),
    "odd days": CronTrigger(day="last,3rd sun,last fri", week="1-53/2", hour="*/6,1", timezone=BERLIN),
    "bounded": CronTrigger(second="*/20", start_date=START, end_date="2099-01-01", timezone="UTC", jitter=30),
    "yearly": CronTrigger(year="2026-2098/2", month=2, day=29, timezone="Asia/Shanghai"),
    "every 90 s": IntervalTrigger(seconds=90, start_date=START, timezone="UTC"),
    "every 1.5 h": IntervalTrigger(hours=1, minutes=30, start_date=START, end_date="2090-06-01", timezone=BERLIN),
    "once": DateTrigger(datetime(2090, 5, 4, 3, 2, 1, tzinfo=UTC)),
    "quarterly": CalendarIntervalTrigger(months=3, start_date=date(2026, 1, 31), hour=2, minute=30, timezone=BERLIN),
    "either": OrTrigger([CronTrigger(hour=3, timezone=BERLIN), CronTrigger(hour=4, minute=5, timezone=BERLIN)]),
    "both": AndTrigger([CronTrigger(hour="*/2", timezone=BERLIN), CronTrigger(hour="*/3", timezone=BERLIN)]),
    "own": OwnTrigger(datetime(2090, 1, 1, tzinfo=UTC)),
}


class Still(BaseScheduler):  # type: ignore[misc]
    """The library's own scheduler, without the thread that runs jobs."""

    def wakeup(self) -> None:
        """It sleeps on."""

    def shutdown(self, wait: bool = True) -> None:
        super().shutdown(wait)


@contextmanager
def scheduler(store: BaseJobStore) -> Iterator[Still]:
    """The library's hands on a store."""
    opened = Still(jobstores={"default": store}, timezone="UTC")
    opened.start(paused=True)
    try:
        yield opened
    finally:
        opened.shutdown()


def sql_store(url: str, **options: Any) -> SQLAlchemyJobStore:
    return SQLAlchemyJobStore(url=url, **options)


def fill(store: BaseJobStore) -> None:
    """A job for each trigger, by its name."""
    with scheduler(store) as opened:
        for name, trigger in TRIGGERS.items():
            opened.add_job(WORK, trigger, id=name, name=name, args=["x", 1, [None]], kwargs={"deep": {"a": 1.5}})
        opened.add_job(WORK, "interval", hours=1, id="paused", name="paused", next_run_time=None)
        options: dict[str, Any] = {"misfire_grace_time": None, "coalesce": False, "max_instances": 3}
        opened.add_job(WORK, "cron", hour=1, id="odd args", name="odd args", args=[OwnUrl("u")], **options)
        opened.add_job(Customer().visit, "cron", hour=1, id="method", name="method", executor="default")
