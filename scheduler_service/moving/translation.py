"""What a job of another scheduler becomes here: a schedule, with what is different and what cannot be kept.

Nothing is guessed: what has no equal here is told, with what to do about it, and the job stays where it is.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from scheduler_service.client.apscheduler_fields import DEFAULT_GRACE, MOMENT, NotUnderstood, options_of, understood
from scheduler_service.errors import Invalid
from scheduler_service.moving.found import FoundCombination, FoundCron, FoundJob, FoundTrigger, Unreadable
from scheduler_service.moving.mapping import JobMapping, Mapping
from scheduler_service.moving.timing_translation import Refused, When, when_of
from scheduler_service.services import documents
from scheduler_service.services.fields import wire_instant
from scheduler_service.services.schedule_documents import ScheduleDocument, ScheduleFields

PAUSED = "paused where it comes from"
_UUID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Note:
    """What differs, or cannot be kept: a stable code, a sentence, and what to do, if there is anything."""

    code: str
    text: str
    remedy: str = ""


@dataclass(frozen=True)
class Translation:
    """The schedule that a job becomes, or why it becomes none. `losses` are what the schedule will not have."""

    document: ScheduleDocument | None
    notes: list[Note] = field(default_factory=list)
    losses: list[Note] = field(default_factory=list)
    #: Fields of the mapping that a person has yet to fill in.
    wanted: tuple[str, ...] = ()
    skipped: bool = False


def translate(job: FoundJob, mapping: Mapping) -> Translation:
    """What becomes of a job by a mapping."""
    said = mapping.of(job)
    if said.skip:
        return Translation(None, skipped=True)
    notes, losses = _told_of_and(job.trigger), [Note("unreadable", problem) for problem in job.problems]
    try:
        when = when_of(job)
    except Refused as why:
        return Translation(None, notes, losses=[*losses, Note(why.code, why.reason, why.remedy)])
    notes += [Note(*told) for told in when.notes]
    losses += [Note(*told) for told in when.losses]
    if wanted := _wanted(job, said):
        return Translation(None, notes, losses, wanted=wanted)
    more_notes, more_losses = _told_of_options(job)
    notes, losses = notes + more_notes, losses + more_losses
    try:
        document = documents.read(ScheduleDocument, _document(job, said, when))
    except Invalid as why:
        return Translation(None, notes, [*losses, Note("refused", f"It cannot be a schedule: {why}.")])
    return Translation(document, notes, losses)


def name_of(job: FoundJob) -> str:
    """The name that people gave the job; where they gave none, its id, or what it calls."""
    default = job.function.rpartition(":")[2] if job.function else None
    if job.name and job.name not in (default, default and default.rpartition(".")[2]):
        return job.name
    return f"{job.name or default or 'job'} {job.id[:8]}" if _UUID.fullmatch(job.id) else job.id


def _wanted(job: FoundJob, said: JobMapping) -> tuple[str, ...]:
    """What neither the job nor the mapping tells."""
    unreadable = [
        name
        for name in ("args", "kwargs")
        if isinstance(getattr(job, name), Unreadable) and getattr(said, name) is None
    ]
    return tuple(([] if said.task or job.task else ["task"]) + unreadable)


def _document(job: FoundJob, said: JobMapping, when: When) -> dict[str, Any]:
    known = {name: _on_the_wire(value) for name, value in job.fields.items() if name in ScheduleFields.model_fields}
    limits = {"start_time": when.start, "expires": when.end}
    document = {
        **known,
        **_options(job),
        "name": said.name or name_of(job),
        "task": said.task or job.task,
        "args": job.args if said.args is None else said.args,
        "kwargs": job.kwargs if said.kwargs is None else said.kwargs,
        "timing": when.timing,
        "jitter_seconds": when.jitter_seconds,
        **{name: wire_instant(at) for name, at in limits.items() if at is not None},
    }
    if said.queue is not None:
        document["queue"] = said.queue
    document["tags"] = [*known.get("tags", []), *said.tags]
    return document


def _on_the_wire(value: Any) -> Any:
    return wire_instant(value) if isinstance(value, datetime) else value


def _options(job: FoundJob) -> dict[str, Any]:
    """Whether it comes at all, and what becomes of late runs and of several at once."""
    paused = {"enabled": not job.paused, "paused_reason": PAUSED if job.paused else None}
    grace, several = job.misfire_grace_seconds, job.max_instances
    return paused | options_of(misfire_grace_time=grace, coalesce=job.coalesce, max_instances=several)


def _told_of_and(trigger: FoundTrigger) -> list[Note]:
    """Asked with the run before, each part of 3.11's `and` answers the same again, and no later instant is tried."""
    if not isinstance(trigger, FoundCombination):
        return []
    if trigger.how == "or":
        return [note for part in trigger.parts for note in _told_of_and(part)][:1]
    if all(_comes_as(part, trigger.parts[0]) for part in trigger.parts):
        return []
    text = (
        "Its parts do not always come together: once it has run, APScheduler 3.11 looks for its next instant for ever, "
        "and its whole process hangs, every other job with it."
    )
    return [Note("and_hangs", text, "Give that process one cron which says both, or hand this job over first.")]


def _comes_as(part: FoundTrigger, other: FoundTrigger) -> bool:
    """Whether both come at the same instants, however they say so."""
    if not (isinstance(part, FoundCron) and isinstance(other, FoundCron)):
        return part == other
    try:
        same = understood(part.fields) == understood(other.fields)
    except NotUnderstood:
        same = part.fields == other.fields
    return same and (part.timezone, part.start, part.end) == (other.timezone, other.start, other.end)


def _told_of_options(job: FoundJob) -> tuple[list[Note], list[Note]]:
    notes, losses = [], []
    grace, several = job.misfire_grace_seconds, job.max_instances
    if grace == DEFAULT_GRACE:
        notes.append(
            Note(
                "misfire",
                f"What was more than a second late was left out; here, what is more than {MOMENT} seconds late.",
                "For how late it is made up, and null for however late, see catchup_window_seconds.",
            )
        )
    if several is not None and several > 1:
        losses.append(
            Note(
                "max_instances",
                f"Up to {several} ran at once; here any number may.",
                "Bound it by the concurrency of the worker that serves its queue.",
            )
        )
    if job.paused:
        notes.append(Note("paused", "It is paused, and stays so."))
    unknown = sorted(job.fields.keys() - ScheduleFields.model_fields.keys())
    losses += [Note("field", f"Its {name} has no equal here.") for name in unknown]
    return notes, losses
