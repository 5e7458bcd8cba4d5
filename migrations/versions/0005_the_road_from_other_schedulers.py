"""Shadow schedules, jobs on their way here from other schedulers, and runs counted once."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from scheduler_service.storage.schema_changes import changed_table, triggers_replaced

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
TRIGGERS = Path(__file__).parent.parent / "triggers"
STATES = (
    "'pending', 'published', 'running', 'retrying', 'buffered', 'succeeded', 'failed', 'timed_out', 'cancelled',"
    " 'lost', 'skipped', 'missed', 'dropped', 'expired'"
)


def upgrade() -> None:
    with triggers_replaced(TRIGGERS, before="0004", after="0005"):
        with changed_table("periodic_task") as table:
            table.add_column(sa.Column("shadow", sa.Boolean(), server_default=sa.false(), nullable=False))
        _allow_states(f"{STATES}, 'shadowed'")
    op.create_table(
        "run_tally",
        sa.Column("bucket_at", INSTANT, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("runs", ID, nullable=False),
        sa.PrimaryKeyConstraint("bucket_at", "state", name=op.f("pk_run_tally")),
    )
    _create_move()
    _create_observed_run()


def downgrade() -> None:
    op.drop_table("observed_run")
    op.drop_table("move")
    op.drop_table("run_tally")
    op.execute("DELETE FROM service_fact WHERE name = 'runs tallied until'")
    with triggers_replaced(TRIGGERS, before="0005", after="0004"):
        op.execute("DELETE FROM task_run WHERE origin = 'shadow' OR state = 'shadowed'")
        op.execute("UPDATE periodic_task SET enabled = false, paused_reason = 'it was a shadow' WHERE shadow")
        _allow_states(STATES)
        with changed_table("periodic_task") as table:
            table.drop_column("shadow")


def _allow_states(states: str) -> None:
    with changed_table("task_run") as table:
        table.drop_constraint(op.f("ck_task_run_state"), type_="check")
        table.create_check_constraint(op.f("ck_task_run_state"), f"state IN ({states})")


def _create_move() -> None:
    is_object = {"postgresql": "jsonb_typeof(original) = 'object'", "sqlite": "json_type(original) = 'object'"}
    op.create_table(
        "move",
        sa.Column("id", ID, nullable=False),
        sa.Column("periodic_task_id", ID),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("source", "source_kind", "source_id")),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("original", JSON, server_default="{}", nullable=False),
        sa.Column("state", sa.String(), server_default="planned", nullable=False),
        sa.Column("intention", sa.String()),
        sa.Column("boundary_at", INSTANT),
        sa.Column("paused_at", INSTANT),
        sa.Column("shadow_since", INSTANT),
        sa.Column("created_at", INSTANT, server_default=_now(), nullable=False),
        sa.Column("changed_at", INSTANT, server_default=_now(), nullable=False),
        sa.Column("note", sa.String()),
        sa.CheckConstraint(
            "state IN ('planned', 'shadow', 'live', 'rolled_back', 'doubtful')", name=op.f("ck_move_state")
        ),
        sa.CheckConstraint("intention IN ('cutover', 'rollback')", name=op.f("ck_move_intention")),
        sa.CheckConstraint(is_object[op.get_bind().dialect.name], name=op.f("ck_move_original")),
        sa.ForeignKeyConstraint(
            ["periodic_task_id"], ["periodic_task.id"], name=op.f("fk_move_periodic_task_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_move")),
        sa.UniqueConstraint("periodic_task_id", name=op.f("uq_move_periodic_task_id")),
        sa.UniqueConstraint("source", "source_id", name=op.f("uq_move_source_source_id")),
        sqlite_autoincrement=True,
    )


def _create_observed_run() -> None:
    op.create_table(
        "observed_run",
        sa.Column("id", ID, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("scheduled_at", INSTANT, nullable=False),
        sa.Column("ran_at", INSTANT),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("reported_at", INSTANT, server_default=_now(), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('submitted', 'executed', 'error', 'missed', 'skipped')", name=op.f("ck_observed_run_outcome")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_observed_run")),
        sa.UniqueConstraint(
            "source", "source_id", "scheduled_at", name=op.f("uq_observed_run_source_source_id_scheduled_at")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_observed_run_scheduled_at", "observed_run", ["scheduled_at"])


def _now() -> sa.TextClause:
    """The database's own clock."""
    now = {"postgresql": "clock_timestamp()", "sqlite": "(strftime('%Y-%m-%d %H:%M:%f000', 'now'))"}
    return sa.text(now[op.get_bind().dialect.name])
