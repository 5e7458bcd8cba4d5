"""Calendars: named days that schedules leave out, or keep to.

A trigger plans the schedules of an edited definition again.
"""

from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scheduler_service.storage.definitions import StoredDefinitions
from scheduler_service.storage.models import Calendar, PeriodicTask


@dataclass(frozen=True)
class Use:
    """A schedule that uses a calendar: to leave its days out, or to keep to them."""

    schedule_id: int
    name: str
    mode: str


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


def uses(session: Session, calendar_id: int, *, limit: int) -> list[Use]:
    """The first of the schedules that use it, by name."""
    columns = (PeriodicTask.id, PeriodicTask.name, PeriodicTask.calendar_mode)
    using = select(*columns).where(PeriodicTask.calendar_id == calendar_id).order_by(PeriodicTask.name).limit(limit)
    return [Use(*row) for row in session.execute(using)]


def count_uses(session: Session, calendar_ids: Collection[int], *, most: int) -> dict[int, int]:
    """How many schedules use each, counted up to `most`."""
    return {one: _count_uses(session, one, most) for one in calendar_ids}


def _count_uses(session: Session, calendar_id: int, most: int) -> int:
    some = select(PeriodicTask.id).where(PeriodicTask.calendar_id == calendar_id).limit(most).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


calendars = StoredDefinitions(Calendar, "calendar", users)
