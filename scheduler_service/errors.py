"""Every intended failure, as a tree. Each carries its facts and writes its own sentence.

Only the process edges translate these: `api/problems.py` into HTTP, `cli` into an exit code, the worker into a
run's outcome. `code` is stable: programs may compare it.
"""

from collections.abc import Collection
from dataclasses import dataclass


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
    """Somebody changed it since the caller read it. `subject` says what: "schedule 5"."""

    code = "revision_mismatch"

    def __init__(self, subject: str, *, expected: Collection[int], actual: int) -> None:
        wanted = " or ".join(str(revision) for revision in sorted(expected)) or "what was asked for"
        super().__init__(f"{subject[:1].upper()}{subject[1:]} is at revision {actual}, not {wanted}: read it again.")
        self.subject, self.expected, self.actual = subject, expected, actual


class RunNotFound(NotFound):
    """No run has this id."""

    code = "run_not_found"

    def __init__(self, run_id: object) -> None:
        super().__init__(f"No run has the id {run_id}.")


class CollectTaskNotFound(NotFound):
    """No collect task has this id."""

    code = "collect_task_not_found"

    def __init__(self, collect_task_id: int) -> None:
        super().__init__(f"No collect task has the id {collect_task_id}.")
        self.collect_task_id = collect_task_id


class CollectTaskNameTaken(Conflict):
    """Names of collect tasks are unique."""

    code = "name_taken"

    def __init__(self, name: str) -> None:
        super().__init__(f"A collect task named {name!r} exists already.")
        self.name = name


class CollectTaskInUse(Conflict):
    """Schedules run it: they would only fail without it."""

    code = "in_use"

    def __init__(self, collect_task_id: int, schedules: list[str]) -> None:
        super().__init__(f"Collect task {collect_task_id} is run by the schedules {_shown(schedules)}.")
        self.collect_task_id, self.schedules = collect_task_id, schedules


class CalendarNotFound(NotFound):
    """No calendar has this id."""

    code = "calendar_not_found"

    def __init__(self, calendar_id: int) -> None:
        super().__init__(f"No calendar has the id {calendar_id}.")
        self.calendar_id = calendar_id


class CalendarNameTaken(Conflict):
    """Names of calendars are unique."""

    code = "name_taken"

    def __init__(self, name: str) -> None:
        super().__init__(f"A calendar named {name!r} exists already.")
        self.name = name


class CalendarInUse(Conflict):
    """Schedules follow it: without it they would run on other days."""

    code = "in_use"

    def __init__(self, calendar_id: int, schedules: list[str]) -> None:
        super().__init__(f"Calendar {calendar_id} is used by the schedules {_shown(schedules)}.")
        self.calendar_id, self.schedules = calendar_id, schedules


class NotReady(ServiceError):
    """Something that the service needs is not there; each thing is named."""

    code = "not_ready"

    def __init__(self, problems: list[FieldProblem]) -> None:
        super().__init__("Not ready: " + "; ".join(f"{problem.field}: {problem.reason}" for problem in problems))
        self.problems = problems


def _shown(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:10])
    return shown + (f" and {len(names) - 10} more" if len(names) > 10 else "")


class RunFinished(Conflict):
    """What has ended cannot be ended."""

    code = "run_finished"

    def __init__(self, run_id: object, state: str) -> None:
        super().__init__(f"Run {run_id} is {state} already.")


class BackfillNotFound(NotFound):
    """No backfill has this id."""

    code = "backfill_not_found"

    def __init__(self, backfill_id: int) -> None:
        super().__init__(f"No backfill has the id {backfill_id}.")
        self.backfill_id = backfill_id


class BackfillDone(Conflict):
    """All its runs have ended: there is nothing left to cancel."""

    code = "backfill_done"

    def __init__(self, backfill_id: int) -> None:
        super().__init__(f"Backfill {backfill_id} is done already.")
        self.backfill_id = backfill_id


class RunUnfinished(Conflict):
    """What goes on cannot be tried again."""

    code = "run_unfinished"

    def __init__(self, run_id: object, state: str) -> None:
        super().__init__(f"Run {run_id} is {state}: it can be tried again when it has ended.")


# --- workloads ----------------------------------------------------------------------------------------------------


class TransientFailure(ServiceError):
    """It may well go right the next time: the worker tries again. `retry_after_seconds` is the other side's wish."""

    code = "transient"
    retry_after_seconds: float | None = None


class WarehouseBusy(TransientFailure):
    """Others held the warehouse for longer than the caller could wait."""

    code = "warehouse_busy"

    def __init__(self, waited_seconds: float) -> None:
        super().__init__(f"The warehouse is busy: no turn came within {waited_seconds:g} s.")
        self.waited_seconds = waited_seconds


class SourceUnreachable(TransientFailure):
    """No answer from the source: no connection, a broken one, or too slow."""

    code = "source_unreachable"

    def __init__(self, where: str, reason: str, *, attempts: int) -> None:
        super().__init__(f"{where} could not be reached in {attempts} attempts: {reason}.")
        self.where, self.reason, self.attempts = where, reason, attempts


class SourceUnavailable(TransientFailure):
    """The source answers, but not now: 429, 408 or 5xx after every attempt."""

    code = "source_unavailable"

    def __init__(self, where: str, status: int, *, attempts: int, retry_after_seconds: float | None = None) -> None:
        super().__init__(f"{where} answered {status} in each of {attempts} attempts.")
        self.where, self.status, self.attempts = where, status, attempts
        self.retry_after_seconds = retry_after_seconds


class FileUnsettled(TransientFailure):
    """A file is still being written."""

    code = "file_unsettled"

    def __init__(self, name: str) -> None:
        super().__init__(f"The file {name} is still being written to.")
        self.name = name


class CollectOverlapped(TransientFailure):
    """Another run of the same task loaded while this one was reading: what was read may be loaded already."""

    code = "collect_overlapped"

    def __init__(self, task_id: int) -> None:
        super().__init__(f"Another run of collect task {task_id} moved its cursor meanwhile; read again from there.")
        self.task_id = task_id


class DatasetNotFound(NotFound):
    """No dataset has this name."""

    code = "dataset_not_found"

    def __init__(self, name: str) -> None:
        super().__init__(f"No dataset is named {name!r}.")
        self.name = name


class CollectFailed(ServiceError):
    """A collect failed in a way that trying again will not mend."""

    code = "collect_failed"


class CollectCancelled(CollectFailed):
    """Somebody asked the run to stop; nothing was loaded."""

    code = "cancelled"

    def __init__(self) -> None:
        super().__init__("The collect was cancelled; nothing was loaded.")


class TimeLimitReached(CollectFailed):
    """The definition's own time limit."""

    code = "time_limit_reached"

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The collect did not end within its time limit of {seconds:g} s; nothing was loaded.")
        self.seconds = seconds


class TooManyRows(CollectFailed):
    """The source holds more than the definition allows."""

    code = "too_many_rows"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The source has more than max_rows = {limit} rows; nothing was loaded.")
        self.limit = limit


class TooManyColumns(CollectFailed):
    """Records whose field names are data, most likely."""

    code = "too_many_columns"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The records have more than {limit} different fields; are their names data?")
        self.limit = limit


class ColumnsAmbiguous(CollectFailed):
    """Two fields of one record that are the same column: names ignore case."""

    code = "columns_ambiguous"

    def __init__(self, names: list[str]) -> None:
        super().__init__(f"Two fields of one record are one column, since names ignore case: {', '.join(names)}.")
        self.names = names


class ConnectionUnknown(CollectFailed):
    """The operator has set no connection of this name."""

    code = "connection_unknown"

    def __init__(self, name: str) -> None:
        super().__init__(f"No connection is named {name!r}; an operator sets connections where the worker starts.")
        self.name = name


class AddressRefused(CollectFailed):
    """An outbound request to a place that is not public, and not allowed by the operator."""

    code = "address_refused"

    def __init__(self, host: str, address: str) -> None:
        super().__init__(f"{host} leads to {address}, which is not a public address, and no setting allows it.")
        self.host, self.address = host, address


class UrlRefused(CollectFailed):
    """A redirect or a next page to something that is not plain http or https."""

    code = "url_refused"

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where} is not followed: {reason}.")
        self.where, self.reason = where, reason


class RequestRefused(CollectFailed):
    """The source said no: a 4xx that waiting will not change."""

    code = "request_refused"

    def __init__(self, where: str, status: int, excerpt: str) -> None:
        super().__init__(f"{where} answered {status}: {excerpt}" if excerpt else f"{where} answered {status}.")
        self.where, self.status, self.excerpt = where, status, excerpt


class ResponseTooLarge(CollectFailed):
    """A body beyond the bound, as sent or as unpacked."""

    code = "response_too_large"

    def __init__(self, where: str, limit: int) -> None:
        super().__init__(f"{where} sent more than {limit} bytes.")
        self.where, self.limit = where, limit


class NotJson(CollectFailed):
    """An answer that is not JSON."""

    code = "not_json"

    def __init__(self, where: str, excerpt: str) -> None:
        super().__init__(f"{where} did not answer with JSON, but with: {excerpt or 'nothing'}")
        self.where, self.excerpt = where, excerpt


class RecordsNotFound(CollectFailed):
    """The JSONPath of the records leads nowhere."""

    code = "records_not_found"

    def __init__(self, where: str, path: str, found: list[str]) -> None:
        there = f"it has {', '.join(found)}" if found else "it is no object with fields"
        super().__init__(f"{where} has nothing at {path} in its answer; {there}.")
        self.where, self.path, self.found = where, path, found


class CursorUnusable(CollectFailed):
    """Incremental reading needs a value that can be ordered, in every record."""

    code = "cursor_unusable"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"The cursor field {field!r} cannot be used: {reason}.")
        self.field, self.reason = field, reason


class PathOutsideRoots(CollectFailed):
    """A path that leads, links followed, to where collects may not read."""

    code = "path_outside_roots"

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is not under a folder that collects may read (links followed).")
        self.path = path


class FileMissing(CollectFailed):
    """No such file or folder, or one that cannot be read."""

    code = "file_missing"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path} cannot be read: {reason}.")
        self.path, self.reason = path, reason


class FormatUnclear(CollectFailed):
    """The files do not tell by their endings what they are."""

    code = "format_unclear"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The source's format must be stated: {reason}.")
        self.reason = reason


class FileMalformed(CollectFailed):
    """A file that is not what it should be. `problems` are (line or None, what is wrong), the first twenty."""

    code = "file_malformed"

    def __init__(self, name: str, problems: list[tuple[int | None, str]], *, count: int | None = None) -> None:
        said = "; ".join(f"line {line}: {reason}" if line else reason for line, reason in problems)
        more = f" ({count} in all)" if count and count > len(problems) else ""
        super().__init__(f"{name} is malformed: {said}{more}.")
        self.name, self.problems = name, problems


class SchemaConflict(CollectFailed):
    """What came cannot be held by the columns that are there, nor by widening them."""

    code = "schema_conflict"

    def __init__(self, dataset: str, differences: list[str]) -> None:
        super().__init__(
            f"The dataset {dataset} cannot take what came: {'; '.join(differences)}. "
            "A full refresh would start it anew."
        )
        self.dataset, self.differences = dataset, differences


class SchemaFrozen(CollectFailed):
    """The contract is `freeze`, and what came differs. Every difference is listed: `+ new`, `- gone`, `~ changed`."""

    code = "schema_frozen"

    def __init__(self, dataset: str, differences: list[str]) -> None:
        super().__init__(f"The schema of {dataset} is frozen, and what came differs: {'; '.join(differences)}.")
        self.dataset, self.differences = dataset, differences


class MergeKeysUnusable(CollectFailed):
    """Rows to merge whose key is missing, NULL, or carried by two unlike rows."""

    code = "merge_keys_unusable"

    def __init__(self, dataset: str, key: tuple[str, ...], reason: str) -> None:
        super().__init__(f"Rows for {dataset} cannot be merged by {', '.join(key)}: {reason}.")
        self.dataset, self.key, self.reason = dataset, key, reason


class LoadFailed(CollectFailed):
    """The warehouse refused the rows, for a reason of its own."""

    code = "load_failed"

    def __init__(self, dataset: str, reason: str) -> None:
        super().__init__(f"{dataset} could not be loaded: {reason}")
        self.dataset, self.reason = dataset, reason
