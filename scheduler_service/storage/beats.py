"""Which Beats live: on PostgreSQL each holds an advisory lock for as long as it does; on SQLite one of them says so.

Only one file, and no server that would notice a connection's end: there, a Beat was seen lately or was not.
"""

from datetime import datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Session

from scheduler_service.storage.batches import is_postgresql
from scheduler_service.storage.models import ServiceFact
from scheduler_service.storage.publishing import BEAT_LOCKS
from scheduler_service.storage.session import Database

FACT = "beat seen at"
LATELY = timedelta(seconds=60)


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
