"""Many schedules at once, in few statements. Whoever changes them has locked them, in the order of their ids."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from scheduler_service.errors import ImportOvertaken
from scheduler_service.storage.batches import among
from scheduler_service.storage.models import PeriodicTask, ScheduleAfter
from scheduler_service.storage.names import unique_name
from scheduler_service.storage.own_writes import CHANGED, DELETED
from scheduler_service.storage.schedules import with_timings

BATCH = 1000
UNSYNCHRONIZED = {"synchronize_session": False}
V = TypeVar("V")


def some(session: Session, ids: Sequence[int], *, locked: bool) -> list[PeriodicTask]:
    """Those of these that there are, by id; locked, if wanted, until the transaction ends."""
    statement = with_timings().order_by(PeriodicTask.id)
    if locked:
        statement = statement.with_for_update(of=PeriodicTask).execution_options(populate_existing=True)
    found: list[PeriodicTask] = []
    for these in _batches(sorted(ids)):
        found += session.scalars(statement.where(among(session, PeriodicTask.id, these)))
    return found


def named(session: Session, names: Sequence[str]) -> list[PeriodicTask]:
    """The schedules with these names."""
    return list(session.scalars(select(PeriodicTask).where(among(session, PeriodicTask.name, list(names)))))


def ids_of(session: Session, names: Sequence[str]) -> list[int]:
    """The ids of the schedules with these names."""
    found: list[int] = []
    for these in _batches(names):
        found += session.scalars(select(PeriodicTask.id).where(among(session, PeriodicTask.name, these)))
    return found


def add_all(session: Session, tasks: Sequence[PeriodicTask]) -> None:
    """Write new schedules. Raises: ImportOvertaken, where somebody took one of the names meanwhile."""
    with unique_name("periodic_task", ImportOvertaken()):
        session.add_all(tasks)
        session.flush()


def update_all(session: Session, edits: dict[int, dict[str, Any]]) -> None:
    """Set columns, {id: {column: value}}; equal edits are one statement."""
    same: dict[str, list[int]] = {}
    for schedule_id, values in edits.items():
        same.setdefault(json.dumps(values, sort_keys=True), []).append(schedule_id)
    for ids in same.values():
        edit = update(PeriodicTask).where(among(session, PeriodicTask.id, ids)).values(**edits[ids[0]], **CHANGED)
        session.execute(edit, execution_options=UNSYNCHRONIZED)


def remove_all(session: Session, ids: Sequence[int]) -> None:
    """Delete schedules; their runs stay, those that wait are cancelled by a trigger."""
    for batch in _batches(ids):
        these = among(session, PeriodicTask.id, batch)
        session.execute(update(PeriodicTask).where(these).values(DELETED), execution_options=UNSYNCHRONIZED)
        waiting = among(session, ScheduleAfter.downstream_id, batch)
        session.execute(delete(ScheduleAfter).where(waiting), execution_options=UNSYNCHRONIZED)
        session.execute(delete(PeriodicTask).where(these), execution_options=UNSYNCHRONIZED)


def _batches(values: Sequence[V]) -> Iterator[Sequence[V]]:
    return (values[start : start + BATCH] for start in range(0, len(values), BATCH))
