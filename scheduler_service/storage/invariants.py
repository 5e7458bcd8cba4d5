"""What must be true of a database that this service works on, as statements that find what breaks it.

Each looks and locks nothing. A state that lasts a moment (a run about to be sent) is looked for with a patience that
no healthy Beat or worker needs; still, a caller that alarms somebody looks twice.
"""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import inspect
from sqlalchemy.orm import Session

from scheduler_service.errors import CannotStart
from scheduler_service.storage import migrating, move_invariants, run_invariants, schedule_invariants, worker_invariants
from scheduler_service.storage.findings import Finding, Found

#: What a Beat or a worker may be about to put right.
PASSING = frozenset({
    "overdue", "unplanned", "pending_unsent", "published_unclaimed", "running_abandoned", "retry_overdue",
    "buffered_idle", "followers_idle", "no_beat", "queue_unserved", "task_unserved",
})  # fmt: skip
ONE_RUN = {"periodic_task_id", "origin", "occurrence_at"}


def examine(session: Session, now: datetime) -> list[Found]:
    """Everything that is not as it must be. Of a database at another version, that alone is told."""
    if behind := _migrations(session):
        return [behind]
    return [
        *_one_run_per_occurrence(session),
        *schedule_invariants.examine(session, now),
        *run_invariants.examine(session, now),
        *worker_invariants.examine(session, now),
        *move_invariants.examine(session),
    ]


def _migrations(session: Session) -> Found | None:
    try:
        migrating.check_connection(session.connection())
    except CannotStart as why:
        mend = "Bring database and service to the same version: `scheduler-service db upgrade`."
        return Found.one(Finding("migrations", "the database", str(why), mend))
    return None


def _one_run_per_occurrence(session: Session) -> Iterator[Found]:
    """The constraint holds it, so that it is there is all that need be seen."""
    constraints = inspect(session.connection()).get_unique_constraints("task_run")
    if not any(set(constraint["column_names"]) == ONE_RUN for constraint in constraints):
        sentence = "Nothing keeps an occurrence from having two runs: the table's unique constraint is gone."
        columns = "periodic_task_id, origin, occurrence_at"
        mend = (
            f"ALTER TABLE task_run ADD CONSTRAINT uq_task_run_periodic_task_id_origin_occurrence_at UNIQUE ({columns})."
        )
        yield Found.one(Finding("occurrence_not_unique", "task_run", sentence, mend))
