"""The warehouse of a service: a DuckDB file of the data directory, or PostgreSQL where a setting says so."""

from pathlib import Path

from scheduler_service.workloads.warehouse import Warehouse
from scheduler_service.workloads.warehouse_postgresql import PostgresWarehouse

#: Tell them apart by `dialect`: it narrows the type of what `transaction()` yields, too.
AnyWarehouse = Warehouse | PostgresWarehouse


def warehouse_at(url: str | None, *, file: Path) -> AnyWarehouse:
    """The one that the URL names, else the file. Raises: CannotStart, for a URL of something else."""
    return Warehouse(file) if url is None else PostgresWarehouse(url)
