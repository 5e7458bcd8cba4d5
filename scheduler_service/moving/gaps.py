"""When a job may change hands: at an instant with none of its occurrences near, while no run of it goes on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from scheduler_service.moving.found import FoundJob, NoInstants, Source
from scheduler_service.storage import moves, observed_runs, runs, schedules
from scheduler_service.storage.models import Move, PeriodicTask
from scheduler_service.storage.session import Database
from scheduler_service.storage.timings import terms_of
from scheduler_service.timing import planning

FORGOTTEN_AFTER = timedelta(
    days=1
)  # a run that began before that, and of whose end nothing was told, is not waited for


@dataclass(frozen=True)
class Standing:
    """A move as it is now, with both sides of it."""

    move: Move
    task: PeriodicTask
    job: FoundJob | None
    why_not: str | None


def look(
    database: Database,
    source: Source,
    jobs: Mapping[str, FoundJob],
    wanted: Sequence[Move],
    *,
    margin: timedelta,
    back: bool = False,
    overdue_too: bool = False,
) -> list[Standing]:
    """Each move, and why it may not change hands `margin` from now; `back`: from here to the source.

    The jobs are those that were found there when the step began: to read them anew takes longer than many a gap.
    """
    now = database.clock.now()
    with database.reading() as session:
        found = {move.id: move for move in moves.search(session, moves.MoveFilter(source=source.label))}
        current = [found[move.id] for move in wanted if move.id in found]
        tasks = {key: schedules.get(session, key) for key in moves.schedules_of(session, current)}
        ids = [move.source_id for move in current]
        there = observed_runs.going_on(session, source.label, ids, since=now - FORGOTTEN_AFTER)
        here = {key for key, one in runs.occupied(session, list(tasks)).items() if one.unfinished or one.buffered}
        waits = {} if back or overdue_too else source.waits(ids)
        standings = []
        for move in current:
            task = tasks.get(move.periodic_task_id or 0)
            if task is None:
                continue
            job = jobs.get(move.source_id)
            busy = _busy(move, task, there, here, now=now, back=back) or _overdue(
                waits.get(move.source_id), now - margin - timedelta(seconds=task.jitter_seconds)
            )
            standings.append(Standing(move, task, job, busy or _too_near(source, task, job, now, margin)))
    return standings


def first_after(task: PeriodicTask, after: datetime) -> datetime | None:
    """The first occurrence of the schedule after an instant."""
    if task.completed_reason is not None or not task.enabled:
        return None
    found = planning.first(terms_of(task), after=after)
    return found.occurrence_at if found is not None else None


def _busy(
    move: Move, task: PeriodicTask, there: Mapping[str, datetime], here: set[int], *, now: datetime, back: bool
) -> str | None:
    """What goes on would be overlapped by the first run of the other side, which cannot know of it."""
    if back:
        if task.id in here:
            return "a run of it goes on here"
        behind = (
            task.completed_reason is None and task.enabled and (task.next_run_at is None or task.next_run_at <= now)
        )
        return "Beat has not decided yet what is due" if behind else None
    began = there.get(move.source_id)
    if began is None or task.overlap_policy == "allow_all":
        return None
    return f"it goes on at the source since {began:%Y-%m-%d %H:%M:%S}Z"


def _overdue(waits_for: datetime | None, before: datetime) -> str | None:
    """What a scheduler that is down has not run, it runs when it starts again, if its job is still there."""
    if waits_for is None or waits_for >= before:
        return None
    return f"its source has not run what was due at {waits_for:%Y-%m-%d %H:%M:%S}Z: see that its scheduler runs"


def _too_near(source: Source, task: PeriodicTask, job: FoundJob | None, now: datetime, margin: timedelta) -> str | None:
    """No occurrence from a margin ago (or its jitter: it may be sent yet) until a margin after the boundary."""
    jitter = timedelta(seconds=task.jitter_seconds)
    clear_until = now + 2 * margin
    ours = first_after(task, now - margin - jitter)
    theirs = _next_there(source, job, now - margin - jitter)
    nearest = min((at for at in (ours, theirs) if at is not None), default=None)
    if nearest is not None and nearest <= clear_until:
        return f"an occurrence of it is near: {nearest:%Y-%m-%d %H:%M:%S}Z"
    return None


def _next_there(source: Source, job: FoundJob | None, after: datetime) -> datetime | None:
    """What its timing says; where that cannot be asked, what the store said came next, while that is to come."""
    if job is None or job.paused:
        return None
    try:
        return next(iter(source.instants(job, after=after, count=1)), None)
    except NoInstants:
        return job.next_run_at if job.next_run_at is not None and job.next_run_at > after else None
