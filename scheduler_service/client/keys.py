"""API keys, from Python."""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from scheduler_service.client.connection import Parameter
from scheduler_service.client.documents import Key, NewKey, Page
from scheduler_service.client.nouns import Noun, walk

Role = Literal["viewer", "operator", "admin"]
PATH = "/keys"


class Keys(Noun):
    """Who may call, and what they may do."""

    def page(self, **filters: Parameter) -> Page[Key]:
        """A page: `limit`, `cursor`."""
        return Page[Key].of(self._connection.get(PATH, **filters))

    def each(self, **filters: Parameter) -> Iterator[Key]:
        """Every key, page by page."""
        return walk(self.page, filters)

    def create(self, name: str, role: Role, *, expires_at: datetime | None = None) -> NewKey:
        """Make a key; only this answer tells its secret."""
        ends = {"expires_at": expires_at.isoformat()} if expires_at else {}
        answer = self._connection.ask("POST", PATH, json={"name": name, "role": role, **ends})
        return NewKey.of(answer)

    def revoke(self, key_id: int) -> None:
        """Let it open nothing from now on. Raises: NotFound."""
        self._connection.send("DELETE", f"{PATH}/{key_id}", safe=True)
