"""Runs by how they ended, ten minutes at a time: counted once, when the minutes are over, and live until then.

A run keeps its end for as long as it is kept, so what was counted stays true; one that is tried again afterwards ends
twice. How far the counting is, is a fact of its own: ten minutes in which nothing ended leave no row.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Select, delete, func, literal, select, type_coerce, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from scheduler_service.storage.batches import is_postgresql
from scheduler_service.storage.columns import Instant
from scheduler_service.storage.models import RunTally, ServiceFact, TaskRun
from scheduler_service.storage.session import Database

BUCKET = timedelta(minutes=10)
SETTLED_AFTER = timedelta(minutes=1)  # by then the transactions that wrote an end are over
AT_ONCE = timedelta(hours=1)
FACT = "runs tallied until"

#: {ten minutes: {state: how many runs ended so}}
Tallies = dict[datetime, dict[str, int]]


def tally(database: Database) -> None:
    """Count the closed ten minutes that nobody has counted; Beats that do it at once count each once.

    An hour in a transaction, so that nobody waits for long when there is much. Raises: StoreAway.
    """
    settled = floor(database.clock.now() - SETTLED_AFTER)
    with database.reading() as session:
        since = _counted_until(session)
    while since is None or since < settled:
        with database.transaction() as session:
            since = (
                _begun(session, settled) if since is None else _counted(session, since, min(settled, since + AT_ONCE))
            )


def past(session: Session, since: datetime, until: datetime) -> Tallies:
    """How the runs ended from `since`, taken down to ten minutes, until `until`; what was not counted yet is now."""
    since = floor(since)
    counted = min(until, max(since, _counted_until(session) or since))
    tallied = select(RunTally.bucket_at, RunTally.state, RunTally.runs)
    tallied = tallied.where(RunTally.bucket_at >= since, RunTally.bucket_at < counted)
    found: Tallies = {}
    for rows in (session.execute(tallied), session.execute(_ended(session, floor(counted), until))):
        for bucket_at, state, runs in rows:
            found.setdefault(bucket_at, {})[state] = runs
    return found


def trim(session: Session, *, before: datetime) -> int:
    """Delete what is older; how many rows."""
    result: Any = session.execute(delete(RunTally).where(RunTally.bucket_at < before))
    count: int = result.rowcount
    return count


def floor(at: datetime) -> datetime:
    """The ten minutes that an instant is in, by their beginning."""
    return datetime.fromtimestamp(at.timestamp() // BUCKET.total_seconds() * BUCKET.total_seconds(), UTC)


def _counted_until(session: Session) -> datetime | None:
    told = session.scalar(select(ServiceFact.value).where(ServiceFact.name == FACT))
    return datetime.fromisoformat(told) if told is not None else None


def _begun(session: Session, settled: datetime) -> datetime:
    """Where the counting begins: at the first end that is kept."""
    first = session.scalar(select(func.min(TaskRun.finished_at)).where(TaskRun.finished_at.is_not(None)))
    since = settled if first is None else min(settled, floor(first))
    session.execute(_insert(session)(ServiceFact).values(name=FACT, value=since.isoformat()).on_conflict_do_nothing())
    return _counted_until(session) or since


def _counted(session: Session, since: datetime, until: datetime) -> datetime:
    """Count one stretch, unless another Beat has; how far it is counted now."""
    moved: Any = session.execute(
        update(ServiceFact)
        .where(ServiceFact.name == FACT, ServiceFact.value == since.isoformat())
        .values(value=until.isoformat())
    )
    if not moved.rowcount:
        return _counted_until(session) or until
    columns = ["bucket_at", "state", "runs"]
    made = _insert(session)(RunTally).from_select(columns, _ended(session, since, until))
    session.execute(made.on_conflict_do_nothing())
    return until


def _ended(session: Session, since: datetime, until: datetime) -> Select[Any]:
    bucket = _bucket(session).label("bucket_at")
    return (
        select(bucket, TaskRun.state, func.count().label("runs"))
        .where(TaskRun.finished_at >= since, TaskRun.finished_at < until)
        .group_by(bucket, TaskRun.state)
    )


def _bucket(session: Session) -> Any:
    """The ten minutes that a run ended in."""
    if is_postgresql(session):
        epoch = literal(datetime(1970, 1, 1, tzinfo=UTC), Instant())
        return type_coerce(func.date_bin(literal(BUCKET), TaskRun.finished_at, epoch), Instant())
    tens = func.substr(TaskRun.finished_at, 1, len("2026-01-01 12:3"))
    return type_coerce(tens + "0:00.000000", Instant())


def _insert(session: Session) -> Any:
    return postgresql.insert if is_postgresql(session) else sqlite.insert
