"""Schedules that run after others: what finished, and what has to follow.

A trigger leaves a link for each run that ends and whose schedule others wait for, in the transaction that ends it,
whoever does: so no follower is forgotten, and nothing that ends runs needs to know of chains. Beat takes the links.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, delete, exists, not_, select, text, update
from sqlalchemy.orm import Session, aliased

from scheduler_service.storage.batches import among, is_postgresql
from scheduler_service.storage.models import ChainLink, PeriodicTask, ScheduleAfter, TaskRun

#: What a run says that was left out because of another; it goes when the other succeeds after all.
UPSTREAM = "upstream"
#: Any number that is ours.
CHAINS_LOCK = 7_295_441_005


@dataclass(frozen=True)
class Place:
    """One schedule's place in one pass through a chain: all runs of a pass have its origin and occurrence."""

    schedule_id: int
    origin: str
    occurrence_at: datetime


def waiting() -> ColumnElement[bool]:
    """Whether some run ended that others wait for."""
    return exists(select(ChainLink.id))


def take_links(session: Session, *, limit: int) -> tuple[dict[int, Row[Any]], list[Place]]:
    """The followers of what ended, locked, by id, and where each is to be looked at; their links are gone.

    A link whose follower somebody holds stays for the next look: Beat never waits while it holds locks.
    """
    links = session.execute(
        select(ChainLink.id, TaskRun.periodic_task_id, TaskRun.origin, TaskRun.occurrence_at)
        .outerjoin(TaskRun, TaskRun.id == ChainLink.run_id)
        .order_by(ChainLink.id)
        .limit(limit)
    ).all()
    followers: dict[int, list[int]] = {}
    pairs = select(ScheduleAfter.upstream_id, ScheduleAfter.downstream_id)
    ended = list({link.periodic_task_id for link in links if link.periodic_task_id is not None})
    for upstream, downstream in session.execute(pairs.where(among(session, ScheduleAfter.upstream_id, ended))):
        followers.setdefault(upstream, []).append(downstream)
    locked = _locked(session, {one for those in followers.values() for one in those})
    done, places = [], dict[Place, None]()
    for link in links:
        those = followers.get(link.periodic_task_id, [])
        if all(one in locked for one in those):
            done.append(link.id)
            places |= dict.fromkeys(Place(one, link.origin, link.occurrence_at) for one in those)
    session.execute(delete(ChainLink).where(among(session, ChainLink.id, done)))
    return locked, list(places)


def _locked(session: Session, schedule_ids: Collection[int]) -> dict[int, Row[Any]]:
    statement = select(*PeriodicTask.__table__.c).where(among(session, PeriodicTask.id, sorted(schedule_ids)))
    rows = session.execute(statement.order_by(PeriodicTask.id).with_for_update(skip_locked=True)).all()
    return {row.id: row for row in rows}


def upstreams(session: Session, schedule_ids: Collection[int]) -> dict[int, dict[int, str]]:
    """Whom each of the schedules waits for: id and name."""
    rows = session.execute(
        select(ScheduleAfter.downstream_id, PeriodicTask.id, PeriodicTask.name)
        .join(PeriodicTask, PeriodicTask.id == ScheduleAfter.upstream_id)
        .where(among(session, ScheduleAfter.downstream_id, sorted(schedule_ids)))
        .order_by(PeriodicTask.name)
    )
    found: dict[int, dict[int, str]] = {}
    for schedule_id, upstream_id, name in rows:
        found.setdefault(schedule_id, {})[upstream_id] = name
    return found


def runs_at(session: Session, place: Place, schedule_ids: Collection[int]) -> dict[int, Any]:
    """The runs of these schedules in the pass, by schedule, as rows of id, state and reason."""
    rows = session.execute(
        select(TaskRun.periodic_task_id, TaskRun.id, TaskRun.state, TaskRun.reason).where(
            among(session, TaskRun.periodic_task_id, sorted(schedule_ids)),
            TaskRun.origin == place.origin,
            TaskRun.occurrence_at == place.occurrence_at,
        )
    )
    return {row.periodic_task_id: row for row in rows}


def revive(session: Session, run_id: UUID, *, reason: str, now: datetime) -> None:
    """Let a run go that was left out because an upstream failed, which has succeeded since."""
    session.execute(
        update(TaskRun)
        .where(and_(TaskRun.id == run_id, TaskRun.state == "skipped"))
        .values(state="pending", reason=reason, fire_at=now, decided_at=now, finished_at=None)
    )


def edges(session: Session) -> dict[str, set[str]]:
    """Who waits for whom, by names: all there is."""
    upstream, downstream = aliased(PeriodicTask), aliased(PeriodicTask)
    rows = session.execute(
        select(downstream.name, upstream.name)
        .select_from(ScheduleAfter)
        .join(upstream, upstream.id == ScheduleAfter.upstream_id)
        .join(downstream, downstream.id == ScheduleAfter.downstream_id)
    )
    found: dict[str, set[str]] = {}
    for name, before in rows:
        found.setdefault(name, set()).add(before)
    return found


def followers(session: Session, schedule_ids: Collection[int]) -> dict[int, list[str]]:
    """The names of those that wait for these, and are none of these themselves."""
    rows = session.execute(
        select(ScheduleAfter.upstream_id, PeriodicTask.name)
        .join(PeriodicTask, PeriodicTask.id == ScheduleAfter.downstream_id)
        .where(
            among(session, ScheduleAfter.upstream_id, sorted(schedule_ids)),
            not_(among(session, ScheduleAfter.downstream_id, sorted(schedule_ids))),
        )
        .order_by(PeriodicTask.name)
    )
    found: dict[int, list[str]] = {}
    for upstream_id, name in rows:
        found.setdefault(upstream_id, []).append(name)
    return found


def take_turns(session: Session) -> None:
    """Whoever changes chains does it alone: two edits that are right by themselves may close a circle together."""
    if is_postgresql(session):
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": CHAINS_LOCK})


def together(session: Session, schedule_id: int) -> dict[int, str]:
    """The schedules of the chain that this one belongs to, itself among them: id and name, those that wait last."""
    pairs = session.execute(select(ScheduleAfter.upstream_id, ScheduleAfter.downstream_id)).all()
    before: dict[int, set[int]] = {}
    beside: dict[int, set[int]] = {}
    for upstream, downstream in pairs:
        before.setdefault(downstream, set()).add(upstream)
        beside.setdefault(downstream, set()).add(upstream)
        beside.setdefault(upstream, set()).add(downstream)
    reached, further = {schedule_id}, [schedule_id]
    while further:
        new = beside.get(further.pop(), set()) - reached
        reached |= new
        further += new
    named = select(PeriodicTask.id, PeriodicTask.name).where(PeriodicTask.id.in_(reached))
    names = {row.id: row.name for row in session.execute(named)}
    depth = {key: len(_above(before, key)) for key in names}
    return {key: names[key] for key in sorted(names, key=lambda key: (depth[key], names[key]))}


def _above(before: dict[int, set[int]], schedule_id: int) -> set[int]:
    """All that a schedule waits for, at whatever distance."""
    found, further = set[int](), [schedule_id]
    while further:
        new = before.get(further.pop(), set()) - found
        found |= new
        further += new
    return found


def runs_of_pass(session: Session, origin: str, occurrence_at: datetime, schedule_ids: Sequence[int]) -> list[TaskRun]:
    """The runs of these schedules with this origin and occurrence, in the order of the schedules."""
    found = session.scalars(
        select(TaskRun).where(
            among(session, TaskRun.periodic_task_id, schedule_ids),
            TaskRun.origin == origin,
            TaskRun.occurrence_at == occurrence_at,
        )
    )
    return sorted(found, key=lambda run: schedule_ids.index(run.periodic_task_id))
