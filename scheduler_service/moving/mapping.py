"""The mapping file: what each function of the old scheduler is called here, drafted by a plan, completed by a person.

A job is found by its id, else by its function; what its id says counts over what its function says.
"""

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import Field

from scheduler_service.errors import FieldProblem, Invalid, Malformed, MappingWrong
from scheduler_service.moving.found import FoundJob, Unreadable
from scheduler_service.services import documents, yaml_documents
from scheduler_service.services.fields import Document, JsonList, JsonObject, Line, Truth
from scheduler_service.services.schedule_documents import Tag
from scheduler_service.services.yaml_lines import line_of, lines_of

VERSION: Literal[1] = 1
_SHOWN = 3  # ids of jobs in a comment of the draft


class JobMapping(Document):
    """What a job becomes; what is left out is as the job itself says."""

    task: Line | None = None
    args: JsonList | None = None
    kwargs: JsonObject | None = None
    queue: Line | None = None
    name: Line | None = None
    tags: list[Tag] = Field(default_factory=list)
    skip: Truth = False


class Mapping(Document):
    """A whole file. `allow`: modules that a trusted pickle may name."""

    version: Literal[1] = VERSION
    source: str | None = None
    jobs: dict[str, JobMapping] = Field(default_factory=dict)
    allow: list[Line] = Field(default_factory=list)

    def of(self, job: FoundJob) -> JobMapping:
        """What the file says of a job; nothing at all is an empty mapping."""
        said: dict[str, Any] = {}
        for key in (job.function, job.id):
            if key is not None and (found := self.jobs.get(key)) is not None:
                said |= {name: getattr(found, name) for name in found.model_fields_set}
        return JobMapping(**said)


def read(text: str, *, file: str) -> Mapping:
    """The mapping that a file holds. Raises: MappingWrong, naming the line of each mistake."""
    try:
        return documents.read(Mapping, yaml_documents.read(text.encode()))
    except Malformed as why:
        raise MappingWrong(file, [str(why)]) from None
    except Invalid as why:
        lines = lines_of(text)
        raise MappingWrong(file, [_told(problem, line_of(lines, problem.field)) for problem in why.problems]) from None


def draft(jobs: Iterable[FoundJob], *, source: str) -> str:
    """A file to be completed: an entry for each function, and for each job that cannot do without one of its own."""
    by_function: dict[str, list[FoundJob]] = {}
    alone: list[FoundJob] = []
    for job in jobs:
        if job.task is None and job.function is not None:
            by_function.setdefault(job.function, []).append(job)
        if _is_unreadable(job):
            alone.append(job)
    lines = [
        "# What each job becomes. Give every `task` the name of a Celery task; `skip: true` leaves a job where it is.",
        "# A key is a function, or the id of one job; `args`, `kwargs`, `queue`, `name` and `tags` may be given, too.",
        yaml_documents.written({"version": VERSION, "source": source}).rstrip(),
        "allow: []  # modules that a pickle may name, where it is read with --trust-pickle",
        "jobs:" if by_function or alone else "jobs: {}",
    ]
    for function in sorted(by_function):
        lines += _entry(function, by_function[function], {"task": None})
    for job in alone:
        lines += _entry(job.id, [job], _left_open(job))
    return "\n".join(lines) + "\n"


def _entry(key: str, jobs: list[FoundJob], open_fields: dict[str, Any]) -> list[str]:
    names = ", ".join(repr(job.id) for job in jobs[:_SHOWN]) + (", …" if len(jobs) > _SHOWN else "")
    entry = yaml_documents.written({key: open_fields}).rstrip().splitlines()
    return [f"  # {len(jobs)} {'job' if len(jobs) == 1 else 'jobs'}: {names}", *(f"  {line}" for line in entry)]


def _is_unreadable(job: FoundJob) -> bool:
    return bool(_left_open(job)) and not isinstance(job.trigger, Unreadable)


def _left_open(job: FoundJob) -> dict[str, Any]:
    """The fields that the store does not tell of one job."""
    found: dict[str, Any] = {} if job.task or job.function else {"task": None}
    found |= {name: None for name in ("args", "kwargs") if isinstance(getattr(job, name), Unreadable)}
    return found


def _told(problem: FieldProblem, line: int | None) -> str:
    return f"{f'line {line}: ' if line else ''}{problem.field} {problem.reason}"
