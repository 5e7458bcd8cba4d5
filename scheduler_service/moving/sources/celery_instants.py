"""When Celery's Beat would run an entry, by Celery's own schedules, stepped from one run to the next."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from dateutil.rrule import rrulestr

from scheduler_service.errors import InvalidTiming
from scheduler_service.moving.found import (
    FoundCrontab,
    FoundDate,
    FoundInterval,
    FoundJob,
    FoundRrule,
    FoundSolar,
    FoundTrigger,
    NoInstants,
)
from scheduler_service.timing import zones

TICK = timedelta(microseconds=1)


def instants(job: FoundJob, *, after: datetime, count: int) -> list[datetime]:
    """The next so many, in UTC. Raises: NoInstants."""
    start, end = job.fields.get("start_time"), job.fields.get("expires")
    begin = max(after, start - TICK) if isinstance(start, datetime) else after
    found: list[datetime] = []
    for instant in _steps(job.trigger, begin):
        if len(found) >= count or (isinstance(end, datetime) and instant > end):
            break
        found.append(instant.astimezone(UTC))
    return found


def run_before(job: FoundJob, not_before: datetime) -> datetime:
    """The last run that makes a Beat run the job next at its first instant from then on, and not at once."""
    if isinstance(job.trigger, FoundInterval):
        following = next(_interval(job.trigger, not_before - TICK))
        return following - job.trigger.every
    return not_before - TICK


def _steps(trigger: FoundTrigger, after: datetime) -> Iterator[datetime]:
    if isinstance(trigger, FoundDate):
        return iter([trigger.at] if trigger.at > after else [])
    if isinstance(trigger, FoundInterval):
        return _interval(trigger, after)
    if isinstance(trigger, FoundRrule):
        return iter(rrulestr(trigger.rule).xafter(after))
    return _stepped(_schedule(trigger), after)


def _interval(trigger: FoundInterval, after: datetime) -> Iterator[datetime]:
    """Celery counts from the run before, by its own `schedule`: elapsed time. Each delay of Beat's moves it on."""
    begin = trigger.start or after
    step = max((after - begin) // trigger.every + 1, 1 if trigger.start is None else 0)
    while True:
        yield begin + step * trigger.every
        step += 1


def _stepped(schedule: Any, after: datetime) -> Iterator[datetime]:
    """Ask as Beat does right after a run: how long until the next."""
    previous = after
    while True:
        schedule.nowfun = lambda at=previous: at
        try:
            left = schedule.remaining_estimate(previous)
        except (ValueError, RuntimeError, OverflowError) as why:
            raise NoInstants(f"Celery cannot say when it is next due: {why}") from why
        if left <= timedelta():
            raise NoInstants(f"Celery says that it is due at once after {previous.isoformat()}")
        previous = (previous.astimezone(UTC) + left).astimezone(previous.tzinfo)
        yield previous


def _schedule(trigger: FoundTrigger) -> Any:
    from celery import Celery
    from celery.exceptions import ImproperlyConfigured
    from celery.schedules import ParseException, crontab, solar

    app = Celery("instants", set_as_current=False, changes=None)
    try:
        if isinstance(trigger, FoundCrontab) and trigger.day_match == "and":
            zones.load(trigger.timezone)
            app.conf.timezone = trigger.timezone
            return crontab(
                minute=trigger.minute,
                hour=trigger.hour,
                day_of_week=trigger.day_of_week,
                day_of_month=trigger.day_of_month,
                month_of_year=trigger.month_of_year,
                app=app,
            )
        if isinstance(trigger, FoundSolar):
            return solar(trigger.event, trigger.latitude, trigger.longitude, app=app)
    except ImproperlyConfigured:
        raise NoInstants("Celery asks ephem where the sun is, which is not installed here: pip install ephem") from None
    except (ParseException, ValueError, InvalidTiming) as why:
        raise NoInstants(f"Celery does not read it: {why}") from why
    raise NoInstants("it is none of Celery's schedules")
