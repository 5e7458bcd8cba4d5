"""Calendars: named days that schedules leave out, or keep to.

A trigger plans the schedules of an edited definition again.
"""

from difflib import get_close_matches

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler_service.storage.definitions import StoredDefinitions
from scheduler_service.storage.models import Calendar, PeriodicTask


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


def users(session: Session, calendar_id: int) -> list[str]:
    """The names of the schedules that use it."""
    using = select(PeriodicTask.name).where(PeriodicTask.calendar_id == calendar_id).order_by(PeriodicTask.name)
    return list(session.scalars(using))


calendars = StoredDefinitions(Calendar, "calendar", users)
