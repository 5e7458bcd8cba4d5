"""Calendars: named days that schedules leave out, or keep to.

A trigger plans the schedules of an edited definition again. It locks them after the calendar, while an edit of a
schedule locks that first: so both take the weakest lock of the calendar that will do, and do not wait for each other.
"""

import json
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from sqlalchemy import Select, select, tuple_
from sqlalchemy.orm import Session

from scheduler_service.errors import CalendarNameTaken, CalendarNotFound
from scheduler_service.storage.columns import SqlNow
from scheduler_service.storage.models import Calendar, PeriodicTask
from scheduler_service.storage.names import unique_name


def get(session: Session, calendar_id: int) -> Calendar:
    """Raises: CalendarNotFound."""
    return _one(session, select(Calendar), calendar_id)


def get_locked(session: Session, calendar_id: int, *, to_delete: bool = False) -> Calendar:
    """The calendar, locked until the transaction ends; one to delete also against new users.

    Raises: CalendarNotFound.
    """
    locked = select(Calendar).with_for_update(key_share=not to_delete).execution_options(populate_existing=True)
    return _one(session, locked, calendar_id)


def find_by_name(session: Session, name: str, *, locked: bool = False) -> Calendar | None:
    """The calendar with this name; locked, if wanted, against deletion."""
    statement = select(Calendar).filter_by(name=name)
    if locked:
        statement = statement.with_for_update(read=True, key_share=True)
    return session.scalars(statement).first()


def near_names(session: Session, name: str) -> list[str]:
    """Up to three names of calendars that somebody who wrote this one may have meant, likeliest first."""
    names = {known.lower(): known for known in session.scalars(select(Calendar.name).order_by(Calendar.name))}
    return [names[found] for found in get_close_matches(name.lower(), names, n=3)]


def search(
    session: Session, *, q: str | None = None, limit: int, after: tuple[str, int] | None = None
) -> Sequence[Calendar]:
    """A page of calendars by name; `after` is the (name, id) of the last one seen."""
    statement = select(Calendar).order_by(Calendar.name, Calendar.id).limit(limit)
    if after is not None:
        statement = statement.where(tuple_(Calendar.name, Calendar.id) > after)
    if q is not None:
        found = Calendar.name.icontains(q, autoescape=True)
        statement = statement.where(found | Calendar.description.icontains(q, autoescape=True))
    return session.scalars(statement).all()


def add(session: Session, calendar: Calendar) -> None:
    """Write a new one. Raises: CalendarNameTaken."""
    session.add(calendar)
    _save(session, calendar)


def change(session: Session, calendar: Calendar, values: dict[str, Any]) -> bool:
    """Set columns; whether that changed anything, which makes a new revision. Raises: CalendarNameTaken."""
    changed = {
        name: value for name, value in values.items() if _canonical(getattr(calendar, name)) != _canonical(value)
    }
    if changed:
        for name, value in changed.items():
            setattr(calendar, name, value)
        calendar.revision += 1
        calendar.date_changed = SqlNow()
        _save(session, calendar)
    return bool(changed)


def remove(session: Session, calendar: Calendar) -> None:
    """Delete it."""
    session.delete(calendar)
    session.flush()


def users(session: Session, calendar_id: int) -> list[str]:
    """The names of the schedules that use it."""
    using = select(PeriodicTask.name).where(PeriodicTask.calendar_id == calendar_id).order_by(PeriodicTask.name)
    return list(session.scalars(using))


def _one(session: Session, statement: Select[Calendar], calendar_id: int) -> Calendar:
    calendar = session.scalars(statement.where(Calendar.id == calendar_id)).one_or_none()
    if calendar is None:
        raise CalendarNotFound(calendar_id)
    return calendar


def _save(session: Session, calendar: Calendar) -> None:
    name = calendar.name
    with unique_name("calendar", CalendarNameTaken(name)):
        session.flush()
    session.refresh(calendar)


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
