"""Who is signed in to the console, and showing somebody out."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from scheduler_service.services import paging
from scheduler_service.services.paging import Page
from scheduler_service.storage import audit
from scheduler_service.storage import sessions as stored
from scheduler_service.storage.session import Session

LISTING = "sessions"


@dataclass(frozen=True)
class SignedIn:
    """A session that holds: whose, with which role, since when and until when."""

    id: int
    actor: str
    role: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime


def search(session: Session, *, idle: timedelta, now: datetime, limit: int, cursor: str | None) -> Page[SignedIn]:
    """A page of sessions, last used first. Raises: Invalid, for a cursor of another list."""
    after = paging.decode(LISTING, cursor, (datetime, int)) if cursor is not None else None
    place = (after[0], after[1]) if after else None
    found = stored.search_live(session, now=now, idle=idle, limit=limit + 1, after=place)
    rows = [
        SignedIn(one.id, one.actor, key.role if key else one.role, one.created_at, one.last_used_at, one.expires_at)
        for one, key in found
    ]
    return paging.page_of(rows, limit=limit, listing=LISTING, place=lambda one: (one.last_used_at, one.id))


def end(session: Session, session_id: int, *, actor: str) -> str:
    """Let a session open nothing any more; whose it was. Raises: SessionNotFound."""
    found = stored.get(session, session_id)
    whose = found.actor
    stored.remove(session, (found.hash,))
    audit.record(
        session,
        actor=actor,
        action="end",
        subject_type="session",
        subject_id=session_id,
        subject_name=whose,
        changes={},
    )
    return whose
