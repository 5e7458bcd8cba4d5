"""Lists of schedules: filtered, in an order, a page at a time.

A page walks the index of its order on from where the last one ended, so that 100,000 schedules cost no more than ten.
What has no index (the words of `q`, a kind, a queue, a policy) is looked at on the way: words that nothing holds cost
one walk through all, about 0.04 s for 100,000 on PostgreSQL; who reads more than once asks for what is `narrowed`, and
walks once. Every index costs Beat something with each run that it decides (these five 6 µs), so there are no more.
Schedules without the instant that they are sorted by come last, in either direction: they are a second walk, by id.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    and_,
    func,
    literal,
    not_,
    or_,
    select,
    text,
    tuple_,
    union_all,
)
from sqlalchemy.orm import Session

from scheduler_service.storage import latest_runs
from scheduler_service.storage.batches import among
from scheduler_service.storage.models import PLANNABLE, TIMING_COLUMNS, Calendar, PeriodicTask
from scheduler_service.storage.schedule_words import mentions, tagged
from scheduler_service.storage.schedules import STATES, state_of, with_timings

SORTS = ("name", "next_run_at", "last_run_at", "created_at", "date_changed")
#: Where a schedule without the instant stands: last, in either direction.
LATEST, EARLIEST = datetime(9999, 12, 31, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)
BATCH = 1000
#: So many are found by their ids sooner than by a second walk.
FEW = 500

Condition = ColumnElement[bool]
#: Where a schedule stands in an order: its name or an instant, and its id.
Place = tuple[Any, int]


@dataclass(frozen=True)
class ScheduleFilter:
    """Which schedules; None means any.

    It has each of the `tags`, and each word of `q` somewhere in its name, task, description or tags. `timing` is the
    type of it. Instants are from `after` on, and until, without, `before`; a next run is one of an active schedule.
    """

    ids: Sequence[int] | None = None
    name: str | None = None
    kind: str | None = None
    enabled: bool | None = None
    state: str | None = None
    failing: bool | None = None
    task: str | None = None
    tags: Collection[str] = ()
    q: str | None = None
    queue: str | None = None
    calendar: str | None = None
    timing: str | None = None
    overlap_policy: str | None = None
    next_run_after: datetime | None = None
    next_run_before: datetime | None = None
    last_run_after: datetime | None = None
    last_run_before: datetime | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    changed_after: datetime | None = None
    changed_before: datetime | None = None


@dataclass(frozen=True)
class Order:
    """By which of SORTS, and which way; equal ones by id. In the order of creation is in the order of ids."""

    by: str = "name"
    descending: bool = False


def search(
    session: Session,
    wanted: ScheduleFilter,
    order: Order,
    *,
    limit: int,
    after: Place | None = None,
    before: Place | None = None,
) -> list[PeriodicTask]:
    """A page of schedules; `after` is `place` of the last one seen, or `before` that of the first: what precedes it."""
    if before is not None:
        return _preceding(session, wanted, order, limit, before)
    nowhere = (after is not None and after[0] == _nowhere(order)) or _is_nowhere(wanted, order)
    found = [] if nowhere else _walked(session, wanted, order, limit, after)
    if len(found) < limit and order.by in _PLACED:
        found += _walked_nowhere(session, wanted, order, limit - len(found), after if nowhere else None)
    return found


def _is_nowhere(wanted: ScheduleFilter, order: Order) -> bool:
    """Whether none that fits has a place in the order: nothing but an active schedule has a next run."""
    return order.by == "next_run_at" and (wanted.state not in (None, "active") or wanted.enabled is False)


def _preceding(session: Session, wanted: ScheduleFilter, order: Order, limit: int, before: Place) -> list[PeriodicTask]:
    """The last ones before a place: the walk from there in the other direction, turned round."""
    back = Order(order.by, not order.descending)
    nowhere = before[0] == _nowhere(order)
    found = _walked_nowhere(session, wanted, back, limit, before) if nowhere else []
    if len(found) < limit and not _is_nowhere(wanted, order):
        found += _walked(session, wanted, back, limit - len(found), None if nowhere else before)
    return found[::-1]


def count(session: Session, wanted: ScheduleFilter) -> int:
    """How many there are."""
    return session.scalar(select(func.count(PeriodicTask.id)).where(*_conditions(session, wanted))) or 0


def count_states(session: Session, wanted: ScheduleFilter, *, most: int) -> dict[str, int]:
    """How many there are in each of STATES, whichever is wanted, and under "" in all; none is counted past `most`."""
    counts = []
    for state in STATES:
        fitting = select(PeriodicTask.id).where(*_conditions(session, replace(wanted, state=state))).limit(most)
        if state != "active":
            fitting = fitting.order_by(PeriodicTask.name)  # so that nobody takes idle ones for common, and walks all
        some = fitting.subquery()
        counts.append(select(literal(state).label("state"), func.count().label("number")).select_from(some))
    found = {row.state: row.number for row in session.execute(union_all(*counts))}
    return {"": min(sum(found.values()), most), **found}


def narrowed(session: Session, wanted: ScheduleFilter) -> ScheduleFilter:
    """The same, with the ids of all that fit, in any state, when they are FEW: what is read next is found by those."""
    anyhow = replace(wanted, state=None)
    if anyhow == ScheduleFilter():
        return wanted
    found = list(session.scalars(select(PeriodicTask.id).where(*_conditions(session, anyhow)).limit(FEW + 1)))
    return wanted if len(found) > FEW else replace(wanted, ids=found)


def ids(session: Session, wanted: ScheduleFilter, *, limit: int | None = None) -> list[int]:
    """The ids, in their order; with a limit only the first."""
    found = select(PeriodicTask.id).where(*_conditions(session, wanted)).order_by(PeriodicTask.id)
    return list(session.scalars(found.limit(limit)))


def each(session: Session, wanted: ScheduleFilter) -> Iterator[PeriodicTask]:
    """All of them by name, read a batch at a time."""
    order, after = Order(), None
    while batch := search(session, wanted, order, limit=BATCH, after=after):
        yield from batch
        after = place(batch[-1], order)


def place(task: PeriodicTask, order: Order) -> Place:
    """Where a schedule stands in this order."""
    value = getattr(task, order.by)
    if order.by == "next_run_at" and (
        state_of(task) != "active" or all(getattr(task, its) is None for its in TIMING_COLUMNS)
    ):
        value = None
    return (_nowhere(order) if value is None else value), task.id


def _walked(
    session: Session, wanted: ScheduleFilter, order: Order, limit: int, after: Place | None
) -> list[PeriodicTask]:
    """Those that have a place in the order."""
    key = _KEYS[order.by]
    conditions = [*_conditions(session, wanted), *([_PLACED[order.by]] if order.by in _PLACED else [])]
    return _page(session, conditions, key, order, limit, after and _values(order, after))


def _walked_nowhere(
    session: Session, wanted: ScheduleFilter, order: Order, limit: int, after: Place | None
) -> list[PeriodicTask]:
    """Those that have none, by id."""
    conditions = [*_conditions(session, wanted), _UNPLACED[order.by]]
    return _page(session, conditions, (PeriodicTask.id,), order, limit, after and (after[1],))


def _page(
    session: Session, conditions: list[Condition], key: tuple[Any, ...], order: Order, limit: int, after: Any
) -> list[PeriodicTask]:
    statement = with_timings().where(*conditions)
    if after is not None:
        here, there = (tuple_(*key), tuple(after)) if len(key) > 1 else (key[0], after[0])
        statement = statement.where(here < there if order.descending else here > there)
    return list(
        session.scalars(statement.order_by(*(part.desc() if order.descending else part for part in key)).limit(limit))
    )


#: What an index orders by.
_KEYS: dict[str, tuple[Any, ...]] = {
    "name": (PeriodicTask.name,),
    "created_at": (PeriodicTask.id,),
    "date_changed": (PeriodicTask.date_changed, PeriodicTask.id),
    "last_run_at": (PeriodicTask.last_run_at, PeriodicTask.id),
    "next_run_at": (PeriodicTask.next_run_at, PeriodicTask.id),
}
_ACTIVE = text(PLANNABLE)
_PLACED: dict[str, Any] = {
    "last_run_at": PeriodicTask.last_run_at.is_not(None),
    "next_run_at": and_(_ACTIVE, PeriodicTask.next_run_at.is_not(None)),
}
_UNPLACED: dict[str, Any] = {
    "last_run_at": PeriodicTask.last_run_at.is_(None),
    "next_run_at": or_(text(f"NOT ({PLANNABLE})"), PeriodicTask.next_run_at.is_(None)),
}


def _values(order: Order, after: Place) -> tuple[Any, ...]:
    """What the columns of the key are to be compared with."""
    return {"name": after[:1], "created_at": after[1:]}.get(order.by, after)


def _nowhere(order: Order) -> datetime:
    return EARLIEST if order.descending else LATEST


def _conditions(session: Session, wanted: ScheduleFilter) -> list[Condition]:
    said = {name: getattr(wanted, name) for name in _EQUAL}
    conditions = [getattr(PeriodicTask, name) == value for name, value in said.items() if value is not None]
    conditions += [tagged(session, tag) for tag in wanted.tags]
    conditions += [mentions(session, word) for word in (wanted.q or "").split()]
    conditions += _within(wanted)
    if wanted.ids is not None:
        conditions.append(among(session, PeriodicTask.id, wanted.ids))
    if wanted.state is not None:
        conditions.append(_in_state(wanted.state))
    if wanted.failing is not None:
        found = among(session, PeriodicTask.id, latest_runs.failing(session))
        conditions.append(found if wanted.failing else not_(found))
    if wanted.timing is not None:
        conditions.append(getattr(PeriodicTask, f"{wanted.timing}_id").is_not(None))
    if wanted.calendar is not None:
        its_id = select(Calendar.id).where(Calendar.name == wanted.calendar).scalar_subquery()
        conditions.append(PeriodicTask.calendar_id == its_id)
    return conditions


_EQUAL = ("name", "kind", "enabled", "task", "queue", "overlap_policy")
_INSTANTS: dict[str, Any] = {
    "next_run": PeriodicTask.next_run_at,
    "last_run": PeriodicTask.last_run_at,
    "created": PeriodicTask.created_at,
    "changed": PeriodicTask.date_changed,
}


def _within(wanted: ScheduleFilter) -> Iterator[Any]:
    for name, column in _INSTANTS.items():
        after, before = getattr(wanted, f"{name}_after"), getattr(wanted, f"{name}_before")
        if name == "next_run" and (after or before):
            yield _ACTIVE
        if after is not None:
            yield column >= after
        if before is not None:
            yield column < before


def _in_state(state: str) -> Any:
    """The same as `state_of`, for the database."""
    on, well = PeriodicTask.enabled, PeriodicTask.quarantine_reason.is_(None)
    return {
        "paused": not_(on),
        "quarantined": and_(on, PeriodicTask.quarantine_reason.is_not(None)),
        "completed": and_(on, well, PeriodicTask.completed_reason.is_not(None)),
        "active": and_(on, well, PeriodicTask.completed_reason.is_(None)),
    }[state]
