"""Jobs that run on both sides: live here, and resumed at their source.

A process that calls `add_job(…, replace_existing=True)` when it starts resumes what a cut-over has paused.
"""

from collections.abc import Mapping, Sequence

from scheduler_service.errors import ServiceError
from scheduler_service.moving.found import Source
from scheduler_service.moving.road import ACTOR, Outcome
from scheduler_service.storage import audit, moves, schedules
from scheduler_service.storage.models import Move
from scheduler_service.storage.session import Database


def run_twice(wanted: Sequence[Move], paused: Mapping[str, bool]) -> list[Move]:
    """Those that both sides run."""
    return [move for move in wanted if move.state == "live" and move.intention is None and not paused[move.source_id]]


def pause_again(database: Database, source: Source, wanted: Sequence[Move]) -> list[Outcome]:
    """Pause them at their source, at any instant: all of their occurrences are run here. Raises: StoreAway."""
    if not wanted:
        return []
    try:
        source.pause([move.source_id for move in wanted])
    except ServiceError as why:
        return [Outcome(move.source_id, move.name, "left", str(why)) for move in wanted]
    with database.transaction() as session:
        now = database.clock.now()
        audit.comes_from(session, ACTOR)
        for move in moves.lock(session, [move.id for move in wanted]):
            move.paused_at, move.changed_at, move.note = move.paused_at or now, now, None
            task = schedules.get(session, move.periodic_task_id or 0)
            audit.record(
                session, actor=ACTOR, action="cutover", subject_type="schedule", subject_id=task.id,
                subject_name=task.name, changes={"source": (None, move.source)},
            )  # fmt: skip
    told = "it was resumed at its source, and is paused there again"
    return [Outcome(move.source_id, move.name, "live", told, move.boundary_at) for move in wanted]
