"""Every intended failure, as a tree. Each carries its facts and writes its own sentence.

Only the process edges translate these: `api/problems.py` into HTTP, `cli` into an exit code, the worker into a
run's outcome. `code` is stable: programs may compare it.
"""

from dataclasses import dataclass
from datetime import datetime


class ServiceError(Exception):
    """The root: anything this service fails with on purpose."""

    code = "error"


@dataclass(frozen=True)
class FieldProblem:
    """What is wrong with one field of an input: where, why, and what a right one looks like."""

    field: str
    reason: str
    example: str | None = None


class Invalid(ServiceError):
    """The input is wrong; every bad field is named."""

    code = "invalid"

    def __init__(self, problems: list[FieldProblem]) -> None:
        super().__init__("; ".join(f"{problem.field}: {problem.reason}" for problem in problems))
        self.problems = problems

    @classmethod
    def field(cls, field: str, reason: str, example: str | None = None) -> "Invalid":
        return cls([FieldProblem(field, reason, example)])


class NotFound(ServiceError):
    """What was asked for does not exist."""

    code = "not_found"


class Conflict(ServiceError):
    """The request is right in itself but does not fit what is there."""

    code = "conflict"


class Unauthenticated(ServiceError):
    """No key, or one that is not known."""

    code = "unauthenticated"


class StoreAway(ServiceError):
    """The service's database cannot be reached right now."""

    code = "database_away"


# --- starting a process -------------------------------------------------------------------------------------------


class CannotStart(ServiceError):
    """A process cannot start; the sentence says what to mend."""

    code = "cannot_start"


# --- timing -------------------------------------------------------------------------------------------------------


class InvalidTiming(Invalid):
    """A timing that names no instants, or is not understood."""

    code = "invalid_timing"


# --- schedules and runs -------------------------------------------------------------------------------------------


class ScheduleNotFound(NotFound):
    """No schedule has this id."""

    code = "schedule_not_found"

    def __init__(self, schedule_id: int) -> None:
        super().__init__(f"No schedule has the id {schedule_id}.")
        self.schedule_id = schedule_id


class ScheduleNameTaken(Conflict):
    """Names of schedules are unique."""

    code = "name_taken"

    def __init__(self, name: str) -> None:
        super().__init__(f"A schedule named {name!r} exists already.")
        self.name = name


class RevisionMismatch(ServiceError):
    """Somebody changed the schedule since the caller read it."""

    code = "revision_mismatch"

    def __init__(self, schedule_id: int, *, expected: int, actual: int) -> None:
        super().__init__(f"Schedule {schedule_id} is at revision {actual}, not {expected}: read it again.")
        self.schedule_id, self.expected, self.actual = schedule_id, expected, actual


class RunNotFound(NotFound):
    """No run has this id."""

    code = "run_not_found"

    def __init__(self, run_id: object) -> None:
        super().__init__(f"No run has the id {run_id}.")


class OccurrenceTaken(Conflict):
    """An occurrence of a schedule has one run, and has it already."""

    code = "occurrence_taken"

    def __init__(self, schedule_id: int, occurrence_at: datetime) -> None:
        super().__init__(f"Schedule {schedule_id} already has a run for {occurrence_at.isoformat()}.")


# --- workloads ----------------------------------------------------------------------------------------------------
