"""What the nouns of the API have in common: pages that are walked, documents that are read."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from scheduler_service.client.connection import Connection, Parameter
from scheduler_service.client.documents import Document, Page

D = TypeVar("D", bound=Document)


class Noun:
    """One kind of thing in the API."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection


def walk(page: Callable[..., Page[D]], filters: dict[str, Parameter]) -> Iterator[D]:
    """Every item of a list, page by page, as far as it is asked for."""
    cursor: Parameter = None
    while True:
        found = page(**filters, cursor=cursor)
        yield from found.items
        if found.next_cursor is None:
            return
        cursor = found.next_cursor
