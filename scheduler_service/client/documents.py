"""What the service answers, typed. A field that a newer service adds is kept, so an older client goes on working."""

from datetime import datetime
from typing import Any, Generic, Literal, Self, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError

from scheduler_service.client.errors import ClientError

T = TypeVar("T")

Changes = dict[str, tuple[Any, Any]]
FINISHED = (
    "succeeded", "failed", "timed_out", "cancelled", "lost", "skipped", "missed", "dropped", "expired", "shadowed",
)  # fmt: skip


class Document(BaseModel):
    """Anything that the service answers."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)  # the input may be a key

    @classmethod
    def of(cls, answer: Any) -> Self:
        """What was answered. Raises: ClientError, for what is no such document."""
        try:
            return cls.model_validate(answer)
        except ValidationError as why:
            raise ClientError(f"The answer is of another version of the service: {why}.") from None

    def as_json(self) -> dict[str, Any]:
        """As it came over the wire."""
        return self.model_dump(mode="json")


class Page(Document, Generic[T]):
    """Some of a list; `next_cursor` goes on, `total` is there when it was asked for."""

    items: list[T]
    next_cursor: str | None
    total: int | None = None


class CalendarUse(Document):
    """A calendar, and whether its days are left out or kept to."""

    name: str
    mode: Literal["exclude", "only"]


class ScheduleFields(Document):
    """The part of a schedule that people set."""

    name: str
    kind: str
    task: str
    args: list[Any]
    kwargs: dict[str, Any]
    timing: dict[str, Any] | None
    enabled: bool
    paused_reason: str | None
    shadow: bool = False
    after: list[Any]
    start_time: datetime | None
    expires: datetime | None
    expire_seconds: int | None
    one_off: bool
    max_runs: int | None
    queue: str | None
    exchange: str | None
    routing_key: str | None
    headers: dict[str, Any]
    priority: int | None
    jitter_seconds: int
    misfire_policy: str
    misfire_grace_seconds: int
    catchup_window_seconds: int | None
    catchup_limit: int
    overlap_policy: str
    buffer_limit: int
    pause_after_failures: int | None
    retry_max: int
    retry_delay_seconds: int
    soft_time_limit_seconds: int | None
    time_limit_seconds: int | None
    start_deadline_seconds: int | None
    keep_runs_days: int | None
    calendar: CalendarUse | None
    tags: list[str]
    description: str


class Schedule(ScheduleFields):
    """A schedule: what runs, when, and where it stands."""

    id: int
    timing_text: str
    state: Literal["active", "paused", "completed", "quarantined"]
    completed_reason: str | None
    quarantine_reason: str | None
    next_run_at: datetime | None
    last_run_at: datetime | None
    total_run_count: int
    revision: int
    created_at: datetime
    date_changed: datetime

    def settable(self) -> dict[str, Any]:
        """What people set, as JSON: it may be changed and sent back with `replace`."""
        return {name: value for name, value in self.as_json().items() if name not in SET_BY_THE_SERVICE}


SET_BY_THE_SERVICE = Schedule.model_fields.keys() - ScheduleFields.model_fields.keys()


class Occurrence(Document):
    """An instant, when its run is to be sent, and what the timing's own clocks show at it."""

    occurrence_at: datetime
    fire_at: datetime
    local: str


class Preview(Document):
    """What is to come."""

    items: list[Occurrence]
    timing_text: str


class Run(Document):
    """What became of one occurrence. `id` is the Celery task id."""

    id: UUID
    schedule_id: int
    schedule_name: str
    task: str
    args: list[Any]
    kwargs: dict[str, Any]
    kind: str
    origin: str
    state: str
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
    progress: dict[str, Any] | None
    result: Any
    error: str | None

    @property
    def finished(self) -> bool:
        """Nothing more becomes of it, unless somebody has it tried again."""
        return self.state in FINISHED


class Attempt(Document):
    """One attempt at a run."""

    attempt: int
    state: str
    worker: str | None
    started_at: datetime | None
    ended_at: datetime | None
    error: str | None
    traceback: str | None


class RunDetail(Run):
    """One run, with what is too long for a list."""

    coalesced: int
    retry_at: datetime | None
    cancel_requested_at: datetime | None
    traceback: str | None
    attempts: list[Attempt]


class BackfillProposal(Document):
    """What a backfill would run: how many occurrences, and the first of them."""

    total: int
    items: list[datetime]


class Backfill(Document):
    """Occurrences of a past range that are run after all; `runs` counts its runs by state."""

    id: int
    schedule_id: int
    start: datetime
    end: datetime
    mode: str
    max_parallel: int
    order: str
    total: int
    state: str
    created_by: str
    created_at: datetime
    finished_at: datetime | None
    runs: dict[str, int]


class BulkItem(Document):
    """What became of one schedule of many."""

    id: int
    name: str | None
    outcome: Literal["changed", "unchanged", "failed"]
    code: str | None = None
    detail: str | None = None


class BulkResult(Document):
    """What became of many schedules; with `dry_run` what would."""

    action: str
    dry_run: bool
    total: int
    succeeded: int
    failed: int
    items: list[BulkItem]


class ChangedSchedule(Document):
    """A schedule that a document would change, or changed: {field: (old, new)}."""

    name: str
    changes: Changes


class ImportPlan(Document):
    """What an import does; with `dry_run` what it would."""

    dry_run: bool
    prune: bool
    created: list[str]
    changed: list[ChangedSchedule]
    unchanged: list[str]
    pruned: list[str]

    @property
    def changes_nothing(self) -> bool:
        return not (self.created or self.changed or self.pruned)


class Distribution(Document):
    """Seconds."""

    p50: float | None
    p95: float | None
    p99: float | None
    max: float | None


class Stats(Document):
    """Runs of a time range: how many in each state, how late, how long."""

    since: datetime
    until: datetime
    runs: int
    states: dict[str, int]
    lateness_seconds: Distribution
    duration_seconds: Distribution


class Task(Document):
    """A task that can be scheduled; `arguments` is a JSON Schema of its keyword arguments."""

    name: str
    queue: str | None
    doc: str | None
    arguments: dict[str, Any] | None
    kind: str
    acks_late: bool
    workers: list[str]


class Worker(Document):
    """A worker, and whether it lives."""

    name: str
    queues: list[str]
    concurrency: int
    pid: int
    state: Literal["alive", "silent", "stopped"]
    started_at: datetime
    last_heartbeat_at: datetime
    running: int
    tasks: int


class AuditEvent(Document):
    """Who changed what, when and from where: {field: (old, new)}."""

    id: int
    at: datetime
    actor: str
    action: str
    source: str
    subject_type: str
    subject_id: str
    subject_name: str
    changes: Changes


class Key(Document):
    """An API key, without its secret."""

    id: int
    name: str
    role: Literal["viewer", "operator", "admin"]
    prefix: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class NewKey(Key):
    """A key that was just made: the only time that its secret is told, in `key`."""

    key: str


class Me(Document):
    """Who is calling."""

    actor: str
    role: Literal["viewer", "operator", "admin"]
    expires_at: datetime | None
    csrf_token: str | None
