"""Jobs on their way here from other schedulers, and what their shadows decided."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from scheduler_service.storage.batches import is_postgresql
from scheduler_service.storage.models import SHADOW, Move, ObservedRun, PeriodicTask, TaskRun


@dataclass(frozen=True)
class MoveFilter:
    """Which moves; None means any."""

    source: str | None = None
    state: Collection[str] | None = None
    schedule_id: int | None = None


@dataclass(frozen=True)
class Shadowed:
    """What a shadow decided: an occurrence, when it would have been sent, and how many were folded into it."""

    occurrence_at: datetime
    fire_at: datetime
    state: str
    folded: int


def search(session: Session, wanted: MoveFilter, *, limit: int | None = None, after: int | None = None) -> list[Move]:
    """Moves in the order in which they were made."""
    statement = select(Move).order_by(Move.id)
    for column, value in ((Move.source, wanted.source), (Move.periodic_task_id, wanted.schedule_id)):
        if value is not None:
            statement = statement.where(column == value)
    if wanted.state is not None:
        statement = statement.where(Move.state.in_(wanted.state))
    if after is not None:
        statement = statement.where(Move.id > after)
    return list(session.scalars(statement.limit(limit)))


def lock(session: Session, ids: Collection[int]) -> list[Move]:
    """These moves, with their schedules, locked in this order: schedules first, as everywhere."""
    schedules = select(Move.periodic_task_id).where(Move.id.in_(ids))
    locked = select(PeriodicTask.id).where(PeriodicTask.id.in_(schedules)).order_by(PeriodicTask.id)
    session.execute(locked.with_for_update()).all()
    statement = select(Move).where(Move.id.in_(ids)).order_by(Move.id).with_for_update()
    return list(session.scalars(statement.execution_options(populate_existing=True)))


def alone(session: Session, source: str) -> None:
    """Wait until nobody else makes schedules of this source, until the end of the transaction."""
    if is_postgresql(session):
        session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:source, 5))"), {"source": source})


def put(session: Session, known: Move | None, **values: Any) -> None:
    """Enter a job, or what has become of one that is known."""
    move = known or Move()
    for name, value in values.items():
        setattr(move, name, value)
    session.add(move)
    session.flush()


def counts(session: Session, source: str | None = None) -> dict[str, int]:
    """How many moves are in each state."""
    statement = select(Move.state, func.count()).group_by(Move.state)
    if source is not None:
        statement = statement.where(Move.source == source)
    return dict(session.execute(statement).all())


def counts_by_source(session: Session) -> dict[str, dict[str, int]]:
    """How many moves of each source are in each state, sources by name."""
    statement = select(Move.source, Move.state, func.count()).group_by(Move.source, Move.state).order_by(Move.source)
    found: dict[str, dict[str, int]] = {}
    for source, state, count in session.execute(statement):
        found.setdefault(source, {})[state] = count
    return found


def since_latest(session: Session, move: Move, *, count: int) -> datetime | None:
    """Since when neither side of this job has many more instants than that; None: neither has so many."""
    ours = (
        select(TaskRun.occurrence_at)
        .where(TaskRun.periodic_task_id == move.periodic_task_id, TaskRun.origin == SHADOW)
        .order_by(TaskRun.occurrence_at.desc())
    )
    theirs = (
        select(ObservedRun.scheduled_at)
        .where(ObservedRun.source == move.source, ObservedRun.source_id == move.source_id)
        .order_by(ObservedRun.scheduled_at.desc())
    )
    found = (session.scalar(statement.offset(count).limit(1)) for statement in (ours, theirs))
    return max((at for at in found if at is not None), default=None)


def schedules_of(session: Session, moves: Sequence[Move]) -> dict[int, PeriodicTask]:
    """The schedules of these moves that are there, by their id."""
    ids = [move.periodic_task_id for move in moves if move.periodic_task_id is not None]
    return {task.id: task for task in session.scalars(select(PeriodicTask).where(PeriodicTask.id.in_(ids)))}


def shadowed(session: Session, schedule_id: int, *, since: datetime, until: datetime) -> list[Shadowed]:
    """What a shadow decided of the instants from `since` until `until`, by instant."""
    statement = (
        select(TaskRun.occurrence_at, TaskRun.fire_at, TaskRun.state, TaskRun.coalesced)
        .where(TaskRun.periodic_task_id == schedule_id, TaskRun.origin == SHADOW)
        .where(TaskRun.occurrence_at >= since, TaskRun.occurrence_at < until)
        .order_by(TaskRun.occurrence_at)
    )
    return [Shadowed(*row) for row in session.execute(statement)]
