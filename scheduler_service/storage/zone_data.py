"""The time zone data that schedules were planned with; other data may mean other instants.

When the data changes, what was planned by a zone is to be planned again: from where each schedule stands, so that
nothing fires twice and nothing is lost.
"""

import logging
from collections.abc import Sequence
from datetime import timedelta
from importlib.metadata import version
from typing import Any

from sqlalchemy import Row, or_, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from scheduler_service.storage.batches import among, is_postgresql, update_by_id
from scheduler_service.storage.models import PeriodicTask, ServiceFact
from scheduler_service.storage.session import Database

logger = logging.getLogger(__name__)

VERSION = version("tzdata")
FACT = "tzdata"
#: Beats that start together do this one after another; any number that is ours.
ZONE_DATA_LOCK = 7_295_441_003

_STANDS = (
    "id", "next_occurrence_at", "next_run_at", "watermark", "jitter_seconds", "quarantine_reason",
)  # fmt: skip


def replan_after_change(database: Database, *, current: str = VERSION) -> int:
    """Have zoned schedules planned again if the data is other than last time; how many. Raises: StoreAway.

    In batches, so that nobody waits for long. Another Beat may be at it too, or this one have died half-way: a
    schedule that is to be planned twice is planned alike, and the fact is written when all are done. A row that
    somebody holds is not waited for: then the fact stays as it is, and the next Beat that starts tries again.
    """
    count, last_id, missed = 0, 0, 0
    while True:
        with database.transaction() as session:
            if is_postgresql(session):
                session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ZONE_DATA_LOCK})
            if known(session) == current:
                return count
            ids = _zoned(session, after=last_id, limit=database.batch_size)
            if not ids:
                if not missed:
                    _remember(session, current)
                break
            rows = _locked(session, ids)
            count, missed, last_id = count + _replan(session, rows), missed + len(ids) - len(rows), ids[-1]
    if count:
        logger.info("the time zone data is %s now: %s schedules are planned again", current, count)
    return count


def known(session: Session) -> str | None:
    """The version that schedules were planned with."""
    return session.scalar(select(ServiceFact.value).where(ServiceFact.name == FACT))


def _zoned(session: Session, *, after: int, limit: int) -> Sequence[int]:
    """The ids of schedules whose timing is read in a zone."""
    zoned = or_(PeriodicTask.crontab_id.is_not(None), PeriodicTask.rrule_id.is_not(None))
    statement = select(PeriodicTask.id).where(zoned, PeriodicTask.id > after)
    return session.scalars(statement.order_by(PeriodicTask.id).limit(limit)).all()


def _locked(session: Session, ids: Sequence[int]) -> Sequence[Row[Any]]:
    """Those of the schedules that nobody holds, locked, in the order in which everybody locks them."""
    statement = select(*(getattr(PeriodicTask, name) for name in _STANDS)).where(among(session, PeriodicTask.id, ids))
    return session.execute(statement.order_by(PeriodicTask.id).with_for_update(skip_locked=True)).all()


def _replan(session: Session, rows: Sequence[Row[Any]]) -> int:
    """Forget what was planned; also why one could not be, since the new data may know its zone."""
    forgotten = {"next_occurrence_at": None, "next_run_at": None, "quarantine_reason": None}
    updates = [{"id": row.id, **forgotten} for row in rows if row.quarantine_reason is not None or _is_planned(row)]
    update_by_id(session, PeriodicTask, updates)
    return len(updates)


def _is_planned(row: Any) -> bool:
    """Whether the next run is one that Beat worked out, and is yet to come where planning would begin again.

    One that a writer set by hand stays. So does one that is overdue: it is worked out anew when it is decided.
    """
    at = row.next_occurrence_at
    if at is None or row.next_run_at is None:
        return False
    by_beat: bool = at <= row.next_run_at <= at + timedelta(seconds=row.jitter_seconds)
    return by_beat and at > row.watermark


def _remember(session: Session, current: str) -> None:
    insert = postgresql.insert if is_postgresql(session) else sqlite.insert
    new = insert(ServiceFact).values(name=FACT, value=current)
    session.execute(new.on_conflict_do_update(index_elements=["name"], set_={"value": current}))
