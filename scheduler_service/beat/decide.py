"""Turn due occurrences into runs, one transaction a batch.

Lock, plan (a pure function), insert the runs, move the schedules on, commit. A row that cannot be planned is
quarantined with its reason; it never stops the others.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from uuid_utils.compat import uuid7

from scheduler_service.beat.decided import DECIDED, BeatIdentity, messages_of, spent, stamp
from scheduler_service.beat.overlap import CANCEL_MODES, Slot
from scheduler_service.storage import cancelling, due, publishing, runs
from scheduler_service.storage.due import DueRow
from scheduler_service.storage.models import EXHAUSTED, SHADOW, SHADOWED
from scheduler_service.storage.publishing import Message
from scheduler_service.storage.session import Database
from scheduler_service.storage.timings import is_set_by_hand, terms_of_row
from scheduler_service.timing import planning
from scheduler_service.timing.planning import Misfire, Occurrence, Plan, Terms

logger = logging.getLogger(__name__)

T = TypeVar("T")

RUNS_AT_ONCE = 100  # of one schedule in one batch; it stays due for the rest


@dataclass
class Batch:
    """What one transaction will write."""

    now: datetime
    moved: list[dict[str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    quarantined: dict[int, str] = field(default_factory=dict)
    ended: dict[int, tuple[str, UUID]] = field(default_factory=dict)

    def each(self, rows: Iterable[DueRow], work: Callable[[DueRow], T]) -> Iterable[tuple[DueRow, T]]:
        """The rows with what the work makes of them; a row whose work fails is quarantined."""
        for row in rows:
            try:
                yield row, work(row)
            except Exception as why:  # noqa: BLE001 - foreign data may raise anything; it must not stop the others
                self.quarantined[row.id] = f"It cannot be planned: {why}"
                logger.warning("schedule %s (%s) was quarantined: %s", row.id, row.name, why)


def plan_unplanned(database: Database, *, limit: int) -> int:
    """Give schedules that are new, resumed or edited their next run; how many.

    The next occurrence is the first after the watermark, which is the instant of the edit: nothing fires at once, and
    nothing is lost when no Beat ran.
    """
    with database.transaction() as session:
        rows = due.claim_unplanned(session, limit=limit)
        batch = Batch(database.clock.now())
        for row, following in batch.each(rows, _first_occurrence):
            exhausted = row.max_runs is not None and row.total_run_count >= row.max_runs
            batch.moved.append(_moved(row, None if exhausted else following, watermark=_edited_at(row)))
        due.move_on(session, batch.moved)
        due.quarantine(session, batch.quarantined)
    return len(rows)


def decide_due(database: Database, beat: BeatIdentity, *, limit: int) -> tuple[int, list[Message]]:
    """Decide what is due; how many schedules were, and the runs to publish, leased by this Beat."""
    with database.transaction() as session:
        now = database.clock.now()
        rows = due.claim_due(session, now, limit=limit)
        batch = Batch(now)
        occupied = runs.occupied(session, [row.id for row in rows if row.overlap_policy != "allow_all"])
        planned = Planned(now)
        for row, plan in batch.each(rows, planned.plan):
            slot = Slot.of(row.overlap_policy, occupied.get(row.id), limit=row.buffer_limit)
            made = _runs_of(row, plan, slot, now=now)
            batch.runs += made
            batch.moved.append(_moved(row, plan.following, ran=sum(run["state"] in DECIDED for run in made), now=now))
            if slot.ends_others:
                batch.ended[row.id] = (CANCEL_MODES[row.overlap_policy], made[-1]["id"])
        stamp(session, batch.runs, beat, now=now)
        inserted = publishing.insert_runs(session, batch.runs)
        due.move_on(session, batch.moved)
        for schedule_id, (mode, newest) in batch.ended.items():
            if newest in inserted:
                cancelling.end_others(session, schedule_id, keep=newest, mode=mode, now=now)
        due.quarantine(session, batch.quarantined)
    return len(rows), messages_of(batch.runs, inserted)


class Planned:
    """Plans rows at one instant; equal timings due at the same instant are planned once."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._known: dict[Any, Plan] = {}

    def plan(self, row: DueRow) -> Plan:
        key = due.planned_from(row)
        if key not in self._known:
            terms = terms_of_row(row)
            if is_set_by_hand(row, terms):
                return self._by_hand(row, terms)
            plan = self._plan(row, terms)
            if row.jitter_seconds:  # it depends on the schedule
                return plan
            self._known[key] = plan
        return self._known[key]

    def _plan(self, row: DueRow, terms: Terms) -> Plan:
        return planning.plan(
            terms, due=row.next_occurrence_at, now=self._now, misfire=_misfire(row), limit=RUNS_AT_ONCE
        )

    def _by_hand(self, row: DueRow, terms: Terms) -> Plan:
        """That one run; what came after it while no Beat ran is due next."""
        following = planning.first(terms, after=max(row.watermark, row.next_run_at))
        return Plan((Occurrence(row.next_run_at, row.next_run_at),), 0, 0, None, following)


def _first_occurrence(row: DueRow) -> Occurrence | None:
    return planning.first(terms_of_row(row), after=_edited_at(row))


def _edited_at(row: DueRow) -> datetime:
    """The watermark; PostgreSQL tells a new row's a moment before its creation, which may be an occurrence itself."""
    edited: datetime = max(row.watermark, row.created_at)
    return edited


def _misfire(row: DueRow) -> Misfire:
    window = row.catchup_window_seconds
    return Misfire(
        row.misfire_policy,
        timedelta(seconds=row.misfire_grace_seconds),
        None if window is None else timedelta(seconds=window),
        row.catchup_limit,
    )


def _runs_of(row: DueRow, plan: Plan, slot: Slot, *, now: datetime) -> list[dict[str, Any]]:
    allowed = len(plan.runs)
    if row.one_off:
        allowed = 1
    if row.max_runs is not None:
        allowed = min(allowed, row.max_runs - row.total_run_count)
    made = []
    for number, occurrence in enumerate(plan.runs[:allowed]):
        coalesced = plan.coalesced if number == 0 else 0
        reason = f"{coalesced} earlier occurrences were missed and folded into this run" if coalesced else None
        state, why = (SHADOWED, None) if row.shadow else slot.admit()
        made.append(_run(row, occurrence, state=state, reason=why or reason, coalesced=coalesced, now=now))
    if plan.last_missed is not None:
        reason = f"{plan.missed} occurrences were missed (misfire policy: {row.misfire_policy})"
        missed = Occurrence(plan.last_missed, plan.last_missed)
        made.append(_run(row, missed, state="missed", reason=reason, coalesced=plan.missed - 1, now=now))
    return made


def _run(
    row: DueRow, occurrence: Occurrence, *, state: str, reason: str | None, coalesced: int, now: datetime
) -> dict[str, Any]:
    return runs.new_run(
        row,
        run_id=uuid7(),
        origin=SHADOW if row.shadow else "auto",
        occurrence_at=occurrence.occurrence_at,
        fire_at=occurrence.fire_at,
        now=now,
        state=state,
        reason=reason,
        coalesced=coalesced,
    )


def _moved(
    row: DueRow,
    following: Occurrence | None,
    *,
    ran: int = 0,
    now: datetime | None = None,
    watermark: datetime | None = None,
) -> dict[str, Any]:
    """The schedule's bookkeeping after it was planned: where it stands, or why it is complete.

    A shadow runs nothing, so it counts nothing; but it is complete where its one run would have been.
    """
    sent = 0 if row.shadow else ran
    count = row.total_run_count + sent
    completed = spent(row, count=count, ran=ran) or (EXHAUSTED if following is None else None)
    return {
        "id": row.id,
        "watermark": watermark or now,
        "next_occurrence_at": None if completed or following is None else following.occurrence_at,
        "next_run_at": row.next_run_at if completed or following is None else following.fire_at,
        "last_run_at": now if sent else row.last_run_at,
        "total_run_count": count,
        "completed_reason": completed,
    }
