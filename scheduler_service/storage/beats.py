"""Which Beats live: on PostgreSQL each holds an advisory lock for as long as it does; on SQLite one of them says so.

Only one file, and no server that would notice a connection's end: there, a Beat was seen lately or was not.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Session

from scheduler_service.storage.batches import is_postgresql
from scheduler_service.storage.models import ServiceFact, TaskRun
from scheduler_service.storage.publishing import BEAT_LOCKS
from scheduler_service.storage.session import Database

FACT = "beat seen at"
LATELY = timedelta(seconds=60)
DECISIONS_LOOKED_AT = 5000


@dataclass(frozen=True)
class BeatSeen:
    """A Beat by what it decided: its name, when the last time, how many of the runs that were looked at."""

    name: str
    last_decided_at: datetime
    decided: int


def say_alive(database: Database) -> None:
    """Leave a sign where nothing else tells. Raises: StoreAway."""
    if database.dialect != "sqlite":
        return
    at = database.clock.now().isoformat()
    with database.transaction() as session:
        new = sqlite.insert(ServiceFact).values(name=FACT, value=at)
        session.execute(new.on_conflict_do_update(index_elements=["name"], set_={"value": at}))


def living(session: Session, now: datetime) -> int:
    """How many Beats run; on SQLite 1 for any number."""
    if not is_postgresql(session):
        seen_at = session.scalar(select(ServiceFact.value).where(ServiceFact.name == FACT))
        return int(seen_at is not None and datetime.fromisoformat(seen_at) > now - LATELY)
    statement = (
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = :beats"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    count: int = session.execute(text(statement), {"beats": BEAT_LOCKS}).scalar_one()
    return count


def seen(session: Session, *, since: datetime) -> list[BeatSeen]:
    """The Beats that made the last runs since then by timings, by name. One with nothing to decide leaves no trace."""
    last = (
        select(TaskRun.decided_by, TaskRun.decided_at)
        .where(TaskRun.decided_at >= since, TaskRun.origin == "auto")
        .order_by(TaskRun.decided_at.desc(), TaskRun.id.desc())
        .limit(DECISIONS_LOOKED_AT)
        .subquery()
    )
    statement = select(last.c.decided_by, func.max(last.c.decided_at), func.count()).group_by(last.c.decided_by)
    return [BeatSeen(*row) for row in session.execute(statement.order_by(last.c.decided_by))]
