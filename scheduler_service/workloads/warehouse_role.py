"""What the role of a PostgreSQL warehouse may do beyond it: people's SQL runs as that role, so it should be nothing."""

from scheduler_service.workloads.warehouses import AnyWarehouse

LOOK_SECONDS = 5.0
_RIGHTS = """SELECT ARRAY_REMOVE(ARRAY[
    CASE WHEN role.rolsuper THEN 'is a superuser' END,
    CASE WHEN role.rolcreaterole THEN 'may make roles' END,
    CASE WHEN NOT role.rolsuper AND EXISTS (
        SELECT FROM pg_roles AS held WHERE held.rolname IN ('pg_read_server_files', 'pg_write_server_files',
            'pg_execute_server_program', 'pg_read_all_data', 'pg_write_all_data')
        AND pg_has_role(role.oid, held.oid, 'MEMBER')) THEN 'may read or write files or all data of the server' END,
    CASE WHEN NOT role.rolsuper AND EXISTS (
        SELECT FROM pg_class WHERE relname IN ('api_key', 'periodic_task', 'task_run') AND relkind = 'r'
        AND has_schema_privilege(role.oid, relnamespace, 'USAGE')
        AND has_table_privilege(role.oid, pg_class.oid, 'SELECT')) THEN 'may read the tables of this service' END
], NULL) FROM pg_roles AS role WHERE role.rolname = current_user"""


def excess(warehouse: AnyWarehouse) -> list[str]:
    """What it may do and should not, each as the end of a sentence. Raises: WarehouseAway."""
    if warehouse.dialect == "duckdb":
        return []
    with warehouse.transaction(write=False, wait_seconds=LOOK_SECONDS) as connection:
        (found,) = connection.execute(_RIGHTS).fetchone() or ([],)
        return list(found)
