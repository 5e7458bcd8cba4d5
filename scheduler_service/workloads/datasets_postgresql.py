"""Datasets of a PostgreSQL warehouse: the tables and views of its schema. See `datasets`."""

import re
from typing import TYPE_CHECKING, Any

from scheduler_service.errors import DatasetNotFound, DatasetUnreadable
from scheduler_service.workloads import datasets
from scheduler_service.workloads.datasets import PLAIN, VIEW_SECONDS, Column, Dataset, RowPage, Wire, check_page
from scheduler_service.workloads.identifiers import DATASET_NAME, quoted

if TYPE_CHECKING:
    from psycopg import Connection

SCHEMA = "warehouse"
#: What we make columns of, by DuckDB's word for it; and back.
TYPES = {
    "BIGINT": "bigint",
    "DOUBLE": "double precision",
    "VARCHAR": "text",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIME": "time without time zone",
    "TIMESTAMP": "timestamp without time zone",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
    "JSON": "jsonb",
    "BLOB": "bytea",
    "UUID": "uuid",
}
WORDS = {theirs: ours for ours, theirs in TYPES.items()}
WORDS |= {"integer": "INTEGER", "smallint": "SMALLINT", "real": "FLOAT", "character varying": "VARCHAR", "json": "JSON"}
NUMERIC = re.compile(r"numeric\((\d+),(\d+)\)")
TABLES = "SELECT relname, relkind FROM pg_class WHERE relnamespace = to_regnamespace(%s) AND relkind = ANY(%s)"
KINDS = {"r": "table", "p": "table", "m": "table", "v": "view"}


def full_name(table: str) -> str:
    """A table of the warehouse, for SQL. Unqualified, PostgreSQL's own catalog would come first."""
    return f"{SCHEMA}.{quoted(table)}"


#: Who tells of the latest load: the record of collects, or that of pipelines.
LOADS = {
    "_collect_run": f"SELECT loaded_at, run_id FROM {full_name('_collect_run')} WHERE dataset = %s "
    "ORDER BY loaded_at DESC, ctid DESC LIMIT 1",
    "_etl_table": f"SELECT built_at, run_id FROM {full_name('_etl_table')} WHERE name = %s",
}


def type_in(type_: str) -> str:
    """PostgreSQL's name for a type that we make columns of; DECIMAL(p,s) is its own."""
    return TYPES.get(type_, type_)


def every(connection: "Connection[Any]") -> list[Dataset]:
    """Every dataset, by name."""
    return [get(connection, name) for name in names(connection)]


def names(connection: "Connection[Any]") -> list[str]:
    """Of every dataset, in order."""
    found = connection.execute(f'{TABLES} ORDER BY relname COLLATE "C"', [SCHEMA, list(KINDS)]).fetchall()
    return [name for name, _ in found if DATASET_NAME.fullmatch(name)]


def get(connection: "Connection[Any]", name: str, *, counted: int | None = None) -> Dataset:
    """One dataset; raises DatasetNotFound. Of a table that is `counted` large or larger, the server's own estimate."""
    kind = _kind(connection, name)
    columns = columns_of(connection, name)
    if KINDS[kind] == "view":
        return Dataset(name, "view", None, columns, None, None)
    loaded_at, run_id = _last_load(connection, name)
    return Dataset(name, "table", _rows(connection, name, counted), columns, loaded_at, run_id)


def page(connection: "Connection[Any]", name: str, *, limit: int, cursor: str | None) -> RowPage:
    """The rows after `cursor`, at most `limit`; raises DatasetNotFound, DatasetUnreadable, and Invalid for a cursor
    not given out here."""
    kind, position = _kind(connection, name), check_page(limit, cursor)
    columns = columns_of(connection, name)
    wires = [_wire(column) for column in columns]
    fields = ", ".join(sql for sql, _ in wires)
    if kind in ("r", "m"):
        found = _lying(connection, name, fields, after=position or 0, count=limit + 1)
        rows = [row[1:] for row in found]
        return datasets.page_of(columns, wires, rows, limit=limit, place=lambda number: _number(found[number][0]))
    skipped = position or 0
    found = _counted(connection, name, fields, skipped=skipped, count=limit + 1)
    return datasets.page_of(columns, wires, found, limit=limit, place=lambda _: skipped + limit)


def columns_of(connection: "Connection[Any]", table: str) -> tuple[Column, ...]:
    """The columns of a table, in order; none if there is no such table."""
    found = connection.execute(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = to_regclass(%s) "
        "AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        [full_name(table)],
    ).fetchall()
    return tuple(Column(name, _in_our_words(type_)) for name, type_ in found)


def _in_our_words(type_: str) -> str:
    if found := NUMERIC.fullmatch(type_):
        return f"DECIMAL({found[1]},{found[2]})"
    return WORDS.get(type_, type_.upper())


def _kind(connection: "Connection[Any]", name: str) -> str:
    found = None
    if DATASET_NAME.fullmatch(name):
        found = connection.execute(f"{TABLES} AND relname = %s", [SCHEMA, list(KINDS), name]).fetchone()
    if found is None:
        raise DatasetNotFound(name)
    return str(found[1])


def _lying(connection: "Connection[Any]", name: str, fields: str, *, after: int, count: int) -> list[Any]:
    """Rows by where they lie. An ORDER BY would sort the whole table: the scan of a range comes in order by itself."""
    connection.execute(
        "SELECT set_config('enable_seqscan', 'off', true), set_config('max_parallel_workers_per_gather', '0', true)"
    )
    place = f"({after >> 16},{after & 0xFFFF})"
    return connection.execute(
        f"SELECT ctid::text{', ' if fields else ''}{fields} FROM {full_name(name)} WHERE ctid > %s::tid LIMIT %s",
        [place, count],
    ).fetchall()


def _counted(connection: "Connection[Any]", name: str, fields: str, *, skipped: int, count: int) -> list[Any]:
    import psycopg

    connection.execute("SELECT set_config('statement_timeout', %s, true)", [f"{VIEW_SECONDS:g}s"])
    statement = f"SELECT {fields or '*'} FROM {full_name(name)} LIMIT %s OFFSET %s"
    try:
        return connection.execute(statement, [count, skipped]).fetchall()
    except psycopg.errors.QueryCanceled:
        raise DatasetUnreadable(name, f"its query takes longer than {VIEW_SECONDS:g} s") from None
    except (psycopg.ProgrammingError, psycopg.DataError) as error:
        raise DatasetUnreadable(name, " ".join(str(error).split())[:300]) from error


def _rows(connection: "Connection[Any]", name: str, counted: int | None) -> int:
    if counted is not None:
        estimate = "SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(%s)"
        (about,) = connection.execute(estimate, [full_name(name)]).fetchone() or (0,)
        if about >= counted:
            return int(about)
    (count,) = connection.execute(f"SELECT count(*) FROM {full_name(name)}").fetchone() or (0,)
    return int(count)


def _number(ctid: str) -> int:
    block, offset = ctid.strip("()").split(",")
    return (int(block) << 16) + int(offset)


def _last_load(connection: "Connection[Any]", name: str) -> tuple[Any, Any]:
    for table, last in LOADS.items():
        if columns_of(connection, table) and (found := connection.execute(last, [name]).fetchone()):
            return found[0], found[1]
    return None, None


def _wire(column: Column) -> Wire:
    """How a column travels. Instants are RFC 3339 in Z."""
    name, type_ = quoted(column.name).replace("%", "%%"), column.type
    if type_ in PLAIN:
        return name, None
    if type_ in ("FLOAT", "DOUBLE"):
        return f"CASE WHEN {name} NOT IN ('NaN', 'Infinity', '-Infinity') THEN {name} END", None
    if type_ == "TIMESTAMP WITH TIME ZONE":
        return f"replace(to_char({name} AT TIME ZONE 'UTC', '{MOMENT}\"Z\"'), '.000000Z', 'Z')", None
    if type_ == "TIMESTAMP":
        return f"replace(to_char({name}, '{MOMENT}'), '.000000', '')", None
    if type_ == "BLOB":
        return f"translate(encode({name}, 'base64'), E'\\n', '')", None
    if type_ == "JSON" or type_.endswith("[]"):
        return f"to_json({name})::text", datasets.parsed
    return f"{name}::text", None


MOMENT = 'YYYY-MM-DD"T"HH24:MI:SS.US'
