"""The client: one object, a noun of the API each attribute."""

from collections.abc import Iterator
from datetime import datetime
from types import TracebackType
from typing import Self

from scheduler_service.client.connection import Connection, Parameter
from scheduler_service.client.documents import AuditEvent, Me, Page, Stats, Task, Worker
from scheduler_service.client.events import EventStream
from scheduler_service.client.keys import Keys
from scheduler_service.client.nouns import walk
from scheduler_service.client.runs import Runs
from scheduler_service.client.schedules import Schedules


class Client:
    """The service at `url`, asked with a key. Use it in a `with` block, or close it.

    `timeout`: seconds for one answer. `patience`: seconds to wait, in all, for a service that is away or too busy.
    """

    def __init__(self, url: str, key: str, *, timeout: float = 30, patience: float = 30) -> None:
        self._connection = Connection(url, key, timeout=timeout, patience=patience)
        self.schedules = Schedules(self._connection)
        self.runs = Runs(self._connection)
        self.keys = Keys(self._connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._connection.close()

    def me(self) -> Me:
        """Who the key is, and what it may do."""
        return Me.of(self._connection.get("/me"))

    def stats(
        self,
        *,
        schedule_id: int | None = None,
        kind: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Stats:
        """Counts and percentiles of runs, of the last day by default."""
        found = self._connection.get("/stats", schedule_id=schedule_id, kind=kind, since=since, until=until)
        return Stats.of(found)

    def tasks(self, **filters: Parameter) -> Iterator[Task]:
        """What can be scheduled, page by page."""
        return walk(lambda **asked: Page[Task].of(self._connection.get("/tasks", **asked)), filters)

    def workers(self, **filters: Parameter) -> Iterator[Worker]:
        """Who works, page by page."""
        return walk(lambda **asked: Page[Worker].of(self._connection.get("/workers", **asked)), filters)

    def audit(self, **filters: Parameter) -> Iterator[AuditEvent]:
        """Who changed what, page by page, newest first."""
        return walk(lambda **asked: Page[AuditEvent].of(self._connection.get("/audit", **asked)), filters)

    def events(
        self,
        *,
        types: str | None = None,
        schedule_id: int | None = None,
        last_event_id: str | None = None,
        patience: float = 60,
    ) -> EventStream:
        """Changes as they come; `types`: `run`, `schedule`, or both, comma-separated.

        `patience`: seconds to try again for, when the stream broke off.
        """
        wanted: dict[str, Parameter] = {"types": types, "schedule_id": schedule_id}
        return EventStream(self._connection, wanted, last_event_id=last_event_id, patience=patience)
