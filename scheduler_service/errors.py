"""Every intended failure, as a tree. Each carries its facts and writes its own sentence.

Only the process edges translate these: `api/problems.py` into HTTP, `cli` into an exit code, the worker into a
run's outcome. `code` is stable: programs may compare it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any


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


class Malformed(ServiceError):
    """What was sent is not in the language that it claims to be in."""

    code = "malformed"


class Unauthenticated(ServiceError):
    """No key, or one that is not known."""

    code = "unauthenticated"


class Forbidden(ServiceError):
    """The caller is known, and may not do this."""

    code = "forbidden"


class RoleTooLow(Forbidden):
    """It takes a higher role."""

    def __init__(self, *, needed: str, role: str) -> None:
        super().__init__(f"This needs the role {needed}; yours is {role}.")
        self.needed, self.role = needed, role


class CrossSite(Forbidden):
    """A browser sent its session cookie along with what a page of ours did not ask for."""

    code = "cross_site"


class NoRole(Forbidden):
    """The identity provider knows them, and gives them no role here."""

    code = "no_role"

    def __init__(self, actor: str) -> None:
        super().__init__(f"{actor} signed in, and has no role here: nothing that the provider says maps to one.")
        self.actor = actor


class TooManyRequests(ServiceError):
    """More than the limit allows; `retry_after_seconds` is when there is room again."""

    code = "too_many_requests"

    def __init__(self, what: str, *, per_minute: int, retry_after_seconds: float) -> None:
        super().__init__(f"Too many {what}: {per_minute} a minute are allowed.")
        self.per_minute, self.retry_after_seconds = per_minute, retry_after_seconds


class StreamsFull(ServiceError):
    """As many streams are open as this process carries."""

    code = "too_many_streams"

    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} event streams are open already, which is as many as this process carries.")
        self.limit = limit


class SignInFailed(Unauthenticated):
    """The identity provider did not vouch for them."""

    code = "sign_in_failed"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The sign-in failed: {reason}. Start it again.")
        self.reason = reason


class ProviderAway(ServiceError):
    """The identity provider cannot be asked right now."""

    code = "provider_away"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The identity provider cannot be used: {reason}.")
        self.reason = reason


class KeyNotFound(NotFound):
    """No API key has this id."""

    code = "key_not_found"

    def __init__(self, key_id: int) -> None:
        super().__init__(f"No key has the id {key_id}.")
        self.key_id = key_id


class SessionNotFound(NotFound):
    """No session has this id, or not any more."""

    code = "session_not_found"

    def __init__(self, session_id: int) -> None:
        super().__init__(f"No session has the id {session_id}.")
        self.session_id = session_id


class KeyNameTaken(Conflict):
    """Names of keys are unique, those of revoked ones too: the audit trail names them."""

    code = "name_taken"

    def __init__(self, name: str) -> None:
        super().__init__(f"A key named {name!r} exists already, or did until it was revoked.")
        self.name = name


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
    """Somebody changed it since the caller read it. `subject` says what: "schedule 5"; `current` is what it is now."""

    code = "revision_mismatch"

    def __init__(self, subject: str, *, expected: Collection[int], current: Mapping[str, Any]) -> None:
        wanted = " or ".join(str(revision) for revision in sorted(expected)) or "what was asked for"
        actual = current["revision"]
        super().__init__(f"{subject[:1].upper()}{subject[1:]} is at revision {actual}, not {wanted}: read it again.")
        self.subject, self.expected, self.current = subject, expected, current


class RevisionUnsaid(ServiceError):
    """The caller must say which revision they have read. `current` is what it is now."""

    code = "if_match_required"

    def __init__(self, subject: str, *, current: Mapping[str, Any]) -> None:
        super().__init__(
            f"Send If-Match with the ETag of {subject} as you have read it; it is at revision {current['revision']}."
        )
        self.subject, self.current = subject, current


class ScheduleFollowed(Conflict):
    """Other schedules run after it: without it they would never run."""

    code = "in_use"

    def __init__(self, schedule_id: int, followers: list[str]) -> None:
        super().__init__(f"The schedules {_shown(followers)} run after schedule {schedule_id}.")
        self.schedule_id, self.followers = schedule_id, followers


class ImportOvertaken(Conflict):
    """Somebody made a schedule of one of the names while the import was under way."""

    code = "import_overtaken"

    def __init__(self) -> None:
        super().__init__("A schedule with one of these names was made meanwhile, and nothing is imported: try again.")


class IdempotencyKeyReused(Conflict):
    """The caller has sent another request with this key."""

    code = "idempotency_key_reused"

    def __init__(self, key: str) -> None:
        super().__init__(f"The Idempotency-Key {key!r} came with another request: each needs one of its own.")
        self.key = key


class RequestUnderWay(Conflict):
    """The first request with this key has not been answered yet."""

    code = "request_under_way"
    retry_after_seconds = 2

    def __init__(self, key: str) -> None:
        super().__init__(f"The first request with the Idempotency-Key {key!r} is still under way: ask again later.")
        self.key = key


class RunNotFound(NotFound):
    """No run has this id."""

    code = "run_not_found"

    def __init__(self, run_id: object) -> None:
        super().__init__(f"No run has the id {run_id}.")


class DefinitionNotFound(NotFound):
    """No collect task, calendar, … has this id: `noun` says which."""

    def __init__(self, noun: str, definition_id: int) -> None:
        super().__init__(f"No {noun} has the id {definition_id}.")
        self.code = f"{noun.replace(' ', '_')}_not_found"
        self.noun, self.definition_id = noun, definition_id


class DefinitionNameTaken(Conflict):
    """Names are unique among definitions of a kind."""

    code = "name_taken"

    def __init__(self, noun: str, name: str) -> None:
        super().__init__(f"A {noun} named {name!r} exists already.")
        self.noun, self.name = noun, name


class DefinitionInUse(Conflict):
    """Schedules use it: without it they would fail, or run on other days."""

    code = "in_use"

    def __init__(self, noun: str, definition_id: int, schedules: list[str]) -> None:
        super().__init__(f"{noun.capitalize()} {definition_id} is used by the schedules {_shown(schedules)}.")
        self.noun, self.definition_id, self.schedules = noun, definition_id, schedules


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


class ScheduleIsShadow(Conflict):
    """What another scheduler runs must not be run by us as well."""

    code = "schedule_is_shadow"

    def __init__(self, schedule_id: int) -> None:
        super().__init__(f"Schedule {schedule_id} is a shadow: it only records what it would run. Make it live first.")
        self.schedule_id = schedule_id


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


class ConnectionUnknown(NotFound):
    """The operator has set no connection of this name."""

    code = "connection_unknown"

    def __init__(self, name: str) -> None:
        super().__init__(f"No connection is named {name!r}; an operator sets connections where the service starts.")
        self.name = name


class ConnectionUnfit(Conflict):
    """There is such a connection, of another kind than the work needs."""

    code = "connection_unfit"

    def __init__(self, name: str, *, kind: str, needed: str) -> None:
        super().__init__(f"The connection {name!r} is of the kind {kind}; this needs one of the kind {needed}.")
        self.name, self.kind, self.needed = name, kind, needed


class ConnectionBroken(ServiceError):
    """A connection that was tried, and does not work."""

    code = "connection_broken"

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"The connection {name} does not work: {reason}.")
        self.name, self.reason = name, reason


class WarehouseAway(TransientFailure):
    """The warehouse is a server, and it cannot be reached or has ended the connection."""

    code = "warehouse_away"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The warehouse cannot be reached: {reason}.")
        self.reason = reason


class DatasetUnreadable(Conflict):
    """A view whose query fails, or does not answer in time."""

    code = "dataset_unreadable"

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"The rows of the view {name} cannot be read: {reason}.")
        self.name, self.reason = name, reason


class Cancelled(ServiceError):
    """Somebody asked the run to stop; nothing was changed."""

    code = "cancelled"

    def __init__(self) -> None:
        super().__init__("It was cancelled; nothing was changed.")


class TimeLimitReached(ServiceError):
    """The definition's own time limit."""

    code = "time_limit_reached"

    def __init__(self, seconds: float) -> None:
        super().__init__(f"It did not end within its time limit of {seconds:g} s; nothing was changed.")
        self.seconds = seconds


class SqlRefused(ServiceError):
    """SQL of a person's that may not run; `reason` goes on from the name of what holds it."""

    code = "sql_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The SQL {reason}.")
        self.reason = reason


class QueryFailed(ServiceError):
    """The engine refused a person's SQL, or gave up on it. `what` is the step or the section it belongs to."""

    code = "query_failed"

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what}: {reason}")
        self.what, self.reason = what, reason


class WorkDied(ServiceError):
    """The process that did the work ended in the middle of it; nothing was changed."""

    code = "work_died"

    def __init__(self, how: str) -> None:
        super().__init__(f"The process that did the work {how}; nothing was changed.")
        self.how = how


class PipelineUnfit(ServiceError):
    """A pipeline that cannot run as things are: each reason names its step."""

    code = "pipeline_unfit"

    def __init__(self, problems: list[str]) -> None:
        super().__init__(f"The pipeline cannot run: {'; '.join(problems)}.")
        self.problems = problems


class ChecksFailed(ServiceError):
    """Checks of a pipeline found what must not be; nothing was changed."""

    code = "checks_failed"

    def __init__(self, failures: list[str]) -> None:
        super().__init__(f"Nothing was changed, since checks failed: {'; '.join(failures)}.")
        self.failures = failures


class ArtifactNotFound(NotFound):
    """No artifact has this id, or not any more."""

    code = "artifact_not_found"

    def __init__(self, artifact_id: object) -> None:
        super().__init__(f"No artifact has the id {artifact_id}.")
        self.artifact_id = artifact_id


class ArtifactsKept(Conflict):
    """The run has kept its artifacts already: another attempt was not as dead as it was thought to be."""

    code = "artifacts_kept"

    def __init__(self, run_id: object) -> None:
        super().__init__(f"The run {run_id} has kept its artifacts already.")
        self.run_id = run_id


class ArtifactFileMissing(NotFound):
    """The row is there, the file is not: it was made on another host, or somebody took it."""

    code = "artifact_file_missing"

    def __init__(self, artifact_id: object) -> None:
        super().__init__(f"The file of the artifact {artifact_id} is not in this host's data directory.")
        self.artifact_id = artifact_id


class DeliveryNotFound(NotFound):
    """No delivery has this id."""

    code = "delivery_not_found"

    def __init__(self, delivery_id: int) -> None:
        super().__init__(f"No delivery has the id {delivery_id}.")
        self.delivery_id = delivery_id


class DeliveryFailed(ServiceError):
    """The other side did not take it; `transient`: it may do so later."""

    code = "delivery_failed"

    def __init__(self, place: str, reason: str, *, transient: bool) -> None:
        super().__init__(f"{place}: {reason}")
        self.place, self.reason, self.transient = place, reason, transient


class PreviewsFull(ServiceError):
    """As many previews are being made as this process makes at once."""

    code = "too_many_previews"
    retry_after_seconds = 2

    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} previews are being made already: ask again in a moment.")


class CollectFailed(ServiceError):
    """A collect failed in a way that trying again will not mend."""

    code = "collect_failed"


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


class SqlSourceFailed(CollectFailed):
    """The database that a collect reads from refused the query, or gave what cannot be read."""

    code = "sql_source_failed"

    def __init__(self, connection: str, reason: str) -> None:
        super().__init__(f"The connection {connection} did not give what was asked for: {reason}.")
        self.connection, self.reason = connection, reason


class PythonSourceFailed(CollectFailed):
    """The installed callable is not there, or raised; its own exception is the cause."""

    code = "python_source_failed"

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"The Python source {name!r} failed: {reason}.")
        self.name, self.reason = name, reason


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


# --- moving from another scheduler: the mapping -------------------------------------------------------------------


class SourceAway(ServiceError):
    """The other scheduler's store does not answer, or is not there."""

    code = "source_away"

    def __init__(self, source: str, why: str) -> None:
        super().__init__(f"{source} cannot be reached: {why}.")
        self.source, self.why = source, why


class SourceNotUnderstood(ServiceError):
    """What is there is not what the source is said to be, or of a version that is not known."""

    code = "source_not_understood"

    def __init__(self, source: str, why: str) -> None:
        super().__init__(f"{source} is not understood: {why}.")
        self.source, self.why = source, why


class SourceReadOnly(ServiceError):
    """Its jobs cannot be paused from here; what a person has to do instead."""

    code = "source_read_only"

    def __init__(self, source: str, instead: str) -> None:
        super().__init__(f"{source} is only read: {instead}.")
        self.source, self.instead = source, instead


class PickleNotTrusted(ServiceError):
    """It takes what is in a pickle, which is opened only when a person says so."""

    code = "pickle_not_trusted"

    def __init__(self, source: str, what: str) -> None:
        super().__init__(f"{source}: {what} is in a pickle, which is opened only with --trust-pickle.")
        self.source, self.what = source, what


class MappingWrong(ServiceError):
    """A mapping file says what it may not; each mistake with its line."""

    code = "mapping_wrong"

    def __init__(self, file: str, mistakes: list[str]) -> None:
        super().__init__(f"{file} is no mapping: {'; '.join(mistakes)}.")
        self.file, self.mistakes = file, mistakes
