"""Keys to the API, found by their hash: the keys themselves are nowhere."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from scheduler_service.errors import KeyNameTaken, KeyNotFound
from scheduler_service.storage.models import ApiKey
from scheduler_service.storage.names import unique_name


def add(session: Session, key: ApiKey) -> None:
    """Write a new one. Raises: KeyNameTaken, also when a revoked key has the name: the audit trail tells them apart."""
    name = key.name
    session.add(key)
    with unique_name("api_key", KeyNameTaken(name)):
        session.flush()
    session.refresh(key)


def get_locked(session: Session, key_id: int) -> ApiKey:
    """The key, locked until the transaction ends. Raises: KeyNotFound."""
    key = session.scalars(select(ApiKey).where(ApiKey.id == key_id).with_for_update()).one_or_none()
    if key is None:
        raise KeyNotFound(key_id)
    return key


def find_by_hash(session: Session, hashed: str) -> ApiKey | None:
    """The key with this hash, whether or not it still opens anything."""
    return session.scalars(select(ApiKey).where(ApiKey.hash == hashed)).one_or_none()


def search(session: Session, *, limit: int, after: int | None = None) -> Sequence[ApiKey]:
    """A page of keys, oldest first; `after` is the id of the last one seen."""
    statement = select(ApiKey).order_by(ApiKey.id).limit(limit)
    return session.scalars(statement if after is None else statement.where(ApiKey.id > after)).all()


def note_use(session: Session, key_id: int, at: datetime) -> None:
    """Say that it was used; never earlier than another process said."""
    later = (ApiKey.last_used_at.is_(None)) | (ApiKey.last_used_at < at)
    session.execute(update(ApiKey).where(ApiKey.id == key_id, later).values(last_used_at=at))
