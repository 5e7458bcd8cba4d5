"""A Parquet file, staged: its own types, narrowed to the few that datasets have."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from scheduler_service.errors import TooManyRows
from scheduler_service.workloads.collect.staging import ColumnNames, Part
from scheduler_service.workloads.identifiers import literal, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

KEPT = {"BOOLEAN", "BIGINT", "DOUBLE", "VARCHAR", "DATE", "TIME", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE"}
KEPT |= {"BLOB", "UUID", "JSON"}
NARROWED = {
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER"), "BIGINT"),
    **dict.fromkeys(("UBIGINT", "HUGEINT", "UHUGEINT"), "DECIMAL(38,0)"),
    **dict.fromkeys(("TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"), "TIMESTAMP"),
    "FLOAT": "DOUBLE",
}
NESTED = re.compile(r"(STRUCT|MAP|UNION|LIST)\b.*|.*\]", re.DOTALL)


def stage(connection: "DuckDBPyConnection", descriptor: int, target: Path, names: ColumnNames, most_rows: int) -> Part:
    """Copy the open file to `target` under a dataset's names and types."""
    source = f"read_parquet({literal(f'/dev/fd/{descriptor}')})"
    described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    columns = dict(zip(names.distinct(row[0] for row in described), (row[1] for row in described), strict=True))
    (rows,) = connection.execute(f"SELECT count(*) FROM {source}").fetchone() or (0,)
    if rows > most_rows:
        raise TooManyRows(most_rows)
    fields = ", ".join(
        f"{_narrow(row[0], row[1])} AS {quoted(name)}" for row, name in zip(described, columns, strict=True)
    )
    connection.execute(f"COPY (SELECT {fields} FROM {source}) TO {literal(target)} (FORMAT parquet)")
    counts = connection.execute(
        f"SELECT {', '.join(f'count({quoted(name)})' for name in columns)} FROM read_parquet({literal(target)})"
    ).fetchone()
    filled = dict(zip(columns, counts or (), strict=True))
    return Part(target, "typed", {name: _type(columns[name]) if filled[name] else None for name in columns}, rows)


def _type(type_: str) -> str:
    if type_ in KEPT or type_.startswith("DECIMAL("):
        return type_
    if NESTED.fullmatch(type_):
        return "JSON"
    return NARROWED.get(type_, "VARCHAR")


def _narrow(name: str, type_: str) -> str:
    wanted = _type(type_)
    if wanted == type_:
        return quoted(name)
    return f"to_json({quoted(name)})" if wanted == "JSON" else f"CAST({quoted(name)} AS {wanted})"
