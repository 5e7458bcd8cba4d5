"""Pages by key: where the next one begins is said by the last row seen, so rows that come or go shift nothing."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from scheduler_service.errors import Invalid

T = TypeVar("T")

DEFAULT_LIMIT, LARGEST_PAGE = 50, 200
LARGEST_ID = 2**63 - 1


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some rows, and where to go on: None at the end."""

    items: list[T]
    next_cursor: str | None
    total: int | None = None  # of the whole list, where it was asked for


def page_of(
    rows: Sequence[T], *, limit: int, listing: str, place: Callable[[T], Sequence[Any]], total: int | None = None
) -> Page[T]:
    """A page from rows that were read with one to spare."""
    items = list(rows[:limit])
    return Page(items, encode(listing, place(items[-1])) if len(rows) > limit else None, total)


def encode(listing: str, place: Sequence[Any]) -> str:
    """An opaque cursor; it belongs to one listing, and is refused by another."""
    words = [value.isoformat() if isinstance(value, datetime) else str(value) for value in place]
    return base64.urlsafe_b64encode(json.dumps([listing, *words]).encode()).decode().rstrip("=")


def decode(listing: str, cursor: str, kinds: Sequence[type]) -> list[Any]:
    """What `encode` was given. Raises: Invalid, for a cursor that this listing did not give."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        named, *words = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if named == listing and all(isinstance(word, str) for word in words):
            return [_value(word, kind) for word, kind in zip(words, kinds, strict=True)]
    except (ValueError, TypeError, binascii.Error, RecursionError):  # a cursor that somebody made up
        pass
    raise Invalid.field("cursor", "is not one that this list gave with this order")


def _value(word: str, kind: type) -> Any:
    if kind is datetime:
        at = datetime.fromisoformat(word)
        if at.tzinfo is None:
            raise ValueError("naive")
        return at
    if kind is int:
        number = int(word)
        if not 0 <= number <= LARGEST_ID:
            raise ValueError("no id")
        return number
    if kind is UUID:
        return UUID(word)
    if "\0" in word:
        raise ValueError("NUL")
    word.encode()  # raises ValueError for a lone surrogate
    return word
