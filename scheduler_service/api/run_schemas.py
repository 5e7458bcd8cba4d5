"""Runs over the wire."""

from datetime import datetime
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field

from scheduler_service.api.schemas import Query, Word
from scheduler_service.services.fields import Id, Moment
from scheduler_service.services.runs import RunOrder
from scheduler_service.services.schedule_documents import Kind
from scheduler_service.storage.models import TaskRun
from scheduler_service.storage.runs import RunFilter

RunState = Literal[
    "pending", "published", "running", "retrying", "buffered", "succeeded", "failed", "timed_out", "cancelled", "lost",
    "skipped", "missed", "dropped", "expired",
]  # fmt: skip


class RunsOfScheduleQuery(Query):
    """Which runs of a schedule."""

    state: list[RunState] | None = Field(default=None, description="May be given several times: any of them")
    kind: Kind | None = None
    task: Word | None = None
    origin: Word | None = Field(default=None, examples=["auto"])
    worker: Word | None = None
    occurrence_after: Moment | None = None
    occurrence_before: Moment | None = None
    finished_after: Moment | None = Field(default=None, description="At this instant or later")
    finished_before: Moment | None = None
    order: RunOrder = Field(
        default="-decided_at", description="Newest first; or only finished ones, oldest first, to go on reading from"
    )

    def wanted(self, schedule_id: int | None = None) -> RunFilter:
        """The filter."""
        names = set(RunsOfScheduleQuery.model_fields) - {"limit", "cursor", "order"}
        return RunFilter(schedule_id=schedule_id, **{name: getattr(self, name) for name in names})


class RunQuery(RunsOfScheduleQuery):
    """Which runs."""

    schedule_id: Id | None = None


class RunOut(BaseModel):
    """What became of one occurrence. `id` is the Celery task id."""

    id: UUID
    schedule_id: int
    schedule_name: str
    task: str
    args: list[Any]
    kwargs: dict[str, Any]
    kind: str
    origin: str
    state: RunState
    reason: str | None
    occurrence_at: datetime
    fire_at: datetime
    decided_at: datetime
    published_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    worker: str | None
    attempt: int
    duplicate_deliveries: int
    revision: int
    result: Any
    error: str | None

    @classmethod
    def of(cls, run: TaskRun) -> Self:
        """The run as it looks over the wire."""
        names = set(cls.model_fields) - {"schedule_id"}
        return cls(schedule_id=run.periodic_task_id, **{name: getattr(run, name) for name in names})


class RunDetailOut(RunOut):
    """One run, with what is too long for a list."""

    coalesced: int
    retry_at: datetime | None
    traceback: str | None
