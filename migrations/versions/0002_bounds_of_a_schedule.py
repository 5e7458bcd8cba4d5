"""Bounds that each schedule sets for itself, and where a schedule stands, told by the triggers."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from scheduler_service.storage.schema_changes import changed_table, triggers_replaced

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TRIGGERS = Path(__file__).parent.parent / "triggers"
INSTANT = sa.DateTime(timezone=True)
RETRYING = sa.text("state = 'retrying'")


#: Indexes that held every row, and now hold those that have the value.
NARROWED = (
    ("ix_task_run_finished_at_id", "task_run", ["finished_at", "id"]),
    *(
        (f"ix_periodic_task_{column}", "periodic_task", [column])
        for column in ("crontab_id", "interval_id", "clocked_id", "solar_id", "rrule_id", "calendar_id")
    ),
)


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    now = sa.text("clock_timestamp()" if dialect == "postgresql" else "(strftime('%Y-%m-%d %H:%M:%f000', 'now'))")
    op.create_index("ix_task_run_retry_at", "task_run", ["retry_at"], postgresql_where=RETRYING, sqlite_where=RETRYING)
    with triggers_replaced(TRIGGERS, before="0001", after="0002"):
        op.execute("UPDATE periodic_task SET watermark = date_changed WHERE watermark IS NULL")
        with changed_table("periodic_task") as table:
            for name in ("catchup_limit", "buffer_limit"):
                table.add_column(sa.Column(name, sa.Integer(), server_default="1000", nullable=False))
                table.create_check_constraint(op.f(f"ck_periodic_task_{name}"), f"{name} >= 1")
            table.add_column(sa.Column("keep_runs_days", sa.Integer()))
            table.create_check_constraint(op.f("ck_periodic_task_keep_runs_days"), "keep_runs_days >= 1")
            table.alter_column("watermark", existing_type=INSTANT, nullable=False, server_default=now)
    for name, of, columns in NARROWED:
        has_value = sa.text(f"{columns[0]} IS NOT NULL")
        op.drop_index(name, of)
        op.create_index(name, of, columns, postgresql_where=has_value, sqlite_where=has_value)


def downgrade() -> None:
    for name, of, columns in NARROWED:
        op.drop_index(name, of)
        op.create_index(name, of, columns)
    with triggers_replaced(TRIGGERS, before="0002", after="0001"), changed_table("periodic_task") as table:
        table.alter_column("watermark", existing_type=INSTANT, nullable=True, server_default=None)
        for name in ("catchup_limit", "buffer_limit", "keep_runs_days"):
            table.drop_constraint(op.f(f"ck_periodic_task_{name}"), type_="check")
            table.drop_column(name)
    op.drop_index("ix_task_run_retry_at", "task_run")
