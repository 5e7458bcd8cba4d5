"""A schedule as a person writes it: every field they may set, and what each must be."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from scheduler_service.services.fields import (
    Document,
    JsonList,
    JsonObject,
    Line,
    Moment,
    Positive,
    Prose,
    Reason,
    Truth,
    Whole,
    wire_instant,
)
from scheduler_service.services.timing_documents import TimingDocument, timing_document
from scheduler_service.storage.models import PeriodicTask

Kind = Literal["collect", "etl", "report", "other"]
OverlapPolicy = Literal["skip", "buffer_one", "buffer_all", "allow_all", "cancel_other", "terminate_other"]
MisfirePolicy = Literal["fire_once", "fire_all", "skip"]

KINDS_BY_TASK = {
    "collect.execute_task": "collect",
    "etl.execute_pipeline": "etl",
    "report.generate_scheduled": "report",
}
REQUIRED = ("name", "task", "timing")
#: Fields of the wire that the service sets: ignored in a PUT (so that what was read may be sent back), else refused.
READ_ONLY = (
    "id", "timing_text", "state", "completed_reason", "quarantine_reason", "next_run_at", "last_run_at",
    "total_run_count", "revision", "created_at", "date_changed",
)  # fmt: skip


def _not_yet(value: Any) -> None:
    if value not in (None, [], {}):
        raise PydanticCustomError("later", "is not available in this version: leave it out or null")


def _named(value: Any) -> Any:
    """A name alone means: leave out its days."""
    return {"name": value} if isinstance(value, str) else value


NotYet = Annotated[None, BeforeValidator(_not_yet)]
Tag = Annotated[Line, StringConstraints(max_length=50)]


def ends_after_its_start(expires: datetime | None, start: datetime | None) -> datetime | None:
    """The end itself, when it is one: a rule of every document that has both."""
    if expires is not None and start is not None and expires <= start:
        raise PydanticCustomError("order", "must be after start_time")
    return expires


class CalendarUse(Document):
    """A calendar by its name, and what it does to the schedule."""

    name: Line = Field(examples=["public holidays"])
    mode: Literal["exclude", "only"] = Field(default="exclude", description="Leave its days out, or keep to them")


CalendarField = Annotated[
    Annotated[CalendarUse, BeforeValidator(_named)] | None,
    Field(description="Days to leave out or to keep to, by the dates of the timing's zone; a name alone leaves out"),
]


class ScheduleFields(Document):
    """Every field with its default: what a patch may touch."""

    name: Line = Field(default="", examples=["collect orders"])
    kind: Kind | None = Field(default=None, description="By default what the task is: `other`, if it is not ours")
    task: Line = Field(default="", examples=["collect.execute_task"], description="Name of a Celery task")
    args: JsonList = Field(default_factory=list, examples=[[1]])
    kwargs: JsonObject = Field(default_factory=dict)
    timing: TimingDocument | None = None
    enabled: Truth = True
    paused_reason: Reason | None = Field(default=None, description="Kept while the schedule is not enabled")
    after: NotYet = None
    start_time: Moment | None = Field(default=None, description="No occurrence is before it")
    expires: Moment | None = Field(default=None, description="No occurrence is after it")
    expire_seconds: Positive | None = Field(default=None, description="A message not taken by then is dropped")
    one_off: Truth = False
    max_runs: Positive | None = None
    queue: Line | None = None
    exchange: Line | None = None
    routing_key: Line | None = None
    headers: JsonObject = Field(default_factory=dict)
    priority: Annotated[int, Field(strict=True, ge=0, le=255)] | None = Field(default=None, description="Usually 0..9")
    jitter_seconds: Whole = 0
    misfire_policy: MisfirePolicy = "fire_once"
    misfire_grace_seconds: Whole = 60
    catchup_window_seconds: Whole | None = None
    overlap_policy: OverlapPolicy = "skip"
    pause_after_failures: Positive | None = Field(default=None, description="Failures in a row that pause it")
    retry_max: Annotated[int, Field(strict=True, ge=0, le=100)] = Field(
        default=0, description="Attempts after a failed one, besides what the task itself does"
    )
    retry_delay_seconds: Annotated[int, Field(strict=True, ge=0, le=86_400)] = Field(
        default=60, description="Before the second attempt; twice as long before each further one, an hour at most"
    )
    soft_time_limit_seconds: Positive | None = Field(default=None, description="The task is told to end")
    time_limit_seconds: Positive | None = Field(default=None, description="The task's process is killed")
    start_deadline_seconds: Positive | None = Field(default=None, description="A run not started by then never starts")
    calendar: CalendarField = None
    tags: Annotated[list[Tag], Field(max_length=50)] = Field(default_factory=list)
    description: Prose = ""

    @field_validator("time_limit_seconds")
    @classmethod
    def _kills_after_it_was_told(cls, hard: int | None, info: ValidationInfo) -> int | None:
        soft = info.data.get("soft_time_limit_seconds")
        if hard is not None and soft is not None and hard <= soft:
            raise PydanticCustomError("order", "must be more than soft_time_limit_seconds")
        return hard

    @field_validator("tags")
    @classmethod
    def _unlike(cls, tags: list[str]) -> list[str]:
        return list(dict.fromkeys(tags))

    @field_validator("expires")
    @classmethod
    def _ends_after_its_start(cls, expires: datetime | None, info: ValidationInfo) -> datetime | None:
        return ends_after_its_start(expires, info.data.get("start_time"))


class ScheduleDocument(ScheduleFields):
    """A whole schedule: what is left out has its default."""

    name: Line = Field(examples=["collect orders"])
    task: Line = Field(examples=["collect.execute_task"], description="Name of a Celery task")
    timing: TimingDocument


class WholeScheduleDocument(ScheduleDocument):
    """What is there, edited: also with the fields that the service sets, which are ignored."""

    @model_validator(mode="before")
    @classmethod
    def _without_read_only(cls, document: Any) -> Any:
        if isinstance(document, dict):
            return {name: value for name, value in document.items() if name not in READ_ONLY}
        return document


def kind_of(task: str) -> str:
    """What a task of ours does; anybody else's is `other`."""
    return KINDS_BY_TASK.get(task, "other")


def columns_of(fields: ScheduleFields) -> dict[str, Any]:
    """The fields that are columns as they are."""
    later = {"timing", "after", "calendar"}
    return {name: getattr(fields, name) for name in type(fields).model_fields if name not in later}


def document_of(task: PeriodicTask) -> dict[str, Any]:
    """The schedule as its document, in JSON: what `ScheduleDocument` was made from."""
    return {
        "name": task.name,
        "kind": task.kind,
        "task": task.task,
        "args": task.args,
        "kwargs": task.kwargs,
        "timing": timing_document(task),
        "enabled": task.enabled,
        "paused_reason": task.paused_reason,
        "after": [],
        "start_time": wire_instant(task.start_time),
        "expires": wire_instant(task.expires),
        "expire_seconds": task.expire_seconds,
        "one_off": task.one_off,
        "max_runs": task.max_runs,
        "queue": task.queue,
        "exchange": task.exchange,
        "routing_key": task.routing_key,
        "headers": task.headers,
        "priority": task.priority,
        "jitter_seconds": task.jitter_seconds,
        "misfire_policy": task.misfire_policy,
        "misfire_grace_seconds": task.misfire_grace_seconds,
        "catchup_window_seconds": task.catchup_window_seconds,
        "overlap_policy": task.overlap_policy,
        "pause_after_failures": task.pause_after_failures,
        "retry_max": task.retry_max,
        "retry_delay_seconds": task.retry_delay_seconds,
        "soft_time_limit_seconds": task.soft_time_limit_seconds,
        "time_limit_seconds": task.time_limit_seconds,
        "start_deadline_seconds": task.start_deadline_seconds,
        "calendar": {"name": task.calendar.name, "mode": task.calendar_mode} if task.calendar is not None else None,
        "tags": [str(tag) for tag in task.tags],
        "description": task.description,
    }
