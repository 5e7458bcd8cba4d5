"""Making the tables and views of a warehouse from queries, in one transaction, on either engine."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scheduler_service.errors import QueryFailed
from scheduler_service.workloads.datasets_postgresql import SCHEMA, full_name
from scheduler_service.workloads.identifiers import quoted
from scheduler_service.workloads.sql_running import DuckEngine, Engine, PostgresEngine

NEW = "_etl_new"


@dataclass(frozen=True)
class Source:
    """The rows of a step: a SELECT and the values of its parameters. `what` is said with what goes wrong."""

    what: str
    select: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Window:
    """The rows of a table that an incremental step makes anew."""

    column: str
    start: Any
    end: Any


class Tables(ABC):
    """What steps do to the warehouse. Raises QueryFailed, after which the transaction must not commit."""

    engine: Engine
    #: The new rows of a step, before they are taken in.
    new: str

    @abstractmethod
    def name(self, table: str) -> str:
        """A table of the warehouse, for SQL."""

    @abstractmethod
    def kind(self, table: str) -> str | None:
        """`table` or `view`, or None where there is neither."""

    @abstractmethod
    def names(self) -> set[str]:
        """All tables and views."""

    @abstractmethod
    def columns(self, table: str) -> dict[str, str]:
        """The columns and types of a table, given as SQL."""

    @abstractmethod
    def wait_for_turn(self, pipeline_id: int) -> None:
        """Until no other run of the pipeline is at work."""

    @abstractmethod
    def make_table(self, table: str, source: Source) -> int:
        """Let it hold these rows and no others; how many."""

    @abstractmethod
    def make_view(self, table: str, source: Source) -> None:
        """Let its name stand for the query."""

    @abstractmethod
    def hold(self, source: Source) -> None:
        """Put the rows aside, as `new`."""

    @abstractmethod
    def put_back(self) -> None:
        """Make the views again that had to go meanwhile."""

    def take_in(self, table: str, source: Source, *, key: Sequence[str], window: Window | None) -> int:
        """Replace the rows of equal key, or those of the window, by the new ones; how many those are."""
        if self.kind(table) != "table":
            return self.make_table(table, source)
        self.hold(source)
        have = self.columns(self.name(table))
        for column, type_ in self.columns(self.new).items():
            if column not in have:
                self._run(source, f"ALTER TABLE {self.name(table)} ADD COLUMN {quoted(column)} {type_}")
        if window is not None:
            self._clear(table, source, window)
        else:
            self._refuse_ambiguous(source, key)
            same = " AND ".join(f"present.{quoted(one)} = fresh.{quoted(one)}" for one in key)
            self._run(source, f"DELETE FROM {self.name(table)} AS present USING {self.new} AS fresh WHERE {same}")
        return self._insert(table, source)

    def _insert(self, table: str, source: Source) -> int:
        names = ", ".join(map(quoted, self.columns(self.new)))
        return self.engine.count(
            source.what, f"INSERT INTO {self.name(table)} ({names}) SELECT {names} FROM {self.new}"
        )

    def _clear(self, table: str, source: Source, window: Window) -> None:
        column, given = self.engine.quoted(window.column), {"start": window.start, "end": window.end}
        inside = f"{column} >= {self._instant('start')} AND {column} < {self._instant('end')}"
        outside = f"SELECT count(*) FROM {self.new} WHERE ({inside}) IS NOT TRUE"
        if stray := self.engine.number(source.what, outside, given):
            raise QueryFailed(source.what, f"gives {stray} rows whose {window.column} is outside the run's window")
        self._run(source, f"DELETE FROM {self.name(table)} WHERE {inside}", given)

    def _refuse_ambiguous(self, source: Source, key: Sequence[str]) -> None:
        names = ", ".join(map(quoted, key))
        nulls = " OR ".join(f"{quoted(one)} IS NULL" for one in key)
        twice = f"SELECT count(*) FROM (SELECT 1 FROM {self.new} GROUP BY {names} HAVING count(*) > 1) AS twice"
        if found := self.engine.number(source.what, twice):
            raise QueryFailed(source.what, f"gives {found} keys ({', '.join(key)}) more than once")
        if found := self.engine.number(source.what, f"SELECT count(*) FROM {self.new} WHERE {nulls}"):
            raise QueryFailed(source.what, f"gives {found} rows without a key ({', '.join(key)})")

    def _run(self, source: Source, statement: str, values: Mapping[str, Any] | None = None) -> None:
        self.engine.execute(source.what, statement, values)

    def _instant(self, name: str) -> str:
        return f"CAST({self.engine.place(name)} AS TIMESTAMPTZ)"


class DuckTables(Tables):
    """The file. A view finds its tables by name when it is read, so what is below it may be replaced."""

    engine: DuckEngine
    new = f"temp.{NEW}"

    def __init__(self, engine: DuckEngine) -> None:
        self.engine = engine

    def name(self, table: str) -> str:
        return quoted(table)

    def kind(self, table: str) -> str | None:
        found = self.engine.connection.execute(
            "SELECT table_type FROM information_schema.tables WHERE table_schema = 'main' AND table_name = ?", [table]
        ).fetchone()
        return None if found is None else "view" if found[0] == "VIEW" else "table"

    def names(self) -> set[str]:
        found = self.engine.connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'main'"
        ).fetchall()
        return {name.lower() for (name,) in found}  # which is all the same to DuckDB

    def columns(self, table: str) -> dict[str, str]:
        return {name: type_ for name, type_, *_ in self.engine.connection.execute(f"DESCRIBE {table}").fetchall()}

    def wait_for_turn(self, pipeline_id: int) -> None:
        """Whoever writes has the whole file."""

    def make_table(self, table: str, source: Source) -> int:
        if self.kind(table) == "view":
            self._run(source, f"DROP VIEW {quoted(table)}")
        made = f"CREATE OR REPLACE TABLE {quoted(table)} AS (\n{source.select}\n)"
        return self.engine.count(source.what, made, source.values)

    def make_view(self, table: str, source: Source) -> None:
        if self.kind(table) == "table":
            self._run(source, f"DROP TABLE {quoted(table)}")
        self._run(source, f"CREATE OR REPLACE VIEW {quoted(table)} AS (\n{source.select}\n)", source.values)

    def put_back(self) -> None:
        """None had to go."""

    def hold(self, source: Source) -> None:
        self._run(source, f"CREATE OR REPLACE TEMP TABLE {NEW} AS (\n{source.select}\n)", source.values)


class PostgresTables(Tables):
    """A server. Readers go on meanwhile: a table keeps its identity for as long as it keeps its columns."""

    engine: PostgresEngine
    new = f"pg_temp.{NEW}"

    def __init__(self, engine: PostgresEngine) -> None:
        self.engine = engine
        self._dropped: dict[str, str] = {}

    def name(self, table: str) -> str:
        return full_name(table)

    def kind(self, table: str) -> str | None:
        found = self.engine.connection.execute(
            "SELECT relkind FROM pg_class WHERE oid = to_regclass(%s)", [full_name(table)]
        ).fetchone()
        return None if found is None else "view" if found[0] == "v" else "table"

    def names(self) -> set[str]:
        found = self.engine.connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(%s) AND relkind IN ('r', 'p', 'm', 'v')",
            [SCHEMA],
        ).fetchall()
        return {name for (name,) in found}

    def columns(self, table: str) -> dict[str, str]:
        found = self.engine.connection.execute(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = to_regclass(%s)"
            " AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            [table],
        ).fetchall()
        return dict(found)

    def wait_for_turn(self, pipeline_id: int) -> None:
        self.engine.connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('etl pipeline', %s))", [pipeline_id]
        )

    def make_table(self, table: str, source: Source) -> int:
        kind = self.kind(table)
        if kind is None:
            made = f"CREATE TABLE {full_name(table)} AS (\n{source.select}\n)"
            rows = self.engine.count(source.what, made, source.values)
        else:
            self.hold(source)
            rows = self._replace(table, source, same=kind == "table" and self._fits(table))
        self._run(source, f"ANALYZE {full_name(table)}")
        return rows

    def make_view(self, table: str, source: Source) -> None:
        if self.kind(table) is not None:
            self._drop(table, source)
        self._run(source, f"CREATE VIEW {full_name(table)} AS (\n{source.select}\n)", source.values)
        self._dropped.pop(table, None)

    def hold(self, source: Source) -> None:
        self._run(source, f"DROP TABLE IF EXISTS {self.new}")
        made = f"CREATE TEMP TABLE {NEW} ON COMMIT DROP AS (\n{source.select}\n)"
        self._run(source, made, source.values)

    def put_back(self) -> None:
        """The views that stood on what was made anew, lowest first."""
        for view, definition in self._dropped.items():
            if self.kind(view) is None:
                made = f"CREATE VIEW {full_name(view)} AS {definition}"
                self.engine.execute(f"the view {view}, which reads what was made", made)

    def _fits(self, table: str) -> bool:
        return self.columns(full_name(table)) == self.columns(self.new)

    def _replace(self, table: str, source: Source, *, same: bool) -> int:
        """Rows in place of rows; TRUNCATE or another table would show a reader of an older state nothing at all."""
        if same:
            self._run(source, f"DELETE FROM {full_name(table)}")
            return self._insert(table, source)
        self._drop(table, source)
        return self.engine.count(source.what, f"CREATE TABLE {full_name(table)} AS TABLE {self.new}")

    def _drop(self, table: str, source: Source) -> None:
        """With the views on it, which are put back at the end, unless a step makes them anew."""
        for view, definition in self._views_on(table):
            self._dropped.setdefault(view, definition)
        self._run(source, f"DROP {self.kind(table) or 'table'} {full_name(table)} CASCADE")

    def _views_on(self, table: str) -> list[tuple[str, str]]:
        return self.engine.connection.execute(
            """WITH RECURSIVE above (oid, depth) AS (
                 SELECT to_regclass(%s)::oid, 0
                 UNION
                 SELECT rule.ev_class, above.depth + 1 FROM above
                 JOIN pg_depend ON pg_depend.refobjid = above.oid AND pg_depend.classid = 'pg_rewrite'::regclass
                 JOIN pg_rewrite rule ON rule.oid = pg_depend.objid AND rule.ev_class <> above.oid)
               SELECT relname, pg_get_viewdef(pg_class.oid) FROM above JOIN pg_class USING (oid)
               WHERE depth > 0 AND relkind = 'v' GROUP BY pg_class.oid, relname ORDER BY max(depth)""",
            [full_name(table)],
        ).fetchall()


def tables_of(engine: Engine) -> Tables:
    """The tables of the warehouse that the engine is connected to."""
    return DuckTables(engine) if isinstance(engine, DuckEngine) else PostgresTables(engine)
