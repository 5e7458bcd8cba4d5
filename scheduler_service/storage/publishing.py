"""Runs on their way to the broker: inserted, leased by one Beat, marked when sent.

A lease lets one Beat send without another doing the same; it is a courtesy, not a lock: sending twice is safe. On
PostgreSQL each Beat holds an advisory lock for as long as it lives, so the runs a killed Beat left are taken over
at once. On SQLite only the lease's end tells.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, or_, select, text, type_coerce, update
from sqlalchemy.orm import Session, aliased

from scheduler_service.storage import runs
from scheduler_service.storage.batches import among, insert_new, is_postgresql, joined
from scheduler_service.storage.columns import Instant
from scheduler_service.storage.models import STARTS_BY, PeriodicTask, TaskRun, WorkerTask

#: First key of the advisory locks that living Beats hold; the second is the Beat's number.
BEAT_LOCKS = 729_544_100
#: Headers of a message that Celery sets itself: another `id`, and the run would be nobody's.
CELERYS_HEADERS = frozenset({
    "lang", "task", "id", "shadow", "eta", "expires", "group", "group_index", "retries", "timelimit", "root_id",
    "parent_id", "argsrepr", "kwargsrepr", "origin", "ignore_result", "replaced_task_nesting", "stamped_headers",
    "stamps",
})  # fmt: skip
UNCLAIMED_AFTER = timedelta(seconds=10)
UNPUBLISHABLE = "the message could not be made"

_OWNER_DEAD = text(
    "task_run.leased_by NOT IN (SELECT objid\\:\\:bigint FROM pg_locks WHERE locktype = 'advisory'"
    f" AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND classid = {BEAT_LOCKS})"
)


class Message(NamedTuple):
    """What a message is made from; the names are the columns of `task_run`."""

    id: UUID
    periodic_task_id: int
    task: str
    args: list[Any]
    kwargs: dict[str, Any]
    options: dict[str, Any]
    occurrence_at: datetime
    attempt: int


def lease_length(session: Session) -> timedelta:
    return timedelta(seconds=30 if is_postgresql(session) else 5)


def publishable(session: Session, now: Any) -> ColumnElement[bool]:
    """Pending, and in no living Beat's hands."""
    free = [TaskRun.lease_until.is_(None), TaskRun.lease_until < now]
    if is_postgresql(session):
        free.append(and_(TaskRun.leased_by.is_not(None), _OWNER_DEAD))
    return and_(TaskRun.state == "pending", or_(*free))


def insert_runs(session: Session, rows: Sequence[dict[str, Any]]) -> set[UUID]:
    """Write runs; an occurrence that has one keeps it. The ids of those that were written."""
    return insert_new(session, TaskRun, rows)


def lease(session: Session, beat: int, *, now: datetime, limit: int) -> list[Message]:
    """Take runs that nobody is sending, oldest first, and what their messages need."""
    rows = session.execute(
        select(*(getattr(TaskRun, field) for field in Message._fields))
        .where(publishable(session, now))
        .order_by(TaskRun.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    ids = [row.id for row in rows]
    if ids:
        taken = {"lease_until": now + lease_length(session), "leased_by": beat}
        session.execute(update(TaskRun).where(among(session, TaskRun.id, ids)).values(taken))
    return [Message(*row) for row in rows]


def promote(session: Session, *, limit: int) -> int:
    """Make the oldest buffered run pending, of each schedule where no run goes on; how many. Backfills aside.

    The schedules are locked first, so that nobody decides an occurrence of theirs meanwhile.
    """
    waits = and_(TaskRun.state == "buffered", ~runs.backfilled())
    waiting = select(TaskRun.periodic_task_id).where(waits).distinct().limit(limit)
    locked = session.scalars(
        select(PeriodicTask.id)
        .where(PeriodicTask.id.in_(waiting))
        .order_by(PeriodicTask.id)
        .with_for_update(skip_locked=True)
    ).all()
    occupied = runs.occupied(session, locked)
    free = [schedule_id for schedule_id in locked if (there := occupied.get(schedule_id)) and not there.unfinished]
    earlier = aliased(TaskRun)
    oldest = (
        select(func.min(earlier.occurrence_at))
        .where(
            earlier.periodic_task_id == TaskRun.periodic_task_id,
            earlier.state == "buffered",
            ~runs.backfilled(earlier),
        )
        .correlate(TaskRun)
        .scalar_subquery()
    )
    first = and_(waits, TaskRun.occurrence_at == oldest)
    ids = session.scalars(select(TaskRun.id).where(among(session, TaskRun.periodic_task_id, free), first)).all()
    return _rowcount(
        session, update(TaskRun).where(among(session, TaskRun.id, ids)).values(state="pending", reason=None)
    )


def expire_undelivered(session: Session, *, now: datetime, deadline: timedelta) -> int:
    """End the runs that waited for the broker longer than the deadline; how many."""
    return _rowcount(
        session,
        update(TaskRun)
        .where(publishable(session, now), TaskRun.fire_at < now - deadline, TaskRun.decided_at < now - deadline)
        .values(state="expired", reason="the broker was away for too long", finished_at=now),
    )


def mark_published(session: Session, ids: Sequence[UUID], *, now: datetime) -> None:
    """Sent. A fast worker may have made a run `running` already, or ended it: that one is told when it was sent.

    Not waited for until it is on PostgreSQL's disk: what a crash of the server forgets is sent again, which is safe.
    """
    if is_postgresql(session):
        session.execute(text("SET LOCAL synchronous_commit TO off"))
    waits, at = TaskRun.state == "pending", literal(now, Instant())
    session.execute(
        update(TaskRun)
        .where(joined(session, TaskRun.id, ids), or_(waits, TaskRun.published_at.is_(None)))
        .values(
            state=case((waits, "published"), else_=TaskRun.state),
            published_at=case((waits, at), else_=func.coalesce(TaskRun.started_at, at)),
            start_by=case((waits, _sooner(session, now)), else_=TaskRun.start_by),
            publish_count=TaskRun.publish_count + 1,
            lease_until=None,
            leased_by=None,
        )
        .execution_options(synchronize_session=False)  # else the ids of all rows come back
    )


def late(now: datetime) -> ColumnElement[bool]:
    """Not started, and it must not start any more."""
    return and_(text(STARTS_BY), TaskRun.start_by < now)


def expire_late(session: Session, *, now: datetime, run_id: UUID | None = None) -> int:
    """End the runs whose time to start is over, or one if it is such; how many."""
    which = late(now) if run_id is None else and_(TaskRun.id == run_id, late(now))
    return _rowcount(
        session,
        update(TaskRun).where(which).values(state="expired", finished_at=now, reason="its time to start was over"),
    )


def _sooner(session: Session, now: datetime) -> Any:
    """The start deadline, or the end of the message's time to live if that comes before."""
    if is_postgresql(session):
        ends = literal(now, Instant()) + func.make_interval(0, 0, 0, 0, 0, 0, TaskRun.expire_seconds)
        return func.least(TaskRun.start_by, ends)
    seconds = func.printf("+%d seconds", TaskRun.expire_seconds)
    ends = case((TaskRun.expire_seconds.is_not(None), func.strftime("%Y-%m-%d %H:%M:%f000", _text(now), seconds)))
    earlier = func.min(func.coalesce(TaskRun.start_by, ends), func.coalesce(ends, TaskRun.start_by))
    return type_coerce(earlier, Instant())


def _text(now: datetime) -> str:
    return now.strftime("%Y-%m-%d %H:%M:%S.%f")


def release(session: Session, ids: Sequence[UUID]) -> None:
    """Not sent after all: any Beat may."""
    session.execute(
        update(TaskRun)
        .where(among(session, TaskRun.id, ids), TaskRun.state == "pending")
        .values(lease_until=None, leased_by=None)
    )


def fail_unpublishable(session: Session, reasons: dict[UUID, str], *, now: datetime) -> None:
    """End runs whose message cannot be made: no broker will ever take it."""
    for run_id, why in reasons.items():
        session.execute(
            update(TaskRun)
            .where(TaskRun.id == run_id, TaskRun.state == "pending")
            .values(state="failed", reason=UNPUBLISHABLE, error=why, finished_at=now)
        )


def unclaimed(now: datetime) -> ColumnElement[bool]:
    """Whether a message may be gone: some run was sent, or to be tried again, a while ago, and no worker took it.

    Runs of tasks that no worker tracks do not count: nobody would ever say that they were taken.
    """
    sent = exists().where(TaskRun.state == "published", TaskRun.published_at < now - UNCLAIMED_AFTER, _tracked())
    return or_(sent, exists().where(_overdue(now)))


def waiting_messages(session: Session, now: datetime) -> set[UUID]:
    """The runs that have a message out, as far as we know: sent and not taken, or to be retried and overdue."""
    sent = and_(TaskRun.state == "published", _tracked())
    return set(session.scalars(select(TaskRun.id).where(or_(sent, _overdue(now)))))


def send_again(session: Session, ids: Sequence[UUID], *, why: str, now: datetime) -> int:
    """Make runs pending whose message is gone; how many. A retry that was lost is the next attempt."""
    again = {"state": "pending", "reason": why, "lease_until": None, "leased_by": None}
    known = among(session, TaskRun.id, ids)
    sent = update(TaskRun).where(known, TaskRun.state == "published").values(again)
    retried = update(TaskRun).where(known, _overdue(now)).values(again | {"attempt": TaskRun.attempt + 1})
    return _rowcount(session, sent) + _rowcount(session, retried)


def long_unclaimed(session: Session, *, now: datetime, after: timedelta, limit: int) -> list[UUID]:
    """Runs sent longer ago than anybody would wait: twice as long each time they were sent."""
    rows = session.execute(
        select(TaskRun.id, TaskRun.published_at, TaskRun.publish_count)
        .where(TaskRun.state == "published", TaskRun.published_at < now - after, _tracked())
        .order_by(TaskRun.published_at)
        .limit(limit)
    )
    return [run_id for run_id, at, count in rows if at < now - after * 2 ** max(count - 1, 0)]


def _tracked() -> ColumnElement[bool]:
    return exists().where(WorkerTask.task == TaskRun.task)


def _overdue(now: datetime) -> ColumnElement[bool]:
    return and_(TaskRun.state == "retrying", TaskRun.retry_at < now - UNCLAIMED_AFTER)


def _rowcount(session: Session, statement: Any) -> int:
    count: int = session.execute(statement).rowcount  # type: ignore[attr-defined]
    return count
