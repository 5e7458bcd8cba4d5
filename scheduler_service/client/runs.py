"""Runs, from Python."""

from collections.abc import Iterator
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
