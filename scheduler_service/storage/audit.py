"""Who changed what: one event a change, written in the transaction of the change.

What others write to schedules, timings and calendars is told by triggers (see `unaudited.py`).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import String, cast, func, insert, literal, null, select, tuple_
from sqlalchemy.orm import Session

from scheduler_service.storage.batches import among, is_postgresql
from scheduler_service.storage.models import AuditEvent, PeriodicTask

BEAT = "beat"


@dataclass(frozen=True)
class AuditFilter:
    """Which events; None means any."""

    actor: str | None = None
    action: str | None = None
    source: str | None = None
    subject_type: str | None = None
    subject_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def comes_from(session: Session, source: str) -> None:
    """Say where the changes of this transaction are asked from: an address, or the name of a process."""
    session.info["source"] = source


def record(
    session: Session,
    *,
    actor: str,
    action: str,
    subject_type: str,
    subject_id: object,
    subject_name: str,
    changes: dict[str, tuple[Any, Any]],
) -> None:
    """Add an event. `changes` are {field: (old, new)}, as they look over the wire."""
    session.add(
        AuditEvent(
            actor=actor,
            source=session.info.get("source", ""),
            action=action,
            subject_type=subject_type,
            subject_id=str(subject_id),
            subject_name=subject_name,
            changes={field: list(pair) for field, pair in changes.items()},
        )
    )
    session.flush()


def record_all(
    session: Session, *, actor: str, action: str, schedules: Sequence[tuple[int, str, dict[str, tuple[Any, Any]]]]
) -> None:
    """Add an event for each of many schedules: id, name and changes."""
    same = {"actor": actor, "source": session.info.get("source", ""), "action": action, "subject_type": "schedule"}
    rows = [
        {**same, "subject_id": str(key), "subject_name": name, "changes": {f: list(pair) for f, pair in found.items()}}
        for key, name, found in schedules
    ]
    if rows:
        session.execute(insert(AuditEvent), rows)


def record_beat(session: Session, action: str, column: str, schedule_ids: Collection[int]) -> None:
    """Tell of schedules where Beat has just filled a column that was NULL, in one statement."""
    if not schedule_ids:
        return
    value = getattr(PeriodicTask, column)
    if is_postgresql(session):
        changes = func.jsonb_build_object(column, func.jsonb_build_array(null(), value))
    else:
        changes = func.json_object(column, func.json_array(null(), value))
    told = {
        "actor": literal(BEAT),
        "source": literal(BEAT),
        "action": literal(action),
        "subject_type": literal("schedule"),
        "subject_id": cast(PeriodicTask.id, String),
        "subject_name": PeriodicTask.name,
        "changes": changes,
    }
    touched = among(session, PeriodicTask.id, list(schedule_ids))
    events = select(*told.values()).where(touched, value.is_not(None)).order_by(PeriodicTask.id)
    session.execute(insert(AuditEvent).from_select(list(told), events))


def search(
    session: Session, wanted: AuditFilter, *, limit: int, after: tuple[datetime, int] | None = None
) -> Sequence[AuditEvent]:
    """A page of events, newest first; `after` is (at, id) of the last one seen."""
    place = tuple_(AuditEvent.at, AuditEvent.id)
    statement = _filtered(select(AuditEvent), wanted).order_by(AuditEvent.at.desc(), AuditEvent.id.desc())
    if after is not None:
        statement = statement.where(place < after)
    return session.scalars(statement.limit(limit)).all()


def count(session: Session, wanted: AuditFilter) -> int:
    """How many events there are."""
    return session.scalar(_filtered(select(func.count()).select_from(AuditEvent), wanted)) or 0


def _filtered(statement: Any, wanted: AuditFilter) -> Any:
    for name in ("actor", "action", "source", "subject_type", "subject_id"):
        if (value := getattr(wanted, name)) is not None:
            statement = statement.where(getattr(AuditEvent, name) == value)
    if wanted.since is not None:
        statement = statement.where(AuditEvent.at >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(AuditEvent.at < wanted.until)
    return statement
