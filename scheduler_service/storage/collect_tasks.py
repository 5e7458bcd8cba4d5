"""Collect tasks: the documents that say what `collect.execute_task` brings in.

They decide nothing about when, so no trigger watches them: their revision is counted here.
"""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, exists, select, tuple_
from sqlalchemy.orm import Session

from scheduler_service.errors import CollectTaskNameTaken, CollectTaskNotFound
from scheduler_service.storage.columns import SqlNow
from scheduler_service.storage.models import CollectTask, PeriodicTask
from scheduler_service.storage.names import unique_name

#: The Celery task that runs one; its argument is the id.
TASK = "collect.execute_task"


def get(session: Session, collect_task_id: int) -> CollectTask:
    """Raises: CollectTaskNotFound."""
    return _one(session, select(CollectTask), collect_task_id)


def get_locked(session: Session, collect_task_id: int) -> CollectTask:
    """The collect task, locked until the transaction ends. Raises: CollectTaskNotFound."""
    locked = select(CollectTask).with_for_update().execution_options(populate_existing=True)
    return _one(session, locked, collect_task_id)


def is_empty(session: Session) -> bool:
    """Whether there is no collect task at all."""
    return not session.scalar(select(exists(select(CollectTask.id))))


def search(
    session: Session, *, q: str | None = None, limit: int, after: tuple[str, int] | None = None
) -> Sequence[CollectTask]:
    """A page of collect tasks by name; `after` is the (name, id) of the last one seen."""
    statement = select(CollectTask).order_by(CollectTask.name, CollectTask.id).limit(limit)
    if after is not None:
        statement = statement.where(tuple_(CollectTask.name, CollectTask.id) > after)
    if q is not None:
        found = CollectTask.name.icontains(q, autoescape=True)
        statement = statement.where(found | CollectTask.description.icontains(q, autoescape=True))
    return session.scalars(statement).all()


def add(session: Session, task: CollectTask) -> None:
    """Write a new one. Raises: CollectTaskNameTaken."""
    session.add(task)
    _save(session, task)


def change(session: Session, task: CollectTask, values: dict[str, Any]) -> bool:
    """Set columns; whether that changed anything, which makes a new revision. Raises: CollectTaskNameTaken."""
    changed = {name: value for name, value in values.items() if _canonical(getattr(task, name)) != _canonical(value)}
    if changed:
        for name, value in changed.items():
            setattr(task, name, value)
        task.revision += 1
        task.date_changed = SqlNow()
        _save(session, task)
    return bool(changed)


def remove(session: Session, task: CollectTask) -> None:
    """Delete it."""
    session.delete(task)
    session.flush()


def users(session: Session, collect_task_id: int) -> list[str]:
    """The names of the schedules that run it, whether its id is their argument by place or by name."""
    rows = session.execute(
        select(PeriodicTask.name, PeriodicTask.args, PeriodicTask.kwargs)
        .where(PeriodicTask.task == TASK)
        .order_by(PeriodicTask.name)
    )
    return [name for name, args, kwargs in rows if str(collect_task_id) in _ids(args, kwargs)]


def _ids(args: Any, kwargs: Any) -> set[str]:
    first = args[:1] if isinstance(args, list) else []
    named = [kwargs["task_id"]] if isinstance(kwargs, dict) and "task_id" in kwargs else []
    return {str(value) for value in (*first, *named)}


def _one(session: Session, statement: Select[CollectTask], collect_task_id: int) -> CollectTask:
    task = session.scalars(statement.where(CollectTask.id == collect_task_id)).one_or_none()
    if task is None:
        raise CollectTaskNotFound(collect_task_id)
    return task


def _save(session: Session, task: CollectTask) -> None:
    name = task.name
    with unique_name("collect_task", CollectTaskNameTaken(name)):
        session.flush()
    session.refresh(task)


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
