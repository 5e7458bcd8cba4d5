"""What there is in a warehouse, by name."""

from scheduler_service.workloads.etl.tables import tables_of
from scheduler_service.workloads.sql_running import engine_of
from scheduler_service.workloads.turns import READ_WAIT_SECONDS
from scheduler_service.workloads.warehouses import AnyWarehouse


def names(warehouse: AnyWarehouse) -> set[str]:
    """Its tables and views. Raises: TransientFailure."""
    with warehouse.transaction(write=False, wait_seconds=READ_WAIT_SECONDS) as connection:
        return tables_of(engine_of(connection)).names()
