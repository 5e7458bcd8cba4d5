"""APScheduler's triggers, by their names and arguments, as timings and limits that can be posted."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from scheduler_service.client import apscheduler_cron, apscheduler_fields
from scheduler_service.client.apscheduler_fields import FIELDS, NotUnderstood
from scheduler_service.client.errors import ClientError

_PERIODS = ("weeks", "days", "hours", "minutes", "seconds")
_LIMITS = ("start_date", "end_date", "timezone", "jitter")


class CannotSay(ClientError):
    """An argument of APScheduler's that has no equal here."""

    def __init__(self, argument: str, why: str) -> None:
        super().__init__(f"{argument}: {why}.")
        self.argument = argument


def timing_of(trigger: Any, arguments: Mapping[str, Any], *, timezone: str) -> dict[str, Any]:
    """The timing, and its limits, as fields of a schedule. Raises: CannotSay."""
    makers = {"interval": _interval, "cron": _cron, "date": _date}
    if trigger not in makers:
        known = ", ".join(makers)
        raise CannotSay("trigger", f"is {trigger!r}; known are {known}, each by its name and with its arguments")
    given = {name: value for name, value in arguments.items() if value is not None}
    zone = str(given.pop("timezone", timezone))
    made = makers[trigger](given, zone)
    for argument in given:
        raise CannotSay(argument, f"is no argument of the trigger {trigger}")
    return made


def aware(at: str | date, zone: str) -> datetime:
    """An instant; a text, a date, or a local time of the zone is one as well."""
    found = datetime.fromisoformat(at) if isinstance(at, str) else at
    if not isinstance(found, datetime):
        found = datetime.combine(found, time())
    return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


def _interval(given: dict[str, Any], zone: str) -> dict[str, Any]:
    every = timedelta(**{period: given.pop(period, 0) for period in _PERIODS})
    if every < timedelta(seconds=1) or every % timedelta(seconds=1):
        raise CannotSay("seconds", "an interval is of whole seconds, one or more")
    period = next(period for period in _PERIODS if not every % timedelta(**{period: 1}))
    timing = {"type": "interval", "every": every // timedelta(**{period: 1}), "period": period}
    return {"timing": timing, **_limits(given, zone)}


def _cron(given: dict[str, Any], zone: str) -> dict[str, Any]:
    fields = {name: str(given.pop(name)) for name in FIELDS if name in given}
    if "year" in fields:
        raise CannotSay("year", "give start_date and end_date in place of it")
    try:
        cron = apscheduler_fields.understood(fields)
        timing = apscheduler_cron.crontab_of(cron, zone)
        timing = timing or {"type": "rrule", "rule": apscheduler_cron.rrule_of([cron], zone)}
    except NotUnderstood as why:
        raise CannotSay("trigger", str(why)) from None
    return {"timing": timing, **_limits(given, zone)}


def _date(given: dict[str, Any], zone: str) -> dict[str, Any]:
    if "run_date" not in given:
        raise CannotSay("run_date", "is needed; without a trigger a job runs at once")
    at = aware(given.pop("run_date"), zone)
    return {"timing": {"type": "clocked", "clocked_time": at.isoformat()}}


def _limits(given: dict[str, Any], zone: str) -> dict[str, Any]:
    said = {name: given.pop(name) for name in _LIMITS if name in given}
    limits: dict[str, Any] = {"jitter_seconds": said["jitter"]} if "jitter" in said else {}
    for name, field in (("start_date", "start_time"), ("end_date", "expires")):
        if name in said:
            limits[field] = aware(said[name], zone).isoformat()
    return limits
