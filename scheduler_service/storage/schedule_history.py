"""What became of one schedule lately, and who depends on it: short looks along indexes, however long its past is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal_column, select
from sqlalchemy.orm import Session

from scheduler_service.storage.models import PeriodicTask, ScheduleAfter, TaskRun

#: Of an error, which may be long, as much as a row shows.
EXCERPT = 200
# As the partial indexes spell their conditions, or SQLite would not be sure that they hold them all.
_ACTIVE: list[ColumnElement[str]] = [
    literal_column(f"'{state}'") for state in ("pending", "published", "running", "retrying")
]
_WAITS = (
    (TaskRun.state.in_(_ACTIVE), TaskRun.state == literal_column("'pending'")),
    (TaskRun.state == literal_column("'buffered'"),),
)


@dataclass(frozen=True)
class PastRun:
    """A run without what it was given and what it gave. `error` is the beginning of it."""

    id: UUID
    state: str
    reason: str | None
    error: str | None
    origin: str
    occurrence_at: datetime
    fire_at: datetime
    published_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    attempt: int
    worker: str | None
    coalesced: int

    @property
    def late_seconds(self) -> float | None:
        """From when it was to be sent until it began; None while that is not known, and of one that was tried again."""
        began = self.started_at or self.published_at
        return _between(self.fire_at, began) if began is not None and self.attempt == 1 else None

    @property
    def took_seconds(self) -> float | None:
        """From when its last attempt began until it ended."""
        return _between(self.started_at, self.finished_at) if self.started_at and self.finished_at else None


def last_runs(session: Session, schedule_id: int, *, limit: int) -> list[PastRun]:
    """The newest runs of a schedule by decision, newest first."""
    columns = [getattr(TaskRun, name) for name in PastRun.__dataclass_fields__ if name != "error"]
    rows = session.execute(
        select(*columns, func.substr(TaskRun.error, 1, EXCERPT).label("error"))
        .where(TaskRun.periodic_task_id == schedule_id)
        .order_by(TaskRun.decided_at.desc(), TaskRun.id.desc())
        .limit(limit)
    )
    return [PastRun(**row._mapping) for row in rows]


def waiting(session: Session, schedule_id: int, *, at_most: int) -> int:
    """How many runs would never start without the schedule, counted up to a bound."""
    found = 0
    for condition in _WAITS:
        its = select(TaskRun.id).where(TaskRun.periodic_task_id == schedule_id, *condition)
        found += session.scalar(select(func.count()).select_from(its.limit(at_most - found).subquery())) or 0
    return found


def followers(session: Session, schedule_id: int) -> Sequence[tuple[int, str]]:
    """Those that run after it: id and name, by name."""
    rows = session.execute(
        select(PeriodicTask.id, PeriodicTask.name)
        .join(ScheduleAfter, ScheduleAfter.downstream_id == PeriodicTask.id)
        .where(ScheduleAfter.upstream_id == schedule_id)
        .order_by(PeriodicTask.name)
    )
    return [(row.id, row.name) for row in rows]


def _between(start: datetime, end: datetime) -> float:
    """Clocks of two hosts may make an end come first."""
    return max((end - start).total_seconds(), 0.0)
