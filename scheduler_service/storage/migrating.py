"""Bringing a database to this code's tables, and telling when it is not there."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text

import scheduler_service
from scheduler_service.errors import CannotStart
from scheduler_service.storage.session import make_engine, normalised, store_errors

#: One migration at a time on PostgreSQL; any number that is ours.
MIGRATION_LOCK = 7_295_441_001


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database to head. Raises: CannotStart, when it is newer than this code; StoreAway."""
    with _connection(url) as connection:
        _refuse_newer(connection)
        command.upgrade(_config(connection), revision)
        connection.commit()


def downgrade(url: str, revision: str) -> None:
    """Take the database back to a revision (`base`: to nothing). Raises: CannotStart, StoreAway."""
    with _connection(url) as connection:
        _refuse_newer(connection)
        try:
            command.downgrade(_config(connection), revision)
        except CommandError as why:
            raise CannotStart(f"The database cannot be taken to {revision!r}: {why}.") from why
        connection.commit()


def check(url: str) -> None:
    """Raises: CannotStart, when the database is not at this code's head; StoreAway."""
    with _connection(url, lock=False) as connection:
        check_connection(connection)


def check_connection(connection: Connection) -> None:
    """The same, over a connection at hand."""
    _refuse_newer(connection)
    current, head = revision_of(connection), script_head()
    if current != head:
        raise CannotStart(
            f"The database is at revision {current or 'none'}, this version needs {head}: "
            "run `scheduler-service db upgrade`."
        )


def revision_of(connection: Connection) -> str | None:
    """The database's revision; None when it has no tables of ours."""
    return MigrationContext.configure(connection).get_current_revision()


@cache
def script_head() -> str:
    head = ScriptDirectory.from_config(_config(None)).get_current_head()
    if head is None:
        raise CannotStart("This installation has no migrations.")
    return head


def _refuse_newer(connection: Connection) -> None:
    current = revision_of(connection)
    if current is not None and current not in _known_revisions():
        raise CannotStart(
            f"The database is at revision {current}, which this version does not know: "
            "it was made by a newer version; upgrade the service."
        )


@cache
def _known_revisions() -> frozenset[str]:
    return frozenset(script.revision for script in ScriptDirectory.from_config(_config(None)).walk_revisions())


@contextmanager
def _connection(url: str, *, lock: bool = True) -> Iterator[Connection]:
    engine = make_engine(normalised(url))
    try:
        with store_errors(), engine.connect() as connection:
            if lock and connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            yield connection
    finally:
        engine.dispose()


def _config(connection: Connection | None) -> Config:
    package = Path(scheduler_service.__file__).parent
    inside, beside = package / "migrations", package.parent / "migrations"  # a wheel; a checkout
    config = Config()
    config.set_main_option("script_location", str(inside if inside.is_dir() else beside).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
