"""What the warehouse holds, as a person or a program reads it: datasets, and pages of their rows as JSON.

A dataset is a table or a view whose name does not start with `_`. Types are told in DuckDB's words, whatever the
warehouse. The pages of a table go by where its rows lie (keyset), so that the thousandth costs what the first does;
those of a view count its rows.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from scheduler_service.errors import Invalid

LARGEST_PAGE = 1000
VIEW_SECONDS = 5.0
PLAIN = {"BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "VARCHAR"}

Kind = Literal["table", "view"]
#: The SQL that reads a column, and what makes its value JSON-able.
Wire = tuple[str, Callable[[Any], Any] | None]


@dataclass(frozen=True)
class Column:
    """A column and its type, in DuckDB's words."""

    name: str
    type: str


@dataclass(frozen=True)
class Dataset:
    """A table or view of the warehouse. A view's rows are not counted, since that would run its query.

    `last_loaded_at` and `last_run_id` are those of what loaded it last.
    """

    name: str
    kind: Kind
    row_count: int | None
    columns: tuple[Column, ...]
    last_loaded_at: datetime | None
    last_run_id: str | None


@dataclass(frozen=True)
class RowPage:
    """Some rows, and where to go on: None at the end."""

    items: list[dict[str, Any]]
    next_cursor: str | None


def check_page(limit: int, cursor: str | None) -> int | None:
    """The position that the cursor names. Raises: Invalid, for a cursor not given out here."""
    if not 1 <= limit <= LARGEST_PAGE:
        raise Invalid.field("limit", f"must be from 1 to {LARGEST_PAGE}", example="100")
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 18):
        raise Invalid.field("cursor", "is not one that a page of this dataset gave")
    return int(cursor)


def page_of(
    columns: Sequence[Column],
    wires: Sequence[Wire],
    found: Sequence[Sequence[Any]],
    *,
    limit: int,
    place: Callable[[int], int],
) -> RowPage:
    """The page that rows make, of which one more than wanted was asked for; `place` gives the position of the nth."""
    items = [
        {
            column.name: back(value) if back and value is not None else value
            for column, (_, back), value in zip(columns, wires, values, strict=True)
        }
        for values in found[:limit]
    ]
    return RowPage(items, str(place(limit - 1)) if len(found) > limit else None)


def parsed(text: str) -> Any:
    """JSON as it is, but for what JSON has no word for."""
    return json.loads(text, parse_constant=lambda _: None)
