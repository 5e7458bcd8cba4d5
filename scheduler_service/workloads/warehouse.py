"""The default warehouse: one DuckDB file that any number of processes of one host use in turns.

Hold a turn for the transaction only: network, parsing and rendering happen before or after it. Readers see one
consistent, read-only state; a file that does not exist yet reads as empty.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from scheduler_service.workloads import datasets_duckdb as datasets
from scheduler_service.workloads.datasets import Dataset, RowPage
from scheduler_service.workloads.turns import READ_WAIT_SECONDS, WRITE_WAIT_SECONDS, Patience, go_on, turn

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Config = dict[str, str | bool | int | float | list[str]]

OUTSIDERS_RETRY_SECONDS = 0.1


def limits(temp_directory: Path, *, threads: int = 2, memory_limit: str = "1GB") -> Config:
    """What every DuckDB connection is held to: its own defaults are all cores, 80 % of the memory, and the network."""
    return {
        "threads": threads,
        "memory_limit": memory_limit,
        "temp_directory": str(temp_directory),
        "max_temp_directory_size": "50GB",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "python_enable_replacements": False,
    }


class Warehouse:
    """A DuckDB file and the turns with it. Cheap to make; holds nothing open between transactions."""

    dialect: Literal["duckdb"] = "duckdb"

    def __init__(self, path: Path, *, threads: int = 2, memory_limit: str = "1GB") -> None:
        self.path = path
        self._threads, self._memory_limit = threads, memory_limit

    @property
    def place(self) -> str:
        """Where it is, as it may be told."""
        return str(self.path)

    @contextmanager
    def transaction(
        self,
        *,
        write: bool = True,
        wait_seconds: float = WRITE_WAIT_SECONDS,
        check: Callable[[], None] = go_on,
    ) -> Iterator["DuckDBPyConnection"]:
        """One turn, one connection, one transaction: committed at the end of the block, rolled back if it raises.

        `check` is called while waiting and may raise. Raises WarehouseBusy after `wait_seconds`.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        patience = Patience.of(wait_seconds, check)
        with turn(self.path, write=write, patience=patience), self._connection(write, patience) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute("BEGIN")
            yield connection
            connection.execute("COMMIT")

    def datasets(self, *, wait_seconds: float = READ_WAIT_SECONDS) -> list[Dataset]:
        """Every dataset, by name."""
        with self.transaction(write=False, wait_seconds=wait_seconds) as connection:
            return datasets.every(connection)

    def dataset(self, name: str, *, wait_seconds: float = READ_WAIT_SECONDS) -> Dataset:
        """One dataset; raises DatasetNotFound."""
        with self.transaction(write=False, wait_seconds=wait_seconds) as connection:
            return datasets.get(connection, name)

    def rows(
        self, name: str, *, limit: int = 100, cursor: str | None = None, wait_seconds: float = READ_WAIT_SECONDS
    ) -> RowPage:
        """A page of rows as JSON-able dicts, in the order they were loaded; raises DatasetNotFound,
        DatasetUnreadable."""
        with self.transaction(write=False, wait_seconds=wait_seconds) as connection:
            return datasets.page(connection, name, limit=limit, cursor=cursor)

    @contextmanager
    def _connection(self, write: bool, patience: Patience) -> Iterator["DuckDBPyConnection"]:
        """Closing without COMMIT rolls back. Needs the turn."""
        if write:
            self._clear_leftovers()
            if not self.path.exists():
                self._create()
        self._temporary.mkdir(exist_ok=True)  # DuckDB makes the last folder of a path only
        connection = self._connect(write, patience)
        try:
            yield connection
        finally:
            connection.close()

    def _connect(self, write: bool, patience: Patience) -> "DuckDBPyConnection":
        """Connect, waiting for outsiders (a DuckDB shell) who do not know about turns."""
        import duckdb

        if not self.path.exists():
            return duckdb.connect(":memory:", config=self._limits())
        while True:
            try:
                return duckdb.connect(str(self.path), read_only=not write, config=self._limits())
            except (duckdb.IOException, duckdb.ConnectionException) as error:
                if not ("Could not set lock" in str(error) or "different configuration" in str(error)):
                    raise
                patience.pause(OUTSIDERS_RETRY_SECONDS)

    def _create(self) -> None:
        """Make the file complete before it has its name: a process killed in between leaves no half one."""
        import duckdb

        new = self.path.with_name(f"{self.path.name}.new")
        for leftover in (new, new.with_name(f"{new.name}.wal")):
            leftover.unlink(missing_ok=True)
        duckdb.connect(str(new), config=self._limits()).close()
        new.replace(self.path)

    def _limits(self) -> Config:
        """Equal for all connections of a process, or DuckDB refuses the second; a folder per process, since DuckDB
        names its temporary files alike in each."""
        return limits(self._temporary / str(os.getpid()), threads=self._threads, memory_limit=self._memory_limit)

    @property
    def _temporary(self) -> Path:
        return self.path.with_name(f"{self.path.name}.tmp")

    def _clear_leftovers(self) -> None:
        """A writer is alone here, so whatever is spilled on disk belongs to the dead."""
        if self._temporary.exists():
            shutil.rmtree(self._temporary, ignore_errors=True)
