"""What the warehouse holds, as a person or a program reads it: datasets, and pages of their rows as JSON.

A dataset is a table whose name does not start with `_`. Its pages go by `rowid` (keyset), so that the thousandth
costs what the first does.
"""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from scheduler_service.errors import DatasetNotFound, Invalid
from scheduler_service.workloads.identifiers import DATASET_NAME, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LARGEST_PAGE = 1000
PLAIN = {"BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "VARCHAR"}


@dataclass(frozen=True)
class Column:
    """A column and its type, in DuckDB's words."""

    name: str
    type: str


@dataclass(frozen=True)
class Dataset:
    """A table of the warehouse. `last_loaded_at` and `last_run_id` are those of the latest collect into it."""

    name: str
    row_count: int
    columns: tuple[Column, ...]
    last_loaded_at: datetime | None
    last_run_id: str | None


@dataclass(frozen=True)
class RowPage:
    """Some rows, and where to go on: None at the end."""

    items: list[dict[str, Any]]
    next_cursor: str | None


def every(connection: "DuckDBPyConnection") -> list[Dataset]:
    """Every dataset, by name."""
    names = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE NOT internal AND schema_name = 'main' "
        "AND NOT starts_with(table_name, '_') ORDER BY table_name"
    ).fetchall()
    return [get(connection, name) for (name,) in names]


def get(connection: "DuckDBPyConnection", name: str) -> Dataset:
    """One dataset; raises DatasetNotFound."""
    columns = columns_of(connection, name) if DATASET_NAME.fullmatch(name) else ()
    if not columns:
        raise DatasetNotFound(name)
    (count,) = connection.execute(f"SELECT count(*) FROM {quoted(name)}").fetchone() or (0,)
    loaded_at, run_id = _last_load(connection, name)
    return Dataset(name, count, columns, loaded_at, run_id)


def page(connection: "DuckDBPyConnection", name: str, *, limit: int, cursor: str | None) -> RowPage:
    """The rows after `cursor`, at most `limit`; raises DatasetNotFound, and Invalid for a cursor not given out here."""
    columns = get(connection, name).columns
    if not 1 <= limit <= LARGEST_PAGE:
        raise Invalid.field("limit", f"must be from 1 to {LARGEST_PAGE}", example="100")
    wire = [_wire(column) for column in columns]
    found = connection.execute(
        f"SELECT rowid, {', '.join(sql for sql, _ in wire)} FROM {quoted(name)} WHERE rowid > ? ORDER BY rowid LIMIT ?",
        [_position(cursor), limit + 1],
    ).fetchall()
    items = [_row(columns, [back for _, back in wire], values) for _, *values in found[:limit]]
    return RowPage(items, str(found[limit - 1][0]) if len(found) > limit else None)


def columns_of(connection: "DuckDBPyConnection", table: str) -> tuple[Column, ...]:
    """The columns of a table, in order; none if there is no such table.

    DESCRIBE takes 1 ms where `duckdb_columns()` takes 30 on a new connection. The full name keeps it from finding
    DuckDB's own views.
    """
    import duckdb

    (database,) = connection.execute("SELECT current_database()").fetchone() or ("",)
    try:
        found = connection.execute(f"DESCRIBE {quoted(database)}.main.{quoted(table)}").fetchall()
    except duckdb.CatalogException:
        return ()
    return tuple(Column(name, type_) for name, type_, *_ in found)


def _last_load(connection: "DuckDBPyConnection", name: str) -> tuple[datetime | None, str | None]:
    if not columns_of(connection, "_collect_run"):
        return None, None
    found = connection.execute(
        "SELECT epoch_us(loaded_at), run_id FROM _collect_run WHERE dataset = ? "
        "ORDER BY loaded_at DESC, rowid DESC LIMIT 1",
        [name],
    ).fetchone()
    return (datetime.fromtimestamp(found[0] / 1_000_000, UTC), found[1]) if found else (None, None)


def _position(cursor: str | None) -> int:
    if cursor is None:
        return -1
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 18):
        raise Invalid.field("cursor", "is not one that a page of this dataset gave")
    return int(cursor)


def _wire(column: Column) -> tuple[str, Callable[[Any], Any] | None]:
    """How a column travels: the SQL that reads it, and what makes it JSON-able. Instants are RFC 3339 in Z."""
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
        return name, lambda value: base64.b64encode(value).decode()
    if type_ == "JSON" or type_.endswith("]") or type_.startswith(("STRUCT", "MAP", "UNION")):
        return f"CAST(to_json({name}) AS VARCHAR)", _parsed
    return f"CAST({name} AS VARCHAR)", None


def _parsed(text: str) -> Any:
    return json.loads(text, parse_constant=lambda _: None)


def _row(
    columns: Sequence[Column], back: Sequence[Callable[[Any], Any] | None], values: Sequence[Any]
) -> dict[str, Any]:
    return {
        column.name: convert(value) if convert and value is not None else value
        for column, convert, value in zip(columns, back, values, strict=True)
    }
