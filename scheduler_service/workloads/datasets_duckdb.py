"""Datasets of a DuckDB file. See `datasets`."""

import base64
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from scheduler_service.errors import DatasetNotFound, DatasetUnreadable, TimeLimitReached
from scheduler_service.workloads.datasets import PLAIN, VIEW_SECONDS, Column, Dataset, RowPage, Wire, check_page
from scheduler_service.workloads.datasets import page_of as made_page
from scheduler_service.workloads.datasets import parsed as parsed_json
from scheduler_service.workloads.identifiers import DATASET_NAME, quoted
from scheduler_service.workloads.stopping import Stop, interruptible, never

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

#: Who tells of the latest load: the record of collects, or that of pipelines.
LOADS = {
    "_collect_run": "SELECT epoch_us(loaded_at), run_id FROM _collect_run WHERE dataset = ? "
    "ORDER BY loaded_at DESC, rowid DESC LIMIT 1",
    "_etl_table": "SELECT epoch_us(built_at), run_id FROM _etl_table WHERE name = ?",
}


def every(connection: "DuckDBPyConnection") -> list[Dataset]:
    """Every dataset, by name."""
    return [get(connection, name) for name in names(connection)]


def names(connection: "DuckDBPyConnection") -> list[str]:
    """Of every dataset, in order."""
    found = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE NOT internal AND schema_name = 'main' "
        "AND NOT starts_with(table_name, '_') UNION ALL "
        "SELECT view_name FROM duckdb_views() WHERE NOT internal AND schema_name = 'main' "
        "AND NOT starts_with(view_name, '_') ORDER BY 1"
    ).fetchall()
    return [name for (name,) in found]


def get(connection: "DuckDBPyConnection", name: str) -> Dataset:
    """One dataset; raises DatasetNotFound."""
    view = _is_view(connection, name)
    columns = columns_of(connection, name) if DATASET_NAME.fullmatch(name) else ()
    if not columns and not view:
        raise DatasetNotFound(name)
    if view:
        return Dataset(name, "view", None, columns, None, None)
    (count,) = connection.execute(f"SELECT count(*) FROM {_full(name)}").fetchone() or (0,)
    return Dataset(name, "table", count, columns, *_last_load(connection, name))


def page(connection: "DuckDBPyConnection", name: str, *, limit: int, cursor: str | None) -> RowPage:
    """The rows after `cursor`, at most `limit`; raises DatasetNotFound, DatasetUnreadable, and Invalid for a cursor
    not given out here."""
    import duckdb

    view, position = _is_view(connection, name), check_page(limit, cursor)
    columns = get(connection, name).columns
    wires = [_wire(column) for column in columns]
    fields = ", ".join(sql for sql, _ in wires)
    if not view:
        found = connection.execute(
            f"SELECT rowid, {fields} FROM {_full(name)} WHERE rowid > ? ORDER BY rowid LIMIT ?",
            [-1 if position is None else position, limit + 1],
        ).fetchall()
        return made_page(
            columns, wires, [row[1:] for row in found], limit=limit, place=lambda number: int(found[number][0])
        )
    skipped = position or 0
    try:
        with interruptible(Stop(never, VIEW_SECONDS), connection.interrupt):
            found = connection.execute(
                f"SELECT {fields or '*'} FROM {_full(name)} LIMIT ? OFFSET ?", [limit + 1, skipped]
            ).fetchall()
    except TimeLimitReached:
        raise DatasetUnreadable(name, f"its query takes longer than {VIEW_SECONDS:g} s") from None
    except duckdb.Error as error:
        raise DatasetUnreadable(name, " ".join(str(error).split())[:300]) from error
    return made_page(columns, wires, found, limit=limit, place=lambda _: skipped + limit)


def columns_of(connection: "DuckDBPyConnection", table: str) -> tuple[Column, ...]:
    """The columns of a table, in order; none if there is no such table, or a view that has lost what it reads.

    DESCRIBE takes 1 ms where `duckdb_columns()` takes 30 on a new connection. The full name keeps it from finding
    DuckDB's own views.
    """
    import duckdb

    (database,) = connection.execute("SELECT current_database()").fetchone() or ("",)
    try:
        found = connection.execute(f"DESCRIBE {quoted(database)}.{_full(table)}").fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):
        return ()
    return tuple(Column(name, type_) for name, type_, *_ in found)


def _full(table: str) -> str:
    return f"main.{quoted(table)}"


def _is_view(connection: "DuckDBPyConnection", name: str) -> bool:
    found = connection.execute(
        "SELECT 1 FROM duckdb_views() WHERE NOT internal AND schema_name = 'main' AND view_name = ?", [name]
    ).fetchone()
    return found is not None and not name.startswith("_")


def _last_load(connection: "DuckDBPyConnection", name: str) -> tuple[datetime | None, str | None]:
    for table, last in LOADS.items():
        if columns_of(connection, table) and (found := connection.execute(last, [name]).fetchone()):
            return datetime.fromtimestamp(found[0] / 1_000_000, UTC), found[1]
    return None, None


def _wire(column: Column) -> Wire:
    """How a column travels. Instants are RFC 3339 in Z."""
    name, type_ = quoted(column.name), column.type
    if type_ in PLAIN:
        return name, None
    if type_ in ("FLOAT", "DOUBLE"):
        return f"CASE WHEN isfinite({name}) THEN {name} END", None
    if type_ == "TIMESTAMP WITH TIME ZONE":
        return f"replace(strftime({name}, '%Y-%m-%dT%H:%M:%S.%fZ'), '.000000Z', 'Z')", None
    if type_ == "TIMESTAMP":
        return f"replace(strftime({name}, '%Y-%m-%dT%H:%M:%S.%f'), '.000000', '')", None
    if type_ == "BLOB":
        return name, _base64
    if type_ == "JSON" or type_.endswith("]") or type_.startswith(("STRUCT", "MAP", "UNION")):
        return f"CAST(to_json({name}) AS VARCHAR)", parsed_json
    return f"CAST({name} AS VARCHAR)", None


def _base64(value: Any) -> str:
    return base64.b64encode(value).decode()
