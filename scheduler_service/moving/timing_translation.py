"""When a job comes, in our words: each trigger of another scheduler as a timing, with its limits."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from scheduler_service.client import apscheduler_cron, apscheduler_fields
from scheduler_service.client.apscheduler_fields import CronValues, NotUnderstood
from scheduler_service.errors import InvalidTiming
from scheduler_service.moving import cron_timing
from scheduler_service.moving.found import (
    FoundCalendarInterval,
    FoundCombination,
    FoundCron,
    FoundCrontab,
    FoundDate,
    FoundInterval,
    FoundJob,
    FoundRrule,
    FoundSolar,
    FoundTrigger,
    Unreadable,
)
from scheduler_service.services.fields import wire_instant
from scheduler_service.timing import zones

#: Instants that come from floating-point numbers are the same within it.
SAME = timedelta(milliseconds=1)
_PERIODS = ("weeks", "days", "hours", "minutes", "seconds")
#: What is the same here, field by field.
_SAME_HERE = {FoundCrontab: "crontab", FoundSolar: "solar", FoundRrule: "rrule"}

Told = tuple[str, str, str]  # code, text, remedy


class Refused(Exception):
    """No timing of ours is the same; with why, and what to do."""

    def __init__(self, code: str, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.code, self.reason, self.remedy = code, reason, remedy


@dataclass(frozen=True)
class When:
    """A timing as a document, its limits, and what is to be told of it."""

    timing: dict[str, Any]
    start: datetime | None = None
    end: datetime | None = None
    jitter_seconds: int = 0
    notes: list[Told] = field(default_factory=list)
    losses: list[Told] = field(default_factory=list)


def when_of(job: FoundJob) -> When:
    """When the job comes. Raises: Refused."""
    try:
        return _when(job, job.trigger)
    except NotUnderstood as why:
        raise Refused("trigger", f"Its trigger has no equal here: {why}.") from None
    except InvalidTiming as why:
        raise Refused("trigger", f"Its trigger has no equal here: {why}.") from None


def _when(job: FoundJob, trigger: FoundTrigger) -> When:
    match trigger:
        case FoundCron():
            return _cron([trigger], apscheduler_fields.understood(trigger.fields))
        case FoundInterval():
            return _interval(job, trigger)
        case FoundCalendarInterval():
            return _calendar_interval(job, trigger)
        case FoundDate():
            return When({"type": "clocked", "clocked_time": wire_instant(job.next_run_at or trigger.at)})
        case FoundCombination():
            return _combination(job, trigger)
        case Unreadable():
            raise Refused("unreadable", trigger.why)
        case _:
            return When({"type": _SAME_HERE[type(trigger)], **vars(trigger)})


def _cron(parts: Sequence[FoundCron], *crons: CronValues) -> When:
    """One or several crons with the limits of the first; all are of one zone."""
    first = parts[0]
    zones.load(first.timezone)
    start, end = _limits(first, crons[0])
    limits: dict[str, Any] = {"start": start, "end": end, **_jitter(first.jitter_seconds)}
    if len(crons) == 1 and (crontab := apscheduler_cron.crontab_of(crons[0], first.timezone)) is not None:
        return When(crontab, **limits)
    if len(crons) == 1 and (even := cron_timing.interval_of(crons[0], first.timezone)) is not None:
        step, since = even
        limits["start"] = since if start is None else start + (since - start) % step
        return When(_every(step), **limits)
    return When({"type": "rrule", "rule": apscheduler_cron.rrule_of(crons, first.timezone)}, **limits)


def _limits(cron: FoundCron, values: CronValues) -> tuple[datetime | None, datetime | None]:
    since, until = cron_timing.years_of(values, cron.timezone)
    starts, ends = [at for at in (cron.start, since) if at], [at for at in (cron.end, until) if at]
    return max(starts, default=None), min(ends, default=None)


def _jitter(seconds: int) -> dict[str, Any]:
    if not seconds:
        return {}
    text = f"Up to {seconds} s are added to each instant: here always the same for an instant, so that it can be told."
    return {"jitter_seconds": seconds, "notes": [("jitter", text, "")]}


def _interval(job: FoundJob, trigger: FoundInterval) -> When:
    every, losses = trigger.every, []
    if every % timedelta(seconds=1) or every < timedelta(seconds=1):
        every = max(timedelta(seconds=1), timedelta(seconds=round(every.total_seconds())))
        text = f"Every {trigger.every.total_seconds():g} s becomes every {every.total_seconds():g} s."
        losses.append(("clamped", text, "An interval is of whole seconds, one or more."))
    start, told = _phase(job, trigger, every)
    jittered = _jitter(trigger.jitter_seconds)
    notes = [*jittered.get("notes", []), *told]
    if trigger.jitter_seconds:
        text = "Each run was counted from the one before, its jitter included, so that they drifted; here none drifts."
        notes.append(("drift", text, ""))
    return When(_every(every), start, trigger.end, jittered.get("jitter_seconds", 0), notes, losses)


def _phase(job: FoundJob, trigger: FoundInterval, every: timedelta) -> tuple[datetime | None, list[Told]]:
    """From where to count: whoever sets `next_run_time` moves the phase of all that come after."""
    ran = job.next_run_at or job.last_run_at
    if trigger.start is None or job.task is not None:
        text = "Celery counts from the run before, and drifts; here it keeps the phase of the last run."
        return trigger.start or ran, [("drift", text, "")]
    start = trigger.start.astimezone(UTC)
    off = (ran - start) % every if ran else timedelta()
    if trigger.jitter_seconds or min(off, every - off) <= SAME:
        return start, []
    moved = timedelta(milliseconds=round(off / timedelta(milliseconds=1)))
    return start + moved - every, [("phase", "It is counted from its next run, which somebody set.", "")]


def _every(step: timedelta) -> dict[str, Any]:
    period = next(period for period in _PERIODS if not step % timedelta(**{period: 1}))
    return {"type": "interval", "every": step // timedelta(**{period: 1}), "period": period}


def _calendar_interval(job: FoundJob, trigger: FoundCalendarInterval) -> When:
    months, days = trigger.years * 12 + trigger.months, trigger.weeks * 7 + trigger.days
    if months and days:
        remedy = "Decide for one of them, or for a recurrence rule by hand."
        raise Refused("calendar", "Months and days together wander through the month, which no rule says.", remedy)
    zone = zones.load(trigger.timezone)
    begins = trigger.start or job.next_run_at
    if begins is None:
        raise Refused("calendar", "It does not say from which day on it counts.", "Resume it once, or give it a start.")
    hour, minute, second = trigger.at
    first = begins.astimezone(zone).replace(hour=hour, minute=minute, second=second, microsecond=0, tzinfo=None)
    if months:
        rule = f"RRULE:FREQ=MONTHLY;INTERVAL={months};BYMONTHDAY={first.day}"
    else:
        rule = f"RRULE:FREQ=DAILY;INTERVAL={days}"
    start = f"DTSTART;TZID={trigger.timezone}:{first:%Y%m%dT%H%M%S}"
    end = trigger.end and trigger.end.astimezone(zone).replace(hour=23, minute=59, second=59, tzinfo=None)
    expires = zones.resolve(end, zone) if end else None
    return When({"type": "rrule", "rule": f"{start}\n{rule}"}, end=expires, **_jitter(trigger.jitter_seconds))


def _combination(job: FoundJob, trigger: FoundCombination) -> When:
    parts = trigger.parts
    if len(parts) == 1:
        return _when(job, parts[0])
    crons = [part for part in parts if isinstance(part, FoundCron)]
    if len(crons) != len(parts):
        raise Refused(
            "combination",
            f"It combines triggers by `{trigger.how}` that are not all crons, whose instants hang on each other.",
            "Make a job of each, and plan again.",
        )
    if len({(part.timezone, part.start, part.end) for part in crons}) > 1:
        remedy = "Make a job of each, and plan again."
        raise Refused("combination", "Its parts are of different zones, or begin or end at different instants.", remedy)
    values = [apscheduler_fields.understood(part.fields) for part in crons]
    if trigger.how == "and":
        found = _cron(crons, apscheduler_fields.both(values))
    elif (merged := apscheduler_fields.either(values)) is not None:
        found = _cron(crons, merged)
    elif len({value.year for value in values}) > 1:
        raise NotUnderstood("its parts are of different years")
    else:
        found = _cron(crons, *values)
    jitter = _jitter(max(trigger.jitter_seconds, *(part.jitter_seconds for part in crons)))
    return When(found.timing, found.start, found.end, jitter.get("jitter_seconds", 0), jitter.get("notes", []))
