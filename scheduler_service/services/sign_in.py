"""Sessions of people who signed in to the console.

The cookie holds 256 random bits and the database a hash of them. The hash of an admin's session is keyed with the
admin's key: with another key the session is found no more, and the database holds nothing to guess a weak key by.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

from scheduler_service.services import keys
from scheduler_service.services.roles import ADMIN, Identity, Role
from scheduler_service.storage import audit
from scheduler_service.storage import sessions as stored
from scheduler_service.storage.models import ConsoleSession
from scheduler_service.storage.session import Session


@dataclass(frozen=True)
class Rules:
    """How long a session lasts: `idle` after its last use, and `lifetime` at most; what keys an admin's."""

    admin_key: str = field(repr=False)
    idle: timedelta
    lifetime: timedelta


@dataclass(frozen=True)
class Live:
    """A session that goes on."""

    id: int
    hash: str
    identity: Identity
    last_used_at: datetime


def start(session: Session, who: Identity, rules: Rules, *, former: str | None, now: datetime) -> tuple[str, Identity]:
    """Open a session in place of that of the `former` cookie; what its cookie holds, and who it is until when."""
    stored.remove_ended(session, now=now, idle=rules.idle)
    if former is not None:
        stored.remove(session, _hashes(former, rules))
    cookie = secrets.token_urlsafe(32)
    expires_at = min(now + rules.lifetime, who.expires_at or now + rules.lifetime)
    plain, keyed = _hashes(cookie, rules)
    made = ConsoleSession(
        hash=keyed if who == ADMIN else plain,
        actor=who.actor,
        role=who.role,
        api_key_id=who.key_id,
        last_used_at=now,
        expires_at=expires_at,
    )
    stored.add(session, made)
    _record(session, made.id, who.actor, action="sign_in")
    return cookie, Identity(who.actor, who.role, expires_at, key_id=who.key_id)


def find(session: Session, cookie: str, rules: Rules, *, now: datetime) -> Live | None:
    """The session of a cookie while it lasts: not idle, not over, its key neither revoked nor expired."""
    found = stored.find_live(session, _hashes(cookie, rules), now=now, idle=rules.idle)
    if found is None:
        return None
    row, key = found
    role = cast(Role, key.role if key else row.role)
    return Live(row.id, row.hash, Identity(row.actor, role, row.expires_at, key_id=row.api_key_id), row.last_used_at)


def end(session: Session, live: Live) -> None:
    """Sign out: the cookie opens nothing any more."""
    stored.remove(session, (live.hash,))
    _record(session, live.id, live.identity.actor, action="sign_out")


def note_use(session: Session, session_id: int, at: datetime) -> None:
    """Write down that it was used."""
    stored.note_use(session, session_id, at)


def csrf_token(cookie: str) -> str:
    """What a page of ours sends along with the cookie; a page of others cannot know it."""
    return hmac.new(cookie.encode("utf-8", "surrogatepass"), b"csrf", hashlib.sha256).hexdigest()


def _hashes(cookie: str, rules: Rules) -> tuple[str, str]:
    """What the database may hold of a cookie: its hash, and for an admin's the one keyed with the admin's key."""
    keyed = hmac.new(rules.admin_key.encode(), cookie.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return keys.digest(cookie), keyed.hexdigest()


def _record(session: Session, session_id: int, actor: str, *, action: str) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        subject_type="session",
        subject_id=session_id,
        subject_name=actor,
        changes={},
    )
