"""Warehouses at whose commit time stands still, so that a test can kill whoever commits."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any

from scheduler_service.workloads.warehouse import Warehouse
from scheduler_service.workloads.warehouse_postgresql import PostgresWarehouse
from scheduler_service.workloads.warehouses import AnyWarehouse


class _Hanging:
    hang: str

    @contextmanager
    def transaction(self, *, write: bool = True, **more: Any) -> Iterator[Any]:
        with super().transaction(write=write, **more) as connection:  # type: ignore[misc]
            yield connection
            if write and self.hang == "before the commit":
                time.sleep(600)
        if write and self.hang == "after the commit":
            time.sleep(600)


class _HangingFile(_Hanging, Warehouse): ...


class _HangingServer(_Hanging, PostgresWarehouse): ...


def hanging(warehouse: AnyWarehouse, when: str) -> AnyWarehouse:
    """The same warehouse, for a writer that never returns: `before the commit` or `after the commit`."""
    made: Any = copy(warehouse)
    made.__class__ = _HangingFile if warehouse.dialect == "duckdb" else _HangingServer
    made.hang = when
    same: AnyWarehouse = made
    return same
