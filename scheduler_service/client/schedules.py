"""Schedules, from Python."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from scheduler_service.client.connection import Parameter, once
from scheduler_service.client.documents import (
    Backfill,
    BackfillProposal,
    BulkResult,
    ImportPlan,
    Page,
    Preview,
    RunDetail,
    Schedule,
)
from scheduler_service.client.errors import NotFound
from scheduler_service.client.nouns import Noun, walk

Format = Literal["yaml", "json"]
BulkAction = Literal["pause", "resume", "trigger", "delete", "tag", "untag"]
PATH = "/schedules"


class Schedules(Noun):
    """`revision`, where it is taken: the one that was read; another by now is refused as Changed."""

    def page(self, **filters: Parameter) -> Page[Schedule]:
        """A page: the list's filters, `sort`, `limit`, `cursor`, `total`."""
        return Page[Schedule].of(self._connection.get(PATH, **filters))

    def each(self, **filters: Parameter) -> Iterator[Schedule]:
        """Every schedule that the filters leave, page by page."""
        return walk(self.page, filters)

    def get(self, schedule_id: int) -> Schedule:
        """Raises: NotFound."""
        return Schedule.of(self._connection.get(_at(schedule_id)))

    def find(self, name_or_id: str) -> Schedule:
        """By name, or by id where it is all digits. Raises: NotFound."""
        if name_or_id.isascii() and name_or_id.isdecimal():
            return self.get(int(name_or_id))
        return self.find_named(name_or_id)

    def find_named(self, name: str) -> Schedule:
        """By name, whatever it looks like. Raises: NotFound."""
        for schedule in self.each(name=name):
            if schedule.name == name:
                return schedule
        raise NotFound(404, "schedule_not_found", f"No schedule is named {name!r}.")

    def create(self, document: Mapping[str, Any], *, key: str | None = None) -> Schedule:
        """Make a schedule: `name`, `task`, `timing` and what else differs from its default."""
        return Schedule.of(self._connection.create(PATH, document, key=key))

    def replace(self, schedule_id: int, document: Mapping[str, Any], *, revision: int | None = None) -> Schedule:
        """Replace it: what is left out has its default."""
        return self._changed("PUT", _at(schedule_id), document, revision)

    def patch(self, schedule_id: int, changes: Mapping[str, Any], *, revision: int | None = None) -> Schedule:
        """Change some fields; null gives a field its default."""
        return self._changed("PATCH", _at(schedule_id), changes, revision)

    def delete(self, schedule_id: int, *, revision: int | None = None) -> None:
        """Its runs stay; those that wait are cancelled."""
        self._connection.send("DELETE", _at(schedule_id), headers=_expecting(revision))

    def pause(self, schedule_id: int, *, reason: str | None = None, revision: int | None = None) -> Schedule:
        """Stop it from coming due until it is resumed."""
        return self._changed("POST", _at(schedule_id, "pause"), {"reason": reason}, revision)

    def resume(self, schedule_id: int, *, revision: int | None = None) -> Schedule:
        """Let it come due again; paused time is not caught up."""
        return self._changed("POST", _at(schedule_id, "resume"), None, revision)

    def trigger(
        self,
        schedule_id: int,
        *,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> RunDetail:
        """Run it now, perhaps with other arguments; its timing is not moved."""
        given = {name: value for name, value in (("args", args), ("kwargs", kwargs)) if value is not None}
        return RunDetail.of(self._connection.create(_at(schedule_id, "trigger"), given, key=key))

    def upcoming(self, schedule_id: int, *, count: int = 10, after: datetime | None = None) -> Preview:
        """Its next occurrences."""
        return Preview.of(self._connection.get(_at(schedule_id, "next"), count=count, after=after))

    def propose_backfill(self, schedule_id: int, **wanted: Any) -> BackfillProposal:
        """What `backfill` would run."""
        body = {**wanted, "dry_run": True}
        return BackfillProposal.of(self._connection.create(_at(schedule_id, "backfill"), body))

    def backfill(self, schedule_id: int, *, key: str | None = None, **wanted: Any) -> Backfill:
        """Run a past range: `start`, `end`, `mode`, `max_parallel`, `order`."""
        return Backfill.of(self._connection.create(_at(schedule_id, "backfill"), wanted, key=key))

    def bulk(
        self,
        action: BulkAction,
        *,
        ids: Sequence[int] | None = None,
        where: Mapping[str, Any] | None = None,
        reason: str | None = None,
        tags: Sequence[str] | None = None,
        dry_run: bool = False,
        key: str | None = None,
    ) -> BulkResult:
        """Do the same to many: to `ids`, or to those that the list's filters in `where` leave."""
        chosen = {"ids": ids, "filter": where, "reason": reason, "tags": tags}
        body = {"action": action, "dry_run": dry_run} | {k: v for k, v in chosen.items() if v is not None}
        return BulkResult.of(self._connection.create(f"{PATH}/bulk", body, key=key))

    def export(self, *, format: Format = "yaml", **filters: Parameter) -> str:
        """A document for a repository: no ids, no state, in a fixed order."""
        return self._connection.send("GET", f"{PATH}/export", parameters={"format": format, **filters}).text

    def import_(
        self,
        document: str,
        *,
        format: Format = "yaml",
        dry_run: bool = False,
        prune: bool = False,
        tag: Sequence[str] = (),
        allow_unknown_task: bool = False,
        key: str | None = None,
    ) -> ImportPlan:
        """Have the schedules be as a document says, by name.

        `prune` deletes those that it does not name; with `tag` only those that have each of the tags.
        """
        wish: dict[str, Parameter] = {"dry_run": dry_run, "prune": prune, "tag": tag}
        wish["allow_unknown_task"] = allow_unknown_task
        answer = self._connection.ask(
            "POST",
            f"{PATH}/import",
            parameters=wish,
            content=document.encode(),
            headers={**once(key), "Content-Type": f"application/{format}"},
            safe=True,
        )
        return ImportPlan.of(answer)

    def _changed(self, method: str, path: str, body: Any, revision: int | None) -> Schedule:
        answer = self._connection.ask(method, path, json=body, headers=_expecting(revision), safe=revision is None)
        return Schedule.of(answer)


def _at(schedule_id: int, verb: str = "") -> str:
    return f"{PATH}/{schedule_id}" + (f"/{verb}" if verb else "")


def _expecting(revision: int | None) -> dict[str, str]:
    return {} if revision is None else {"If-Match": f'"{revision}"'}
