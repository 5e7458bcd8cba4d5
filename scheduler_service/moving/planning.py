"""A plan of the move: every job of a source, what it becomes, what it loses, and the proof that it comes when it did.

Planning only reads, and only from the source: it may be asked of a system that runs.
"""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from scheduler_service.moving.cron_timing import EPOCH
from scheduler_service.moving.found import FoundJob, Source
from scheduler_service.moving.mapping import Mapping
from scheduler_service.moving.proof import Proof, prove
from scheduler_service.moving.translation import Note, Translation, name_of, translate
from scheduler_service.services.schedule_documents import ScheduleDocument
from scheduler_service.timing.describe import describe

Standing = Literal["ready", "differs", "to map", "not kept", "over", "skipped"]
#: What can be applied.
APPLICABLE: tuple[Standing, ...] = ("ready", "differs")


@dataclass(frozen=True)
class Planned:
    """A job, and what becomes of it. `proof` is None where there is nothing to compare."""

    job: FoundJob
    translation: Translation
    proof: Proof | None
    standing: Standing

    @property
    def document(self) -> ScheduleDocument | None:
        return self.translation.document

    @property
    def name(self) -> str:
        """What the schedule will be called, or would be."""
        return name_of(self.job) if self.document is None else self.document.name

    @property
    def becomes(self) -> str:
        """When it will come, in words."""
        document = self.document
        if document is None or document.timing is None:
            return ""
        return describe(document.timing.timing(document.start_time or EPOCH))


@dataclass(frozen=True)
class MovePlan:
    """What the jobs of one source become."""

    source: str
    kind: str
    made_at: datetime
    jobs: list[Planned]

    @property
    def counts(self) -> dict[Standing, int]:
        """How many jobs there are of each standing."""
        return dict(Counter(planned.standing for planned in self.jobs))


def plan(source: Source, mapping: Mapping, *, now: datetime) -> MovePlan:
    """Plan the move of everything that the source holds. Raises: SourceAway, SourceNotUnderstood."""
    jobs = source.jobs()
    translations = _names_once([translate(job, mapping) for job in jobs])
    planned = [_planned(source, job, found, now=now) for job, found in zip(jobs, translations, strict=True)]
    return MovePlan(source.label, source.kind, now, sorted(planned, key=lambda one: (one.name, one.job.id)))


def _planned(source: Source, job: FoundJob, translation: Translation, *, now: datetime) -> Planned:
    if translation.document is None:
        return Planned(job, translation, None, _standing_without(translation))
    proof = prove(source, job, translation.document, after=now)
    if proof.is_over:
        return Planned(job, translation, proof, "over")
    same = proof.is_equal and not translation.losses
    return Planned(job, translation, proof, "ready" if same else "differs")


def _standing_without(translation: Translation) -> Standing:
    if translation.skipped:
        return "skipped"
    return "to map" if translation.wanted else "not kept"


def _names_once(translations: list[Translation]) -> list[Translation]:
    """Those that would have one name together have none: a person decides who is who."""
    names = Counter(found.document.name for found in translations if found.document is not None)
    return [
        _unnamed(found, found.document.name) if found.document is not None and names[found.document.name] > 1 else found
        for found in translations
    ]


def _unnamed(found: Translation, name: str) -> Translation:
    note = Note("name", f"Several jobs would be named {name!r}.", "Give each a `name` of its own in the mapping.")
    return replace(found, document=None, losses=[*found.losses, note], wanted=("name",))
