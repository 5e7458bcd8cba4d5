"""A look at what the warehouse holds, for a person's page: a page of datasets, or one with some rows and its loads.

Each is one turn with the warehouse, and costs the same however large the tables are: a server is asked for its own
estimate of what is larger than `COUNTED`.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from scheduler_service.errors import DatasetUnreadable
from scheduler_service.workloads import datasets_duckdb, datasets_postgresql
from scheduler_service.workloads.collect.engines import DuckDBEngine, Engine, PostgresEngine
from scheduler_service.workloads.datasets import Dataset, RowPage
from scheduler_service.workloads.stopping import Stop, never
from scheduler_service.workloads.turns import READ_WAIT_SECONDS
from scheduler_service.workloads.warehouses import AnyWarehouse

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from psycopg import Connection

MOST_LOADS = 60
COUNTED = 100_000


@dataclass(frozen=True)
class Load:
    """A run that wrote rows to a dataset: of a collect those that came in, of a pipeline's step all that it made."""

    at: datetime
    rows: int
    run_id: str


@dataclass(frozen=True)
class Look:
    """A dataset, its first rows (or why they cannot be read), and its last loads, oldest first."""

    dataset: Dataset
    about: bool
    rows: RowPage | None
    unreadable: str | None
    loads: tuple[Load, ...]


def page(warehouse: AnyWarehouse, *, q: str, after: str, limit: int) -> tuple[list[Dataset], bool]:
    """Datasets by name, of those that have `q` in theirs, after the name seen last; and whether there are more."""
    with _reading(warehouse) as looking:
        names = [name for name in looking.names() if q.lower() in name and name > after]
        return [looking.dataset(name) for name in names[:limit]], len(names) > limit


def look(warehouse: AnyWarehouse, name: str, *, rows: int, counted: int = COUNTED) -> Look:
    """One dataset, with so many of its rows. Raises: DatasetNotFound, TransientFailure."""
    with _reading(warehouse, counted=counted) as looking:
        dataset = looking.dataset(name)
        loads = sorted(looking.loads(name), key=lambda load: load.at)[-MOST_LOADS:]
        try:  # last, since on a server a query that fails ends the transaction
            sample, unreadable = looking.rows(name, limit=rows), None
        except DatasetUnreadable as why:
            sample, unreadable = None, why.reason
    return Look(dataset, looking.is_about(dataset), sample, unreadable, tuple(loads))


class _Looking(ABC):
    """One transaction, in the words of its engine."""

    engine: Engine

    @abstractmethod
    def names(self) -> list[str]:
        """Of all datasets, in order."""

    @abstractmethod
    def dataset(self, name: str) -> Dataset:
        """Raises: DatasetNotFound."""

    @abstractmethod
    def rows(self, name: str, *, limit: int) -> RowPage:
        """The first rows. Raises: DatasetUnreadable."""

    def is_about(self, _dataset: Dataset) -> bool:
        """Whether its number of rows is an estimate."""
        return False

    def loads(self, name: str) -> list[Load]:
        """The last ones, latest first."""
        return [*self._collected(name), *self._built(name)]

    def _collected(self, name: str) -> Iterator[Load]:
        if self.engine.columns("_collect_run"):
            for at, rows, run_id in self.engine.rows(
                f"SELECT CAST(loaded_at AS VARCHAR), rows_written, run_id FROM {self.engine.name('_collect_run')} "
                f"WHERE dataset = ? ORDER BY loaded_at DESC LIMIT {MOST_LOADS}",
                [name],
            ):
                yield Load(datetime.fromisoformat(at), rows, run_id)

    def _built(self, name: str) -> Iterator[Load]:
        if self.engine.columns("_etl_run"):
            for at, outcome, run_id in self.engine.rows(
                f"SELECT CAST(finished_at AS VARCHAR), outcome, run_id FROM {self.engine.name('_etl_run')} "
                f"WHERE pipeline_id = (SELECT pipeline_id FROM {self.engine.name('_etl_table')} WHERE name = ?) "
                f"ORDER BY finished_at DESC LIMIT {MOST_LOADS}",
                [name],
            ):
                for step in json.loads(outcome)["steps"]:
                    if step["step"] == name and step["rows"] is not None:
                        yield Load(datetime.fromisoformat(at), step["rows"], run_id)


class _DuckLooking(_Looking):
    """The file. It counts a table by looking at its head."""

    def __init__(self, connection: "DuckDBPyConnection") -> None:
        self._connection, self.engine = connection, DuckDBEngine(connection)

    def names(self) -> list[str]:
        return datasets_duckdb.names(self._connection)

    def dataset(self, name: str) -> Dataset:
        return datasets_duckdb.get(self._connection, name)

    def rows(self, name: str, *, limit: int) -> RowPage:
        return datasets_duckdb.page(self._connection, name, limit=limit, cursor=None)


class _PostgresLooking(_Looking):
    """A server."""

    def __init__(self, connection: "Connection[Any]", counted: int) -> None:
        self._connection, self._counted = connection, counted
        self.engine = PostgresEngine(connection, Stop(never, READ_WAIT_SECONDS))

    def names(self) -> list[str]:
        return datasets_postgresql.names(self._connection)

    def dataset(self, name: str) -> Dataset:
        return datasets_postgresql.get(self._connection, name, counted=self._counted)

    def rows(self, name: str, *, limit: int) -> RowPage:
        return datasets_postgresql.page(self._connection, name, limit=limit, cursor=None)

    def is_about(self, dataset: Dataset) -> bool:
        return dataset.row_count is not None and dataset.row_count >= self._counted


@contextmanager
def _reading(warehouse: AnyWarehouse, *, counted: int = COUNTED) -> Iterator[_Looking]:
    if warehouse.dialect == "duckdb":
        with warehouse.transaction(write=False, wait_seconds=READ_WAIT_SECONDS) as duckdb:
            yield _DuckLooking(duckdb)
    else:
        with warehouse.transaction(write=False, wait_seconds=READ_WAIT_SECONDS) as postgres:
            yield _PostgresLooking(postgres, counted)
