"""One pass through a chain of schedules: the runs with one origin and occurrence, read as one."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from scheduler_service.storage import chains, runs
from scheduler_service.storage.models import FINISHED_STATES, TaskRun
from scheduler_service.storage.session import Session

PassState = Literal["going_on", "succeeded", "failed"]


@dataclass(frozen=True)
class Pass:
    """Its runs so far, heads first, the names of the schedules whose turn has not come, and how it stands.

    It has failed when any run ended otherwise than well, and succeeded when all did.
    """

    state: PassState
    runs: list[TaskRun]
    to_come: list[str]


def of_run(session: Session, run_id: UUID) -> Pass:
    """The pass that a run belongs to; a schedule that no other follows, and that follows none, is one by itself.

    Raises: RunNotFound.
    """
    run = runs.get(session, run_id)
    order = chains.together(session, run.periodic_task_id)
    ids = list(order) or [run.periodic_task_id]  # its schedule may be gone
    found = chains.runs_of_pass(session, run.origin, run.occurrence_at, ids)
    there = {one.periodic_task_id for one in found}
    to_come = [name for schedule_id, name in order.items() if schedule_id not in there]
    if any(one.state in FINISHED_STATES and one.state != "succeeded" for one in found):
        return Pass("failed", found, to_come)
    is_over = not to_come and all(one.state == "succeeded" for one in found)
    return Pass("succeeded" if is_over else "going_on", found, to_come)
