"""Sessions of people who signed in to the console, found by the hash of what their cookie holds."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, delete, or_, select, tuple_, update
from sqlalchemy.orm import Session

from scheduler_service.errors import SessionNotFound
from scheduler_service.storage.models import ApiKey, ConsoleSession


def add(session: Session, made: ConsoleSession) -> None:
    """Write a new one."""
    session.add(made)
    session.flush()


def find_live(
    session: Session, hashes: Collection[str], *, now: datetime, idle: timedelta
) -> tuple[ConsoleSession, ApiKey | None] | None:
    """The session with one of these hashes and the key it was opened with, while both hold."""
    found = session.execute(_live(now, idle).where(ConsoleSession.hash.in_(hashes))).one_or_none()
    return (found[0], found[1]) if found else None


def search_live(
    session: Session, *, now: datetime, idle: timedelta, limit: int, after: tuple[datetime, int] | None = None
) -> list[tuple[ConsoleSession, ApiKey | None]]:
    """A page of those that hold, last used first; `after` is (last_used_at, id) of the last one seen."""
    place = tuple_(ConsoleSession.last_used_at, ConsoleSession.id)
    statement = _live(now, idle).order_by(ConsoleSession.last_used_at.desc(), ConsoleSession.id.desc())
    if after is not None:
        statement = statement.where(place < after)
    return [(one, key) for one, key in session.execute(statement.limit(limit))]


def get(session: Session, session_id: int) -> ConsoleSession:
    """Raises: SessionNotFound."""
    found = session.get(ConsoleSession, session_id)
    if found is None:
        raise SessionNotFound(session_id)
    return found


def note_use(session: Session, session_id: int, at: datetime) -> None:
    """Say that it was used; never earlier than another process said."""
    later = ConsoleSession.last_used_at < at
    session.execute(update(ConsoleSession).where(ConsoleSession.id == session_id, later).values(last_used_at=at))


def remove(session: Session, hashes: Collection[str]) -> None:
    """End those with these hashes, if there are any."""
    session.execute(delete(ConsoleSession).where(ConsoleSession.hash.in_(hashes)))


def remove_ended(session: Session, *, now: datetime, idle: timedelta) -> None:
    """Let go of those that nobody can use any more."""
    session.execute(delete(ConsoleSession).where(_ended(now, idle)))


def _live(now: datetime, idle: timedelta) -> Select[ConsoleSession, ApiKey | None]:
    """Sessions that hold, with the key that each was opened with, if it was."""
    key_holds = ApiKey.revoked_at.is_(None) & or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now)
    return (
        select(ConsoleSession, ApiKey)
        .outerjoin(ApiKey, ApiKey.id == ConsoleSession.api_key_id)
        .where(~_ended(now, idle), or_(ConsoleSession.api_key_id.is_(None), key_holds))
    )


def _ended(now: datetime, idle: timedelta) -> ColumnElement[bool]:
    return or_(ConsoleSession.expires_at <= now, ConsoleSession.last_used_at <= now - idle)
