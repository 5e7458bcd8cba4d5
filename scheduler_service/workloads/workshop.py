"""A DuckDB of one's own, in memory, to read and write files with: no turn with the warehouse is held meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from scheduler_service.workloads.warehouse import limits

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@contextmanager
def workshop(folder: Path) -> Iterator["DuckDBPyConnection"]:
    """What does not fit into memory is spilled into the folder."""
    import duckdb

    connection = duckdb.connect(":memory:", config=limits(folder / "spill"))
    try:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection
    finally:
        connection.close()
