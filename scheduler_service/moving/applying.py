"""Making schedules of a plan: all in one transaction, and a second time nothing.

What was applied is kept with each schedule. So it can be told whether its job has changed since at the source, and
whether a person has changed the schedule here, who is never overwritten.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from scheduler_service.errors import Invalid, ScheduleNameTaken
from scheduler_service.moving.found import FoundInterval
from scheduler_service.moving.planning import APPLICABLE, MovePlan, Planned
from scheduler_service.services import documents, schedules
from scheduler_service.services.schedule_documents import ScheduleDocument, document_of, document_to_be
from scheduler_service.services.timing_documents import document_of_timing
from scheduler_service.storage import audit, moves, schedule_batches
from scheduler_service.storage.models import Move, PeriodicTask
from scheduler_service.storage.moves import MoveFilter
from scheduler_service.storage.session import Session

ACTOR = "migrate"
Became = Literal["created", "changed", "unchanged", "edited", "deleted", "refused", "left"]
#: What the road itself changes later, and a job's standing at the source no longer says.
_ROAD = frozenset({"shadow", "enabled", "paused_reason"})


@dataclass(frozen=True)
class Outcome:
    """What became of one job, and why not what might be expected."""

    source_id: str
    name: str
    became: Became
    why: str = ""


@dataclass(frozen=True)
class Wish:
    """How a plan is to be applied. `live`: at once for real, while the old scheduler may still run the jobs."""

    live: bool = False
    allow_unknown_task: bool = False
    dry_run: bool = False


def apply(session: Session, plan: MovePlan, wish: Wish, *, now: datetime) -> list[Outcome]:
    """Make the schedules that are not there yet, and change those whose jobs have changed; what became of each.

    Of two who apply at the same moment the second waits, and finds what the first has made.
    """
    audit.comes_from(session, ACTOR)
    moves.alone(session, plan.source)
    there = moves.search(session, MoveFilter(source=plan.source))
    known = {move.source_id: move for move in moves.lock(session, [move.id for move in there])}
    outcomes = [_Job(session, plan, planned, known.get(planned.job.id), wish, now).apply() for planned in plan.jobs]
    if wish.dry_run:
        session.rollback()
    return outcomes


@dataclass(frozen=True)
class _Job:
    """One job on its way in."""

    session: Session
    plan: MovePlan
    planned: Planned
    move: Move | None
    wish: Wish
    now: datetime

    def apply(self) -> Outcome:
        document = self.planned.document
        if self.planned.standing not in APPLICABLE or document is None:
            return self._leave()
        if self.move is None or self.move.state == "planned":
            return self._create(document)
        if self.move.periodic_task_id is None:
            return self._outcome("deleted", "its schedule was deleted here, and is not made again")
        task = schedules.get(self.session, self.move.periodic_task_id)
        return self._compare(task, document)

    def _leave(self) -> Outcome:
        """Enter it as planned, where there is still something to do about it."""
        standing = self.planned.standing
        if self.move is None and standing in ("to map", "not kept"):
            self._put(state="planned", note=standing)
        return self._outcome("left", standing)

    def _create(self, document: ScheduleDocument) -> Outcome:
        if schedule_batches.ids_of(self.session, [document.name]):
            why = f"a schedule named {document.name!r} is here already: give the job a `name` in the mapping"
            return self._refuse(why)
        wanted = self._as_wished(document, shadow=not self.wish.live)
        try:
            with self.session.begin_nested():
                task = schedules.create(self.session, wanted, actor=ACTOR, now=self.now)
        except (Invalid, ScheduleNameTaken) as why:
            return self._refuse(str(why))
        self._keep(task, document)
        planned_after = max(task.watermark, task.created_at)  # later than `now`, by as long as the others took
        state, since = ("live", None) if self.wish.live else ("shadow", planned_after)
        boundary = self.now if self.wish.live else None
        self._put(periodic_task_id=task.id, state=state, shadow_since=since, boundary_at=boundary, note=None)
        return self._outcome("created")

    def _compare(self, task: PeriodicTask, document: ScheduleDocument) -> Outcome:
        applied = (task.provenance or {}).get("applied", {})
        is_edited = bool(_differences(applied, document_of(task)))
        if not self._has_changed(applied, document):
            return self._outcome("unchanged", "it was edited here since" if is_edited else "")
        if is_edited or (self.move is not None and self.move.state == "live"):
            return self._outcome("edited", "its job has changed, and so was its schedule: change it by hand")
        kept = {"shadow": task.shadow, "enabled": task.enabled, "paused_reason": task.paused_reason}
        wanted = self._as_wished(document, **kept)
        try:
            with self.session.begin_nested():
                schedules.replace(self.session, task.id, wanted, expected=None, actor=ACTOR, now=self.now)
        except (Invalid, ScheduleNameTaken) as why:
            return self._refuse(str(why))
        self._keep(task, document)
        self._put()
        return self._outcome("changed")

    def _has_changed(self, applied: Mapping[str, Any], document: ScheduleDocument) -> bool:
        """An interval keeps the phase it was given: one that drifts has another at each look, a paused one none."""
        changes = set(_differences(applied, _normal(document, self.now)))
        job = self.planned.job
        if isinstance(job.trigger, FoundInterval) and (job.task is not None or job.next_run_at is None):
            changes -= {"start_time"}
        return bool(changes)

    def _keep(self, task: PeriodicTask, document: ScheduleDocument) -> None:
        job = self.planned.job
        origin = {"source": self.plan.source, "source_kind": self.plan.kind, "source_id": job.id}
        task.provenance = {**origin, "original": job.original, "applied": _normal(document, self.now)}

    def _put(self, **values: Any) -> None:
        job = self.planned.job
        place = {"source": self.plan.source, "source_kind": self.plan.kind, "source_id": job.id}
        told = {"name": self.planned.name, "original": job.original, "changed_at": self.now}
        moves.put(self.session, self.move, **place, **told, **values)

    def _as_wished(self, document: ScheduleDocument, **fields: Any) -> ScheduleDocument:
        return document.model_copy(update={"allow_unknown_task": self.wish.allow_unknown_task, **fields})

    def _refuse(self, why: str) -> Outcome:
        if self.move is None:
            self._put(state="planned", note=why)
        return self._outcome("refused", why)

    def _outcome(self, became: Became, why: str = "") -> Outcome:
        return Outcome(self.planned.job.id, self.planned.name, became, why)


def _normal(document: ScheduleDocument, now: datetime) -> dict[str, Any]:
    """The document as a schedule made of it will say it."""
    timing = document.timing.timing(document.start_time or now) if document.timing is not None else None
    return document_to_be(document, document_of_timing(timing) if timing is not None else None)


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Mapping[str, Any]:
    found = documents.differences(before, after)
    return {name: pair for name, pair in found.items() if name not in _ROAD}
