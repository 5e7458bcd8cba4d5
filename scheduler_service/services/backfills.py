"""What a person may do with backfills: ask what one would run, make one, follow it, cancel it.

An occurrence counts as run when Beat or a backfill made a run of it that started, or that is still to start. Skipped,
missed, dropped, expired and cancelled ones are missing, and so are those that were folded into another run. What Beat
has yet to decide is not missing: it will be decided.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from uuid_utils.compat import uuid7

from scheduler_service.errors import BackfillDone, Invalid, ScheduleIsShadow
from scheduler_service.services import paging
from scheduler_service.services.fields import Document, Moment, Truth, wire_instant
from scheduler_service.services.paging import Page
from scheduler_service.storage import audit, publishing, runs, schedules
from scheduler_service.storage import backfills as stored
from scheduler_service.storage.backfills import BackfillFilter
from scheduler_service.storage.models import NEVER_SENT_STATES, Backfill, PeriodicTask
from scheduler_service.storage.session import Session
from scheduler_service.storage.timings import is_set_by_hand, terms_of
from scheduler_service.timing import planning
from scheduler_service.timing.planning import Terms
from scheduler_service.timing.timings import TICK

MOST = 10_000
SHOWN = 100
LOWEST_PRIORITY = 9
NOT_RUN = frozenset({*NEVER_SENT_STATES, "cancelled"})
FAILED = frozenset({"failed", "timed_out", "lost", "expired", "cancelled"})


class BackfillDocument(Document):
    """Which occurrences of a schedule are to be run, and how."""

    start: Moment = Field(description="Occurrences from here on")
    end: Moment = Field(description="Occurrences before this instant, which has passed")
    mode: Literal["missing", "failed", "all"] = Field(
        default="missing", description="Those that were not run, those whose newest run failed, or every one"
    )
    max_parallel: Annotated[int, Field(strict=True, ge=1, le=100, description="How many may run at once")] = 1
    order: Literal["oldest", "newest"] = Field(default="oldest", description="Which occurrences come first")
    dry_run: Truth = Field(default=False, description="Only tell which occurrences would be run")

    @field_validator("end")
    @classmethod
    def _ends_after_its_start(cls, end: datetime, info: ValidationInfo) -> datetime:
        start = info.data.get("start")
        if start is not None and end <= start:
            raise PydanticCustomError("range", "must be after start")
        return end


@dataclass(frozen=True)
class Proposal:
    """What a backfill would run: how many occurrences, and the first of them in the order asked for."""

    total: int
    items: Sequence[datetime]


@dataclass(frozen=True)
class Progress:
    """A backfill, and how many of its runs are in each state."""

    backfill: Backfill
    runs: dict[str, int]


def propose(session: Session, schedule_id: int, wanted: BackfillDocument, *, now: datetime) -> Proposal:
    """Tell what would be run, and write nothing. Raises: ScheduleNotFound, Invalid, InvalidTiming."""
    chosen = _chosen(session, schedules.get(session, schedule_id), wanted, now=now)
    if wanted.order == "newest":
        chosen.reverse()
    return Proposal(len(chosen), chosen[:SHOWN])


def create(session: Session, schedule_id: int, wanted: BackfillDocument, *, actor: str, now: datetime) -> Progress:
    """Make the backfill with all its runs; nothing of the schedule itself is moved.

    The schedule is locked meanwhile, so that Beat decides none of its occurrences and no other backfill chooses any.
    Raises: ScheduleNotFound, ScheduleIsShadow, Invalid, InvalidTiming.
    """
    task = schedules.get_locked(session, schedule_id)
    if task.shadow:
        raise ScheduleIsShadow(schedule_id)
    chosen = _chosen(session, task, wanted, now=now)
    backfill = Backfill(
        periodic_task_id=task.id,
        start_at=wanted.start,
        end_at=wanted.end,
        mode=wanted.mode,
        max_parallel=wanted.max_parallel,
        newest_first=wanted.order == "newest",
        total=len(chosen),
        state="running" if chosen else "done",
        created_by=actor,
        created_at=now,
        finished_at=None if chosen else now,
    )
    stored.add(session, backfill)
    publishing.insert_runs(session, [_run(task, backfill, at, now=now) for at in chosen])
    said = wanted.model_dump(exclude={"dry_run"}) | {"total": len(chosen)}
    said |= {"start": wire_instant(wanted.start), "end": wire_instant(wanted.end)}
    _record(session, backfill, task.name, "create", {name: (None, value) for name, value in said.items()}, actor)
    return _progress(session, backfill)


def get(session: Session, backfill_id: int) -> Progress:
    """Raises: BackfillNotFound."""
    return _progress(session, stored.get(session, backfill_id))


def search(session: Session, wanted: BackfillFilter, *, limit: int, cursor: str | None) -> Page[Backfill]:
    """A page of backfills, newest first. Raises: Invalid, for a cursor of another list."""
    after = paging.decode("backfills", cursor, (int,))[0] if cursor is not None else None
    rows = stored.search(session, wanted, limit=limit + 1, after=after)
    return paging.page_of(rows, limit=limit, listing="backfills", place=lambda backfill: (backfill.id,))


def names(session: Session, found: Sequence[Backfill]) -> dict[int, str]:
    """The names of the schedules of these, by schedule, as far as they are there still."""
    return stored.names_of_schedules(session, [backfill.periodic_task_id for backfill in found])


def cancel(session: Session, backfill_id: int, *, actor: str, now: datetime) -> Progress:
    """End a backfill: what has not started at once, what runs is asked to. Once more changes nothing.

    Raises: BackfillNotFound; BackfillDone.
    """
    backfill = stored.get(session, backfill_id, locked=True)
    if backfill.state == "done":
        raise BackfillDone(backfill_id)
    if backfill.state == "running":
        stored.cancel(session, backfill, reason=f"cancelled by {actor}, with backfill {backfill_id}", now=now)
        name = stored.name_of_schedule(session, backfill)
        _record(session, backfill, name, "cancel", {"state": ("running", "cancelled")}, actor)
    return _progress(session, backfill)


def _chosen(session: Session, task: PeriodicTask, wanted: BackfillDocument, *, now: datetime) -> list[datetime]:
    """The occurrences to be run, oldest first. Raises: Invalid, InvalidTiming."""
    if wanted.end > now:
        raise Invalid.field("end", f"must not be in the future; it is {wire_instant(now)} now", wire_instant(now))
    terms = terms_of(task)
    found = list(islice(_occurrences(terms, wanted.start, wanted.end), MOST + 1))
    if len(found) > MOST:
        raise Invalid.field("end", f"makes it more than {MOST} occurrences; up to {MOST} can be run by one backfill")
    if not found or wanted.mode == "all":
        return found
    outcomes = stored.outcomes(session, task.id, found)
    if wanted.mode == "failed":
        newest = dict(outcomes)
        return [at for at in found if newest.get(at) in FAILED]
    run, undecided = {at for at, state in outcomes if state not in NOT_RUN}, _undecided_from(task, terms)
    return [at for at in found if at not in run and (undecided is None or at < undecided)]


def _occurrences(terms: Terms, start: datetime, end: datetime) -> Iterator[datetime]:
    """Those in [start, end), within the schedule's limits. A jitter says when to send, which is not asked here."""
    exact, at = replace(terms, jitter=timedelta(0)), start - TICK
    while (following := planning.first(exact, after=at)) is not None and following.occurrence_at < end:
        at = following.occurrence_at
        yield at


def _undecided_from(task: PeriodicTask, terms: Terms) -> datetime | None:
    """From where on Beat will decide the occurrences itself, though they have come; None when it will decide none."""
    if schedules.state_of(task) != "active":
        return None
    if task.next_run_at is None:
        return task.watermark + TICK
    return task.next_run_at if is_set_by_hand(task, terms) else task.next_occurrence_at


def _run(task: PeriodicTask, backfill: Backfill, at: datetime, *, now: datetime) -> dict[str, Any]:
    """A run that waits for its turn, however long: it has no deadline, and its message no time to live."""
    row = runs.new_run(
        task,
        run_id=uuid7(),
        origin=stored.origin_of(backfill.id),
        occurrence_at=at,
        fire_at=now,
        now=now,
        state="buffered",
        reason=f"waits for its turn in backfill {backfill.id}",
    )
    options = {"priority": LOWEST_PRIORITY} | row["options"]
    options.pop("expire_seconds", None)
    row |= {"options": options, "start_by": None, "expire_seconds": None}
    return row | {"decided_at": now, "decided_by": backfill.created_by}


def _progress(session: Session, backfill: Backfill) -> Progress:
    return Progress(backfill, stored.progress(session, backfill))


def _record(
    session: Session, backfill: Backfill, name: str, action: str, changes: dict[str, tuple[Any, Any]], actor: str
) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        subject_type="backfill",
        subject_id=backfill.id,
        subject_name=name,
        changes=changes,
    )
