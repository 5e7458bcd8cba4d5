"""What a load says to the warehouse, in its engine's dialect; the load itself is the same for both.

Types are DuckDB's words. Statements take `?` for their parameters.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from scheduler_service.workloads import datasets_duckdb, datasets_postgresql
from scheduler_service.workloads.collect import reading
from scheduler_service.workloads.collect.staging import Part
from scheduler_service.workloads.identifiers import literal, quoted
from scheduler_service.workloads.stopping import Stop, interruptible
from scheduler_service.workloads.warehouses import AnyWarehouse
from scheduler_service.workloads.workshop import workshop

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from psycopg import Connection

BLOCK = 2**20
#: PostgreSQL keeps no NUL in texts, and none in JSON, where it is written \u0000.
NUL_IN_JSON = r"(^|[^\\])((?:\\\\)*)(?:\\u0000)+"


class Engine(ABC):
    """One transaction of one load."""

    @abstractmethod
    def wait_for_turn(self, dataset: str) -> None:
        """Until nobody else is loading the dataset."""

    @abstractmethod
    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Execute a statement (with parameters: one that names nothing of others) and fetch what it gives."""

    @abstractmethod
    def run(self, statement: str) -> None:
        """Execute a statement that takes no parameters."""

    @abstractmethod
    def columns(self, table: str) -> dict[str, str]:
        """A table's columns and types; none if there is no such table."""

    @abstractmethod
    def name(self, table: str) -> str:
        """A table of the warehouse, for SQL."""

    @abstractmethod
    def create(self, table: str, columns: Mapping[str, str]) -> None:
        """Make the table, in place of the one that is there."""

    @abstractmethod
    def add_column(self, table: str, column: str, type_: str) -> None: ...

    @abstractmethod
    def widen(self, table: str, column: str, type_: str) -> None: ...

    @abstractmethod
    def fill(self, into: str, part: Part, columns: Mapping[str, str], own: Mapping[str, str]) -> None:
        """Put a part's rows into a table (as SQL), by name, never by position, each with the values of `own`."""

    @abstractmethod
    def analyse(self, temporary: str) -> None:
        """Let the planner know what a temporary table holds."""

    @abstractmethod
    def interrupt(self) -> None:
        """End what is executed. For any thread."""


class DuckDBEngine(Engine):
    """The file, whose turn the transaction has."""

    def __init__(self, connection: "DuckDBPyConnection") -> None:
        self._connection = connection

    def wait_for_turn(self, dataset: str) -> None:
        """Whoever writes has the whole file."""

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement, list(parameters)).fetchall()

    def run(self, statement: str) -> None:
        self._connection.execute(statement)

    def columns(self, table: str) -> dict[str, str]:
        return {column.name: column.type for column in datasets_duckdb.columns_of(self._connection, table)}

    def name(self, table: str) -> str:
        return quoted(table)

    def create(self, table: str, columns: Mapping[str, str]) -> None:
        made = ", ".join(f"{quoted(column)} {type_}" for column, type_ in columns.items())
        self.run(f"CREATE OR REPLACE TABLE {quoted(table)} ({made})")

    def add_column(self, table: str, column: str, type_: str) -> None:
        self.run(f"ALTER TABLE {quoted(table)} ADD COLUMN {quoted(column)} {type_}")

    def widen(self, table: str, column: str, type_: str) -> None:
        using = f"to_json({quoted(column)})" if type_ == "JSON" else f"CAST({quoted(column)} AS {type_})"
        self.run(f"ALTER TABLE {quoted(table)} ALTER {quoted(column)} TYPE {type_} USING {using}")

    def fill(self, into: str, part: Part, columns: Mapping[str, str], own: Mapping[str, str]) -> None:
        chosen = reading.select(part, columns)
        names = ", ".join(quoted(name) for name in [*chosen.names, *own])
        values = ", ".join([*map(quoted, chosen.names), *map(literal, own.values())])
        self.run(f"INSERT INTO {into} ({names}) SELECT {values} FROM ({chosen.sql})")

    def analyse(self, temporary: str) -> None:
        """DuckDB counts by itself."""

    def interrupt(self) -> None:
        self._connection.interrupt()


class PostgresEngine(Engine):
    """A server. DuckDB reads the staged files for it, and writes what COPY takes."""

    def __init__(self, connection: "Connection[Any]", stop: Stop) -> None:
        self._connection, self._stop = connection, stop

    def wait_for_turn(self, dataset: str) -> None:
        """Released by the end of the transaction."""
        self.rows("SELECT pg_advisory_xact_lock(hashtextextended(?, 1))", [dataset])

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        if parameters:
            statement = statement.replace("?", "%s")
        cursor = self._connection.execute(statement, parameters or None)
        return cursor.fetchall() if cursor.description else []

    def run(self, statement: str) -> None:
        self._connection.execute(statement)

    def columns(self, table: str) -> dict[str, str]:
        return {column.name: column.type for column in datasets_postgresql.columns_of(self._connection, table)}

    def name(self, table: str) -> str:
        return datasets_postgresql.full_name(table)

    def create(self, table: str, columns: Mapping[str, str]) -> None:
        typed = [(column, datasets_postgresql.type_in(type_)) for column, type_ in columns.items()]
        self.run(f"DROP TABLE IF EXISTS {self.name(table)}")
        self.run(f"CREATE TABLE {self.name(table)} ({', '.join(f'{quoted(name)} {type_}' for name, type_ in typed)})")

    def add_column(self, table: str, column: str, type_: str) -> None:
        self.run(f"ALTER TABLE {self.name(table)} ADD COLUMN {quoted(column)} {datasets_postgresql.type_in(type_)}")

    def widen(self, table: str, column: str, type_: str) -> None:
        wider = datasets_postgresql.type_in(type_)
        using = f"to_jsonb({quoted(column)})" if type_ == "JSON" else f"CAST({quoted(column)} AS {wider})"
        self.run(f"ALTER TABLE {self.name(table)} ALTER {quoted(column)} TYPE {wider} USING {using}")

    def fill(self, into: str, part: Part, columns: Mapping[str, str], own: Mapping[str, str]) -> None:
        chosen = reading.select(part, columns)
        target = part.path.with_name(f"{part.path.name}.copy")
        values = [_written(name, columns[name]) for name in chosen.names] + [literal(value) for value in own.values()]
        with workshop(part.path.parent) as duckdb, interruptible(self._stop, duckdb.interrupt):
            duckdb.execute(
                f"COPY (SELECT {', '.join(values)} FROM ({chosen.sql})) TO {literal(target)} "
                "(FORMAT csv, HEADER false, NULLSTR '')"
            )
        names = ", ".join(quoted(name) for name in [*chosen.names, *own])
        statement = f"COPY {into} ({names}) FROM STDIN (FORMAT csv)"
        with target.open("rb") as file, self._connection.cursor().copy(statement) as copy:
            while block := file.read(BLOCK):
                self._stop.check()
                copy.write(block)
        target.unlink()

    def analyse(self, temporary: str) -> None:
        self.run(f"ANALYZE {temporary}")

    def interrupt(self) -> None:
        self._connection.cancel_safe()


@contextmanager
def opened(warehouse: AnyWarehouse, stop: Stop, *, write: bool) -> Iterator[Engine]:
    """A transaction with the warehouse, waited for as long as the work may take."""
    wait = max(0.1, min(stop.left(), 300.0))
    if warehouse.dialect == "duckdb":
        with warehouse.transaction(write=write, wait_seconds=wait, check=stop.check) as duckdb:
            yield DuckDBEngine(duckdb)
    else:
        with warehouse.transaction(write=write, wait_seconds=wait, check=stop.check) as postgres:
            yield PostgresEngine(postgres, stop)


def _written(column: str, type_: str) -> str:
    """A column as COPY takes it."""
    name = quoted(column)
    if type_ == "VARCHAR":
        return f"replace({name}, chr(0), '')"
    if type_ == "JSON":
        return rf"regexp_replace(CAST({name} AS VARCHAR), '{NUL_IN_JSON}', '\1\2', 'g')"
    return rf"'\x' || hex({name})" if type_ == "BLOB" else name
