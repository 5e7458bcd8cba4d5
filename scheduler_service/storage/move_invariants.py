"""What must be true of jobs that came from another scheduler: only one side runs each."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scheduler_service.storage.findings import Found, Invariant, at, schedule_subject
from scheduler_service.storage.models import Move, ObservedRun, PeriodicTask

#: What the other scheduler tells of an instant that it has run, or begun to.
RAN = ("submitted", "executed", "error")

RUNS_TWICE = Invariant(
    "runs_twice",
    "Take it out of what that process adds at its start, and pause it there by `migrate cutover --name`.",
    schedule_subject,
    lambda row: f"It is live here, and {row.source} has run it since, of {at(row.last_at)} last: it runs twice.",
)


def examine(session: Session) -> Iterator[Found]:
    """What was handed over and has run at its source since, or since it was paused there again."""
    told: Any = (
        select(PeriodicTask.id, PeriodicTask.name, Move.source, func.max(ObservedRun.scheduled_at).label("last_at"))
        .join(Move, Move.periodic_task_id == PeriodicTask.id)
        .join(ObservedRun, (ObservedRun.source == Move.source) & (ObservedRun.source_id == Move.source_id))
        .where(Move.state == "live", Move.intention.is_(None), ObservedRun.outcome.in_(RAN))
        .where(ObservedRun.scheduled_at > Move.boundary_at, ObservedRun.scheduled_at > Move.changed_at)
        .group_by(PeriodicTask.id, PeriodicTask.name, Move.source)
        .order_by(PeriodicTask.id)
    )
    yield from RUNS_TWICE.broken_by(session, told)
