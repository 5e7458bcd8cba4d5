"""A schedule as a person writes it: every field they may set, and what each must be."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from scheduler_service.errors import FieldProblem
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
    nested,
    wire_instant,
)
from scheduler_service.services.timing_documents import TimingDocument, timing_document
from scheduler_service.storage.models import PeriodicTask
from scheduler_service.storage.publishing import CELERYS_HEADERS

Kind = Literal["collect", "etl", "report", "other"]
OverlapPolicy = Literal["skip", "buffer_one", "buffer_all", "allow_all", "cancel_other", "terminate_other"]
MisfirePolicy = Literal["fire_once", "fire_all", "skip"]

KINDS_BY_TASK = {
    "collect.execute_task": "collect",
    "etl.execute_pipeline": "etl",
    "report.generate_scheduled": "report",
}
REQUIRED = ("name", "task")
#: Fields of the wire that the service sets: ignored in a PUT (so that what was read may be sent back), else refused.
READ_ONLY = (
    "id", "timing_text", "state", "completed_reason", "quarantine_reason", "next_run_at", "last_run_at",
    "total_run_count", "revision", "created_at", "date_changed",
)  # fmt: skip


def _named(value: Any) -> Any:
    """A name alone means: leave out its days."""
    return {"name": value} if isinstance(value, str) else value


Tag = Annotated[Line, StringConstraints(max_length=50)]
MOST_TAGS = 50


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
    shadow: Truth = Field(default=False, description="Decide what would run, and send nothing")
    after: Annotated[list[Line], Field(max_length=50)] = Field(
        default_factory=list,
        description="Names of schedules: it runs when all have succeeded, with their occurrence; in place of a timing",
        examples=[["collect orders"]],
    )
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
    catchup_limit: Positive = Field(
        default=1000,
        description="Most missed occurrences that `fire_all` catches up, the latest; the others are missed",
    )
    overlap_policy: OverlapPolicy = "skip"
    buffer_limit: Positive = Field(
        default=1000, description="Most runs that wait for another; further ones are dropped"
    )
    pause_after_failures: Positive | None = Field(default=None, description="Failures in a row that pause it")
    retry_max: Annotated[int, Field(strict=True, ge=0, le=100)] = Field(
        default=0, description="Attempts after a failed one, besides what the task itself does"
    )
    retry_delay_seconds: Annotated[int, Field(strict=True, ge=0, le=86_400)] = Field(
        default=60,
        description="Before the second attempt; twice as long before each further one, an hour at most, and up to a "
        "quarter more, so that what failed together is not tried again together",
    )
    soft_time_limit_seconds: Positive | None = Field(default=None, description="The task is told to end")
    time_limit_seconds: Positive | None = Field(default=None, description="The task's process is killed")
    start_deadline_seconds: Positive | None = Field(default=None, description="A run not started by then never starts")
    keep_runs_days: Positive | None = Field(
        default=None, description="How long finished runs are kept; by default as long as the service keeps any"
    )
    calendar: CalendarField = None
    tags: Annotated[list[Tag], Field(max_length=MOST_TAGS)] = Field(default_factory=list)
    description: Prose = ""
    allow_unknown_task: Truth = Field(default=False, description="Take a task that no worker has made known; not kept")

    @field_validator("time_limit_seconds")
    @classmethod
    def _kills_after_it_was_told(cls, hard: int | None, info: ValidationInfo) -> int | None:
        soft = info.data.get("soft_time_limit_seconds")
        if hard is not None and soft is not None and hard <= soft:
            raise PydanticCustomError("order", "must be more than soft_time_limit_seconds")
        return hard

    @field_validator("headers")
    @classmethod
    def _not_celerys(cls, headers: dict[str, Any]) -> dict[str, Any]:
        if taken := sorted(CELERYS_HEADERS & headers.keys()):
            raise nested([FieldProblem(name, "is set by Celery itself") for name in taken])
        return headers

    @field_validator("tags")
    @classmethod
    def _unlike(cls, tags: list[str]) -> list[str]:
        return list(dict.fromkeys(tags))

    @field_validator("after")
    @classmethod
    def _each_once(cls, after: list[str]) -> list[str]:
        return sorted(set(after))

    @field_validator("expires")
    @classmethod
    def _ends_after_its_start(cls, expires: datetime | None, info: ValidationInfo) -> datetime | None:
        return ends_after_its_start(expires, info.data.get("start_time"))


class ScheduleDocument(ScheduleFields):
    """A whole schedule: what is left out has its default."""

    name: Line = Field(examples=["collect orders"])
    task: Line = Field(examples=["collect.execute_task"], description="Name of a Celery task")
    timing: TimingDocument | None = Field(default=None, description="When; or null, where it runs `after` others")

    @model_validator(mode="after")
    def _either(self) -> "ScheduleDocument":
        if problems := problems_of_when(self):
            raise nested(problems)
        return self.model_copy(update={"overlap_policy": FOLLOWERS_OVERLAP}) if _leaves_overlap_open(self) else self


class WholeScheduleDocument(ScheduleDocument):
    """What is there, edited: also with the fields that the service sets, which are ignored."""

    @model_validator(mode="before")
    @classmethod
    def _without_read_only(cls, document: Any) -> Any:
        if isinstance(document, dict):
            return {name: value for name, value in document.items() if name not in READ_ONLY}
        return document


#: What a schedule has of its own when it has a timing of its own, with what it must be otherwise.
OF_A_TIMING: dict[str, Any] = {
    "start_time": None, "expires": None, "calendar": None, "jitter_seconds": 0, "shadow": False,
}  # fmt: skip
#: By default no pass of a chain is left out because the one before is not over.
FOLLOWERS_OVERLAP: OverlapPolicy = "buffer_all"


def problems_of_when(fields: ScheduleFields) -> list[FieldProblem]:
    """What is wrong with a whole schedule that says both, or neither, of when it runs and after whom."""
    if fields.timing is not None:
        return [FieldProblem("after", "is given in place of timing, not with it")] if fields.after else []
    if not fields.after:
        return [FieldProblem("timing", "is required, or after")]
    return [
        FieldProblem(name, "means nothing for a schedule that runs after others")
        for name, empty in OF_A_TIMING.items()
        if getattr(fields, name) != empty
    ]


def _leaves_overlap_open(fields: ScheduleFields) -> bool:
    return bool(fields.after) and "overlap_policy" not in fields.model_fields_set


def kind_of(task: str) -> str:
    """What a task of ours does; anybody else's is `other`."""
    return KINDS_BY_TASK.get(task, "other")


def columns_of(fields: ScheduleFields) -> dict[str, Any]:
    """The fields that are columns as they are."""
    later = {"timing", "after", "calendar", "allow_unknown_task"}
    return {name: getattr(fields, name) for name in type(fields).model_fields if name not in later}


def settled(values: dict[str, Any]) -> dict[str, Any]:
    """Columns as they are stored: an enabled schedule has no reason to be paused. The kind is settled elsewhere."""
    kept = {name: value for name, value in values.items() if name != "kind" or value is not None}
    return kept | {"paused_reason": None} if kept["enabled"] else kept


def document_to_be(fields: ScheduleDocument, timing: dict[str, Any] | None) -> dict[str, Any]:
    """What `document_of` will say of a schedule that is made what the fields say; the timing as it will be."""
    use = fields.calendar
    said = columns_of(fields) | {
        "kind": fields.kind or kind_of(fields.task),
        "paused_reason": None if fields.enabled else fields.paused_reason,
        "timing": timing,
        "after": fields.after,
        "start_time": wire_instant(fields.start_time),
        "expires": wire_instant(fields.expires),
        "calendar": {"name": use.name, "mode": use.mode} if use is not None else None,
    }
    return {name: said[name] for name in ScheduleFields.model_fields if name in said}


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
        "shadow": task.shadow,
        "after": [upstream.name for upstream in task.upstreams],
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
        "catchup_limit": task.catchup_limit,
        "overlap_policy": task.overlap_policy,
        "buffer_limit": task.buffer_limit,
        "pause_after_failures": task.pause_after_failures,
        "retry_max": task.retry_max,
        "retry_delay_seconds": task.retry_delay_seconds,
        "soft_time_limit_seconds": task.soft_time_limit_seconds,
        "time_limit_seconds": task.time_limit_seconds,
        "start_deadline_seconds": task.start_deadline_seconds,
        "keep_runs_days": task.keep_runs_days,
        "calendar": {"name": task.calendar.name, "mode": task.calendar_mode} if task.calendar is not None else None,
        "tags": [str(tag) for tag in task.tags],
        "description": task.description,
    }
