"""What the API keeps: keys, answers given before, and who changed what by plain SQL."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from scheduler_service.storage.schema_changes import changed_table, triggers_replaced

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TRIGGERS = Path(__file__).parent.parent / "triggers"
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
TRIED_BEFORE = sa.text("attempt_ended_at IS NOT NULL")
IDLE = sa.text("NOT enabled OR completed_reason IS NOT NULL OR quarantine_reason IS NOT NULL")
TAGGED = sa.text("tags <> '[]'")
LISTED_BY = {
    "ix_periodic_task_task_name": ["task", "name"],
    "ix_periodic_task_last_run_at_id": ["last_run_at", "id"],
    "ix_periodic_task_date_changed_id": ["date_changed", "id"],
}
SUBJECT, AT = "ix_audit_event_subject", "ix_audit_event_at_id"


def upgrade() -> None:
    _create_console_session()
    with triggers_replaced(TRIGGERS, before="0002", after="0003"):
        _audit_other_writers()
        _keep_past_attempts()
        _list_schedules_by_indexes()
    with changed_table("worker_task") as table:
        table.add_column(sa.Column("queue", sa.String()))
    _create_idempotency_key()


def downgrade() -> None:
    op.drop_table("console_session")
    op.drop_table("idempotency_key")
    with changed_table("worker_task") as table:
        table.drop_column("queue")
    with triggers_replaced(TRIGGERS, before="0003", after="0002"):
        _list_schedules_by_scans()
        _forget_past_attempts()
        _audit_ourselves_only()


def _audit_other_writers() -> None:
    for name in ("periodic_task", "calendar"):
        with changed_table(name) as table:
            table.add_column(sa.Column("audited_writes", ID, server_default="0", nullable=False))
    with changed_table("audit_event") as table:
        table.add_column(sa.Column("source", sa.String(), server_default="", nullable=False))
    op.drop_index(SUBJECT, "audit_event")
    op.create_index(SUBJECT, "audit_event", ["subject_type", "subject_id", "at", "id"])
    op.create_index(AT, "audit_event", ["at", "id"])


def _audit_ourselves_only() -> None:
    op.drop_index(AT, "audit_event")
    op.drop_index(SUBJECT, "audit_event")
    op.create_index(SUBJECT, "audit_event", ["subject_type", "subject_id", "id"])
    with changed_table("audit_event") as table:
        table.drop_column("source")
    for name in ("calendar", "periodic_task"):
        with changed_table(name) as table:
            table.drop_column("audited_writes")


def _keep_past_attempts() -> None:
    with changed_table("task_run") as table:
        table.add_column(sa.Column("past_attempts", JSON))
        table.add_column(sa.Column("attempt_ended_at", INSTANT))
        table.add_column(sa.Column("progress", JSON))
    op.create_index(
        "ix_task_run_attempt_ended_at",
        "task_run",
        ["attempt_ended_at", "id"],
        postgresql_where=TRIED_BEFORE,
        sqlite_where=TRIED_BEFORE,
    )


def _forget_past_attempts() -> None:
    op.drop_index("ix_task_run_attempt_ended_at", "task_run")
    with changed_table("task_run") as table:
        table.drop_column("progress")
        table.drop_column("attempt_ended_at")
        table.drop_column("past_attempts")


def _create_console_session() -> None:
    dialect = op.get_bind().dialect.name
    now = sa.text("clock_timestamp()" if dialect == "postgresql" else "(strftime('%Y-%m-%d %H:%M:%f000', 'now'))")
    op.create_table(
        "console_session",
        sa.Column("id", ID, nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("api_key_id", ID, nullable=True),
        sa.Column("created_at", INSTANT, server_default=now, nullable=False),
        sa.Column("last_used_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.CheckConstraint("role IN ('viewer', 'operator', 'admin')", name=op.f("ck_console_session_role")),
        sa.ForeignKeyConstraint(
            ["api_key_id"], ["api_key.id"], name=op.f("fk_console_session_api_key_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_console_session")),
        sa.UniqueConstraint("hash", name=op.f("uq_console_session_hash")),
        sqlite_autoincrement=True,
    )


def _list_schedules_by_indexes() -> None:
    for name, columns in LISTED_BY.items():
        op.create_index(name, "periodic_task", columns)
    op.create_index("ix_periodic_task_idle", "periodic_task", ["name"], postgresql_where=IDLE, sqlite_where=IDLE)
    op.create_index(
        "ix_periodic_task_tags",
        "periodic_task",
        ["tags"],
        postgresql_using="gin",
        postgresql_ops={"tags": "jsonb_path_ops"},
        postgresql_where=TAGGED,
        sqlite_where=TAGGED,
    )


def _list_schedules_by_scans() -> None:
    for name in ("ix_periodic_task_tags", "ix_periodic_task_idle", *LISTED_BY):
        op.drop_index(name, "periodic_task")


def _create_idempotency_key() -> None:
    op.create_table(
        "idempotency_key",
        sa.Column("caller", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("lease_until", INSTANT),
        sa.Column("status", sa.Integer()),
        sa.Column("headers", JSON),
        sa.Column("body", sa.String()),
        sa.PrimaryKeyConstraint("caller", "key", name=op.f("pk_idempotency_key")),
    )
    op.create_index("ix_idempotency_key_created_at", "idempotency_key", ["created_at"])
