"""What a person does to runs: one now, another attempt, an end. Rows are all it takes: Beat acts."""

from datetime import datetime
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from scheduler_service.errors import RunFinished, RunUnfinished, ScheduleIsShadow
from scheduler_service.services import tasks
from scheduler_service.storage import audit, cancelling, publishing, runs, schedules
from scheduler_service.storage.models import SHADOWED, TaskRun
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
    """Make a run of the schedule, with all its options, for now; its timing is not moved.

    Raises: ScheduleNotFound; ScheduleIsShadow; Invalid, for other arguments that do not fit the task.
    """
    task = schedules.get_locked(session, schedule_id)
    if task.shadow:
        raise ScheduleIsShadow(schedule_id)
    run_id = uuid7()
    row = runs.new_run(task, run_id=run_id, origin=f"manual:{run_id}", occurrence_at=now, fire_at=now, now=now)
    row |= {"decided_at": now, "decided_by": actor}
    given = {name: value for name, value in (("args", args), ("kwargs", kwargs)) if value is not None}
    if given:
        row |= given
        tasks.require_fitting(session, row["task"], row["args"], row["kwargs"], allow_unknown=True, now=now)
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


def cancel(session: Session, run_id: UUID, *, terminate: bool, actor: str, now: datetime) -> TaskRun:
    """End a run: at once when it has not started; else it is asked to, and, if so wished, terminated after a grace.

    Raises: RunNotFound; RunFinished.
    """
    run = runs.get(session, run_id)
    reason = f"cancelled by {actor}"
    mode = "terminate" if terminate else "ask"
    ended = cancelling.end_unstarted(session, run_id, reason=reason, now=now)
    if not ended and not cancelling.ask_running(session, run_id, mode=mode, reason=reason, now=now):
        raise RunFinished(run_id, run.state)
    return _recorded(session, run, "cancel", actor)


def retry(session: Session, run_id: UUID, *, actor: str, now: datetime) -> TaskRun:
    """Give a finished run another attempt, with what it was decided with.

    Raises: RunNotFound; RunUnfinished; ScheduleIsShadow, for what was recorded and never a run.
    """
    run = runs.get(session, run_id)
    if run.state == SHADOWED:
        raise ScheduleIsShadow(run.periodic_task_id)
    if not cancelling.start_over(session, run_id, reason=f"tried again by {actor}", now=now):
        raise RunUnfinished(run_id, run.state)
    return _recorded(session, run, "retry", actor)


def _recorded(session: Session, run: TaskRun, action: str, actor: str) -> TaskRun:
    """The run as it is now, the deed in the audit trail."""
    before = run.state
    session.refresh(run)
    audit.record(
        session,
        actor=actor,
        action=action,
        subject_type="run",
        subject_id=run.id,
        subject_name=run.schedule_name,
        changes={"state": (before, run.state)},
    )
    return run
