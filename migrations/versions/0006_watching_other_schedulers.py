"""When the broker of another scheduler was watched; quick looks at what was told of it, at failures and at changes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
UNFINISHED = sa.text("outcome = 'submitted'")
WRONG = sa.text("state IN ('failed', 'timed_out', 'lost')")
LOOKED_FOR = ("actor", "action", "source")


def upgrade() -> None:
    op.drop_index("ix_observed_run_scheduled_at", "observed_run")
    op.create_index("ix_observed_run_source_scheduled_at", "observed_run", ["source", "scheduled_at"])
    op.create_index("ix_observed_run_source_reported_at", "observed_run", ["source", "reported_at"])
    op.create_index(
        "ix_observed_run_unfinished",
        "observed_run",
        ["source", "source_id"],
        postgresql_where=UNFINISHED,
        sqlite_where=UNFINISHED,
    )
    is_array = {"postgresql": "jsonb_typeof(blind) = 'array'", "sqlite": "json_type(blind) = 'array'"}
    op.create_table(
        "watched_span",
        sa.Column("id", ID, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("began_at", INSTANT, nullable=False),
        sa.Column("heard_at", INSTANT, nullable=False),
        sa.Column("blind", JSON, server_default="[]", nullable=False),
        sa.CheckConstraint(is_array[op.get_bind().dialect.name], name=op.f("ck_watched_span_blind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watched_span")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_task_run_wrong", "task_run", ["finished_at", "id"], postgresql_where=WRONG, sqlite_where=WRONG)
    for name in LOOKED_FOR:
        op.create_index(f"ix_audit_event_{name}", "audit_event", [name, "at", "id"])


def downgrade() -> None:
    for name in LOOKED_FOR:
        op.drop_index(f"ix_audit_event_{name}", "audit_event")
    op.drop_index("ix_task_run_wrong", "task_run")
    op.drop_table("watched_span")
    for name in ("source_scheduled_at", "source_reported_at", "unfinished"):
        op.drop_index(f"ix_observed_run_{name}", "observed_run")
    op.create_index("ix_observed_run_scheduled_at", "observed_run", ["scheduled_at"])
