"""How late runs began, a few minutes at a time: of each a sample of the newest, so that a busy hour costs no more."""

from datetime import datetime, timedelta

from sqlalchemy import literal, select, union_all
from sqlalchemy.orm import Session

from scheduler_service.storage.models import TaskRun


def sampled(session: Session, since: datetime, *, step: timedelta, steps: int, each: int) -> list[list[float]]:
    """The seconds from when a run was to be sent until it began: a list for each step from `since` on.

    Of first attempts that a timing brought about, at most `each` of a step, found by the index of the decided.
    """
    walks = []
    for place in range(steps):
        begins = since + place * step
        some = (
            select(literal(place).label("place"), TaskRun.fire_at, TaskRun.started_at, TaskRun.attempt, TaskRun.origin)
            .where(TaskRun.decided_at >= begins, TaskRun.decided_at < begins + step)
            .order_by(TaskRun.decided_at.desc(), TaskRun.id.desc())
            .limit(each)
        )
        walks.append(select(some.subquery()))
    found: list[list[float]] = [[] for _ in range(steps)]
    for place, fire_at, started_at, attempt, origin in session.execute(union_all(*walks)):
        if started_at is not None and attempt == 1 and origin == "auto":
            found[place].append(max((started_at - fire_at).total_seconds(), 0.0))
    return found
