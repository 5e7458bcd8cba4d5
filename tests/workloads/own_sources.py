"""Callables as somebody installs them beside the service."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa


def rows(count: int = 2) -> Iterator[dict[str, Any]]:
    for number in range(count):
        yield {
            "id": number,
            "price": Decimal("1.50"),
            "at": datetime(2026, 3, 1, 10, tzinfo=UTC),
            "deep": {"a": [number]},
            **({"late": "x"} if number % 2 else {}),
        }


def batches() -> Iterator[Any]:
    yield [{"id": 1}, {"id": 2}]
    yield pa.table({"id": [3, 4]})
    yield {"id": 5}


def since(since: int | None) -> list[dict[str, Any]]:
    return [{"id": number} for number in range((since or 0), (since or 0) + 3)]


def failing() -> Iterator[dict[str, Any]]:
    yield {"id": 1}
    raise KeyError("no such customer")


def endless() -> Iterator[dict[str, Any]]:
    while True:
        yield {"id": 1}


def nonsense() -> list[int]:
    return [1]


class Resource:
    """Something to go through, as a dlt resource is."""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        yield {"id": 1}


resource = Resource()
