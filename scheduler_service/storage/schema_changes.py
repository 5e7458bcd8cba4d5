"""What migrations of tables with triggers share: triggers go before a change, and come back after it.

A migration names frozen sets of triggers, which lie beside it as `triggers/<revision>_<dialect>.sql`; today's are in
`triggers.py`. SQLite changes a table by making it anew, which triggers that name it would not survive.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import op
from alembic.operations import BatchOperations
from sqlalchemy import text

SEPARATOR = "\n--\n"
_FUNCTION = re.compile(r"CREATE FUNCTION (\w+)\(")
_TRIGGER = re.compile(r"CREATE TRIGGER (\w+)")


@contextmanager
def triggers_replaced(folder: Path, *, before: str, after: str) -> Iterator[None]:
    """Drop the triggers of one revision, let the block change the tables, and create those of another."""
    dialect = op.get_bind().dialect.name
    for statement in _statements(folder, before, dialect):
        if dialect == "sqlite" and (trigger := _TRIGGER.match(statement)):
            op.execute(f"DROP TRIGGER {trigger[1]}")
        elif function := _FUNCTION.match(statement):
            op.execute(f"DROP FUNCTION {function[1]}() CASCADE")
    yield
    create_triggers(folder, after)


def create_triggers(folder: Path, revision: str) -> None:
    """Create the triggers of a revision."""
    for statement in _statements(folder, revision, op.get_bind().dialect.name):
        op.execute(text(statement.replace(":", "\\:")))


@contextmanager
def changed_table(table: str) -> Iterator[BatchOperations]:
    """Change a table; on SQLite it is made anew, and its ids go on where they were, also after deleted rows."""
    if op.get_bind().dialect.name != "sqlite":
        with op.batch_alter_table(table) as changing:
            yield changing
        return
    named = {"name": table}
    last_id = op.get_bind().execute(text("SELECT seq FROM sqlite_sequence WHERE name = :name"), named).scalar()
    with op.batch_alter_table(table, recreate="always", table_kwargs={"sqlite_autoincrement": True}) as changing:
        yield changing
    if last_id is not None:
        op.get_bind().execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), named)
        op.get_bind().execute(text("INSERT INTO sqlite_sequence VALUES (:name, :seq)"), named | {"seq": last_id})


def _statements(folder: Path, revision: str, dialect: str) -> list[str]:
    return (folder / f"{revision}_{dialect}.sql").read_text().split(SEPARATOR)
