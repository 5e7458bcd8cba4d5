"""The first tables, and the triggers that make any writer count."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
TRIGGERS = Path(__file__).parent.parent / "triggers"


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    now = sa.text("clock_timestamp()" if dialect == "postgresql" else "(strftime('%Y-%m-%d %H:%M:%f000', 'now'))")

    def json_is(column: str, kind: str, table: str = "periodic_task") -> sa.CheckConstraint:
        typeof = "jsonb_typeof" if dialect == "postgresql" else "json_type"
        return sa.CheckConstraint(f"{typeof}({column}) = '{kind}'", name=op.f(f"ck_{table}_{column}"))

    op.create_table(
        "api_key",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("created_at", INSTANT, server_default=now, nullable=False),
        sa.Column("last_used_at", INSTANT, nullable=True),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.CheckConstraint("role IN ('viewer', 'operator', 'admin')", name=op.f("ck_api_key_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("hash", name=op.f("uq_api_key_hash")),
        sa.UniqueConstraint("name", name=op.f("uq_api_key_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "audit_event",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", INSTANT, server_default=now, nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject_type", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("subject_name", sa.String(), nullable=False),
        sa.Column("changes", JSON, server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_event")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_event_subject", "audit_event", ["subject_type", "subject_id", "id"], unique=False)
    op.create_table(
        "backfill",
        sa.Column("id", ID, nullable=False),
        sa.Column("periodic_task_id", ID, nullable=False),
        sa.Column("start_at", INSTANT, nullable=False),
        sa.Column("end_at", INSTANT, nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("max_parallel", sa.Integer(), server_default="1", nullable=False),
        sa.Column("newest_first", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), server_default="running", nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", INSTANT, server_default=now, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.CheckConstraint("mode IN ('missing', 'failed', 'all')", name=op.f("ck_backfill_mode")),
        sa.CheckConstraint("state IN ('running', 'done', 'cancelled')", name=op.f("ck_backfill_state")),
        sa.CheckConstraint("max_parallel BETWEEN 1 AND 100", name=op.f("ck_backfill_max_parallel")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backfill")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_backfill_periodic_task_id", "backfill", ["periodic_task_id", "id"], unique=False)
    op.create_index(
        "ix_backfill_running",
        "backfill",
        ["id"],
        unique=False,
        postgresql_where=sa.text("state = 'running'"),
        sqlite_where=sa.text("state = 'running'"),
    )
    op.create_table(
        "calendar",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.String(), server_default="", nullable=False),
        sa.Column("definition", JSON, nullable=False),
        sa.Column("revision", ID, server_default="1", nullable=False),
        sa.Column("created_at", INSTANT, server_default=now, nullable=False),
        sa.Column("date_changed", INSTANT, server_default=now, nullable=False),
        json_is("definition", "object", "calendar"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar")),
        sa.UniqueConstraint("name", name=op.f("uq_calendar_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "clocked_schedule",
        sa.Column("id", ID, nullable=False),
        sa.Column("clocked_time", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clocked_schedule")),
        sa.UniqueConstraint("clocked_time", name=op.f("uq_clocked_schedule_clocked_time")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "collect_task",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.String(), server_default="", nullable=False),
        sa.Column("definition", JSON, nullable=False),
        sa.Column("revision", ID, server_default="1", nullable=False),
        sa.Column("created_at", INSTANT, server_default=now, nullable=False),
        sa.Column("date_changed", INSTANT, server_default=now, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collect_task")),
        sa.UniqueConstraint("name", name=op.f("uq_collect_task_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "crontab_schedule",
        sa.Column("id", ID, nullable=False),
        sa.Column("minute", sa.String(), server_default="*", nullable=False),
        sa.Column("hour", sa.String(), server_default="*", nullable=False),
        sa.Column("day_of_month", sa.String(), server_default="*", nullable=False),
        sa.Column("month_of_year", sa.String(), server_default="*", nullable=False),
        sa.Column("day_of_week", sa.String(), server_default="*", nullable=False),
        sa.Column("timezone", sa.String(), server_default="UTC", nullable=False),
        sa.Column("day_match", sa.String(), server_default="and", nullable=False),
        sa.CheckConstraint("day_match IN ('and', 'or')", name=op.f("ck_crontab_schedule_day_match")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_crontab_schedule")),
        sa.UniqueConstraint(
            "minute",
            "hour",
            "day_of_month",
            "month_of_year",
            "day_of_week",
            "timezone",
            "day_match",
            name="uq_crontab_schedule_fields",
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "interval_schedule",
        sa.Column("id", ID, nullable=False),
        sa.Column("every", sa.Integer(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.CheckConstraint(
            "period IN ('weeks', 'days', 'hours', 'minutes', 'seconds')", name=op.f("ck_interval_schedule_period")
        ),
        sa.CheckConstraint("every >= 1", name=op.f("ck_interval_schedule_every")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interval_schedule")),
        sa.UniqueConstraint("every", "period", name=op.f("uq_interval_schedule_every_period")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "rrule_schedule",
        sa.Column("id", ID, nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rrule_schedule")),
        sa.UniqueConstraint("rule", name=op.f("uq_rrule_schedule_rule")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "service_fact",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_service_fact")),
    )
    op.create_table(
        "solar_schedule",
        sa.Column("id", ID, nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=False),
        sa.Column("longitude", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_solar_schedule")),
        sa.UniqueConstraint("event", "latitude", "longitude", name=op.f("uq_solar_schedule_event_latitude_longitude")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "task_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("periodic_task_id", ID, nullable=False),
        sa.Column("schedule_name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("task", sa.String(), nullable=False),
        sa.Column("args", JSON, nullable=False),
        sa.Column("kwargs", JSON, nullable=False),
        sa.Column("options", JSON, nullable=False),
        sa.Column("revision", ID, nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("coalesced", sa.Integer(), server_default="0", nullable=False),
        sa.Column("occurrence_at", INSTANT, nullable=False),
        sa.Column("fire_at", INSTANT, nullable=False),
        sa.Column("decided_at", INSTANT, nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("start_by", INSTANT, nullable=True),
        sa.Column("expire_seconds", sa.Integer(), nullable=True),
        sa.Column("lease_until", INSTANT, nullable=True),
        sa.Column("leased_by", ID, nullable=True),
        sa.Column("published_at", INSTANT, nullable=True),
        sa.Column("publish_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("started_at", INSTANT, nullable=True),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("worker", sa.String(), nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="1", nullable=False),
        sa.Column("retry_at", INSTANT, nullable=True),
        sa.Column("cancel_requested_at", INSTANT, nullable=True),
        sa.Column("cancel_mode", sa.String(), nullable=True),
        sa.Column("duplicate_deliveries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("result", JSON, nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("traceback", sa.String(), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'published', 'running', 'retrying', 'buffered', 'succeeded', 'failed', 'timed_out', 'cancelled', 'lost', 'skipped', 'missed', 'dropped', 'expired')",
            name=op.f("ck_task_run_state"),
        ),
        sa.CheckConstraint("cancel_mode IN ('ask', 'terminate', 'terminating')", name=op.f("ck_task_run_cancel_mode")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_run")),
        sa.UniqueConstraint(
            "periodic_task_id",
            "origin",
            "occurrence_at",
            name=op.f("uq_task_run_periodic_task_id_origin_occurrence_at"),
        ),
    )
    op.create_index(
        "ix_task_run_active",
        "task_run",
        ["periodic_task_id", "state"],
        unique=False,
        postgresql_where=sa.text("state IN ('pending', 'published', 'running', 'retrying')"),
        sqlite_where=sa.text("state IN ('pending', 'published', 'running', 'retrying')"),
    )
    op.create_index("ix_task_run_decided_at_id", "task_run", ["decided_at", "id"], unique=False)
    op.create_index("ix_task_run_finished_at_id", "task_run", ["finished_at", "id"], unique=False)
    op.create_index(
        "ix_task_run_pending",
        "task_run",
        ["lease_until", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
        sqlite_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "ix_task_run_periodic_task_id_decided_at_id", "task_run", ["periodic_task_id", "decided_at", "id"], unique=False
    )
    op.create_index(
        "ix_task_run_start_by",
        "task_run",
        ["start_by"],
        unique=False,
        postgresql_where=sa.text("start_by IS NOT NULL AND state IN ('pending', 'published', 'buffered')"),
        sqlite_where=sa.text("start_by IS NOT NULL AND state IN ('pending', 'published', 'buffered')"),
    )
    op.create_index(
        "ix_task_run_buffered",
        "task_run",
        ["periodic_task_id", "occurrence_at"],
        unique=False,
        postgresql_where=sa.text("state = 'buffered'"),
        sqlite_where=sa.text("state = 'buffered'"),
    )
    op.create_index(
        "ix_task_run_cancel",
        "task_run",
        ["cancel_requested_at"],
        unique=False,
        postgresql_where=sa.text("state = 'running' AND cancel_requested_at IS NOT NULL"),
        sqlite_where=sa.text("state = 'running' AND cancel_requested_at IS NOT NULL"),
    )
    op.create_index(
        "ix_task_run_published",
        "task_run",
        ["published_at"],
        unique=False,
        postgresql_where=sa.text("state = 'published'"),
        sqlite_where=sa.text("state = 'published'"),
    )
    op.create_index(
        "ix_task_run_worker",
        "task_run",
        ["worker"],
        unique=False,
        postgresql_where=sa.text("state = 'running'"),
        sqlite_where=sa.text("state = 'running'"),
    )
    op.create_table(
        "worker",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("queues", JSON, nullable=False),
        sa.Column("concurrency", sa.Integer(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("last_heartbeat_at", INSTANT, nullable=False),
        sa.Column("stopped_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_worker")),
    )
    op.create_table(
        "periodic_task",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), server_default="other", nullable=False),
        sa.Column("task", sa.String(), nullable=False),
        sa.Column("args", JSON, server_default="[]", nullable=False),
        sa.Column("kwargs", JSON, server_default="{}", nullable=False),
        sa.Column("description", sa.String(), server_default="", nullable=False),
        sa.Column("tags", JSON, server_default="[]", nullable=False),
        sa.Column("crontab_id", ID, nullable=True),
        sa.Column("interval_id", ID, nullable=True),
        sa.Column("clocked_id", ID, nullable=True),
        sa.Column("solar_id", ID, nullable=True),
        sa.Column("rrule_id", ID, nullable=True),
        sa.Column("calendar_id", ID, nullable=True),
        sa.Column("calendar_mode", sa.String(), server_default="exclude", nullable=False),
        sa.Column("start_time", INSTANT, nullable=True),
        sa.Column("expires", INSTANT, nullable=True),
        sa.Column("anchor_at", INSTANT, nullable=True),
        sa.Column("jitter_seconds", sa.Integer(), server_default="0", nullable=False),
        sa.Column("one_off", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("max_runs", sa.Integer(), nullable=True),
        sa.Column("enabled", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("paused_reason", sa.String(), nullable=True),
        sa.Column("completed_reason", sa.String(), nullable=True),
        sa.Column("quarantine_reason", sa.String(), nullable=True),
        sa.Column("queue", sa.String(), nullable=True),
        sa.Column("exchange", sa.String(), nullable=True),
        sa.Column("routing_key", sa.String(), nullable=True),
        sa.Column("headers", JSON, server_default="{}", nullable=False),
        sa.Column("priority", sa.Integer(), nullable=True),
        sa.Column("expire_seconds", sa.Integer(), nullable=True),
        sa.Column("misfire_policy", sa.String(), server_default="fire_once", nullable=False),
        sa.Column("misfire_grace_seconds", sa.Integer(), server_default="60", nullable=False),
        sa.Column("catchup_window_seconds", sa.Integer(), nullable=True),
        sa.Column("overlap_policy", sa.String(), server_default="skip", nullable=False),
        sa.Column("pause_after_failures", sa.Integer(), nullable=True),
        sa.Column("retry_max", sa.Integer(), server_default="0", nullable=False),
        sa.Column("retry_delay_seconds", sa.Integer(), server_default="60", nullable=False),
        sa.Column("soft_time_limit_seconds", sa.Integer(), nullable=True),
        sa.Column("time_limit_seconds", sa.Integer(), nullable=True),
        sa.Column("start_deadline_seconds", sa.Integer(), nullable=True),
        sa.Column("next_occurrence_at", INSTANT, nullable=True),
        sa.Column("next_run_at", INSTANT, nullable=True),
        sa.Column("watermark", INSTANT, nullable=True),
        sa.Column("last_run_at", INSTANT, nullable=True),
        sa.Column("total_run_count", ID, server_default="0", nullable=False),
        sa.Column("revision", ID, server_default="1", nullable=False),
        sa.Column("created_at", INSTANT, server_default=now, nullable=False),
        sa.Column("date_changed", INSTANT, server_default=now, nullable=False),
        sa.Column("provenance", JSON, nullable=True),
        sa.CheckConstraint("kind IN ('collect', 'etl', 'report', 'other')", name=op.f("ck_periodic_task_kind")),
        sa.CheckConstraint(
            "misfire_policy IN ('fire_once', 'fire_all', 'skip')", name=op.f("ck_periodic_task_misfire_policy")
        ),
        sa.CheckConstraint(
            "overlap_policy IN ('skip', 'buffer_one', 'buffer_all', 'allow_all', 'cancel_other', 'terminate_other')",
            name=op.f("ck_periodic_task_overlap_policy"),
        ),
        sa.CheckConstraint(
            "CASE WHEN crontab_id IS NULL THEN 0 ELSE 1 END + CASE WHEN interval_id IS NULL THEN 0 ELSE 1 END + CASE WHEN clocked_id IS NULL THEN 0 ELSE 1 END + CASE WHEN solar_id IS NULL THEN 0 ELSE 1 END + CASE WHEN rrule_id IS NULL THEN 0 ELSE 1 END <= 1",
            name=op.f("ck_periodic_task_one_timing"),
        ),
        sa.CheckConstraint("catchup_window_seconds >= 0", name=op.f("ck_periodic_task_catchup_window_seconds")),
        sa.CheckConstraint("expire_seconds >= 1", name=op.f("ck_periodic_task_expire_seconds")),
        sa.CheckConstraint("jitter_seconds >= 0", name=op.f("ck_periodic_task_jitter_seconds")),
        sa.CheckConstraint("max_runs >= 1", name=op.f("ck_periodic_task_max_runs")),
        sa.CheckConstraint("misfire_grace_seconds >= 0", name=op.f("ck_periodic_task_misfire_grace_seconds")),
        sa.CheckConstraint("pause_after_failures >= 1", name=op.f("ck_periodic_task_pause_after_failures")),
        json_is("args", "array"),
        json_is("kwargs", "object"),
        json_is("headers", "object"),
        json_is("tags", "array"),
        sa.CheckConstraint("retry_max BETWEEN 0 AND 100", name=op.f("ck_periodic_task_retry_max")),
        sa.CheckConstraint(
            "retry_delay_seconds BETWEEN 0 AND 86400", name=op.f("ck_periodic_task_retry_delay_seconds")
        ),
        sa.CheckConstraint("soft_time_limit_seconds >= 1", name=op.f("ck_periodic_task_soft_time_limit_seconds")),
        sa.CheckConstraint("time_limit_seconds >= 1", name=op.f("ck_periodic_task_time_limit_seconds")),
        sa.CheckConstraint("start_deadline_seconds >= 1", name=op.f("ck_periodic_task_start_deadline_seconds")),
        sa.CheckConstraint("calendar_mode IN ('exclude', 'only')", name=op.f("ck_periodic_task_calendar_mode")),
        sa.CheckConstraint("priority BETWEEN 0 AND 255", name=op.f("ck_periodic_task_priority")),
        sa.ForeignKeyConstraint(["calendar_id"], ["calendar.id"], name=op.f("fk_periodic_task_calendar_id")),
        sa.ForeignKeyConstraint(["clocked_id"], ["clocked_schedule.id"], name=op.f("fk_periodic_task_clocked_id")),
        sa.ForeignKeyConstraint(["crontab_id"], ["crontab_schedule.id"], name=op.f("fk_periodic_task_crontab_id")),
        sa.ForeignKeyConstraint(["interval_id"], ["interval_schedule.id"], name=op.f("fk_periodic_task_interval_id")),
        sa.ForeignKeyConstraint(["rrule_id"], ["rrule_schedule.id"], name=op.f("fk_periodic_task_rrule_id")),
        sa.ForeignKeyConstraint(["solar_id"], ["solar_schedule.id"], name=op.f("fk_periodic_task_solar_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_periodic_task")),
        sa.UniqueConstraint("name", name=op.f("uq_periodic_task_name")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_periodic_task_calendar_id", "periodic_task", ["calendar_id"], unique=False)
    op.create_index("ix_periodic_task_clocked_id", "periodic_task", ["clocked_id"], unique=False)
    op.create_index("ix_periodic_task_crontab_id", "periodic_task", ["crontab_id"], unique=False)
    op.create_index(
        "ix_periodic_task_due",
        "periodic_task",
        ["next_run_at", "id"],
        unique=False,
        postgresql_where=sa.text(
            "enabled AND completed_reason IS NULL AND quarantine_reason IS NULL AND coalesce(crontab_id, interval_id, clocked_id, solar_id, rrule_id) IS NOT NULL"
        ),
        sqlite_where=sa.text(
            "enabled AND completed_reason IS NULL AND quarantine_reason IS NULL AND coalesce(crontab_id, interval_id, clocked_id, solar_id, rrule_id) IS NOT NULL"
        ),
    )
    op.create_index("ix_periodic_task_interval_id", "periodic_task", ["interval_id"], unique=False)
    op.create_index("ix_periodic_task_rrule_id", "periodic_task", ["rrule_id"], unique=False)
    op.create_index("ix_periodic_task_solar_id", "periodic_task", ["solar_id"], unique=False)
    op.create_table(
        "worker_task",
        sa.Column("worker", sa.String(), nullable=False),
        sa.Column("task", sa.String(), nullable=False),
        sa.Column("doc", sa.String(), nullable=False),
        sa.Column("acks_late", sa.Boolean(), nullable=False),
        sa.Column("arguments", JSON, nullable=False),
        sa.ForeignKeyConstraint(["worker"], ["worker.name"], name=op.f("fk_worker_task_worker"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("worker", "task", name=op.f("pk_worker_task")),
    )
    op.create_index("ix_worker_task_task", "worker_task", ["task"], unique=False)
    for statement in (TRIGGERS / f"0001_{dialect}.sql").read_text().split("\n--\n"):
        op.execute(sa.text(statement.replace(":", "\\:")))


def downgrade() -> None:
    op.drop_table("worker_task")
    op.drop_table("periodic_task")
    op.drop_table("worker")
    op.drop_table("task_run")
    op.drop_table("solar_schedule")
    op.drop_table("service_fact")
    op.drop_table("rrule_schedule")
    op.drop_table("interval_schedule")
    op.drop_table("crontab_schedule")
    op.drop_table("collect_task")
    op.drop_table("clocked_schedule")
    op.drop_table("calendar")
    op.drop_table("backfill")
    op.drop_table("audit_event")
    op.drop_table("api_key")
    if op.get_bind().dialect.name == "postgresql":
        for function in (
            "periodic_task_edited",
            "timing_edited",
            "wake_beat",
            "task_run_freed",
            "periodic_task_deleted",
        ):
            op.execute(f"DROP FUNCTION {function}()")
