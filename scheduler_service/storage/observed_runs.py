"""What another scheduler did, as it was told: one row for each job and instant, however often that is told."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, aliased

from scheduler_service.storage import watched_spans
from scheduler_service.storage.batches import is_postgresql
from scheduler_service.storage.models import ObservedRun, WatchedSpan

#: Of what was told of an instant, the end of the run counts, and then its beginning.
UNFINISHED = "submitted"
NO_ROOM = "skipped"
_TABLE: Any = ObservedRun.__table__


@dataclass(frozen=True)
class Watched:
    """From when until when a source has been heard; within the spans each of its runs was seen."""

    since: datetime
    until: datetime
    spans: tuple[WatchedSpan, ...] = ()


def store(session: Session, rows: Sequence[dict[str, Any]]) -> int:
    """Write what was told; how many rows are new or say more than before. A run that ended is not begun again."""
    if not rows:
        return 0
    insert: Any = postgresql.insert if is_postgresql(session) else sqlite.insert
    statement = insert(_TABLE).values(_once_each(rows))
    told = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=["source", "source_id", "scheduled_at"],
        set_={
            "outcome": told.outcome,
            "ran_at": func.coalesce(_TABLE.c.ran_at, told.ran_at),
            "reported_at": told.reported_at,
        },
        where=_TABLE.c.outcome == UNFINISHED,
    )
    return len(session.execute(statement.returning(_TABLE.c.id)).all())


def _once_each(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """In one order, so that no two who tell at once wait crosswise; an instant told twice, once."""
    merged: dict[tuple[str, str, datetime], dict[str, Any]] = {}
    for row in rows:
        key = (row["source"], row["source_id"], row["scheduled_at"])
        known = merged.get(key)
        if known is None:
            merged[key] = row
        elif known["outcome"] == UNFINISHED:
            merged[key] = row | {"ran_at": known["ran_at"] or row["ran_at"]}
    return [merged[key] for key in sorted(merged)]


def of_jobs(
    session: Session, source: str, ids: Collection[str], *, since: datetime, until: datetime | None = None
) -> list[ObservedRun]:
    """What was told of these jobs, by instant, from `since` (included) on."""
    statement = select(ObservedRun).where(
        ObservedRun.source == source, ObservedRun.source_id.in_(ids), ObservedRun.scheduled_at >= since
    )
    if until is not None:
        statement = statement.where(ObservedRun.scheduled_at < until)
    return list(session.scalars(statement.order_by(ObservedRun.scheduled_at, ObservedRun.id)))


def going_on(session: Session, source: str, ids: Collection[str], *, since: datetime) -> dict[str, datetime]:
    """Of these jobs, those that were begun at the source and have not been told to have ended: since when.

    Where a later instant was told, its scheduler had room again: what it began before went with a process that was
    killed. Unless it skipped that instant, for want of room.
    """
    later = aliased(ObservedRun)
    had_room = (
        select(later.id)
        .where(later.source == ObservedRun.source, later.source_id == ObservedRun.source_id)
        .where(later.scheduled_at > ObservedRun.scheduled_at, later.outcome != NO_ROOM)
    )
    statement = select(ObservedRun.source_id, func.min(ObservedRun.scheduled_at)).where(
        ObservedRun.source == source,
        ObservedRun.source_id.in_(ids),
        ObservedRun.outcome == UNFINISHED,
        or_(ObservedRun.ran_at.is_(None), ObservedRun.ran_at >= since),
        ~had_room.exists(),
    )
    return dict(session.execute(statement.group_by(ObservedRun.source_id)).all())


def watched(session: Session, source: str) -> Watched | None:
    """From when until when this source was heard of, by any of its jobs; None, if never."""
    told = select(func.min(ObservedRun.scheduled_at), func.max(ObservedRun.reported_at))
    first, last = session.execute(told.where(ObservedRun.source == source)).one()
    spans = watched_spans.of_source(session, source)
    since = [at for at in (first, *(span.began_at for span in spans)) if at is not None]
    until = [at for at in (last, *(span.heard_at for span in spans)) if at is not None]
    return Watched(min(since), max(until), tuple(spans)) if since else None


def trim(session: Session, *, before: datetime) -> int:
    """Delete what was told of instants before that, and when it was listened for; how many rows of the first."""
    watched_spans.trim(session, before=before)
    result: Any = session.execute(delete(ObservedRun).where(ObservedRun.scheduled_at < before))
    count: int = result.rowcount
    return count
