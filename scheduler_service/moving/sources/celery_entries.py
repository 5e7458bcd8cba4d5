"""Entries of a Celery `beat_schedule`: from live objects of an app, or as a shelve's pickles describe them."""

from datetime import datetime, timedelta
from typing import Any

from scheduler_service.moving.found import (
    FoundCrontab,
    FoundInterval,
    FoundJob,
    FoundSolar,
    FoundTrigger,
    Unreadable,
)
from scheduler_service.moving.sources.plain import plain, plain_problem

_KEPT = ("queue", "exchange", "routing_key", "priority", "headers")
_CRONTAB = ("minute", "hour", "day_of_week", "day_of_month", "month_of_year")  # the order of its arguments


def entry_job(
    name: str,
    task: str,
    trigger: FoundTrigger,
    *,
    args: Any,
    kwargs: Any,
    options: Any,
    last_run_at: datetime | None = None,
    total_run_count: int | None = None,
) -> FoundJob:
    """A job that Beat runs however late, once for whatever it missed, beside itself if need be."""
    fields, problems = _options(options)
    shown = {"name": name, "task": task, "args": args, "kwargs": kwargs, "options": options, "schedule": repr(trigger)}
    return FoundJob(
        name,
        name,
        trigger,
        task=task,
        args=_argument(list(args or ())),
        kwargs=_argument(dict(kwargs or {})),
        last_run_at=last_run_at,
        total_run_count=total_run_count,
        misfire_grace_seconds=None,
        max_instances=None,
        fields=fields,
        problems=tuple(problems),
        original=plain(shown),
    )


def found_crontab(arguments: dict[str, Any], timezone: str) -> FoundCrontab:
    """By Celery's names of the fields; each is text, a number, or several numbers."""
    fields: Any = {name: _field(arguments.get(name, "*")) for name in _CRONTAB}
    return FoundCrontab(**fields, timezone=timezone)


def found_schedule(kind: str, arguments: tuple[Any, ...], *, timezone: str, start: datetime | None) -> FoundTrigger:
    """What one of Celery's schedules is, by its class and the arguments that would make it again."""
    if kind == "crontab":
        return found_crontab(dict(zip(_CRONTAB, arguments, strict=True)), timezone)
    if kind == "solar":
        event, latitude, longitude = arguments
        return FoundSolar(str(event), float(latitude), float(longitude))
    if kind == "schedule" and not arguments[1]:
        every = arguments[0] if isinstance(arguments[0], timedelta) else timedelta(seconds=arguments[0])
        return FoundInterval(every, start=start)
    if kind == "schedule":
        return Unreadable("it is `relative`: rounded to its own length by the clock; say it as a crontab")
    return Unreadable(f"its schedule is a {kind}, which is none of Celery's own")


def _field(value: Any) -> str:
    return ",".join(str(part) for part in sorted(value)) if isinstance(value, set | list | tuple) else str(value)


def _argument(held: Any) -> Any:
    problem = plain_problem(held)
    return held if problem is None else Unreadable(problem)


def _options(options: Any) -> tuple[dict[str, Any], list[str]]:
    left = dict(options or {})
    fields = {name: left.pop(name) for name in _KEPT if left.get(name) is not None}
    expires = left.pop("expires", None)
    if isinstance(expires, int | float):
        fields["expire_seconds"] = max(1, int(expires))
    elif expires is not None:
        left["expires"] = expires
    named = [name for name, value in left.items() if value is not None]
    return fields, [f"Its option {name} ({left[name]!r:.60}) is not kept." for name in sorted(named)]
