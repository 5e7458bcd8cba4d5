"""A schedule that keeps failing pauses itself, when it was told after how many failures.

In a transaction after the one that records the failure: this one locks the schedule, which comes before its runs.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler_service.storage import audit
from scheduler_service.storage.batches import among
from scheduler_service.storage.models import PeriodicTask, TaskRun
from scheduler_service.storage.runs import backfilled

FAILURES = ("failed", "timed_out", "lost")
ENDS = ("succeeded", *FAILURES)


def pause_failing(session: Session, run_ids: Sequence[UUID]) -> list[str]:
    """Pause the schedules of these runs that have failed often enough in a row; their names.

    Only runs decided since the schedule's last edit count, so that one who resumes it starts anew.
    """
    audit.comes_from(session, audit.BEAT)
    schedules = session.scalars(
        select(PeriodicTask)
        .where(
            PeriodicTask.id.in_(select(TaskRun.periodic_task_id).where(among(session, TaskRun.id, list(run_ids)))),
            PeriodicTask.pause_after_failures.is_not(None),
            PeriodicTask.enabled,
        )
        .order_by(PeriodicTask.id)
        .with_for_update()
    ).all()
    return [schedule.name for schedule in schedules if _pause_one(session, schedule)]


def _pause_one(session: Session, schedule: PeriodicTask) -> bool:
    wanted = schedule.pause_after_failures or 0
    last = session.scalars(
        select(TaskRun.state)
        .where(
            TaskRun.periodic_task_id == schedule.id,
            TaskRun.decided_at >= schedule.date_changed,
            TaskRun.state.in_(ENDS),
            ~backfilled(),
        )
        .order_by(TaskRun.decided_at.desc(), TaskRun.id.desc())
        .limit(wanted)
    ).all()
    if len(last) < wanted or "succeeded" in last:
        return False
    schedule.enabled, schedule.paused_reason = False, f"{wanted} failures in a row"
    audit.record(
        session,
        actor=audit.BEAT,
        action="pause",
        subject_type="schedule",
        subject_id=schedule.id,
        subject_name=schedule.name,
        changes={"enabled": (True, False), "paused_reason": (None, schedule.paused_reason)},
    )
    return True
