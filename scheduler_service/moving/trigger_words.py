"""A trigger of another scheduler in a line, in its own terms."""

from datetime import datetime

from scheduler_service.moving.found import (
    FoundCalendarInterval,
    FoundCombination,
    FoundCron,
    FoundCrontab,
    FoundDate,
    FoundInterval,
    FoundRrule,
    FoundSolar,
    FoundTrigger,
)


def in_words(trigger: FoundTrigger) -> str:
    """Such as `cron hour=2 minute=30 (Europe/Berlin)`."""
    match trigger:
        case FoundCron():
            fields = " ".join(f"{name}={text}" for name, text in trigger.fields.items())
            return f"cron {fields} ({trigger.timezone})"
        case FoundInterval():
            return f"interval {trigger.every}"
        case FoundCalendarInterval():
            names = ("years", "months", "weeks", "days")
            apart = " ".join(f"{name}={getattr(trigger, name)}" for name in names if getattr(trigger, name))
            return f"calendarinterval {apart} at {'{:02}:{:02}:{:02}'.format(*trigger.at)} ({trigger.timezone})"
        case FoundCombination():
            return f"{trigger.how}({', '.join(in_words(part) for part in trigger.parts)})"
        case _:
            return _simple(trigger)


def _simple(trigger: FoundTrigger) -> str:
    match trigger:
        case FoundDate():
            return f"date {_instant(trigger.at)}"
        case FoundCrontab():
            fields = (trigger.minute, trigger.hour, trigger.day_of_month, trigger.month_of_year, trigger.day_of_week)
            return f"crontab {' '.join(fields)} ({trigger.timezone})"
        case FoundSolar():
            return f"solar {trigger.event} at {trigger.latitude:g}, {trigger.longitude:g}"
        case FoundRrule():
            return f"rrule {trigger.rule.splitlines()[-1]}"
        case _:
            return "not read"


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S%z}"
