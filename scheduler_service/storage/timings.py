"""Timings in tables: rows that equal timings share, and the values that the timing room computes with."""

import json
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

from sqlalchemy import Select, Text, cast, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from scheduler_service.errors import FieldProblem, InvalidTiming
from scheduler_service.storage.batches import is_postgresql
from scheduler_service.storage.models import (
    TIMING_COLUMNS,
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    RruleSchedule,
    SolarSchedule,
)
from scheduler_service.storage.models import Calendar as CalendarRow
from scheduler_service.timing import planning
from scheduler_service.timing.calendar_definitions import parse_calendar
from scheduler_service.timing.calendars import Calendar, Days
from scheduler_service.timing.clocked import Clocked
from scheduler_service.timing.crontab import Crontab
from scheduler_service.timing.interval import Interval
from scheduler_service.timing.planning import Terms
from scheduler_service.timing.rrule import Rrule
from scheduler_service.timing.solar import Solar
from scheduler_service.timing.timings import TICK, Timing

CRONTAB_FIELDS = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week", "timezone", "day_match")
#: What `PeriodicTask` calls the row of its timing; it has one of them.
RELATIONS = tuple(column.removesuffix("_id") for column in TIMING_COLUMNS)
#: What `terms_of_row` reads besides the schedule's own columns. A calendar comes as text: most are parsed already, and
#: one that is no JSON must not spoil the whole answer.
WHEN_COLUMNS = (
    *(CrontabSchedule.__table__.c[field] for field in CRONTAB_FIELDS),
    IntervalSchedule.__table__.c.every,
    IntervalSchedule.__table__.c.period,
    ClockedSchedule.__table__.c.clocked_time,
    SolarSchedule.__table__.c.event,
    SolarSchedule.__table__.c.latitude,
    SolarSchedule.__table__.c.longitude,
    RruleSchedule.__table__.c.rule,
    cast(CalendarRow.__table__.c.definition, Text).label("calendar_definition"),
)


def with_when(statement: Select[Any]) -> Select[Any]:
    """The statement on `periodic_task`, joined with what WHEN_COLUMNS come from."""
    joined: Any = PeriodicTask.__table__
    for model in (CrontabSchedule, IntervalSchedule, ClockedSchedule, SolarSchedule, RruleSchedule, CalendarRow):
        joined = joined.outerjoin(model.__table__)  # by its only foreign key
    return statement.select_from(joined)


def timing_of(task: PeriodicTask) -> Timing:
    """The timing of a schedule. Raises: InvalidTiming."""
    for relation in RELATIONS:
        row = getattr(task, relation)
        if row is not None:
            return _built(relation, row, anchor_of(task))
    raise InvalidTiming.field("timing", "the schedule has none")


def terms_of(task: PeriodicTask) -> Terms:
    """A schedule's timing with its limits. Raises: InvalidTiming."""
    definition = task.calendar.definition if task.calendar is not None else None
    return _terms(task, timing_of(task), None if definition is None else canonical(definition))


def terms_of_row(row: Any) -> Terms:
    """The same of a row with the schedule's columns and WHEN_COLUMNS. Raises: InvalidTiming."""
    for relation, sign in _SIGNS.items():
        if getattr(row, sign) is not None:
            return _terms(row, _built(relation, row, anchor_of(row)), row.calendar_definition)
    raise InvalidTiming.field("timing", "the schedule has none")


def days_of(timing: Timing, definition: str | None, *, mode: str) -> Days | None:
    """The calendar as a schedule of this timing uses it: by the dates of the timing's zone. Raises: InvalidTiming."""
    return None if definition is None else Days(_calendar(definition), mode == "only", zone_name_of(timing))


def canonical(definition: Any) -> str:
    """A calendar's definition as the text that it is known by."""
    return json.dumps(definition, sort_keys=True)


def zone_name_of(timing: Timing) -> str:
    """The zone that a timing is written in; UTC where it needs none."""
    if isinstance(timing, Crontab):
        return timing.timezone
    return timing.text.zone_name if isinstance(timing, Rrule) else "UTC"


def anchor_of(row: Any) -> datetime:
    """Where an interval counts from: its anchor if one was kept, else its start, else its creation."""
    anchor: datetime = row.anchor_at or row.start_time or row.created_at
    return anchor


def is_set_by_hand(row: Any, terms: Terms) -> bool:
    """Whether a writer put its own `next_run_at`: it is honoured as an occurrence of its own."""
    if row.next_run_at is None:
        return False
    if row.next_occurrence_at is None:
        return True
    planned = planning.first(terms, after=row.next_occurrence_at - TICK)
    return planned is None or (planned.occurrence_at, planned.fire_at) != (row.next_occurrence_at, row.next_run_at)


def point_at(session: Session, task: PeriodicTask, timing: Timing | None) -> None:
    """Make the schedule use the shared row of this timing, or none; the row it used before stays as it is.

    Nothing is flushed meanwhile: a half-edited schedule would count as a revision of its own.
    """
    with session.no_autoflush:
        wanted, row = _shared_row(session, timing) if timing is not None else (None, None)
        for relation in RELATIONS:
            setattr(task, f"{relation}_id", row.id if row is not None and relation == wanted else None)
            setattr(task, relation, row if relation == wanted else None)


def _shared_row(session: Session, timing: Timing) -> tuple[str, Any]:
    """What the relation is called, and the row that it points to."""
    match timing:
        case Crontab():
            fields = {field: getattr(timing, field) for field in CRONTAB_FIELDS}
            return "crontab", _shared(session, CrontabSchedule, fields)
        case Interval():
            return "interval", _shared(session, IntervalSchedule, {"every": timing.every, "period": timing.period})
        case Clocked():
            return "clocked", _shared(session, ClockedSchedule, {"clocked_time": timing.at})
        case Solar():
            fields = {field: getattr(timing, field) for field in ("event", "latitude", "longitude")}
            return "solar", _shared(session, SolarSchedule, fields)
        case Rrule():
            return "rrule", _shared(session, RruleSchedule, {"rule": timing.rule})
        case _:
            raise InvalidTiming.field("timing", f"{type(timing).__name__} cannot be stored")


def _shared(session: Session, model: Any, fields: dict[str, Any]) -> Any:
    """The one row with these fields, made when it is not there; two writers at once get the same.

    A session looks for it once: the schedules of an import have few timings.
    """
    known: dict[Any, Any] = session.info.setdefault("shared timings", {})
    place = (model, *fields.values())
    if place not in known:
        insert = postgresql.insert if is_postgresql(session) else sqlite.insert
        session.execute(insert(model).values(fields).on_conflict_do_nothing())
        known[place] = session.scalars(select(model).filter_by(**fields)).one()
    return known[place]


#: The column of WHEN_COLUMNS that tells which timing a row has.
_SIGNS = {"crontab": "minute", "interval": "every", "clocked": "clocked_time", "solar": "event", "rrule": "rule"}


def _built(relation: str, row: Any, anchor: datetime) -> Timing:
    """The value that the columns of a timing name. Raises: InvalidTiming."""
    match relation:
        case "crontab":
            return _crontab(tuple(getattr(row, field) for field in CRONTAB_FIELDS))
        case "interval":
            return _interval(row.every, row.period, anchor)
        case "clocked":
            return Clocked(row.clocked_time)
        case "solar":
            return Solar(row.event, row.latitude, row.longitude)
        case _:
            return _rrule(row.rule)


def _terms(row: Any, timing: Timing, definition: str | None) -> Terms:
    days = days_of(timing, definition, mode=row.calendar_mode)
    return Terms(timing, row.start_time, row.expires, timedelta(seconds=row.jitter_seconds), row.id, days)


@lru_cache(4096)
def _crontab(fields: tuple[str, ...]) -> Crontab:
    minute, hour, day_of_month, month_of_year, day_of_week, timezone, day_match = fields
    if day_match not in ("and", "or"):
        raise InvalidTiming.field("day_match", "is neither `and` nor `or`")
    match: Literal["and", "or"] = "or" if day_match == "or" else "and"
    return Crontab(minute, hour, day_of_month, month_of_year, day_of_week, timezone, match)


@lru_cache(4096)
def _interval(every: int, period: Any, anchor: datetime) -> Interval:
    return Interval(every, period, anchor)


@lru_cache(1024)
def _rrule(rule: str) -> Rrule:
    return Rrule(rule)


@lru_cache(256)
def _calendar(definition: str) -> Calendar:
    """The calendar of a definition's JSON; equal texts give the same one. Raises: InvalidTiming."""
    try:
        return parse_calendar(json.loads(definition))
    except InvalidTiming as why:
        fields = (".".join(("calendar", "definition", found.field)) for found in why.problems)
        problems = zip(fields, why.problems, strict=True)
        raise InvalidTiming([FieldProblem(field, found.reason, found.example) for field, found in problems]) from None
    except ValueError:  # what is no JSON
        raise InvalidTiming.field("calendar.definition", "is not JSON") from None
