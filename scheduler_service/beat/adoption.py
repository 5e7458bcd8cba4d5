"""A static `beat_schedule`, in the terms of our table.

What cannot be said in them is left out with a warning, never silently.
"""

import json
import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from celery.beat import ScheduleEntry
from celery.schedules import crontab, schedule, solar

from scheduler_service.errors import InvalidTiming
from scheduler_service.storage.adopted import StaticSchedule
from scheduler_service.timing.crontab import Crontab
from scheduler_service.timing.interval import Interval
from scheduler_service.timing.solar import Solar
from scheduler_service.timing.timings import Timing

logger = logging.getLogger(__name__)

KEPT_OPTIONS = ("queue", "exchange", "routing_key", "priority", "headers")
PERIODS = (("weeks", 604_800), ("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1))


def static_schedules(entries: Iterable[ScheduleEntry], *, now: datetime) -> list[StaticSchedule]:
    """The entries that can be kept in the table."""
    kept = []
    for entry in entries:
        try:
            kept.append(StaticSchedule(entry.name, _timing(entry.schedule, now), _fields(entry)))
        except (InvalidTiming, TypeError) as why:  # TypeError: what JSON cannot carry
            logger.warning("beat_schedule entry %s was left out: %s", entry.name, why)
    return kept


def _timing(stated: Any, now: datetime) -> Timing:
    if type(stated) is crontab:
        return Crontab(
            minute=_field(stated._orig_minute),
            hour=_field(stated._orig_hour),
            day_of_month=_field(stated._orig_day_of_month),
            month_of_year=_field(stated._orig_month_of_year),
            day_of_week=_field(stated._orig_day_of_week),
            timezone=str(stated.tz or "UTC"),
        )
    if type(stated) is schedule:
        seconds = stated.run_every.total_seconds()
        for period, length in PERIODS:
            if seconds >= length and seconds % length == 0:
                return Interval(int(seconds // length), period, now)  # type: ignore[arg-type]
        raise InvalidTiming.field("schedule", f"an interval of {seconds} s is not in whole seconds", "30.0")
    if type(stated) is solar:
        return Solar(stated.event, stated.lat, stated.lon)
    raise InvalidTiming.field("schedule", f"{type(stated).__name__} is not available in this version", "crontab()")


def _field(value: Any) -> str:
    """A crontab field as Celery was given it: text, a number, or several numbers."""
    return ",".join(str(part) for part in sorted(value)) if isinstance(value, (set, list, tuple)) else str(value)


def _fields(entry: ScheduleEntry) -> dict[str, Any]:
    options = dict(entry.options or {})
    fields: dict[str, Any] = {"task": entry.task, "args": list(entry.args or ()), "kwargs": dict(entry.kwargs or {})}
    fields |= {name: options.pop(name) for name in KEPT_OPTIONS if options.get(name) is not None}
    expires = options.pop("expires", None)
    if isinstance(expires, int | float):
        fields["expire_seconds"] = max(1, int(expires))
    elif expires is not None:
        options["expires"] = expires
    if options:
        logger.warning("beat_schedule entry %s: the options %s are not kept", entry.name, sorted(options))
    json.dumps(fields)
    return fields
