"""How far a run is, told by its task while it goes on."""

from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from scheduler_service.storage.models import TaskRun


def tell(session: Session, run_id: UUID, progress: dict[str, Any]) -> None:
    """Keep it on the run, while that is running."""
    session.execute(
        update(TaskRun)
        .where(TaskRun.id == run_id, TaskRun.state == "running")
        .values(progress=progress)
        .execution_options(synchronize_session=False)
    )
