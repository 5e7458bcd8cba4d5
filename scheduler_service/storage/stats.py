"""Runs in numbers: how many, how late, how long. One look at a range of an index each.

How late: from when a run was to be sent until its first attempt began (or, of a task that nobody tracks, until it was
sent). How long: from there until it ended, of its last attempt.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Float, Select, case, cast, func, select
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.orm import Session

from scheduler_service.storage.batches import is_postgresql
from scheduler_service.storage.models import TaskRun

PERCENTILES = (0.5, 0.95, 0.99)


@dataclass(frozen=True)
class Spread:
    """Of some durations in seconds the percentiles and the greatest; None where there are none."""

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    max: float | None = None


@dataclass(frozen=True)
class Stats:
    """Runs that were decided in a range of time."""

    states: dict[str, int] = field(default_factory=dict)
    lateness: Spread = Spread()
    duration: Spread = Spread()


@dataclass(frozen=True)
class StatsFilter:
    """Of which runs; `since` is included, `until` is not."""

    since: datetime
    until: datetime
    schedule_id: int | None = None
    kind: str | None = None


def of_runs(session: Session, wanted: StatsFilter) -> Stats:
    """The numbers of those runs."""
    states = session.execute(_within(select(TaskRun.state, func.count()), wanted).group_by(TaskRun.state))
    seconds = _within(select(lateness(session).label("late"), duration(session).label("took")), wanted)
    return Stats(dict(sorted(states)), *_spreads(session, seconds))


def lateness(session: Session) -> ColumnElement[float]:
    """Of a run in SQL, in seconds; NULL while it is not known, and of one that was tried again."""
    began = func.coalesce(TaskRun.started_at, TaskRun.published_at)
    return case((TaskRun.attempt == 1, _seconds(session, TaskRun.fire_at, began)))


def duration(session: Session) -> ColumnElement[float]:
    """Of a run in SQL, in seconds; NULL of one that has not both begun and ended."""
    return _seconds(session, TaskRun.started_at, TaskRun.finished_at)


def _seconds(session: Session, start: Any, end: Any) -> ColumnElement[float]:
    """Clocks of two hosts may make an end come first."""
    between: ColumnElement[float]
    if is_postgresql(session):
        between = cast(func.extract("epoch", end - start), Float)
    else:
        between = (func.julianday(end) - func.julianday(start)) * 86_400.0
    return case((end > start, between), (end <= start, 0.0))


def _spreads(session: Session, seconds: Select[Any]) -> tuple[Spread, Spread]:
    columns = seconds.subquery().c
    if is_postgresql(session):
        return _postgresql_spreads(session, columns.late, columns.took)
    return _sqlite_spread(session, columns.late), _sqlite_spread(session, columns.took)


def _postgresql_spreads(session: Session, late: Any, took: Any) -> tuple[Spread, Spread]:
    """In one pass."""
    found = (func.percentile_cont(array(PERCENTILES, type_=Float)).within_group(column) for column in (late, took))
    row = session.execute(select(*found, func.max(late), func.max(took))).one()
    return _spread(row[0] or (), row[2]), _spread(row[1] or (), row[3])


def _sqlite_spread(session: Session, column: Any) -> Spread:
    """By hand: of the values in order, each weighs the less the farther its place is from the wanted one."""
    place = func.row_number().over(order_by=column) - 1
    placed = select(column.label("value"), place.label("place"), func.count().over().label("number"))
    ranked = placed.where(column.is_not(None)).subquery().c
    weighed = [
        func.sum(ranked.value * func.max(0.0, 1.0 - func.abs(ranked.place - wanted * (ranked.number - 1))))
        for wanted in PERCENTILES
    ]
    *percentiles, greatest = session.execute(select(*weighed, func.max(ranked.value))).one()
    return _spread(percentiles, greatest)


def _spread(percentiles: Sequence[float | None], greatest: float | None) -> Spread:
    """Microseconds are as fine as the instants are."""
    if greatest is None:
        return Spread()
    return Spread(*(round(value or 0.0, 6) for value in (*percentiles, greatest)))


def _within(statement: Any, wanted: StatsFilter) -> Any:
    statement = statement.where(TaskRun.decided_at >= wanted.since, TaskRun.decided_at < wanted.until)
    if wanted.schedule_id is not None:
        statement = statement.where(TaskRun.periodic_task_id == wanted.schedule_id)
    if wanted.kind is not None:
        statement = statement.where(TaskRun.kind == wanted.kind)
    return statement
