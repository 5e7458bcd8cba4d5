"""The tables: django-celery-beat's shape, on SQLAlchemy 2, and what it lacks.

Every NOT NULL column that a person may leave out has a default in the database itself, since a plain
`INSERT INTO periodic_task (name, task, interval_id) …` is as good a writer as the API.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, Uuid, false, text, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from scheduler_service.storage.columns import Base, Id, Instant, Json, SqlNow

KINDS = ("collect", "etl", "report", "other")
MISFIRE_POLICIES = ("fire_once", "fire_all", "skip")
OVERLAP_POLICIES = ("skip", "buffer_one", "buffer_all", "allow_all", "cancel_other", "terminate_other")
CALENDAR_MODES = ("exclude", "only")
PERIODS = ("weeks", "days", "hours", "minutes", "seconds")
TIMING_COLUMNS = ("crontab_id", "interval_id", "clocked_id", "solar_id", "rrule_id")

WAITING_STATES = ("pending", "published", "running", "retrying", "buffered")
NEVER_SENT_STATES = ("skipped", "missed", "dropped", "expired")
#: What a shadow schedule would have sent, while another scheduler runs the job. It says nothing of how the job went.
SHADOWED = "shadowed"
#: The origin of what a shadow decides: never in the way of a run of the same occurrence, and followed by nothing.
SHADOW = "shadow"
FINISHED_STATES = ("succeeded", "failed", "timed_out", "cancelled", "lost", *NEVER_SENT_STATES, SHADOWED)
RUN_STATES = (*WAITING_STATES, *FINISHED_STATES)

#: Why a schedule is completed that other days, not only another timing, may give a new life.
EXHAUSTED = "its timing has no further occurrence"

CANCEL_MODES = ("ask", "terminate", "terminating")
BACKFILL_MODES = ("missing", "failed", "all")
BACKFILL_STATES = ("running", "done", "cancelled")
DELIVERY_STATES = ("pending", "sent", "failed")
MOVE_STATES = ("planned", "shadow", "live", "rolled_back", "doubtful")
OBSERVED_OUTCOMES = ("submitted", "executed", "error", "missed", "skipped")
BEGUN = text("outcome = 'submitted'")
STARTS_BY = "start_by IS NOT NULL AND state IN ('pending', 'published', 'buffered')"
CANCELLING = "state = 'running' AND cancel_requested_at IS NOT NULL"
#: Few, so that it costs little to keep them together.
WRONG = "state IN ('failed', 'timed_out', 'lost')"
TRIED_BEFORE = "attempt_ended_at IS NOT NULL"

#: What Beat looks at; spelt alike in the index and in the queries, or no database would use the index.
PLANNABLE = (
    "enabled AND completed_reason IS NULL AND quarantine_reason IS NULL"
    f" AND coalesce({', '.join(TIMING_COLUMNS)}) IS NOT NULL"
)
#: What people look for among many that are well.
IDLE = "NOT enabled OR completed_reason IS NOT NULL OR quarantine_reason IS NOT NULL"
#: Beat pays for every index with each run that it decides: one that leaves the untagged out costs them nothing.
TAGGED = "tags <> '[]'"


def _one_of(column: str, values: tuple[str, ...], name: str) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(repr(value) for value in values)})", name=name)


def _json_is(column: str, kind: str) -> tuple[CheckConstraint, CheckConstraint]:
    """What any writer may store there: a list, or an object. (SQLite would take any text at all.)"""
    made = {"postgresql": f"jsonb_typeof({column}) = '{kind}'", "sqlite": f"json_type({column}) = '{kind}'"}
    postgresql, sqlite = (CheckConstraint(made[name], name=column).ddl_if(dialect=name) for name in made)
    return postgresql, sqlite


def _pointing(column: str) -> Index:
    """Of the rows that point somewhere: each index that holds a row is written again whenever the row fires."""
    points = text(f"{column} IS NOT NULL")
    return Index(f"ix_periodic_task_{column}", column, postgresql_where=points, sqlite_where=points)


class CrontabSchedule(Base):
    """Five cron fields and the zone they are read in."""

    __tablename__ = "crontab_schedule"
    __table_args__ = (
        UniqueConstraint(
            "minute", "hour", "day_of_month", "month_of_year", "day_of_week", "timezone", "day_match",
            name="uq_crontab_schedule_fields",
        ),
        _one_of("day_match", ("and", "or"), "day_match"),
        {"sqlite_autoincrement": True},
    )  # fmt: skip

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    minute: Mapped[str] = mapped_column(server_default="*")
    hour: Mapped[str] = mapped_column(server_default="*")
    day_of_month: Mapped[str] = mapped_column(server_default="*")
    month_of_year: Mapped[str] = mapped_column(server_default="*")
    day_of_week: Mapped[str] = mapped_column(server_default="*")
    timezone: Mapped[str] = mapped_column(server_default="UTC")
    day_match: Mapped[str] = mapped_column(server_default="and")


class IntervalSchedule(Base):
    """Every so many periods of elapsed time."""

    __tablename__ = "interval_schedule"
    __table_args__ = (
        UniqueConstraint("every", "period"),
        CheckConstraint("every >= 1", name="every"),
        _one_of("period", PERIODS, "period"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    every: Mapped[int]
    period: Mapped[str]


class ClockedSchedule(Base):
    """One instant."""

    __tablename__ = "clocked_schedule"
    __table_args__ = (UniqueConstraint("clocked_time"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    clocked_time: Mapped[datetime] = mapped_column(Instant)


class SolarSchedule(Base):
    """An event of the sun at a place."""

    __tablename__ = "solar_schedule"
    __table_args__ = (UniqueConstraint("event", "latitude", "longitude"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    event: Mapped[str]
    latitude: Mapped[float]
    longitude: Mapped[float]


class RruleSchedule(Base):
    """A recurrence rule of RFC 5545."""

    __tablename__ = "rrule_schedule"
    __table_args__ = (UniqueConstraint("rule"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    rule: Mapped[str]


class Definition:
    """The columns of a table of named, revisioned documents."""

    __tablename__: str

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str]
    description: Mapped[str] = mapped_column(server_default="")
    definition: Mapped[dict[str, Any]] = mapped_column(Json)
    revision: Mapped[int] = mapped_column(Id, server_default="1")
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=SqlNow())
    date_changed: Mapped[datetime] = mapped_column(Instant, server_default=SqlNow())


class Calendar(Definition, Base):
    """Named days that a schedule leaves out, or keeps to."""

    __tablename__ = "calendar"
    __table_args__ = (
        UniqueConstraint("name"),
        *_json_is("definition", "object"),
        {"sqlite_autoincrement": True},
    )

    audited_writes: Mapped[int] = mapped_column(Id, server_default="0")


class PeriodicTask(Base):
    """A schedule: what to run and when.

    `next_run_at` NULL means "to be planned" and nothing else. A column that is added here is classed in
    `storage/triggers.py` as deciding when, visible, or bookkeeping. A statement of ours that changes what a person sees
    counts `audited_writes` up (see `storage/own_writes.py`), and its event is ours to write.
    """

    __tablename__ = "periodic_task"
    __table_args__ = (
        UniqueConstraint("name"),
        CheckConstraint(
            " + ".join(f"CASE WHEN {column} IS NULL THEN 0 ELSE 1 END" for column in TIMING_COLUMNS) + " <= 1",
            name="one_timing",
        ),
        _one_of("kind", KINDS, "kind"),
        _one_of("misfire_policy", MISFIRE_POLICIES, "misfire_policy"),
        _one_of("overlap_policy", OVERLAP_POLICIES, "overlap_policy"),
        _one_of("calendar_mode", CALENDAR_MODES, "calendar_mode"),
        *_json_is("args", "array"),
        *_json_is("kwargs", "object"),
        *_json_is("headers", "object"),
        *_json_is("tags", "array"),
        CheckConstraint("priority BETWEEN 0 AND 255", name="priority"),
        CheckConstraint("jitter_seconds >= 0", name="jitter_seconds"),
        CheckConstraint("misfire_grace_seconds >= 0", name="misfire_grace_seconds"),
        CheckConstraint("catchup_window_seconds >= 0", name="catchup_window_seconds"),
        CheckConstraint("catchup_limit >= 1", name="catchup_limit"),
        CheckConstraint("buffer_limit >= 1", name="buffer_limit"),
        CheckConstraint("keep_runs_days >= 1", name="keep_runs_days"),
        CheckConstraint("expire_seconds >= 1", name="expire_seconds"),
        CheckConstraint("max_runs >= 1", name="max_runs"),
        CheckConstraint("pause_after_failures >= 1", name="pause_after_failures"),
        CheckConstraint("retry_max BETWEEN 0 AND 100", name="retry_max"),
        CheckConstraint("retry_delay_seconds BETWEEN 0 AND 86400", name="retry_delay_seconds"),
        CheckConstraint("soft_time_limit_seconds >= 1", name="soft_time_limit_seconds"),
        CheckConstraint("time_limit_seconds >= 1", name="time_limit_seconds"),
        CheckConstraint("start_deadline_seconds >= 1", name="start_deadline_seconds"),
        Index("ix_periodic_task_due", "next_run_at", "id",
              postgresql_where=text(PLANNABLE), sqlite_where=text(PLANNABLE)),
        *(_pointing(column) for column in (*TIMING_COLUMNS, "calendar_id")),
        Index("ix_periodic_task_task_name", "task", "name"),
        Index("ix_periodic_task_last_run_at_id", "last_run_at", "id"),
        Index("ix_periodic_task_date_changed_id", "date_changed", "id"),
        Index("ix_periodic_task_idle", "name", postgresql_where=text(IDLE), sqlite_where=text(IDLE)),
        Index("ix_periodic_task_tags", "tags", postgresql_using="gin", postgresql_ops={"tags": "jsonb_path_ops"},
              postgresql_where=text(TAGGED), sqlite_where=text(TAGGED)),
        {"sqlite_autoincrement": True},
    )  # fmt: skip

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str]
    kind: Mapped[str] = mapped_column(server_default="other")
    task: Mapped[str]
    args: Mapped[list[Any]] = mapped_column(Json, server_default="[]")
    kwargs: Mapped[dict[str, Any]] = mapped_column(Json, server_default="{}")
    description: Mapped[str] = mapped_column(server_default="")
    tags: Mapped[list[str]] = mapped_column(Json, server_default="[]")

    crontab_id: Mapped[int | None] = mapped_column(ForeignKey("crontab_schedule.id"))
    interval_id: Mapped[int | None] = mapped_column(ForeignKey("interval_schedule.id"))
    clocked_id: Mapped[int | None] = mapped_column(ForeignKey("clocked_schedule.id"))
    solar_id: Mapped[int | None] = mapped_column(ForeignKey("solar_schedule.id"))
    rrule_id: Mapped[int | None] = mapped_column(ForeignKey("rrule_schedule.id"))
    calendar_id: Mapped[int | None] = mapped_column(ForeignKey("calendar.id"))
    calendar_mode: Mapped[str] = mapped_column(server_default="exclude")
    start_time: Mapped[datetime | None] = mapped_column(Instant)
    expires: Mapped[datetime | None] = mapped_column(Instant)
    anchor_at: Mapped[datetime | None] = mapped_column(Instant)
    jitter_seconds: Mapped[int] = mapped_column(server_default="0")
    one_off: Mapped[bool] = mapped_column(server_default=false())
    max_runs: Mapped[int | None]
    enabled: Mapped[bool] = mapped_column(server_default=true())
    shadow: Mapped[bool] = mapped_column(server_default=false())
    paused_reason: Mapped[str | None]
    completed_reason: Mapped[str | None]
    quarantine_reason: Mapped[str | None]

    queue: Mapped[str | None]
    exchange: Mapped[str | None]
    routing_key: Mapped[str | None]
    headers: Mapped[dict[str, Any]] = mapped_column(Json, server_default="{}")
    priority: Mapped[int | None]
    expire_seconds: Mapped[int | None]

    misfire_policy: Mapped[str] = mapped_column(server_default="fire_once")
    misfire_grace_seconds: Mapped[int] = mapped_column(server_default="60")
    catchup_window_seconds: Mapped[int | None]
    catchup_limit: Mapped[int] = mapped_column(server_default="1000")
    overlap_policy: Mapped[str] = mapped_column(server_default="skip")
    buffer_limit: Mapped[int] = mapped_column(server_default="1000")
    pause_after_failures: Mapped[int | None]
    retry_max: Mapped[int] = mapped_column(server_default="0")
    retry_delay_seconds: Mapped[int] = mapped_column(server_default="60")
    soft_time_limit_seconds: Mapped[int | None]
    time_limit_seconds: Mapped[int | None]
    start_deadline_seconds: Mapped[int | None]
    keep_runs_days: Mapped[int | None]

    next_occurrence_at: Mapped[datetime | None] = mapped_column(Instant)
    next_run_at: Mapped[datetime | None] = mapped_column(Instant)
    watermark: Mapped[datetime] = mapped_column(Instant, server_default=SqlNow())
    last_run_at: Mapped[datetime | None] = mapped_column(Instant)
    total_run_count: Mapped[int] = mapped_column(Id, server_default="0")
    revision: Mapped[int] = mapped_column(Id, server_default="1")
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=SqlNow())
    date_changed: Mapped[datetime] = mapped_column(Instant, server_default=SqlNow())
    provenance: Mapped[dict[str, Any] | None] = mapped_column(Json)
    audited_writes: Mapped[int] = mapped_column(Id, server_default="0")

    crontab: Mapped[CrontabSchedule | None] = relationship()
    interval: Mapped[IntervalSchedule | None] = relationship()
    clocked: Mapped[ClockedSchedule | None] = relationship()
    solar: Mapped[SolarSchedule | None] = relationship()
    rrule: Mapped[RruleSchedule | None] = relationship()
    calendar: Mapped[Calendar | None] = relationship()
    upstreams: Mapped[list["PeriodicTask"]] = relationship(
        secondary="schedule_after",
        primaryjoin="PeriodicTask.id == ScheduleAfter.downstream_id",
        secondaryjoin="PeriodicTask.id == ScheduleAfter.upstream_id",
        order_by="PeriodicTask.name",
    )


class ScheduleAfter(Base):
    """A schedule that runs after another succeeds: it has no timing of its own."""

    __tablename__ = "schedule_after"
    __table_args__ = (Index("ix_schedule_after_downstream_id", "downstream_id"),)

    upstream_id: Mapped[int] = mapped_column(ForeignKey("periodic_task.id"), primary_key=True)
    downstream_id: Mapped[int] = mapped_column(ForeignKey("periodic_task.id", ondelete="CASCADE"), primary_key=True)


class ChainLink(Base):
    """A run that ended and whose schedule others wait for; a trigger makes it, and the Beat that follows takes it."""

    __tablename__ = "chain_link"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    run_id: Mapped[UUID] = mapped_column(Uuid)


class TaskRun(Base):
    """A run: what became of one occurrence. It outlives its schedule, so it has no foreign key to it."""

    __tablename__ = "task_run"
    __table_args__ = (
        UniqueConstraint("periodic_task_id", "origin", "occurrence_at"),
        _one_of("state", RUN_STATES, "state"),
        _one_of("cancel_mode", CANCEL_MODES, "cancel_mode"),
        Index("ix_task_run_pending", "lease_until", "id",
              postgresql_where=text("state = 'pending'"), sqlite_where=text("state = 'pending'")),
        Index("ix_task_run_active", "periodic_task_id", "state",
              postgresql_where=text("state IN ('pending', 'published', 'running', 'retrying')"),
              sqlite_where=text("state IN ('pending', 'published', 'running', 'retrying')")),
        Index("ix_task_run_start_by", "start_by", postgresql_where=text(STARTS_BY), sqlite_where=text(STARTS_BY)),
        Index("ix_task_run_buffered", "periodic_task_id", "occurrence_at",
              postgresql_where=text("state = 'buffered'"), sqlite_where=text("state = 'buffered'")),
        Index("ix_task_run_cancel", "cancel_requested_at",
              postgresql_where=text(CANCELLING), sqlite_where=text(CANCELLING)),
        Index("ix_task_run_published", "published_at",
              postgresql_where=text("state = 'published'"), sqlite_where=text("state = 'published'")),
        Index("ix_task_run_retry_at", "retry_at",
              postgresql_where=text("state = 'retrying'"), sqlite_where=text("state = 'retrying'")),
        Index("ix_task_run_worker", "worker",
              postgresql_where=text("state = 'running'"), sqlite_where=text("state = 'running'")),
        Index("ix_task_run_attempt_ended_at", "attempt_ended_at", "id",
              postgresql_where=text(TRIED_BEFORE), sqlite_where=text(TRIED_BEFORE)),
        Index("ix_task_run_decided_at_id", "decided_at", "id"),
        Index("ix_task_run_finished_at_id", "finished_at", "id",
              postgresql_where=text("finished_at IS NOT NULL"), sqlite_where=text("finished_at IS NOT NULL")),
        Index("ix_task_run_wrong", "finished_at", "id", postgresql_where=text(WRONG), sqlite_where=text(WRONG)),
        Index("ix_task_run_periodic_task_id_decided_at_id", "periodic_task_id", "decided_at", "id"),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    periodic_task_id: Mapped[int] = mapped_column(Id)
    schedule_name: Mapped[str]
    kind: Mapped[str]
    task: Mapped[str]
    args: Mapped[list[Any]] = mapped_column(Json)
    kwargs: Mapped[dict[str, Any]] = mapped_column(Json)
    options: Mapped[dict[str, Any]] = mapped_column(Json)
    revision: Mapped[int] = mapped_column(Id)
    origin: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str | None]
    coalesced: Mapped[int] = mapped_column(server_default="0")
    occurrence_at: Mapped[datetime] = mapped_column(Instant)
    fire_at: Mapped[datetime] = mapped_column(Instant)
    decided_at: Mapped[datetime] = mapped_column(Instant)
    decided_by: Mapped[str]
    start_by: Mapped[datetime | None] = mapped_column(Instant)
    expire_seconds: Mapped[int | None]
    lease_until: Mapped[datetime | None] = mapped_column(Instant)
    leased_by: Mapped[int | None] = mapped_column(Id)
    published_at: Mapped[datetime | None] = mapped_column(Instant)
    publish_count: Mapped[int] = mapped_column(server_default="0")
    started_at: Mapped[datetime | None] = mapped_column(Instant)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)
    worker: Mapped[str | None]
    attempt: Mapped[int] = mapped_column(server_default="1")
    past_attempts: Mapped[list[dict[str, Any]] | None] = mapped_column(Json)
    attempt_ended_at: Mapped[datetime | None] = mapped_column(Instant)
    retry_at: Mapped[datetime | None] = mapped_column(Instant)
    cancel_requested_at: Mapped[datetime | None] = mapped_column(Instant)
    cancel_mode: Mapped[str | None]
    duplicate_deliveries: Mapped[int] = mapped_column(server_default="0")
    progress: Mapped[dict[str, Any] | None] = mapped_column(Json)
    result: Mapped[Any | None] = mapped_column(Json)
    error: Mapped[str | None]
    traceback: Mapped[str | None]


class Backfill(Base):
    """Occurrences of a past range that are run after all, a few at a time; its runs have the origin `backfill:<id>`."""

    __tablename__ = "backfill"
    __table_args__ = (
        _one_of("mode", BACKFILL_MODES, "mode"),
        _one_of("state", BACKFILL_STATES, "state"),
        CheckConstraint("max_parallel BETWEEN 1 AND 100", name="max_parallel"),
        Index("ix_backfill_periodic_task_id", "periodic_task_id", "id"),
        Index("ix_backfill_running", "id",
              postgresql_where=text("state = 'running'"), sqlite_where=text("state = 'running'")),
        {"sqlite_autoincrement": True},
    )  # fmt: skip

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    periodic_task_id: Mapped[int] = mapped_column(Id)
    start_at: Mapped[datetime] = mapped_column(Instant)
    end_at: Mapped[datetime] = mapped_column(Instant)
    mode: Mapped[str]
    max_parallel: Mapped[int] = mapped_column(server_default="1")
    newest_first: Mapped[bool] = mapped_column(server_default=false())
    total: Mapped[int]
    state: Mapped[str] = mapped_column(server_default="running")
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=SqlNow())
    finished_at: Mapped[datetime | None] = mapped_column(Instant)


class Worker(Base):
    """A worker that tracks its runs; `name` is its Celery node name."""

    __tablename__ = "worker"
    __table_args__ = ()

    name: Mapped[str] = mapped_column(primary_key=True)
    queues: Mapped[list[str]] = mapped_column(Json)
    concurrency: Mapped[int]
    pid: Mapped[int]
    started_at: Mapped[datetime] = mapped_column(Instant)
    last_heartbeat_at: Mapped[datetime] = mapped_column(Instant)
    stopped_at: Mapped[datetime | None] = mapped_column(Instant)


class WorkerTask(Base):
    """A task that a worker knows. A task in no row here is not tracked: its runs never block anything."""

    __tablename__ = "worker_task"
    __table_args__ = (Index("ix_worker_task_task", "task"),)

    worker: Mapped[str] = mapped_column(ForeignKey("worker.name", ondelete="CASCADE"), primary_key=True)
    task: Mapped[str] = mapped_column(primary_key=True)
    queue: Mapped[str | None]
    doc: Mapped[str]
    acks_late: Mapped[bool]
    arguments: Mapped[dict[str, Any]] = mapped_column(Json)


class AuditEvent(Base):
    """Who changed what, when, and from what to what."""

    __tablename__ = "audit_event"
    __table_args__ = (
        Index("ix_audit_event_subject", "subject_type", "subject_id", "at", "id"),
        Index("ix_audit_event_at_id", "at", "id"),
        *(Index(f"ix_audit_event_{name}", name, "at", "id") for name in ("actor", "action", "source")),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant, server_default=SqlNow())
    actor: Mapped[str]
    source: Mapped[str] = mapped_column(server_default="")
    action: Mapped[str]
    subject_type: Mapped[str]
    subject_id: Mapped[str]
    subject_name: Mapped[str]
    changes: Mapped[dict[str, Any]] = mapped_column(Json, server_default="{}")


class ServiceFact(Base):
    """What the service itself remembers between its processes, such as the time zone data that it planned with."""

    __tablename__ = "service_fact"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class ApiKey(Base):
    """A key to the API, kept as a hash."""

    __tablename__ = "api_key"
    __table_args__ = (
        UniqueConstraint("name"),
        UniqueConstraint("hash"),
        _one_of("role", ("viewer", "operator", "admin"), "role"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str]
    prefix: Mapped[str]
    hash: Mapped[str]
    role: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=SqlNow())
    last_used_at: Mapped[datetime | None] = mapped_column(Instant)
    expires_at: Mapped[datetime | None] = mapped_column(Instant)
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)


class ConsoleSession(Base):
    """Somebody who signed in to the console; the cookie is kept as a hash. With a key, the key's role counts."""

    __tablename__ = "console_session"
    __table_args__ = (
        UniqueConstraint("hash"),
        _one_of("role", ("viewer", "operator", "admin"), "role"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    hash: Mapped[str]
    actor: Mapped[str]
    role: Mapped[str]
    api_key_id: Mapped[int | None] = mapped_column(ForeignKey("api_key.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=SqlNow())
    last_used_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)


class IdempotencyKey(Base):
    """A request that is done once: what it was, and what was answered, in the transaction of its work.

    Work in several transactions has its key first, with a lease, and the answer last.
    """

    __tablename__ = "idempotency_key"
    __table_args__ = (Index("ix_idempotency_key_created_at", "created_at"),)

    caller: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(Instant)
    lease_until: Mapped[datetime | None] = mapped_column(Instant)
    status: Mapped[int | None]
    headers: Mapped[dict[str, str] | None] = mapped_column(Json)
    body: Mapped[str | None]


class CollectTask(Definition, Base):
    """What a `collect.execute_task` brings in; `definition` is validated by `workloads/collect/definitions.py`."""

    __tablename__ = "collect_task"
    __table_args__ = (UniqueConstraint("name"), {"sqlite_autoincrement": True})


class EtlPipeline(Definition, Base):
    """What an `etl.execute_pipeline` makes; `definition` is validated by `workloads/etl/definitions.py`."""

    __tablename__ = "etl_pipeline"
    __table_args__ = (UniqueConstraint("name"), {"sqlite_autoincrement": True})


class Report(Definition, Base):
    """What a `report.generate_scheduled` makes; `definition` is validated by `workloads/report/definitions.py`."""

    __tablename__ = "report"
    __table_args__ = (UniqueConstraint("name"), {"sqlite_autoincrement": True})


class Artifact(Base):
    """A file that a run of a report made, in the data directory under its id. It outlives its report and its run."""

    __tablename__ = "artifact"
    __table_args__ = (
        UniqueConstraint("run_id", "name"),
        Index("ix_artifact_report_id_id", "report_id", "id"),
        Index("ix_artifact_created_at", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    run_id: Mapped[UUID] = mapped_column(Uuid)
    report_id: Mapped[int] = mapped_column(Id)
    report_name: Mapped[str]
    output: Mapped[str]
    name: Mapped[str]
    content_type: Mapped[str]
    size: Mapped[int] = mapped_column(Id)
    sha256: Mapped[str]
    occurrence_at: Mapped[datetime] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=SqlNow())


class Delivery(Base):
    """Artifacts on their way to one recipient; `next_try_at` is when it is tried next, while it is pending."""

    __tablename__ = "delivery"
    __table_args__ = (
        _one_of("state", DELIVERY_STATES, "state"),
        Index("ix_delivery_run_id", "run_id"),
        Index("ix_delivery_created_at", "created_at"),
        Index("ix_delivery_next_try_at", "next_try_at", "id",
              postgresql_where=text("state = 'pending'"), sqlite_where=text("state = 'pending'")),
        {"sqlite_autoincrement": True},
    )  # fmt: skip

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    run_id: Mapped[UUID] = mapped_column(Uuid)
    target: Mapped[dict[str, Any]] = mapped_column(Json)
    recipient: Mapped[str]
    letter: Mapped[dict[str, Any]] = mapped_column(Json)
    artifact_ids: Mapped[list[str]] = mapped_column(Json)
    message_id: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="pending")
    attempts: Mapped[int] = mapped_column(server_default="0")
    next_try_at: Mapped[datetime] = mapped_column(Instant, server_default=SqlNow())
    error: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=SqlNow())
    sent_at: Mapped[datetime | None] = mapped_column(Instant)


class RunTally(Base):
    """How many runs ended in a state within ten minutes: what was counted once need not be counted again."""

    __tablename__ = "run_tally"
    __table_args__ = ()

    bucket_at: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    state: Mapped[str] = mapped_column(primary_key=True)
    runs: Mapped[int] = mapped_column(Id)


class Move(Base):
    """A job of another scheduler on its way here: `original` is its definition there, `source` the store's address.

    `boundary_at` is the instant up to which the old scheduler runs the job, and from which the schedule does; going
    back, the other way about. An `intention` says which way it goes while that is not done yet; `paused_at` is when the
    job was known to be paused at its source by us, and NULL if it was paused there before.
    """

    __tablename__ = "move"
    __table_args__ = (
        UniqueConstraint("periodic_task_id"),
        UniqueConstraint("source", "source_id"),
        _one_of("state", MOVE_STATES, "state"),
        _one_of("intention", ("cutover", "rollback"), "intention"),
        *_json_is("original", "object"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    periodic_task_id: Mapped[int | None] = mapped_column(ForeignKey("periodic_task.id", ondelete="SET NULL"))
    source: Mapped[str]
    source_kind: Mapped[str]
    source_id: Mapped[str]
    name: Mapped[str]
    original: Mapped[dict[str, Any]] = mapped_column(Json, server_default="{}")
    state: Mapped[str] = mapped_column(server_default="planned")
    intention: Mapped[str | None]
    boundary_at: Mapped[datetime | None] = mapped_column(Instant)
    paused_at: Mapped[datetime | None] = mapped_column(Instant)
    shadow_since: Mapped[datetime | None] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=SqlNow())
    changed_at: Mapped[datetime] = mapped_column(Instant, server_default=SqlNow())
    note: Mapped[str | None]


class ObservedRun(Base):
    """What another scheduler did about one instant of a job, as its listener, or its store, told."""

    __tablename__ = "observed_run"
    __table_args__ = (
        UniqueConstraint("source", "source_id", "scheduled_at"),
        _one_of("outcome", OBSERVED_OUTCOMES, "outcome"),
        Index("ix_observed_run_source_scheduled_at", "source", "scheduled_at"),
        Index("ix_observed_run_source_reported_at", "source", "reported_at"),
        Index("ix_observed_run_unfinished", "source", "source_id", postgresql_where=BEGUN, sqlite_where=BEGUN),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    source: Mapped[str]
    source_id: Mapped[str]
    scheduled_at: Mapped[datetime] = mapped_column(Instant)
    ran_at: Mapped[datetime | None] = mapped_column(Instant)
    outcome: Mapped[str]
    reported_at: Mapped[datetime] = mapped_column(Instant, server_default=SqlNow())


class WatchedSpan(Base):
    """From when until when the broker of a source was watched: each run was seen then, but of the jobs in `blind`."""

    __tablename__ = "watched_span"
    __table_args__ = (*_json_is("blind", "array"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    source: Mapped[str]
    began_at: Mapped[datetime] = mapped_column(Instant)
    heard_at: Mapped[datetime] = mapped_column(Instant)
    blind: Mapped[list[str]] = mapped_column(Json, server_default="[]")
