"""From when until when somebody watched what a source sends: within it, a run that was not seen was none."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from scheduler_service.storage.models import WatchedSpan


def begin(session: Session, source: str, *, began_at: datetime, heard_at: datetime, blind: Collection[str]) -> int:
    """A span from now on; its id. `blind`: jobs of which it tells nothing."""
    span = WatchedSpan(source=source, began_at=began_at, heard_at=max(began_at, heard_at), blind=sorted(blind))
    session.add(span)
    session.flush()
    return span.id


def go_on(session: Session, span_id: int, *, heard_at: datetime) -> None:
    """It lasts until now, at least."""
    session.get_one(WatchedSpan, span_id).heard_at = heard_at
    session.flush()


def of_source(session: Session, source: str) -> list[WatchedSpan]:
    """All of a source, oldest first."""
    return list(session.scalars(select(WatchedSpan).where(WatchedSpan.source == source).order_by(WatchedSpan.id)))


def trim(session: Session, *, before: datetime) -> int:
    """Delete those that ended before that; how many."""
    result: Any = session.execute(delete(WatchedSpan).where(WatchedSpan.heard_at < before))
    count: int = result.rowcount
    return count
