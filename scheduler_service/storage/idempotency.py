"""Requests that are done once, by the key that came with each."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from scheduler_service.storage.batches import is_postgresql
from scheduler_service.storage.models import IdempotencyKey

BATCH = 500


def claim(session: Session, row: dict[str, Any], *, forget_before: datetime) -> bool:
    """Enter a request, unless its key was entered since; waits for one with the same key that is not committed yet."""
    insert = postgresql.insert if is_postgresql(session) else sqlite.insert
    new = row | {"status": None, "headers": None, "body": None}
    entered = (
        insert(IdempotencyKey)
        .values(new)
        .on_conflict_do_update(
            index_elements=["caller", "key"], set_=new, where=IdempotencyKey.created_at < forget_before
        )
        .returning(IdempotencyKey.key)
    )
    return session.execute(entered).first() is not None


def get_locked(session: Session, caller: str, key: str) -> IdempotencyKey:
    """The request with this key, locked until the transaction ends."""
    return session.scalars(select(IdempotencyKey).where(*_is(caller, key)).with_for_update()).one()


def answer(session: Session, caller: str, key: str, *, status: int, headers: dict[str, str], body: str) -> None:
    """Keep what was answered."""
    told = {"status": status, "headers": headers, "body": body}
    session.execute(update(IdempotencyKey).where(*_is(caller, key)).values(told))


def lease(session: Session, caller: str, key: str, *, until: datetime) -> None:
    """Say until when somebody works on it."""
    session.execute(update(IdempotencyKey).where(*_is(caller, key)).values(lease_until=until))


def trim(session: Session, *, before: datetime) -> int:
    """Delete a batch of requests that are too old to be repeated; how many."""
    old = select(IdempotencyKey.caller, IdempotencyKey.key).where(IdempotencyKey.created_at < before)
    rows = session.execute(old.order_by(IdempotencyKey.created_at).limit(BATCH)).all()
    for caller, key in rows:
        session.execute(delete(IdempotencyKey).where(*_is(caller, key)))
    return len(rows)


def _is(caller: str, key: str) -> tuple[Any, Any]:
    return IdempotencyKey.caller == caller, IdempotencyKey.key == key
