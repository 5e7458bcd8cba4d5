"""Schedules, as people read and edit them. What Beat does with them is in `due.py`.

Answers are read back by SELECT after a flush: the triggers write `revision` and `next_run_at`, and neither the ORM
nor RETURNING (on SQLite) would know.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, and_, case, exists, func, literal, or_, select, text, type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.orm.attributes import flag_modified

from scheduler_service.errors import ScheduleNameTaken, ScheduleNotFound
from scheduler_service.storage.batches import is_postgresql
from scheduler_service.storage.columns import Instant
from scheduler_service.storage.models import PLANNABLE, Calendar, PeriodicTask
from scheduler_service.storage.names import unique_name
from scheduler_service.storage.timings import RELATIONS

STATES = ("active", "paused", "completed", "quarantined")
SORTS = ("name", "next_run_at", "last_run_at", "created_at", "date_changed")
#: Where a schedule without the instant stands: last, in either direction.
LATEST, EARLIEST = datetime(9999, 12, 31, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class ScheduleFilter:
    """Which schedules; None means any. `q` is looked for in name, task and description."""

    kind: str | None = None
    enabled: bool | None = None
    state: str | None = None
    task: str | None = None
    tag: str | None = None
    q: str | None = None


@dataclass(frozen=True)
class Order:
    """By which of SORTS, and which way; equal ones by id."""

    by: str = "name"
    descending: bool = False


def get(session: Session, schedule_id: int) -> PeriodicTask:
    """Raises: ScheduleNotFound."""
    return _one(session, _with_timings().where(PeriodicTask.id == schedule_id), schedule_id)


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


def search(
    session: Session, wanted: ScheduleFilter, order: Order, *, limit: int, after: tuple[Any, int] | None = None
) -> list[PeriodicTask]:
    """A page of schedules; `after` is `place` of the last one seen."""
    key, statement = _key(order), _filtered(session, wanted)
    if after is not None:
        value, last_id = literal(after[0], key.type), after[1]
        beyond = key < value if order.descending else key > value
        further = PeriodicTask.id < last_id if order.descending else PeriodicTask.id > last_id
        statement = statement.where(or_(beyond, and_(key == value, further)))
    if order.descending:
        statement = statement.order_by(key.desc(), PeriodicTask.id.desc())
    else:
        statement = statement.order_by(key, PeriodicTask.id)
    return list(session.scalars(statement.limit(limit)))


def place(task: PeriodicTask, order: Order) -> tuple[Any, int]:
    """Where a schedule stands in this order."""
    value = getattr(task, order.by)
    if order.by == "next_run_at" and state_of(task) != "active":
        value = None
    return (_nowhere(order) if value is None else value), task.id


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


def _with_timings() -> Select[PeriodicTask]:
    """With what `when` is made of, except a calendar's definition: that may be long, and few ask for it."""
    timings = (joinedload(getattr(PeriodicTask, relation)) for relation in RELATIONS)
    return select(PeriodicTask).options(*timings, joinedload(PeriodicTask.calendar).defer(Calendar.definition))


def _filtered(session: Session, wanted: ScheduleFilter) -> Select[PeriodicTask]:
    statement = _with_timings()
    for column, value in (
        (PeriodicTask.kind, wanted.kind),
        (PeriodicTask.enabled, wanted.enabled),
        (PeriodicTask.task, wanted.task),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if wanted.state is not None:
        statement = statement.where(_in_state(wanted.state))
    if wanted.tag is not None:
        statement = statement.where(_tagged(session, wanted.tag))
    if wanted.q is not None:
        columns = (PeriodicTask.name, PeriodicTask.task, PeriodicTask.description)
        statement = statement.where(or_(*(column.icontains(wanted.q, autoescape=True) for column in columns)))
    return statement


def _in_state(state: str) -> Any:
    """The same as `state_of`, for the database."""
    on, well = PeriodicTask.enabled, PeriodicTask.quarantine_reason.is_(None)
    return {
        "paused": ~on,
        "quarantined": and_(on, ~well),
        "completed": and_(on, well, PeriodicTask.completed_reason.is_not(None)),
        "active": and_(on, well, PeriodicTask.completed_reason.is_(None)),
    }[state]


def _tagged(session: Session, tag: str) -> Any:
    if is_postgresql(session):
        return type_coerce(PeriodicTask.tags, JSONB).contains([tag])
    each = func.json_each(PeriodicTask.tags).table_valued("value")
    return exists(select(1).select_from(each).where(each.c.value == tag))


def _key(order: Order) -> Any:
    column = getattr(PeriodicTask, order.by)
    if order.by not in ("next_run_at", "last_run_at"):
        return column
    nowhere = literal(_nowhere(order), Instant())
    if order.by == "next_run_at":
        column = case((text(PLANNABLE), column))
    return func.coalesce(column, nowhere, type_=Instant())


def _nowhere(order: Order) -> datetime:
    return EARLIEST if order.descending else LATEST


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
