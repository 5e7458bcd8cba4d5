"""What can be scheduled, and whether a schedule fits it: as told by the workers, which read it from their code."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from scheduler_service.errors import FieldProblem, Invalid
from scheduler_service.services import arguments, paging
from scheduler_service.services.paging import Page
from scheduler_service.services.schedule_documents import kind_of
from scheduler_service.storage import tasks as stored
from scheduler_service.storage.session import Session
from scheduler_service.storage.tasks import TaskRow

LISTING = "tasks"


@dataclass(frozen=True)
class KnownTask:
    """A task; where workers differ, as the latest started of those that live says. `workers` are those that live."""

    name: str
    kind: str
    queue: str | None
    doc: str
    acks_late: bool
    arguments: dict[str, Any]
    workers: list[str]


def search(
    session: Session, *, q: str | None, limit: int, cursor: str | None, total: bool = False, now: datetime
) -> Page[KnownTask]:
    """A page of tasks, by name. Raises: Invalid, for a cursor of another list."""
    after = paging.decode(LISTING, cursor, (str,))[0] if cursor is not None else None
    names = stored.search(session, q=q, limit=limit + 1, after=after)
    count = stored.count(session, q=q) if total else None
    page = paging.page_of(names, limit=limit, listing=LISTING, place=lambda name: (name,), total=count)
    rows = _by_name(session, page.items, now=now)
    return Page([_known(rows[name]) for name in page.items if name in rows], page.next_cursor, page.total)


def find(session: Session, name: str, *, now: datetime) -> KnownTask | None:
    """The task of this name; None, if no worker has told of it."""
    rows = _by_name(session, [name], now=now).get(name)
    return _known(rows) if rows else None


class Fitting:
    """Looks whether schedules fit the tasks that are known; each task is read once.

    Where no worker has ever told of any, everything fits: a fresh installation is set up before its workers start.
    """

    def __init__(self, session: Session, *, now: datetime) -> None:
        self._session, self._now = session, now
        self._rows: dict[str, list[TaskRow]] = {}

    def learn(self, names: Collection[str]) -> None:
        """Read of many tasks at once."""
        self._rows |= {name: [] for name in names} | _by_name(self._session, names, now=self._now)

    def unknown(self, name: str) -> list[FieldProblem]:
        """What is wrong with the name: no worker knows such a task, though some have told what they know."""
        if self._of(name) or not self._is_any_known:
            return []
        near = get_close_matches(name, stored.names(self._session), n=3)
        hint = f"; near to it: {', '.join(near)}" if near else ""
        reason = f"no worker knows a task named {name!r}{hint} (allow_unknown_task takes it all the same)"
        return [FieldProblem("task", reason, near[0] if near else None)]

    def misfits(self, name: str, args: list[Any], kwargs: dict[str, Any]) -> list[FieldProblem]:
        """What is wrong with the arguments; nothing, if a worker that lives would take them."""
        rows = self._of(name)
        asked = [row for row in rows if row.alive] or rows
        found = [arguments.problems_of(row.arguments, args, kwargs) for row in asked]
        return found[0] if found and all(found) else []

    @cached_property
    def _is_any_known(self) -> bool:
        return stored.is_any_known(self._session)

    def _of(self, name: str) -> list[TaskRow]:
        if name not in self._rows:
            self.learn([name])
        return self._rows[name]


def require_fitting(
    session: Session,
    task: str,
    args: list[Any],
    kwargs: dict[str, Any],
    *,
    allow_unknown: bool,
    now: datetime,
) -> None:
    """Raises: Invalid, naming the task or each argument that does not fit it."""
    fitting = Fitting(session, now=now)
    problems = [] if allow_unknown else fitting.unknown(task)
    problems += fitting.misfits(task, args, kwargs)
    if problems:
        raise Invalid(problems)


def _by_name(session: Session, names: Collection[str], *, now: datetime) -> dict[str, list[TaskRow]]:
    rows: dict[str, list[TaskRow]] = {}
    for row in stored.of_workers(session, names, now=now):
        rows.setdefault(row.name, []).append(row)
    return rows


def _known(rows: list[TaskRow]) -> KnownTask:
    first = rows[0]
    workers = sorted(row.worker for row in rows if row.alive)
    return KnownTask(first.name, kind_of(first.name), first.queue, first.doc, first.acks_late, first.arguments, workers)
