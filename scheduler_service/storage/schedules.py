"""Schedules, as people read and edit them; lists are in `schedule_lists.py`, and what Beat does with them in `due.py`.

Answers are read back by SELECT after a flush: the triggers write `revision` and `next_run_at`, and neither the ORM
nor RETURNING (on SQLite) would know.
"""

import json
from typing import Any

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session, joinedload, selectinload
from sqlalchemy.orm.attributes import flag_modified

from scheduler_service.errors import ScheduleNameTaken, ScheduleNotFound
from scheduler_service.storage.models import Calendar, PeriodicTask
from scheduler_service.storage.names import unique_name
from scheduler_service.storage.timings import RELATIONS

STATES = ("active", "paused", "completed", "quarantined")


def get(session: Session, schedule_id: int) -> PeriodicTask:
    """Raises: ScheduleNotFound."""
    return _one(session, with_timings().where(PeriodicTask.id == schedule_id), schedule_id)


def get_locked(session: Session, schedule_id: int) -> PeriodicTask:
    """The schedule, locked until the transaction ends. Raises: ScheduleNotFound."""
    locked = select(PeriodicTask).where(PeriodicTask.id == schedule_id).with_for_update(of=PeriodicTask)
    return _one(session, locked.execution_options(populate_existing=True), schedule_id)


def state_of(task: PeriodicTask) -> str:
    """One of STATES."""
    if not task.enabled:
        return "paused"
    if task.quarantine_reason is not None:
        return "quarantined"
    return "completed" if task.completed_reason is not None else "active"


def is_empty(session: Session) -> bool:
    """Whether there is no schedule at all."""
    return not session.scalar(select(exists(select(PeriodicTask.id))))


def with_timings() -> Select[PeriodicTask]:
    """With when they run, or after whom; without a calendar's definition: that may be long, and few ask for it."""
    timings = (joinedload(getattr(PeriodicTask, relation)) for relation in RELATIONS)
    return select(PeriodicTask).options(
        *timings, joinedload(PeriodicTask.calendar).defer(Calendar.definition), selectinload(PeriodicTask.upstreams)
    )


def change(task: PeriodicTask, values: dict[str, Any]) -> None:
    """Set columns. What is equal in Python but not in JSON, such as 1 and true, is a change too."""
    for name, value in values.items():
        old = getattr(task, name)
        if isinstance(value, (list, dict)):
            if _canonical(old) != _canonical(value):
                setattr(task, name, value)
                flag_modified(task, name)
        elif old != value or type(old) is not type(value):
            setattr(task, name, value)


def save(session: Session, task: PeriodicTask) -> None:
    """Write a new or changed schedule, and read back what the triggers made of it. Raises: ScheduleNameTaken."""
    with unique_name("periodic_task", ScheduleNameTaken(task.name)):
        session.add(task)
        session.flush()
    session.refresh(task)


def remove(session: Session, task: PeriodicTask) -> None:
    """Delete a schedule; its runs stay, those that wait are cancelled by a trigger."""
    session.delete(task)
    session.flush()


def _one(session: Session, statement: Select[PeriodicTask], schedule_id: int) -> PeriodicTask:
    task = session.scalars(statement).one_or_none()
    if task is None:
        raise ScheduleNotFound(schedule_id)
    return task


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
