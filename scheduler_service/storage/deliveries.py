"""Deliveries: artifacts on their way to somebody. Each try is claimed first, so that two senders never share one.

A claim is a lease: `next_try_at` moves behind it, so what a killed sender had claimed is tried again. The other side
then may get it twice, under the same message id.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from scheduler_service.errors import DeliveryNotFound
from scheduler_service.storage.batches import among
from scheduler_service.storage.models import Delivery, PeriodicTask

#: The Celery task that sends what is pending; a built-in schedule runs it.
SEND = "report.deliver_pending"
BATCH = 200
LEASE = timedelta(minutes=10)


@dataclass(frozen=True)
class DeliveryFilter:
    """Which deliveries; None means any."""

    run_id: UUID | None = None
    state: str | None = None


def add(session: Session, deliveries: Sequence[Delivery]) -> None:
    """Write new ones."""
    session.add_all(deliveries)
    session.flush()


def get(session: Session, delivery_id: int) -> Delivery:
    """Raises: DeliveryNotFound."""
    found = session.get(Delivery, delivery_id)
    if found is None:
        raise DeliveryNotFound(delivery_id)
    return found


def search(session: Session, wanted: DeliveryFilter, *, limit: int, before: int | None = None) -> Sequence[Delivery]:
    """A page, newest first; `before` is the id of the last one seen."""
    statement = select(Delivery).order_by(Delivery.id.desc()).limit(limit)
    for name, value in vars(wanted).items():
        if value is not None:
            statement = statement.where(getattr(Delivery, name) == value)
    if before is not None:
        statement = statement.where(Delivery.id < before)
    return session.scalars(statement).all()


def by_state(session: Session, run_id: UUID) -> dict[str, int]:
    """How many of a run's are in each state."""
    counted = select(Delivery.state, func.count()).where(Delivery.run_id == run_id).group_by(Delivery.state)
    return dict(session.execute(counted.order_by(Delivery.state)).all())


def claim_due(session: Session, *, now: datetime, run_id: UUID | None = None) -> Delivery | None:
    """Take the longest due one, of this run if one is named; those that another sender locks are passed over."""
    due = select(Delivery).where(Delivery.state == "pending", Delivery.next_try_at <= now)
    if run_id is not None:
        due = due.where(Delivery.run_id == run_id)
    found = session.scalars(
        due.order_by(Delivery.next_try_at, Delivery.id).limit(1).with_for_update(skip_locked=True)
    ).one_or_none()
    if found is not None:
        found.attempts += 1
        found.next_try_at = now + LEASE
        session.flush()
    return found


def record(session: Session, delivery_id: int, *, attempts: int, **values: Any) -> bool:
    """Write what became of a try, when no later one has begun; whether it did."""
    mine = (Delivery.id == delivery_id, Delivery.attempts == attempts, Delivery.state == "pending")
    result: Any = session.execute(update(Delivery).where(*mine).values(**values))
    return bool(result.rowcount)


def start_over(session: Session, delivery: Delivery, *, now: datetime) -> None:
    """Let it be tried now, whatever became of it before."""
    delivery.state, delivery.next_try_at, delivery.error = "pending", now, None
    session.flush()


def sender(session: Session) -> int | None:
    """The schedule that sends what is pending, if there is one that is not paused."""
    return session.scalar(
        select(PeriodicTask.id)
        .where(PeriodicTask.task == SEND, PeriodicTask.enabled)
        .order_by(PeriodicTask.id)
        .limit(1)
    )


def trim(session: Session, *, before: datetime) -> int:
    """Delete a batch of those made before, oldest first; how many."""
    old = select(Delivery.id).where(Delivery.created_at < before).order_by(Delivery.created_at).limit(BATCH)
    ids = session.scalars(old).all()
    if ids:
        session.execute(delete(Delivery).where(among(session, Delivery.id, ids)))
    return len(ids)
