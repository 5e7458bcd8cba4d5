"""Running SQL that people write: on a connection that can reach nothing but the warehouse, and can be interrupted.

Call it in a process that can be killed (`killable`), since an engine does not always hear.
"""

import resource
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scheduler_service.errors import QueryFailed
from scheduler_service.workloads.datasets_postgresql import SCHEMA
from scheduler_service.workloads.identifiers import quoted
from scheduler_service.workloads.sql_guard import Dialect, Query
from scheduler_service.workloads.stopping import Stop, interruptible
from scheduler_service.workloads.warehouses import AnyWarehouse

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from psycopg import Connection

LONGEST_WAIT = 600.0
LONGEST_REASON = 500
#: PostgreSQL's classes of errors for what is too large for it: memory or disk, and limits of its own.
OUT_OF_BOUNDS = ("53", "54")
LATER = 10.0  # than our own interruption, should that not be heard


@dataclass(frozen=True)
class Asked:
    """A query, what it is for, and how many rows of it are wanted at most."""

    what: str
    query: Query
    values: Mapping[str, Any]
    limit: int


@dataclass(frozen=True)
class Answer:
    """The columns' names, the rows as Python values, and whether these are all."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    complete: bool


@contextmanager
def confined(warehouse: AnyWarehouse, *, write: bool, stop: Stop) -> Iterator["DuckEngine | PostgresEngine"]:
    """One transaction on the warehouse, in which a query has no files, no network, and no settings to change.

    On DuckDB that holds for every connection of this process, and cannot be undone. `stop` interrupts a query.
    """
    wait = min(LONGEST_WAIT, max(0.0, stop.left()))
    if warehouse.dialect == "duckdb":
        with warehouse.transaction(write=write, wait_seconds=wait, check=stop.check) as connection:
            if (bound := resource.getrlimit(resource.RLIMIT_DATA)[0]) != resource.RLIM_INFINITY:
                connection.execute(f"SET memory_limit = '{bound // 2}B'")  # beyond it DuckDB spills; the rest is slack
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
            with interruptible(stop, connection.interrupt):
                yield DuckEngine(connection)
    else:
        with warehouse.transaction(write=write, wait_seconds=wait, check=stop.check) as session:
            session.execute(
                "SELECT set_config('search_path', %s, true), set_config('statement_timeout', %s, true),"
                " set_config('client_connection_check_interval', '1s', true)",  # a backend ends with its client
                [f"{SCHEMA}, pg_catalog", f"{round((stop.left() + LATER) * 1000)}ms"],
            )
            with interruptible(stop, session.cancel_safe):
                yield PostgresEngine(session)


class DuckEngine:
    """Statements on DuckDB."""

    dialect: Dialect = "duckdb"

    def __init__(self, connection: "DuckDBPyConnection") -> None:
        self.connection = connection

    def execute(self, what: str, statement: str, values: Mapping[str, Any] | None = None) -> "DuckDBPyConnection":
        """Run one statement. Raises: QueryFailed."""
        import duckdb

        try:
            if len(self.connection.extract_statements(statement)) != 1:
                raise QueryFailed(what, "is not one statement")
            return self.connection.execute(statement, dict(values or {}))
        except duckdb.InterruptException:
            raise
        except duckdb.OutOfMemoryException:
            raise QueryFailed(what, "needs more memory than a query may have") from None
        except duckdb.Error as error:
            raise QueryFailed(what, _said(error)) from None

    def place(self, name: str) -> str:
        """Where a value of this name is bound."""
        return f"${name}"

    def quoted(self, name: str) -> str:
        """A column, for a statement with values."""
        return quoted(name)

    def answer(self, asked: Asked) -> Answer:
        """The first rows of a query. By way of Arrow: DuckDB makes instants only with a library that we do without."""
        statement = f"SELECT * FROM (\n{asked.query.text}\n) LIMIT {asked.limit + 1}"
        table = self.execute(asked.what, statement, asked.query.values(asked.values)).to_arrow_table()
        columns = [column.to_pylist() for column in table.columns]
        rows = list(zip(*columns, strict=True))
        return Answer(tuple(table.column_names), rows[: asked.limit], len(rows) <= asked.limit)

    def number(self, what: str, statement: str, values: Mapping[str, Any] | None = None) -> int:
        """The one number that a statement finds. Raises: QueryFailed."""
        found = self.execute(what, statement, values).fetchone()
        return int(found[0]) if found and found[0] is not None else 0

    def count(self, what: str, statement: str, values: Mapping[str, Any] | None = None) -> int:
        """Run a statement that writes rows; how many. Raises: QueryFailed."""
        return self.number(what, statement, values)


class PostgresEngine:
    """Statements on PostgreSQL. Each is prepared: the server then takes one at a time."""

    dialect: Dialect = "postgresql"

    def __init__(self, connection: "Connection[Any]") -> None:
        self.connection = connection

    def execute(self, what: str, statement: str, values: Mapping[str, Any] | None = None) -> Any:
        """Run one statement; with values, even none, a % in it is written twice. Raises: QueryFailed."""
        with self._refusals(what):
            return self.connection.execute(statement, None if values is None else dict(values), prepare=True)

    def place(self, name: str) -> str:
        """Where a value of this name is bound."""
        return f"%({name})s"

    def quoted(self, name: str) -> str:
        """A column, for a statement with values."""
        return quoted(name).replace("%", "%%")

    def answer(self, asked: Asked) -> Answer:
        """The first rows of a query."""
        statement = f"SELECT * FROM (\n{asked.query.text}\n) AS asked LIMIT {asked.limit + 1}"
        cursor = self.execute(asked.what, statement, asked.query.values(asked.values))
        with self._refusals(asked.what):  # an infinite instant is none that Python knows
            rows = cursor.fetchall()
        return Answer(tuple(one.name for one in cursor.description), rows[: asked.limit], len(rows) <= asked.limit)

    def number(self, what: str, statement: str, values: Mapping[str, Any] | None = None) -> int:
        """The one number that a statement finds. Raises: QueryFailed."""
        found = self.execute(what, statement, values).fetchone()
        return int(found[0]) if found and found[0] is not None else 0

    def count(self, what: str, statement: str, values: Mapping[str, Any] | None = None) -> int:
        """Run a statement that writes rows; how many. Raises: QueryFailed."""
        written: int = self.execute(what, statement, values).rowcount
        return written

    @staticmethod
    @contextmanager
    def _refusals(what: str) -> Iterator[None]:
        """What the server says to a statement; that it is away is said by the warehouse."""
        import psycopg

        try:
            yield
        except psycopg.OperationalError as why:
            if (why.sqlstate or "")[:2] not in OUT_OF_BOUNDS:
                raise
            raise QueryFailed(what, _said(why)) from None
        except psycopg.Error as why:
            raise QueryFailed(what, _said(why)) from None


Engine = DuckEngine | PostgresEngine


def engine_of(connection: "DuckDBPyConnection | Connection[Any]") -> Engine:
    """Statements on what a warehouse's transaction gave."""
    import psycopg

    return PostgresEngine(connection) if isinstance(connection, psycopg.Connection) else DuckEngine(connection)


def _said(error: Exception) -> str:
    """What the engine says, without the excerpt of the statement, which is ours in part."""
    said = str(error).split("\nLINE ", 1)[0]
    return " ".join(said.split())[:LONGEST_REASON] or type(error).__name__
