"""When APScheduler 3 would run a job, by its own triggers, stepped as its scheduler steps them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from scheduler_service.errors import InvalidTiming
from scheduler_service.moving.found import (
    FoundCalendarInterval,
    FoundCombination,
    FoundCron,
    FoundInterval,
    FoundJob,
    FoundTrigger,
    NoInstants,
)
from scheduler_service.moving.sources.apscheduler3_triggers import real_trigger

TICK = timedelta(microseconds=1)
MOST_STEPS = 100_000
INSTALL = "pip install 'scheduler-service[apscheduler]'"


def instants(job: FoundJob, *, after: datetime, count: int) -> list[datetime]:
    """The next so many, in UTC, without jitter. Raises: NoInstants."""
    try:
        trigger = real_trigger(_in_phase(job))
    except ImportError:
        raise NoInstants(f"APScheduler 3 is not installed here: {INSTALL}") from None
    except (ValueError, TypeError, InvalidTiming) as why:
        raise NoInstants(f"APScheduler's trigger cannot be made again: {why}") from why
    if isinstance(job.trigger, FoundCombination):
        _refuse_endless(job.trigger)
    found: list[datetime] = []
    for steps, instant in enumerate(_steps(trigger, job, after)):
        if instant > after:
            found.append(instant.astimezone(UTC))
        if len(found) >= count:
            break
        if steps > MOST_STEPS:
            raise NoInstants(f"there are more than {MOST_STEPS} steps from its next run to {after.isoformat()}")
    return found


def _in_phase(job: FoundJob) -> FoundTrigger:
    """The scheduler counts an interval from the run before, and not from where the trigger says it began."""
    trigger = job.trigger
    if isinstance(trigger, FoundInterval) and not trigger.jitter_seconds and job.next_run_at is not None:
        return FoundInterval(trigger.every, trigger.timezone, job.next_run_at, trigger.end)
    return trigger


def _steps(trigger: Any, job: FoundJob, after: datetime) -> Iterator[datetime]:
    previous = _first(trigger, job, after)
    while previous is not None:
        yield previous
        # 3.11's `and` never ends when asked with the run before, as its scheduler asks: each cron then ignores `now`.
        is_and = isinstance(job.trigger, FoundCombination) and job.trigger.how == "and"
        following = trigger.get_next_fire_time(None if is_and else previous, previous + TICK)
        previous = following if following is None or following > previous else None


def _first(trigger: Any, job: FoundJob, after: datetime) -> datetime | None:
    """Where its scheduler is: the next run that the store names; an hour's cron need not be stepped from there."""
    stepped = isinstance(job.trigger, FoundCalendarInterval | FoundCombination)
    if stepped and job.next_run_at is not None:
        return job.next_run_at.astimezone(_zone(trigger))
    first: datetime | None = trigger.get_next_fire_time(None, after + TICK)
    return first


def _zone(trigger: Any) -> Any:
    """A calendar interval steps by the date that its own clocks show."""
    return getattr(trigger, "timezone", UTC)


def _refuse_endless(found: FoundCombination) -> None:
    if found.how == "and" and not all(isinstance(part, FoundCron) for part in found.parts):
        raise NoInstants("APScheduler searches without end for what an interval and another trigger agree on")
    for part in found.parts:
        if isinstance(part, FoundCombination):
            _refuse_endless(part)


def first(job: FoundJob, not_before: datetime) -> datetime | None:
    """The first instant at or after another, as the clocks of the trigger's zone show it. Raises: NoInstants."""
    found = instants(job, after=not_before - TICK, count=1)
    zone = ZoneInfo(getattr(job.trigger, "timezone", "UTC"))  # not ours, which cannot be pickled
    return found[0].astimezone(zone) if found else None
