"""Many rows in one statement.

PostgreSQL takes the columns as arrays and unnests them: 1,000 rows cost one round trip and no per-row parsing.
SQLite has no round trips, so there the driver's own loop does.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    JSON,
    Column,
    ColumnElement,
    Table,
    Text,
    TextClause,
    TextualSelect,
    any_,
    cast,
    func,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Session

Row = dict[str, Any]


def insert_new(session: Session, model: type[DeclarativeBase], rows: Sequence[Row]) -> set[Any]:
    """Insert the rows that are not there yet, all with the same keys; the ids of those inserted."""
    if not rows:
        return set()
    table = _table(model)
    if is_postgresql(session):
        shape, parameters = _shaped(table, rows)
        return set(session.scalars(_unnest_insert(table, shape), parameters))
    one = sqlite.insert(table).on_conflict_do_nothing().returning(table.c.id)
    return {key for row in rows for key in session.scalars(one, row)}


def update_by_id(session: Session, model: type[DeclarativeBase], rows: Sequence[Row]) -> None:
    """Set the given columns of the rows with these ids. All rows have the same keys, one of them `id`."""
    if not rows:
        return
    table = _table(model)
    if is_postgresql(session):
        shape, parameters = _shaped(table, rows)
        session.execute(_unnest_update(table, shape), parameters)
    else:
        session.execute(update(model), list(rows))


def among(session: Session, column: Any, values: Sequence[Any]) -> ColumnElement[bool]:
    """`column IN values`; on PostgreSQL as one array, so that a thousand values are one parameter."""
    if is_postgresql(session):
        is_one: ColumnElement[bool] = column == any_(_as_array(column, values))
        return is_one
    is_in: ColumnElement[bool] = column.in_(values)
    return is_in


def joined(session: Session, column: Any, values: Sequence[Any]) -> ColumnElement[bool]:
    """The same as `among` for many ids, found by their index.

    `= ANY` of a parameter is a walk along the array for every row that is looked at, if the rows are found otherwise.
    """
    if is_postgresql(session):
        found: ColumnElement[bool] = column.in_(select(func.unnest(_as_array(column, values))))
        return found
    return among(session, column, values)


def _as_array(column: Any, values: Sequence[Any]) -> Any:
    return cast(literal(_array(values), Text()), ARRAY(column.type))


def is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def _table(model: type[DeclarativeBase]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table


@dataclass(frozen=True)
class Shape:
    """How the columns of a batch travel: those that differ from row to row as arrays, the others as one value."""

    arrays: tuple[str, ...]
    scalars: tuple[str, ...]


def _shaped(table: Table, rows: Sequence[Row]) -> tuple[Shape, dict[str, Any]]:
    """Of 25 columns of a batch of runs more than half hold one value: half the work of writing the parameters."""
    arrays, scalars = {}, {}
    for name, first in rows[0].items():
        values = [row[name] for row in rows]
        wraps = isinstance(table.c[name].type, JSON)
        if name != "id" and values.count(first) == len(values):
            scalars[name] = json.dumps(first) if wraps and first is not None else first
        else:
            arrays[name] = _array(
                [None if value is None else json.dumps(value) for value in values] if wraps else values
            )
    return Shape(tuple(arrays), tuple(scalars)), arrays | scalars


def _array(values: Sequence[Any]) -> str:
    """The text of a PostgreSQL array. The driver's own looks for what to quote in each number and instant."""
    return f"{{{','.join([_ELEMENTS[type(value)](value) for value in values])}}}"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


_ELEMENTS: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: "NULL",
    bool: str,
    int: str,
    float: repr,
    str: _quoted,
    UUID: lambda value: value.hex,
    datetime: datetime.isoformat,
}


@cache
def _unnest_insert(table: Table, shape: Shape) -> TextualSelect:
    values = [*_values(table, shape)]
    return text(
        f"INSERT INTO {table.name} ({', '.join(name for name, _ in values)})"
        f" SELECT {', '.join(value for _, value in values)} FROM {_unnest(table, shape)}"
        " ON CONFLICT DO NOTHING RETURNING id"
    ).columns(table.c.id)


@cache
def _unnest_update(table: Table, shape: Shape) -> TextClause:
    sets = ", ".join(f"{name} = {value}" for name, value in _values(table, shape) if name != "id")
    return text(f"UPDATE {table.name} AS target SET {sets} FROM {_unnest(table, shape)} WHERE target.id = given.id")


def _unnest(table: Table, shape: Shape) -> str:
    arrays = ", ".join(f"CAST(CAST(:{name} AS text) AS {_sent_as(table.c[name])}[])" for name in shape.arrays)
    return f"unnest({arrays}) AS given ({', '.join(shape.arrays)})"


def _values(table: Table, shape: Shape) -> Iterator[tuple[str, str]]:
    """Each column with the expression of its value."""
    for name in shape.arrays:
        yield name, f"given.{name}" + ("\\:\\:jsonb" if isinstance(table.c[name].type, JSON) else "")
    for name in shape.scalars:
        yield name, f"CAST(:{name} AS {_type_name(table.c[name])})"


def _sent_as(column: Column[Any]) -> str:
    return "text" if isinstance(column.type, JSON) else _type_name(column)


def _type_name(column: Column[Any]) -> str:
    return column.type.compile(postgresql.dialect())  # type: ignore[no-untyped-call]
