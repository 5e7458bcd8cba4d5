"""Backfills: occurrences of a past range that are run after all, a few of them at a time.

All their runs are there from the start, as `buffered` rows; Beat lets so many go that no more than `max_parallel` go
on. A backfill's row is locked before its runs.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    String,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.orm import Session

from scheduler_service.errors import BackfillNotFound
from scheduler_service.storage import cancelling
from scheduler_service.storage.batches import among, is_postgresql
from scheduler_service.storage.models import SHADOW, WAITING_STATES, Backfill, PeriodicTask, TaskRun
from scheduler_service.storage.runs import goes_on
from scheduler_service.storage.triggers import CHANNEL

ATTENDED_AT_ONCE = 100  # backfills in one transaction of Beat's

# Spelt out, not sent as parameters, or no database would be sure that its partial index holds them all.
_BUFFERED = TaskRun.state == literal_column("'buffered'")
_SENT = TaskRun.state.in_([literal_column(f"'{state}'") for state in WAITING_STATES if state != "buffered"])


@dataclass(frozen=True)
class BackfillFilter:
    """Which backfills; None means any."""

    schedule_id: int | None = None
    state: str | None = None


def origin_of(backfill_id: int) -> str:
    """The origin of its runs."""
    return f"backfill:{backfill_id}"


def outcomes(session: Session, schedule_id: int, occurrences: Sequence[datetime]) -> list[tuple[datetime, str]]:
    """The state of each run that Beat or a backfill made for these occurrences (sorted, not empty), by decision."""
    others = session.scalars(
        select(Backfill.id).where(
            Backfill.periodic_task_id == schedule_id,
            Backfill.start_at <= occurrences[-1],
            Backfill.end_at > occurrences[0],
        )
    )
    origins = ["auto", SHADOW, *map(origin_of, others)]
    rows = session.execute(
        select(TaskRun.occurrence_at, TaskRun.state)
        .where(
            TaskRun.periodic_task_id == schedule_id,
            among(session, TaskRun.origin, origins),
            among(session, TaskRun.occurrence_at, occurrences),
        )
        .order_by(TaskRun.decided_at, TaskRun.id)
    )
    return [(occurrence_at, state) for occurrence_at, state in rows]


def add(session: Session, backfill: Backfill) -> None:
    """Write a new backfill; its runs are to be written in the same transaction. Beat looks when it is committed."""
    session.add(backfill)
    session.flush()
    session.refresh(backfill)
    if is_postgresql(session):
        session.execute(text(f"NOTIFY {CHANNEL}"))


def get(session: Session, backfill_id: int, *, locked: bool = False) -> Backfill:
    """Locked: until the transaction ends. Raises: BackfillNotFound."""
    found = session.get(Backfill, backfill_id, with_for_update=True if locked else None)
    if found is None:
        raise BackfillNotFound(backfill_id)
    return found


def search(session: Session, wanted: BackfillFilter, *, limit: int, after: int | None = None) -> list[Backfill]:
    """A page of backfills, newest first; `after` is the id of the last one seen."""
    statement = select(Backfill).order_by(Backfill.id.desc()).limit(limit)
    if wanted.schedule_id is not None:
        statement = statement.where(Backfill.periodic_task_id == wanted.schedule_id)
    if wanted.state is not None:
        statement = statement.where(Backfill.state == wanted.state)
    if after is not None:
        statement = statement.where(Backfill.id < after)
    return list(session.scalars(statement))


def progress(session: Session, backfill: Backfill) -> dict[str, int]:
    """How many of its runs are in each state."""
    rows = session.execute(
        select(TaskRun.state, func.count()).where(_run_of(backfill)).group_by(TaskRun.state).order_by(TaskRun.state)
    )
    return dict(rows.all())


def name_of_schedule(session: Session, backfill: Backfill) -> str:
    """As its runs know it: the schedule may be gone."""
    return session.scalar(select(TaskRun.schedule_name).where(_run_of(backfill)).limit(1)) or ""


def names_of_schedules(session: Session, schedule_ids: Collection[int]) -> dict[int, str]:
    """Those that are there."""
    named = select(PeriodicTask.id, PeriodicTask.name).where(PeriodicTask.id.in_(schedule_ids))
    return {row.id: row.name for row in session.execute(named)}


def cancel(session: Session, backfill: Backfill, *, reason: str, now: datetime) -> None:
    """End what has not started, ask what runs to end. The caller holds the backfill locked."""
    unfinished = and_(_run_of(backfill), TaskRun.state.in_(WAITING_STATES))
    # In the order in which Beat marks what it sent, so that neither waits for the other for ever.
    session.execute(select(TaskRun.id).where(unfinished).order_by(TaskRun.id).with_for_update())
    cancelling.end_all(session, unfinished, mode="ask", reason=reason, now=now)
    backfill.state, backfill.finished_at = "cancelled", now
    session.flush()


def to_attend() -> ColumnElement[bool]:
    """A backfill that has something for Beat to do: some wait and there is room, or none is left at all."""
    own = and_(
        TaskRun.periodic_task_id == Backfill.periodic_task_id,
        TaskRun.origin == literal("backfill:") + cast(Backfill.id, String),
    )
    going_on = select(func.count()).where(own, _SENT, goes_on()).correlate(Backfill).scalar_subquery()
    some_wait = exists().where(own, _BUFFERED).correlate(Backfill)
    return and_(
        Backfill.state == literal_column("'running'"), going_on < case((some_wait, Backfill.max_parallel), else_=1)
    )


def attend(session: Session, *, now: datetime) -> int:
    """Let runs go where there is room, end what is over; how many backfills.

    Those that another Beat holds are skipped, not waited for.
    """
    attended = session.scalars(
        select(Backfill)
        .where(to_attend())
        .order_by(Backfill.id)
        .limit(ATTENDED_AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    return sum(_attend_one(session, backfill, now=now) for backfill in attended)


def _attend_one(session: Session, backfill: Backfill, *, now: datetime) -> bool:
    """Counted anew, since another Beat may have let runs go before this one held the lock."""
    own = _run_of(backfill)
    going_on = session.scalar(select(func.count()).where(own, _SENT, goes_on())) or 0
    place = TaskRun.occurrence_at.desc() if backfill.newest_first else TaskRun.occurrence_at
    waiting = select(TaskRun.id).where(own, _BUFFERED).order_by(place)
    ids = session.scalars(waiting.limit(max(backfill.max_parallel - going_on, 0))).all()
    if ids:
        # To be sent now: the deadline for a broker that is away counts from here.
        sent = {"state": "pending", "reason": None, "fire_at": now}
        session.execute(update(TaskRun).where(among(session, TaskRun.id, ids), _BUFFERED).values(sent))
    elif not going_on:
        is_there = session.scalar(select(exists().where(PeriodicTask.id == backfill.periodic_task_id)))
        backfill.state, backfill.finished_at = "done" if is_there else "cancelled", now
    return bool(ids) or not going_on


def _run_of(backfill: Backfill) -> ColumnElement[bool]:
    return and_(TaskRun.periodic_task_id == backfill.periodic_task_id, TaskRun.origin == origin_of(backfill.id))
