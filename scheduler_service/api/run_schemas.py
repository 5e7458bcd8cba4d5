"""Runs over the wire."""

from datetime import datetime
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field

from scheduler_service.api.schemas import CountedQuery, Word
from scheduler_service.services.fields import Id, Moment
from scheduler_service.services.passes import Pass, PassState
from scheduler_service.services.runs import RunOrder
from scheduler_service.services.schedule_documents import Kind
from scheduler_service.storage.models import TaskRun
from scheduler_service.storage.runs import RunFilter

RunState = Literal[
    "pending", "published", "running", "retrying", "buffered", "succeeded", "failed", "timed_out", "cancelled", "lost",
    "skipped", "missed", "dropped", "expired", "shadowed",
]  # fmt: skip


class RunsOfScheduleQuery(CountedQuery):
    """Which runs of a schedule."""

    state: list[RunState] | None = Field(default=None, description="May be given several times: any of them")
    kind: Kind | None = None
    task: Word | None = None
    origin: Word | None = Field(
        default=None,
        examples=["auto"],
        description="A whole one, such as `backfill:7`, or its kind, such as `backfill`",
    )
    worker: Word | None = None
    decided_after: Moment | None = Field(default=None, description="At this instant or later")
    decided_before: Moment | None = Field(default=None, description="Not included")
    occurrence_after: Moment | None = None
    occurrence_before: Moment | None = None
    finished_after: Moment | None = None
    finished_before: Moment | None = None
    order: RunOrder = Field(
        default="-decided_at", description="Newest first; or only finished ones, oldest first, to go on reading from"
    )

    def wanted(self, schedule_id: int | None = None) -> RunFilter:
        """The filter."""
        names = set(RunsOfScheduleQuery.model_fields) - {"limit", "cursor", "order", "total"}
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
    progress: dict[str, Any] | None = Field(
        default=None, description="How far it is, as its task told last", examples=[{"step": 2, "of": 5, "rows": 1200}]
    )
    result: Any
    error: str | None

    @classmethod
    def of(cls, run: TaskRun) -> Self:
        """The run as it looks over the wire."""
        names = set(cls.model_fields) - {"schedule_id"}
        return cls(schedule_id=run.periodic_task_id, **{name: getattr(run, name) for name in names})


class PassOut(BaseModel):
    """One pass through a chain of schedules: the runs with one origin and occurrence."""

    state: PassState = Field(description="`failed` when any run ended otherwise than well, `succeeded` when all did")
    items: list[RunOut] = Field(description="Its runs so far, those that others wait for first")
    to_come: list[str] = Field(description="Names of the schedules that have no run in it yet")

    @classmethod
    def of(cls, found: Pass) -> Self:
        """The pass as it looks over the wire."""
        return cls(state=found.state, items=[RunOut.of(run) for run in found.runs], to_come=found.to_come)


class AttemptOut(BaseModel):
    """One attempt at a run. Long errors and tracebacks of earlier ones are kept in part."""

    attempt: int
    state: RunState
    worker: str | None
    started_at: datetime | None
    ended_at: datetime | None
    error: str | None
    traceback: str | None

    @classmethod
    def all_of(cls, run: TaskRun) -> list[Self]:
        """Those that are kept, and the present one if it has begun: until then the run says when the last one did."""
        earlier = [cls.model_validate(attempt) for attempt in run.past_attempts or ()]
        if run.started_at is None or (earlier and earlier[-1].started_at == run.started_at):
            return earlier
        names = cls.model_fields.keys() - {"ended_at"}
        return [*earlier, cls(ended_at=run.finished_at, **{name: getattr(run, name) for name in names})]


class RunDetailOut(RunOut):
    """One run, with what is too long for a list."""

    coalesced: int
    retry_at: datetime | None
    cancel_requested_at: datetime | None
    traceback: str | None
    attempts: list[AttemptOut] = Field(description="Oldest first, the present one last; the last twenty are kept")

    @classmethod
    def of(cls, run: TaskRun) -> Self:
        """The run as it looks over the wire."""
        fields = {name: getattr(run, name) for name in cls.model_fields.keys() - {"schedule_id", "attempts"}}
        return cls(schedule_id=run.periodic_task_id, attempts=AttemptOut.all_of(run), **fields)
