"""Many rows in one statement.

PostgreSQL takes the columns as arrays and unnests them: 1,000 rows cost one round trip and no per-row parsing.
SQLite has no round trips, so there the driver's own loop does.
"""

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
    Column,
    ColumnElement,
    Table,
    TextClause,
    TextualSelect,
    any_,
    bindparam,
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
        return set(session.scalars(_unnest_insert(table, tuple(rows[0])), _arrays(table, rows)))
    one = sqlite.insert(table).on_conflict_do_nothing().returning(table.c.id)
    return {key for row in rows for key in session.scalars(one, row)}


def update_by_id(session: Session, model: type[DeclarativeBase], rows: Sequence[Row]) -> None:
    """Set the given columns of the rows with these ids. All rows have the same keys, one of them `id`."""
    if not rows:
        return
    table = _table(model)
    if is_postgresql(session):
        session.execute(_unnest_update(table, tuple(rows[0])), _arrays(table, rows))
    else:
        session.execute(update(model), list(rows))


def among(session: Session, column: Any, values: Sequence[Any]) -> ColumnElement[bool]:
    """`column IN values`; on PostgreSQL as one array, so that a thousand values are one parameter."""
    if is_postgresql(session):
        is_one: ColumnElement[bool] = column == any_(bindparam(None, list(values), type_=ARRAY(column.type)))
        return is_one
    is_in: ColumnElement[bool] = column.in_(values)
    return is_in


def is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def _table(model: type[DeclarativeBase]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table


@cache
def _unnest_insert(table: Table, names: tuple[str, ...]) -> TextualSelect:
    return text(
        f"INSERT INTO {table.name} ({', '.join(names)}) SELECT {_values(table, names)} FROM {_unnest(table, names)}"
        " ON CONFLICT DO NOTHING RETURNING id"
    ).columns(table.c.id)


@cache
def _unnest_update(table: Table, names: tuple[str, ...]) -> TextClause:
    sets = ", ".join(f"{name} = given.{name}{_cast(table.c[name])}" for name in names if name != "id")
    return text(f"UPDATE {table.name} AS target SET {sets} FROM {_unnest(table, names)} WHERE target.id = given.id")


def _unnest(table: Table, names: tuple[str, ...]) -> str:
    arrays = ", ".join(f"CAST(:{name} AS {_array_type(table.c[name])}[])" for name in names)
    return f"unnest({arrays}) AS given ({', '.join(names)})"


def _values(table: Table, names: tuple[str, ...]) -> str:
    return ", ".join(f"given.{name}{_cast(table.c[name])}" for name in names)


def _cast(column: Column[Any]) -> str:
    return "\\:\\:jsonb" if isinstance(column.type, JSON) else ""


def _array_type(column: Column[Any]) -> str:
    return "text" if isinstance(column.type, JSON) else column.type.compile(postgresql.dialect())  # type: ignore[no-untyped-call]


def _arrays(table: Table, rows: Sequence[Row]) -> dict[str, list[Any]]:
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    for name, values in columns.items():
        if isinstance(table.c[name].type, JSON):
            columns[name] = [None if value is None else json.dumps(value) for value in values]
    return columns
