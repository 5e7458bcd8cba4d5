"""Running a schedule now, besides its timing. A row is all it takes: Beat publishes it."""

from datetime import datetime
from typing import Any

from uuid_utils.compat import uuid7

from scheduler_service.storage import audit, publishing, runs, schedules
from scheduler_service.storage.models import TaskRun
from scheduler_service.storage.session import Session


def trigger(
    session: Session,
    schedule_id: int,
    *,
    args: list[Any] | None = None,
    kwargs: dict[str, Any] | None = None,
    actor: str,
    now: datetime,
) -> TaskRun:
    """Make a run of the schedule, with all its options, for now; its timing is not moved. Raises: ScheduleNotFound."""
    task = schedules.get_locked(session, schedule_id)
    run_id = uuid7()
    row = runs.new_run(task, run_id=run_id, origin=f"manual:{run_id}", occurrence_at=now, fire_at=now, now=now)
    row |= {"decided_at": now, "decided_by": actor}
    if args is not None:
        row["args"] = args
    if kwargs is not None:
        row["kwargs"] = kwargs
    publishing.insert_runs(session, [row])
    audit.record(
        session,
        actor=actor,
        action="trigger",
        subject_type="schedule",
        subject_id=schedule_id,
        subject_name=task.name,
        changes={"run": (None, str(run_id))},
    )
    return runs.get(session, run_id)
