"""API keys: made, listed, revoked, recognised.

A key is `sk_<prefix>_<secret>`. The secret has 256 random bits, so one round of SHA-256 keeps it as well as any slow
hash would; the prefix, which is no secret, is what people see of it afterwards. A key is found by its hash: nobody can
choose what that is, so how long the look takes tells nothing.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import cast

from pydantic import Field

from scheduler_service.errors import Invalid
from scheduler_service.services import paging
from scheduler_service.services.documents import differences
from scheduler_service.services.fields import Document, Line, Moment, wire_instant
from scheduler_service.services.paging import Page
from scheduler_service.services.roles import Identity, Role
from scheduler_service.storage import api_keys as stored
from scheduler_service.storage import audit
from scheduler_service.storage.models import ApiKey
from scheduler_service.storage.session import Session

LISTING = "keys"
USES_NOTED = timedelta(minutes=1)  # a use is written down at most so often


class KeyDocument(Document):
    """A key that is wanted."""

    name: Line = Field(examples=["deploy pipeline"], description="Whose it is: the audit trail says `key:<name>`")
    role: Role = Field(description="viewer: reads. operator: also starts and stops what is there. admin: everything")
    expires_at: Moment | None = Field(default=None, description="When it stops; null: when it is revoked")


def digest(key: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def create(session: Session, document: KeyDocument, *, actor: str, now: datetime) -> tuple[ApiKey, str]:
    """Make a key; the second of what is returned is the key itself, told this once.

    Raises: KeyNameTaken, Invalid.
    """
    if document.expires_at is not None and document.expires_at <= now:
        raise Invalid.field("expires_at", "is past already")
    prefix = f"sk_{secrets.token_hex(4)}"
    key = f"{prefix}_{secrets.token_urlsafe(32)}"
    made = ApiKey(**document.model_dump(), prefix=prefix, hash=digest(key))
    stored.add(session, made)
    _record(session, made, action="create", actor=actor, before={}, after=_shown(made))
    return made, key


def revoke(session: Session, key_id: int, *, actor: str, now: datetime) -> None:
    """Let a key, and the sessions opened with it, open nothing any more; twice is as good as once.

    Raises: KeyNotFound.
    """
    key = stored.get_locked(session, key_id)
    if key.revoked_at is None:
        before = _shown(key)
        key.revoked_at = now
        _record(session, key, action="revoke", actor=actor, before=before, after=_shown(key))


def search(session: Session, *, limit: int, cursor: str | None) -> Page[ApiKey]:
    """A page of keys, oldest first, revoked ones too. Raises: Invalid, for a cursor of another list."""
    after = paging.decode(LISTING, cursor, (int,))[0] if cursor is not None else None
    rows = stored.search(session, limit=limit + 1, after=after)
    return paging.page_of(rows, limit=limit, listing=LISTING, place=lambda key: (key.id,))


def find_holding(session: Session, hashed: str, *, now: datetime) -> ApiKey | None:
    """The key with this hash, if it was not revoked and has not expired."""
    key = stored.find_by_hash(session, hashed)
    if key is None or key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        return None
    return key


def identity_of(key: ApiKey) -> Identity:
    """Who shows this key."""
    return Identity(f"key:{key.name}", cast(Role, key.role), key.expires_at, key_id=key.id)


def note_use(session: Session, key_id: int, at: datetime) -> None:
    """Write down that it was used."""
    stored.note_use(session, key_id, at)


def _shown(key: ApiKey) -> dict[str, str | None]:
    return {
        "name": key.name,
        "prefix": key.prefix,
        "role": key.role,
        "expires_at": wire_instant(key.expires_at),
        "revoked_at": wire_instant(key.revoked_at),
    }


def _record(
    session: Session,
    key: ApiKey,
    *,
    action: str,
    actor: str,
    before: dict[str, str | None],
    after: dict[str, str | None],
) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        subject_type="key",
        subject_id=key.id,
        subject_name=key.name,
        changes=differences(before, after),
    )
