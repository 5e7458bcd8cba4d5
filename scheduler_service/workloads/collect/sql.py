"""A table or a query of another database as a source, streamed: a chunk of rows at a time, whatever their number."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from scheduler_service.errors import CursorUnusable, SourceUnreachable, SqlSourceFailed
from scheduler_service.workloads.collect.columns import MOST_DIGITS, ColumnKind
from scheduler_service.workloads.collect.cursors import Progress, progress_of
from scheduler_service.workloads.collect.definitions import SqlSource
from scheduler_service.workloads.collect.instants import instant
from scheduler_service.workloads.collect.staging import ColumnNames, Staged, Work
from scheduler_service.workloads.collect.tables import TableWriter
from scheduler_service.workloads.connections import Connections, SqlConnection, connection_named
from scheduler_service.workloads.stopping import Stop, interruptible

if TYPE_CHECKING:
    from sqlalchemy import Connection, CursorResult, Engine
    from sqlalchemy.sql.elements import TextClause

CHUNK = 20_000
CONNECT_SECONDS = 10
GRACE_SECONDS = 10
DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "sqlite": "sqlite"}
READ_ONLY: dict[str, dict[str, Any]] = {
    "postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
    "mysql": {"isolation_level": "REPEATABLE READ"},
    "sqlite": {},
}
LAST_SEMICOLON = re.compile(r";\s*\Z")


def stage(source: SqlSource, work: Work, began: Any, connections: Connections) -> Staged:
    """Read what the source has into Parquet files. `began` is the cursor that the last run reached.

    Raises: SourceUnreachable, SqlSourceFailed, CursorUnusable, TooManyRows, ConnectionUnknown, ConnectionUnfit.
    """
    connection = connection_named(source.connection, SqlConnection, connections)
    progress = progress_of(source.incremental, work, began)
    with reading(connection, work.stop, name=source.connection) as (reader, interrupt):
        statement, params = _statement(source, progress, reader.dialect)
        with interruptible(work.stop, interrupt), reader.execute(statement, params) as result:
            writer = _written(result, source, progress, work)
    return Staged(writer.parts, writer.rows, cursor=progress.cursor() if progress else None)


@contextmanager
def reading(connection: SqlConnection, stop: Stop, *, name: str) -> Iterator[tuple["Connection", Callable[[], None]]]:
    """A read-only transaction with another database, and what interrupts a statement of it, from any thread."""
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError

    try:
        engine = _engine(connection)
        try:
            with _connected(engine, connection.engine, stop, name) as opened:
                yield opened, _interrupter(opened, connection.engine)
        finally:
            engine.dispose()
    except DBAPIError as error:
        if error.connection_invalidated:
            raise SourceUnreachable(f"The connection {name}", told(error), attempts=1) from None
        raise SqlSourceFailed(name, told(error)) from None
    except (SQLAlchemyError, ImportError) as error:
        raise SqlSourceFailed(name, told(error)) from None


def told(error: BaseException) -> str:
    """What the driver said, on one line: not the statement, whose parameters SQLAlchemy would add."""
    said = getattr(error, "orig", None) or error
    return " ".join(str(said).split())[:300]


@contextmanager
def _connected(engine: "Engine", kind: str, stop: Stop, name: str) -> Iterator["Connection"]:
    from sqlalchemy.exc import DBAPIError

    try:
        opened = engine.connect()
    except DBAPIError as error:
        raise SourceUnreachable(f"The connection {name}", told(error), attempts=1) from None
    with opened:
        opened.execution_options(**READ_ONLY[kind])
        for statement in _bounds(kind, stop):
            opened.exec_driver_sql(statement)
        yield opened.execution_options(stream_results=True, yield_per=CHUNK)


def _engine(connection: SqlConnection) -> "Engine":
    from sqlalchemy import create_engine, make_url
    from sqlalchemy.pool import NullPool

    url = make_url(connection.url.get_secret_value()).set(drivername=DRIVERS[connection.engine])
    arguments: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS}
    if connection.engine == "sqlite":
        url = url.set(database=f"file:{quote(url.database or '')}").update_query_dict({"mode": "ro", "uri": "true"})
        arguments = {"check_same_thread": False}  # the watchdog interrupts it
    return create_engine(url, poolclass=NullPool, connect_args=arguments)


def _bounds(kind: str, stop: Stop) -> list[str]:
    """The server ends what nobody waits for any more, should we be killed."""
    limit = max(1, round((stop.left() + GRACE_SECONDS) * 1000))
    if kind == "postgresql":
        return [f"SET LOCAL statement_timeout = {limit}", "SET LOCAL TIME ZONE 'UTC'"]
    return [f"SET SESSION max_execution_time = {limit}", "SET time_zone = '+00:00'"] if kind == "mysql" else []


def _interrupter(connection: "Connection", kind: str) -> Callable[[], None]:
    """MySQL has none that would not need a second connection: there `max_execution_time` ends a statement."""
    driver: Any = connection.connection.driver_connection
    if kind == "postgresql":
        return lambda: driver.cancel_safe(timeout=CONNECT_SECONDS)
    return driver.interrupt if kind == "sqlite" else lambda: None


def _statement(source: SqlSource, progress: Progress | None, dialect: Any) -> tuple["TextClause", dict[str, Any]]:
    """One SELECT over the table or around the query, from the cursor on."""
    from sqlalchemy import text

    quoted = dialect.identifier_preparer.quote_identifier
    if source.table is not None:
        origin = ".".join(map(quoted, source.table.split(".")))
    else:
        origin = f"({LAST_SEMICOLON.sub('', source.query or '')}\n) AS asked"
    params: dict[str, Any] = dict(source.params)
    where = ""
    if source.incremental and progress and (since := progress.asks_from()) is not None:
        params["_since"] = _bound(since, dialect.name)
        after = ">" if progress.appending and progress.began is not None else ">="
        where = f" WHERE {quoted(source.incremental.cursor_field)} {after} :_since"
    return text(f"SELECT * FROM {origin}{where}"), params


def _bound(value: Any, dialect: str) -> Any:
    """PostgreSQL and SQLite take an instant as text, MySQL does not know a Z."""
    moment = instant(value) if isinstance(value, str) and dialect == "mysql" else None
    return moment.astimezone(UTC).replace(tzinfo=None) if isinstance(moment, datetime) else value


def _written(result: "CursorResult[Any]", source: SqlSource, progress: Progress | None, work: Work) -> TableWriter:
    names = ColumnNames().distinct(result.keys())
    place = _place(source.incremental.cursor_field, list(result.keys())) if source.incremental else 0
    with TableWriter(work.folder, most_rows=work.most_rows, declared=_declared(result, names)) as writer:
        for rows in result.partitions(CHUNK):
            chosen = rows if progress is None else [row for row in rows if progress.takes_value(row[place])]
            columns = zip(*chosen, strict=True) if chosen else ((),) * len(names)
            writer.write(dict(zip(names, columns, strict=True)), len(chosen))
            work.tell(writer.rows)
            work.stop.check()
    return writer


def _place(field: str, names: Sequence[str]) -> int:
    if field not in names:
        raise CursorUnusable(field, "the source has no such column")
    return names.index(field)


def _declared(result: "CursorResult[Any]", names: Sequence[str]) -> dict[str, ColumnKind]:
    """The decimals whose digits the driver tells: the values alone do not show what they may become."""
    kinds = {}
    for name, column in zip(names, result.cursor.description if result.cursor else (), strict=False):
        digits, scale = column[4], column[5]
        if digits and scale is not None and 0 <= scale <= digits <= MOST_DIGITS:
            kinds[name] = ColumnKind("DECIMAL", digits, scale)
    return kinds
