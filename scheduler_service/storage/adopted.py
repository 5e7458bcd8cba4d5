"""Schedules that an app states in its code, taken into the table.

An adopted row keeps what it was adopted from, and at which revision: while nobody has touched it, it follows the
code; once a person has, it is theirs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from hashlib import sha256
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from scheduler_service.storage import audit
from scheduler_service.storage.batches import is_postgresql
from scheduler_service.storage.models import TIMING_COLUMNS, PeriodicTask
from scheduler_service.storage.timings import point_at
from scheduler_service.timing.timings import Timing

SOURCE = "beat_schedule"
#: Beats that start together adopt one after another; any number that is ours.
ADOPTION_LOCK = 7_295_441_002


@dataclass(frozen=True)
class StaticSchedule:
    """One entry of an app's `beat_schedule`, in our terms; `fields` are columns of `periodic_task`."""

    name: str
    timing: Timing
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        said = [part.name for part in fields(self.timing) if part.compare and part.name != "anchor"]  # type: ignore[arg-type]
        timing = {name: getattr(self.timing, name) for name in said}
        return sha256(
            repr((self.name, sorted(timing.items(), key=str), sorted(self.fields.items()))).encode()
        ).hexdigest()


def adopt(session: Session, entries: Sequence[StaticSchedule]) -> list[str]:
    """Enter what is new, update what nobody has touched; the names of both."""
    audit.comes_from(session, SOURCE)
    if is_postgresql(session):
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADOPTION_LOCK})
    return [entry.name for entry in entries if _adopt_one(session, entry)]


def _adopt_one(session: Session, entry: StaticSchedule) -> bool:
    row = session.scalars(select(PeriodicTask).filter_by(name=entry.name).with_for_update()).one_or_none()
    if row is None:
        row = PeriodicTask(name=entry.name)
        session.add(row)
    elif not _is_untouched(row) or (row.provenance or {}).get("fingerprint") == entry.fingerprint:
        return False
    names = (*entry.fields, *TIMING_COLUMNS)
    before = {name: getattr(row, name) for name in names}
    for name, value in entry.fields.items():
        setattr(row, name, value)
    point_at(session, row, entry.timing)
    session.flush()
    session.refresh(row)
    row.provenance = {"source": SOURCE, "fingerprint": entry.fingerprint, "revision": row.revision}
    audit.record(
        session,
        actor=audit.BEAT,
        action="adopt",
        subject_type="schedule",
        subject_id=row.id,
        subject_name=row.name,
        changes={name: (before[name], getattr(row, name)) for name in names if before[name] != getattr(row, name)},
    )
    return True


def _is_untouched(row: PeriodicTask) -> bool:
    provenance = row.provenance or {}
    return provenance.get("source") == SOURCE and provenance.get("revision") == row.revision
