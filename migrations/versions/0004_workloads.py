"""Chains of schedules, and what ETL and reports keep."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from scheduler_service.storage.schema_changes import triggers_replaced

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
TRIGGERS = Path(__file__).parent.parent / "triggers"
PENDING = sa.text("state = 'pending'")


def upgrade() -> None:
    op.create_table(
        "schedule_after",
        sa.Column("upstream_id", ID, nullable=False),
        sa.Column("downstream_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["upstream_id"], ["periodic_task.id"], name=op.f("fk_schedule_after_upstream_id")),
        sa.ForeignKeyConstraint(
            ["downstream_id"], ["periodic_task.id"], name=op.f("fk_schedule_after_downstream_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("upstream_id", "downstream_id", name=op.f("pk_schedule_after")),
    )
    op.create_index("ix_schedule_after_downstream_id", "schedule_after", ["downstream_id"])
    op.create_table(
        "chain_link",
        sa.Column("id", ID, nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chain_link")),
        sqlite_autoincrement=True,
    )
    with triggers_replaced(TRIGGERS, before="0003", after="0004"):
        pass
    _create_reports()


def downgrade() -> None:
    with triggers_replaced(TRIGGERS, before="0004", after="0003"):
        pass
    op.drop_table("delivery")
    op.drop_table("artifact")
    op.drop_table("report")
    op.drop_table("etl_pipeline")
    op.drop_table("chain_link")
    op.drop_table("schedule_after")


def _create_reports() -> None:
    _create_definitions("etl_pipeline")
    _create_definitions("report")
    op.create_table(
        "artifact",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("report_id", ID, nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("report_name", "output", "name", "content_type")),
        sa.Column("size", ID, nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("occurrence_at", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, server_default=_now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_artifact")),
        sa.UniqueConstraint("run_id", "name", name=op.f("uq_artifact_run_id_name")),
    )
    op.create_index("ix_artifact_report_id_id", "artifact", ["report_id", "id"])
    op.create_index("ix_artifact_created_at", "artifact", ["created_at"])
    op.create_table(
        "delivery",
        sa.Column("id", ID, nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("target", JSON, nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("letter", JSON, nullable=False),
        sa.Column("artifact_ids", JSON, nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default="pending", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_try_at", INSTANT, server_default=_now(), nullable=False),
        sa.Column("error", sa.String()),
        sa.Column("created_at", INSTANT, server_default=_now(), nullable=False),
        sa.Column("sent_at", INSTANT),
        sa.CheckConstraint("state IN ('pending', 'sent', 'failed')", name=op.f("ck_delivery_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_delivery_run_id", "delivery", ["run_id"])
    op.create_index("ix_delivery_created_at", "delivery", ["created_at"])
    op.create_index(
        "ix_delivery_next_try_at", "delivery", ["next_try_at", "id"], postgresql_where=PENDING, sqlite_where=PENDING
    )


def _create_definitions(name: str) -> None:
    """A table of named, revisioned documents."""
    op.create_table(
        name,
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.String(), server_default="", nullable=False),
        sa.Column("definition", JSON, nullable=False),
        sa.Column("revision", ID, server_default="1", nullable=False),
        sa.Column("created_at", INSTANT, server_default=_now(), nullable=False),
        sa.Column("date_changed", INSTANT, server_default=_now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        sa.UniqueConstraint("name", name=op.f(f"uq_{name}_name")),
        sqlite_autoincrement=True,
    )


def _now() -> sa.TextClause:
    """The database's own clock."""
    now = {"postgresql": "clock_timestamp()", "sqlite": "(strftime('%Y-%m-%d %H:%M:%f000', 'now'))"}
    return sa.text(now[op.get_bind().dialect.name])
