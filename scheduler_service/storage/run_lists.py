"""What a page about runs asks beyond a plain list: runs of many schedules, how many go on, what is beside a run.

None of it costs more with the number of runs that are kept: each walks an index, and counts no further than it is told.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, text, tuple_, union_all
from sqlalchemy.orm import Session

from scheduler_service.storage.models import TaskRun
from scheduler_service.storage.runs import RunFilter, filtered

#: Where a run stands in the order of decision.
Place = tuple[datetime, UUID]

_decided = tuple_(TaskRun.decided_at, TaskRun.id)
#: As partial indexes spell them.
UNFINISHED = (text("state IN ('pending', 'published', 'running', 'retrying')"), text("state = 'buffered'"))
_WENT_WRONG = ("failed", "timed_out", "lost")


def search_of(
    session: Session, schedule_ids: Collection[int], wanted: RunFilter, *, limit: int, after: Place | None = None
) -> list[TaskRun]:
    """A page of the runs of a few schedules, newest first: each schedule's by its own index."""
    if not schedule_ids:
        return []
    newest = [_newest(replace(wanted, schedule_id=one), limit, after).subquery() for one in schedule_ids]
    among = union_all(*(select(one.c.id) for one in newest)).subquery()
    statement = select(TaskRun).where(TaskRun.id.in_(select(among.c.id)))
    return list(session.scalars(statement.order_by(TaskRun.decided_at.desc(), TaskRun.id.desc()).limit(limit)))


def count_newer(
    session: Session, schedule_ids: Collection[int] | None, wanted: RunFilter, *, than: Place, most: int
) -> int:
    """How many runs were decided after that one, counted up to `most`."""
    newer = filtered(select(TaskRun.id), wanted).where(_decided > than)
    if schedule_ids is not None:
        newer = newer.where(TaskRun.periodic_task_id.in_(schedule_ids))
    return _counted(session, newer, most)


def count_unfinished(session: Session, *, most: int) -> dict[str, int]:
    """How many runs are in each state that is no end; of many, the states of some."""
    found: dict[str, int] = {}
    for where in UNFINISHED:
        some = select(TaskRun.state).where(where).limit(most).subquery()
        found |= dict(session.execute(select(some.c.state, func.count()).group_by(some.c.state)).all())
    return found


def count_failed(session: Session, *, since: datetime, most: int) -> int:
    """How many runs went wrong since then, counted up to `most`."""
    ended = select(TaskRun.id).where(TaskRun.finished_at >= since, TaskRun.state.in_(_WENT_WRONG))
    return _counted(session, ended, most)


def beside(session: Session, run: TaskRun, *, earlier: int, later: int) -> tuple[list[TaskRun], list[TaskRun]]:
    """The runs of the same schedule that were decided before it and after it, newest first."""
    place, own = (run.decided_at, run.id), TaskRun.periodic_task_id == run.periodic_task_id
    before = select(TaskRun).where(own, _decided < place).order_by(TaskRun.decided_at.desc(), TaskRun.id.desc())
    after = select(TaskRun).where(own, _decided > place).order_by(TaskRun.decided_at, TaskRun.id)
    found = list(session.scalars(after.limit(later)))
    return list(session.scalars(before.limit(earlier))), found[::-1]


def _newest(wanted: RunFilter, limit: int, after: Place | None) -> Select[Any]:
    statement: Select[Any] = filtered(select(TaskRun.id), wanted)
    if after is not None:
        statement = statement.where(_decided < after)
    return statement.order_by(TaskRun.decided_at.desc(), TaskRun.id.desc()).limit(limit)


def _counted(session: Session, rows: Select[Any], most: int) -> int:
    return session.scalar(select(func.count()).select_from(rows.limit(most).subquery())) or 0
