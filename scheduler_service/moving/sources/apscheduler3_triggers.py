"""APScheduler 3's triggers: from their pickled state, and back into the real ones to be asked."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

from scheduler_service.moving.found import (
    FoundCalendarInterval,
    FoundCombination,
    FoundCron,
    FoundDate,
    FoundInterval,
    FoundTrigger,
    Unreadable,
)
from scheduler_service.moving.sources.trusting import Foreign, Zone
from scheduler_service.timing import zones

TRIGGERS = "apscheduler.triggers"
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_POSITIONS = ("1st", "2nd", "3rd", "4th", "5th", "last")
_State = dict[str, Any]
_NAMES: dict[str, Callable[[int], str]] = {
    "WeekdayRangeExpression": lambda number: _WEEKDAYS[number],
    "MonthRangeExpression": lambda number: _MONTHS[number - 1],
    "RangeExpression": str,
}


def found_trigger(held: Any) -> FoundTrigger:
    """What a pickled trigger is; one of a person's own class, or of a later version, is not read."""
    if not isinstance(held, Foreign):
        return Unreadable("its trigger is no object of a trigger's class")
    return _found(held.of, held.state)


def _found(of: str, state: Any) -> FoundTrigger:
    if isinstance(state, tuple):  # APScheduler 3.0 left this to pickle: (None, the slots)
        state = state[-1]
    reader = _READERS.get(of)
    if reader is None:
        return Unreadable(f"its trigger is a {of}, which is none of APScheduler's own")
    newest, read = reader
    try:
        if state.get("version", 1) > newest:
            return Unreadable(f"its trigger {of} is of version {state['version']}; known are those up to {newest}")
        return read(state)
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as why:
        return Unreadable(f"the state of its trigger {of} is not as expected ({type(why).__name__}: {why})")


def _cron(state: _State) -> FoundCron:
    given = [field.state for field in state["fields"] if not field.state["is_default"]]
    return FoundCron(
        fields={field["name"]: ",".join(map(_expression, field["expressions"])) for field in given},
        timezone=_zone(state["timezone"]),
        start=state["start_date"],
        end=state["end_date"],
        jitter_seconds=_jitter(state),
    )


def _expression(held: Foreign) -> str:
    """As `str` of the library's own would write it."""
    kind, state = held.of.rpartition(".")[2], held.state
    if kind == "LastDayOfMonthExpression":
        return "last"
    if kind == "WeekdayPositionExpression":
        return f"{_POSITIONS[state['option_num']]} {_WEEKDAYS[state['weekday']]}"
    step = f"/{state['step']}" if state.get("step") else ""
    if kind == "AllExpression":
        return f"*{step}"
    names = _NAMES[kind]
    first, last = state["first"], state["last"]
    return names(first) + (f"-{names(last)}" if last not in (None, first) else "") + step


def _interval(state: _State) -> FoundInterval:
    return FoundInterval(
        every=state["interval"],
        timezone=_zone(state["timezone"]),
        start=state["start_date"],
        end=state["end_date"],
        jitter_seconds=_jitter(state),
    )


def _date(state: _State) -> FoundDate:
    return FoundDate(state["run_date"])


def _calendar_interval(state: _State) -> FoundCalendarInterval:
    years, months, weeks, days = state["interval"]
    hour, minute, second = state["time"]
    zone = _zone(state["timezone"])
    start, end = (_at(state[name], time(hour, minute, second), zone) for name in ("start_date", "end_date"))
    return FoundCalendarInterval(years, months, weeks, days, (hour, minute, second), zone, start, end, _jitter(state))


def _at(day: date | None, clock: time, zone: str) -> datetime | None:
    return None if day is None else zones.resolve(datetime.combine(day, clock), zones.load(zone))


def _and(state: _State) -> FoundCombination:
    return FoundCombination("and", _parts(state), _jitter(state))


def _or(state: _State) -> FoundCombination:
    return FoundCombination("or", _parts(state), _jitter(state))


def _parts(state: _State) -> tuple[FoundTrigger, ...]:
    """A combination writes the classes of its parts as text."""
    return tuple(_found(of.replace(":", "."), inner) for of, inner in state["triggers"])


def _zone(held: Zone) -> str:
    return held.name


def _jitter(state: _State) -> int:
    return int(state.get("jitter") or 0)


#: By class: the newest version of its state that is known, and what reads it.
_READERS: dict[str, tuple[int, Callable[[_State], FoundTrigger]]] = {
    f"{TRIGGERS}.cron.CronTrigger": (2, _cron),
    f"{TRIGGERS}.interval.IntervalTrigger": (2, _interval),
    f"{TRIGGERS}.date.DateTrigger": (1, _date),
    f"{TRIGGERS}.calendarinterval.CalendarIntervalTrigger": (1, _calendar_interval),
    f"{TRIGGERS}.combining.AndTrigger": (1, _and),
    f"{TRIGGERS}.combining.OrTrigger": (1, _or),
}


def real_trigger(found: FoundTrigger) -> Any:
    """The library's own trigger, without its jitter. Raises: ImportError, ValueError, InvalidTiming."""
    build = _BUILDERS.get(type(found))
    if build is None:
        raise ValueError(found.why if isinstance(found, Unreadable) else "it is none of APScheduler's")
    return build(found)


def _real_cron(found: FoundCron) -> Any:
    from apscheduler.triggers.cron import CronTrigger

    return CronTrigger(**found.fields, start_date=found.start, end_date=found.end, timezone=zones.load(found.timezone))


def _real_interval(found: FoundInterval) -> Any:
    from apscheduler.triggers.interval import IntervalTrigger

    seconds = found.every / timedelta(seconds=1)
    return IntervalTrigger(
        seconds=seconds, start_date=found.start, end_date=found.end, timezone=zones.load(found.timezone)
    )


def _real_date(found: FoundDate) -> Any:
    from apscheduler.triggers.date import DateTrigger

    return DateTrigger(found.at, timezone="UTC")


def _real_calendar_interval(found: FoundCalendarInterval) -> Any:
    from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger

    zone = zones.load(found.timezone)
    start, end = (at and at.astimezone(zone).date() for at in (found.start, found.end))
    hour, minute, second = found.at
    return CalendarIntervalTrigger(
        years=found.years,
        months=found.months,
        weeks=found.weeks,
        days=found.days,
        hour=hour,
        minute=minute,
        second=second,
        start_date=start,
        end_date=end,
        timezone=zone,
    )


def _real_combination(found: FoundCombination) -> Any:
    from apscheduler.triggers.combining import AndTrigger, OrTrigger

    parts = [real_trigger(part) for part in found.parts]
    return (AndTrigger if found.how == "and" else OrTrigger)(parts)


_BUILDERS: dict[type, Callable[[Any], Any]] = {
    FoundCron: _real_cron,
    FoundInterval: _real_interval,
    FoundDate: _real_date,
    FoundCalendarInterval: _real_calendar_interval,
    FoundCombination: _real_combination,
}
