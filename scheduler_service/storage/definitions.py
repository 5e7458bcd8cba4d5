"""Named documents that schedules use: calendars, and what the tasks of collect, ETL and report are to do.

Each kind is a table of `models.Definition`. A real change makes a new revision, counted here.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, exists, or_, select, tuple_
from sqlalchemy.orm import Session

from scheduler_service.errors import DefinitionNameTaken, DefinitionNotFound
from scheduler_service.storage.columns import SqlNow
from scheduler_service.storage.definition_uses import arguments
from scheduler_service.storage.models import Definition, PeriodicTask
from scheduler_service.storage.names import unique_name

D = TypeVar("D", bound=Definition)
#: The names of the schedules that use the one with this id.
Users = Callable[[Session, int], list[str]]


@dataclass(frozen=True)
class StoredDefinitions(Generic[D]):
    """The rows of one kind."""

    model: type[D]
    noun: str
    users: Users

    def get(self, session: Session, definition_id: int) -> D:
        """Raises: DefinitionNotFound."""
        return self._one(session, select(self.model), definition_id)

    def get_locked(self, session: Session, definition_id: int, *, to_delete: bool = False) -> D:
        """The row, locked until the transaction ends; one to delete also against new users.

        An edit takes the weakest lock that will do: a trigger then locks the schedules that use the row, while an edit
        of such a schedule locks that first, and the row after it. Raises: DefinitionNotFound.
        """
        locked = select(self.model).with_for_update(key_share=not to_delete)
        return self._one(session, locked.execution_options(populate_existing=True), definition_id)

    def is_empty(self, session: Session) -> bool:
        """Whether there is none at all."""
        return not session.scalar(select(exists(select(self.model.id))))

    def every(self, session: Session) -> Sequence[D]:
        """All of them, by name."""
        return session.scalars(select(self.model).order_by(self.model.name)).all()

    def search(
        self, session: Session, *, q: str | None = None, limit: int, after: tuple[str, int] | None = None
    ) -> Sequence[D]:
        """A page by name; `after` is the (name, id) of the last one seen."""
        model = self.model
        statement = select(model).order_by(model.name, model.id).limit(limit)
        if after is not None:
            statement = statement.where(tuple_(model.name, model.id) > after)
        if q is not None:
            found = model.name.icontains(q, autoescape=True)
            statement = statement.where(found | model.description.icontains(q, autoescape=True))
        return session.scalars(statement).all()

    def add(self, session: Session, row: D) -> None:
        """Write a new one. Raises: DefinitionNameTaken."""
        session.add(row)
        self._save(session, row)

    def change(self, session: Session, row: D, values: dict[str, Any]) -> bool:
        """Set columns; whether that changed anything, which makes a new revision. Raises: DefinitionNameTaken."""
        changed = {name: value for name, value in values.items() if _canonical(getattr(row, name)) != _canonical(value)}
        if changed:
            for name, value in changed.items():
                setattr(row, name, value)
            row.revision += 1
            row.date_changed = SqlNow()
            self._save(session, row)
        return bool(changed)

    def remove(self, session: Session, row: D) -> None:
        """Delete it."""
        session.delete(row)
        session.flush()

    def _one(self, session: Session, statement: Select[D], definition_id: int) -> D:
        row = session.scalars(statement.where(self.model.id == definition_id)).one_or_none()
        if row is None:
            raise DefinitionNotFound(self.noun, definition_id)
        return row

    def _save(self, session: Session, row: D) -> None:
        taken = DefinitionNameTaken(self.noun, row.name)
        with unique_name(self.model.__tablename__, taken):
            session.flush()
        session.refresh(row)


def argument_of(task: str, argument: str) -> Users:
    """The schedules of a Celery task whose argument is the id, by place or by name."""

    def users(session: Session, definition_id: int) -> list[str]:
        names_it = (value == str(definition_id) for value in arguments(session, PeriodicTask, argument))
        rows = session.execute(
            select(PeriodicTask.name, PeriodicTask.args, PeriodicTask.kwargs)
            .where(PeriodicTask.task == task, or_(*names_it))
            .order_by(PeriodicTask.name)
        )
        return [name for name, args, kwargs in rows if str(definition_id) in _ids(args, kwargs, argument)]

    return users


def _ids(args: Any, kwargs: Any, argument: str) -> set[str]:
    first = args[:1] if isinstance(args, list) else []
    named = [kwargs[argument]] if isinstance(kwargs, dict) and argument in kwargs else []
    return {str(value) for value in (*first, *named)}


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
