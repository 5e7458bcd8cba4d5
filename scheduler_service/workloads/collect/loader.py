"""One transaction: rows, schema change, cursor and ledger. Killed at any moment, it leaves all of them or none."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from scheduler_service.errors import CollectOverlapped, LoadFailed, MergeKeysUnusable
from scheduler_service.workloads.collect import books
from scheduler_service.workloads.collect.books import Counts
from scheduler_service.workloads.collect.cursors import later
from scheduler_service.workloads.collect.definitions import Incremental
from scheduler_service.workloads.collect.engines import Engine, opened
from scheduler_service.workloads.collect.schema import compare, shape_of
from scheduler_service.workloads.collect.staging import FileState, Staged, Task
from scheduler_service.workloads.identifiers import literal, quoted
from scheduler_service.workloads.stopping import Stop, interruptible
from scheduler_service.workloads.warehouses import AnyWarehouse

OWN_COLUMNS = {"_run_id": "VARCHAR", "_loaded_at": "TIMESTAMP WITH TIME ZONE"}


@dataclass(frozen=True)
class Before:
    """What the warehouse knew when the run began."""

    finished: Counts | None
    cursor: Any
    ledger: frozenset[FileState]


def look(warehouse: AnyWarehouse, task: Task, stop: Stop) -> Before:
    """Whether the run is loaded already, and where it has to go on from."""
    with _refusals(task.definition.dataset), opened(warehouse, stop, write=False) as engine:
        finished = books.finished(engine, task.run_id)
        if task.full_refresh or not task.definition.source.incremental:
            return Before(finished, None, frozenset())
        return Before(finished, books.cursor_of(engine, task), books.ledger_of(engine, task))


def load(warehouse: AnyWarehouse, task: Task, staged: Staged, stop: Stop, *, loaded_at: datetime) -> Counts:
    """Load what was staged, or nothing; a run that somebody else has loaded meanwhile is left as it is."""
    with (
        _refusals(task.definition.dataset),
        opened(warehouse, stop, write=True) as engine,
        interruptible(stop, engine.interrupt),
    ):
        engine.wait_for_turn(task.definition.dataset)
        if counts := books.finished(engine, task.run_id):
            return counts
        books.open_books(engine)
        return _Load(engine, task, staged, loaded_at).run()


class _Load:
    """The statements of one load, within its transaction."""

    def __init__(self, engine: Engine, task: Task, staged: Staged, loaded_at: datetime) -> None:
        self._engine, self._task, self._staged, self._loaded_at = engine, task, staged, loaded_at
        self._definition = task.definition
        self._table = engine.name(task.definition.dataset)
        self._parts = [part for part in staged.parts if part.rows]
        self._own = {"_run_id": task.run_id, "_loaded_at": loaded_at.isoformat()}

    def run(self) -> Counts:
        if not self._task.full_refresh:
            self._refuse_overlap()
        columns = self._fit_table()
        if columns and (self._task.full_refresh or self._definition.mode == "replace"):
            self._engine.run(f"DELETE FROM {self._table}")
        if self._task.full_refresh or self._definition.mode == "replace":
            books.forget(self._engine, self._definition.dataset)
        written = self._write(columns) if self._parts and columns else 0
        counts = Counts(self._staged.rows, written, self._staged.pages, len(self._staged.files))
        self._keep_books(counts)
        return counts

    def _refuse_overlap(self) -> None:
        """What another run of this task loaded meanwhile would be doubled by appending, or undone by merging."""
        if not self._definition.source.incremental:
            return
        cursor = self._staged.cursor
        moved = cursor is not None and books.cursor_of(self._engine, self._task) != cursor.began
        if moved or not books.ledger_of(self._engine, self._task).isdisjoint(self._staged.files):
            raise CollectOverlapped(self._task.task_id)

    def _fit_table(self) -> dict[str, str]:
        """Create or alter the table before anything else touches it (DuckDB refuses the commit otherwise)."""
        name = self._definition.dataset
        have = self._engine.columns(name)
        columns = {column: type_ for column, type_ in have.items() if column not in OWN_COLUMNS}
        if not self._parts:
            return columns
        anew = self._task.full_refresh and self._definition.contract == "evolve"
        change = compare(name, {} if anew else columns, shape_of(name, self._parts), self._definition.contract)
        if (anew or not have) and change.columns:
            if change.columns != columns:
                self._engine.create(name, {**change.columns, **OWN_COLUMNS})
            return change.columns
        for column, type_ in change.added.items():
            self._engine.add_column(name, column, type_)
        for column, type_ in change.widened.items():
            self._engine.widen(name, column, type_)
        return change.columns

    def _write(self, columns: dict[str, str]) -> int:
        """Put the rows in; gives their number."""
        if self._definition.mode != "merge":
            for part in self._parts:
                self._engine.fill(self._table, part, columns, self._own)
            return sum(part.rows for part in self._parts)
        names = ", ".join(quoted(column) for column in columns)
        self._engine.run(f"CREATE TEMP TABLE _incoming AS SELECT {names} FROM {self._table} LIMIT 0")
        for part in self._parts:
            self._engine.fill("_incoming", part, columns, {})
        key = self._key(columns)
        count = self._fold_repeats(key)
        self._engine.analyse("_incoming")
        same = " AND ".join(f"{self._table}.{column} = _incoming.{column}" for column in key)
        self._engine.run(f"DELETE FROM {self._table} USING _incoming WHERE {same}")
        own, values = ", ".join(self._own), ", ".join(map(literal, self._own.values()))
        self._engine.run(f"INSERT INTO {self._table} ({names}, {own}) SELECT {names}, {values} FROM _incoming")
        return count

    def _key(self, columns: dict[str, str]) -> list[str]:
        """The key's columns, quoted, each there and never NULL."""
        spelled = {name.casefold(): name for name in columns}
        missing = [name for name in self._definition.key if name.casefold() not in spelled]
        if missing:
            raise self._unusable(f"no record has a value in {', '.join(missing)}")
        key = [quoted(spelled[name.casefold()]) for name in self._definition.key]
        empty = self._count("_incoming WHERE " + " OR ".join(f"{column} IS NULL" for column in key))
        if empty:
            raise self._unusable(f"{empty} rows have no value in it")
        return key

    def _fold_repeats(self, key: list[str]) -> int:
        """Rows that are the same in everything count once (pages shift while they are read); unlike ones are refused.

        DuckDB's own MERGE would silently keep one of them.
        """
        grouped = f"(SELECT 1 FROM _incoming GROUP BY {', '.join(key)} HAVING count(*) > 1) AS repeated"
        if self._count(grouped):
            self._engine.run("CREATE TEMP TABLE _distinct AS SELECT DISTINCT * FROM _incoming")
            self._engine.run("DROP TABLE _incoming")
            self._engine.run("ALTER TABLE _distinct RENAME TO _incoming")
            if doubled := self._count(grouped):
                raise self._unusable(f"{doubled} keys are carried by rows that differ")
        return self._count("_incoming")

    def _count(self, what: str) -> int:
        ((count,),) = self._engine.rows(f"SELECT count(*) FROM {what}")
        return int(count)

    def _unusable(self, reason: str) -> MergeKeysUnusable:
        return MergeKeysUnusable(self._definition.dataset, self._definition.key, reason)

    def _keep_books(self, counts: Counts) -> None:
        """The cursor never moves back: an older run that is retried late finds a greater one."""
        source, cursor = self._definition.source, self._staged.cursor
        if cursor is not None and isinstance(source.incremental, Incremental):
            stored = books.cursor_of(self._engine, self._task)
            if later(source.incremental.cursor_field, cursor.reached, stored):
                books.save_cursor(self._engine, self._task, cursor.reached, self._loaded_at)
        elif source.incremental:
            unknown = set(self._staged.files) - books.ledger_of(self._engine, self._task)
            books.save_files(self._engine, self._task, unknown)
        books.save_run(self._engine, self._task, counts, self._loaded_at)


@contextmanager
def _refusals(dataset: str) -> Iterator[None]:
    """What the engine refuses, as a failure of ours, on one line."""
    import duckdb
    import psycopg

    try:
        yield
    except (duckdb.Error, psycopg.Error) as error:
        raise LoadFailed(dataset, " ".join(str(error).split())[:300]) from error
