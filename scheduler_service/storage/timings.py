"""Timings in tables: rows that equal timings share, and the values that the timing room computes with."""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Literal, TypeVar

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from scheduler_service.errors import InvalidTiming
from scheduler_service.storage.batches import is_postgresql
from scheduler_service.storage.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask
from scheduler_service.timing.clocked import Clocked
from scheduler_service.timing.crontab import Crontab
from scheduler_service.timing.interval import Interval
from scheduler_service.timing.planning import Terms
from scheduler_service.timing.timings import Timing

CRONTAB_FIELDS = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week", "timezone", "day_match")

TimingRow = TypeVar("TimingRow", CrontabSchedule, IntervalSchedule, ClockedSchedule)


def build_timing(
    *,
    crontab: tuple[str, ...] | None = None,
    interval: tuple[int, str] | None = None,
    clocked: datetime | None = None,
    anchor: datetime,
) -> Timing:
    """The value that the columns of a timing name. Raises: InvalidTiming."""
    if crontab is not None:
        return _crontab(crontab)
    if interval is not None:
        every, period = interval
        return _interval(every, period, anchor)
    if clocked is not None:
        return Clocked(clocked)
    raise InvalidTiming.field("timing", "this version plans crontab, interval and clocked timings only")


def timing_of(task: PeriodicTask) -> Timing:
    """The timing of a schedule that was loaded with its timing row. Raises: InvalidTiming."""
    crontab, interval, clocked = task.crontab, task.interval, task.clocked
    return build_timing(
        crontab=tuple(getattr(crontab, field) for field in CRONTAB_FIELDS) if crontab else None,
        interval=(interval.every, interval.period) if interval else None,
        clocked=clocked.clocked_time if clocked else None,
        anchor=anchor_of(task),
    )


def terms_of(task: PeriodicTask) -> Terms:
    """A schedule's timing with its limits. Raises: InvalidTiming."""
    return Terms(timing_of(task), task.start_time, task.expires, timedelta(seconds=task.jitter_seconds), task.id)


def anchor_of(row: Any) -> datetime:
    """Where an interval counts from: its anchor if one was kept, else its start, else its creation."""
    anchor: datetime = row.anchor_at or row.start_time or row.created_at
    return anchor


def point_at(session: Session, task: PeriodicTask, timing: Timing) -> None:
    """Make the schedule use the shared row of this timing; the row it used before stays as it is.

    Nothing is flushed meanwhile: a half-edited schedule would count as a revision of its own.
    """
    with session.no_autoflush:
        _point_at(session, task, timing)


def _point_at(session: Session, task: PeriodicTask, timing: Timing) -> None:
    task.crontab_id = task.interval_id = task.clocked_id = task.solar_id = task.rrule_id = None
    match timing:
        case Crontab():
            row: Any = _shared(session, CrontabSchedule, {field: getattr(timing, field) for field in CRONTAB_FIELDS})
            task.crontab_id, task.crontab, task.interval, task.clocked = row.id, row, None, None
        case Interval():
            row = _shared(session, IntervalSchedule, {"every": timing.every, "period": timing.period})
            task.interval_id, task.crontab, task.interval, task.clocked = row.id, None, row, None
        case Clocked():
            row = _shared(session, ClockedSchedule, {"clocked_time": timing.at})
            task.clocked_id, task.crontab, task.interval, task.clocked = row.id, None, None, row
        case _:
            raise InvalidTiming.field("timing", f"{type(timing).__name__} cannot be stored")


def _shared(session: Session, model: type[TimingRow], fields: dict[str, Any]) -> TimingRow:
    """The one row with these fields, made when it is not there; two writers at once get the same."""
    insert = postgresql.insert if is_postgresql(session) else sqlite.insert
    session.execute(insert(model).values(fields).on_conflict_do_nothing())
    return session.scalars(select(model).filter_by(**fields)).one()


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
