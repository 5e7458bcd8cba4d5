"""Decide what follows runs that ended: the schedules that run `after` others.

A follower runs once all that it waits for have succeeded, in the same pass: with their origin and occurrence, so that
a backfill of the head is one of the whole chain. When one of them ends otherwise the follower is left out, with a row
that says why; that is an end as well, so what waits for it is left out in turn.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from scheduler_service.beat.decided import RUNS, BeatIdentity, messages_of, spent, stamp
from scheduler_service.beat.overlap import CANCEL_MODES, Slot
from scheduler_service.storage import cancelling, chains, due, publishing, runs
from scheduler_service.storage.chains import Place
from scheduler_service.storage.models import FINISHED_STATES
from scheduler_service.storage.publishing import Message
from scheduler_service.storage.session import Database, Session


@dataclass
class Following:
    """What one transaction will write."""

    runs: list[dict[str, Any]] = field(default_factory=list)
    revived: list[tuple[UUID, str]] = field(default_factory=list)
    ended: list[tuple[int, str, UUID]] = field(default_factory=list)


def follow(database: Database, beat: BeatIdentity, *, limit: int) -> tuple[bool, list[Message]]:
    """Decide what follows; whether anything was looked at, and the runs to publish, leased by this Beat."""
    with database.transaction() as session:
        now = database.clock.now()
        schedules, places = chains.take_links(session, limit=limit)
        upstreams = chains.upstreams(session, schedules.keys())
        occupied = runs.occupied(session, list(schedules))
        slots = {
            key: Slot.of(row.overlap_policy, occupied.get(key), limit=row.buffer_limit)
            for key, row in schedules.items()
        }
        following = Following()
        for place in places:
            row = schedules[place.schedule_id]
            _decide(session, following, row, place, upstreams.get(row.id, {}), slots[row.id], now=now)
        inserted = _write(session, following, schedules, beat, now=now)
    return bool(places), messages_of(following.runs, inserted)


def _decide(
    session: Session,
    following: Following,
    row: Any,
    place: Place,
    upstreams: dict[int, str],
    slot: Slot,
    *,
    now: datetime,
) -> None:
    there = chains.runs_at(session, place, [row.id, *upstreams])
    own = there.pop(row.id, None)
    states = {upstreams[key]: run.state for key, run in there.items()}
    all_well = len(states) == len(upstreams) and all(state == "succeeded" for state in states.values())
    failed = [name for name, state in states.items() if state in FINISHED_STATES and state != "succeeded"]
    if own is not None:
        if all_well and own.state == "skipped" and (own.reason or "").startswith(chains.UPSTREAM):
            following.revived.append((own.id, "what it waits for has succeeded after all"))
    elif all_well:
        state, reason = _admitted(row, place, slot)
        made = _run(row, place, state=state, reason=reason, now=now)
        following.runs.append(made)
        if slot.ends_others:
            following.ended.append((row.id, CANCEL_MODES[row.overlap_policy], made["id"]))
    elif failed:
        reason = f"{chains.UPSTREAM} {failed[0]} did not succeed: it {_ended_as(states[failed[0]])}"
        following.runs.append(_run(row, place, state="skipped", reason=reason, now=now))


def _admitted(row: Any, place: Place, slot: Slot) -> tuple[str, str | None]:
    """State and reason of a follower whose turn it is. Backfills are bounded at their head, and wait for no others."""
    if not row.enabled:
        return (
            "skipped",
            f"the schedule is paused: {row.paused_reason}" if row.paused_reason else "the schedule is paused",
        )
    if row.shadow:
        return "skipped", "the schedule is a shadow"
    for reason in (row.quarantine_reason, row.completed_reason):
        if reason is not None:
            return "skipped", f"the schedule is out of service: {reason}"
    return ("pending", None) if place.origin.startswith("backfill:") else slot.admit()


def _ended_as(state: str) -> str:
    return {"failed": "failed", "timed_out": "timed out"}.get(state, f"was {state}")


def _run(row: Any, place: Place, *, state: str, reason: str | None, now: datetime) -> dict[str, Any]:
    return runs.new_run(
        row,
        run_id=uuid7(),
        origin=place.origin,
        occurrence_at=place.occurrence_at,
        fire_at=now,
        now=now,
        state=state,
        reason=reason,
    )


def _write(
    session: Session, following: Following, schedules: dict[int, Any], beat: BeatIdentity, *, now: datetime
) -> set[UUID]:
    stamp(session, following.runs, beat, now=now)
    inserted = publishing.insert_runs(session, following.runs)
    ran = Counter(run["periodic_task_id"] for run in following.runs if run["state"] in RUNS and run["id"] in inserted)
    due.move_on(session, [_counted(schedules[key], count, now=now) for key, count in ran.items()])
    for schedule_id, mode, newest in following.ended:
        if newest in inserted:
            cancelling.end_others(session, schedule_id, keep=newest, mode=mode, now=now)
    for run_id, reason in following.revived:
        chains.revive(session, run_id, reason=reason, now=now)
    return inserted


def _counted(row: Any, ran: int, *, now: datetime) -> dict[str, Any]:
    count = row.total_run_count + ran
    completed = spent(row, count=count, ran=ran)
    return {"id": row.id, "last_run_at": now, "total_run_count": count, "completed_reason": completed}
