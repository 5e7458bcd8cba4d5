"""Runs, from Python."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from scheduler_service.client.connection import Parameter
from scheduler_service.client.documents import Page, Run, RunDetail
from scheduler_service.client.nouns import Noun, walk

PATH = "/runs"


class Runs(Noun):
    """What became of occurrences."""

    def page(self, **filters: Parameter) -> Page[Run]:
        """A page: the list's filters, `order`, `limit`, `cursor`, `total`."""
        return Page[Run].of(self._connection.get(PATH, **filters))

    def each(self, **filters: Parameter) -> Iterator[Run]:
        """Every run that the filters leave, page by page, newest first."""
        return walk(self.page, filters)

    def create(
        self,
        task: str,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        run_at: datetime | str | None = None,
        countdown: float | None = None,
        key: str | None = None,
        **options: Any,
    ) -> RunDetail:
        """Run a task once: now, at an instant, or after some seconds; `options` are fields of a schedule."""
        at = run_at.isoformat() if isinstance(run_at, datetime) else run_at
        when = {name: value for name, value in (("run_at", at), ("countdown", countdown)) if value is not None}
        body = {"task": task, "args": list(args), "kwargs": dict(kwargs or {}), **when, **options}
        return RunDetail.of(self._connection.create(PATH, body, key=key))

    def get(self, run_id: UUID | str) -> RunDetail:
        """Raises: NotFound."""
        return RunDetail.of(self._connection.get(f"{PATH}/{run_id}"))

    def cancel(self, run_id: UUID | str, *, terminate: bool = False) -> RunDetail:
        """End it: at once when it has not started, else it is asked to. Raises: Conflict, when it has ended."""
        answer = self._connection.ask("POST", f"{PATH}/{run_id}/cancel", json={"terminate": terminate})
        return RunDetail.of(answer)

    def retry(self, run_id: UUID | str, *, key: str | None = None) -> RunDetail:
        """Give a finished run another attempt. Raises: Conflict, when it goes on."""
        return RunDetail.of(self._connection.create(f"{PATH}/{run_id}/retry", key=key))
