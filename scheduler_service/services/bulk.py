"""One deed on many schedules, some hundred in a transaction: nobody, and no Beat, waits for all of them.

Each schedule is told of: what it is now, or why not. A transaction that the database ends is tried once more, since a
deadlock with somebody else's statement looks like that; when it fails again, it and what was to come after it failed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from uuid_utils.compat import uuid7

from scheduler_service.errors import FieldProblem, Invalid, ScheduleFollowed, ScheduleNotFound, StoreAway
from scheduler_service.services import documents
from scheduler_service.services.fields import LARGEST_WHOLE, Document, Reason, Truth, nested
from scheduler_service.services.idempotency import Batch
from scheduler_service.services.schedule_documents import MOST_TAGS, Tag, document_of
from scheduler_service.services.schedule_filters import ScheduleFilters
from scheduler_service.storage import audit, chains, publishing, runs, schedule_batches, schedule_lists
from scheduler_service.storage.models import PeriodicTask
from scheduler_service.storage.schedule_lists import ScheduleFilter
from scheduler_service.storage.session import Database, Session

MOST = 10_000
CHUNK = 200

Action = Literal["pause", "resume", "trigger", "delete", "tag", "untag"]
Outcome = Literal["changed", "unchanged", "failed"]
Ids = Annotated[list[Annotated[int, Field(strict=True, ge=1, le=LARGEST_WHOLE)]], Field(min_length=1, max_length=MOST)]


class BulkDocument(Document):
    """What is done, and to which schedules: by ids, or to all that fit a filter."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"action": "pause", "filter": {"tag": ["shop"], "state": "active"}, "reason": "the shop moves"},
                {"action": "tag", "ids": [1, 2], "tags": ["night"], "dry_run": True},
            ]
        },
    )

    action: Action
    ids: Ids | None = None
    filter: ScheduleFilters | None = Field(default=None, validate_default=True, description=f"Fits {MOST} at most")
    reason: Reason | None = Field(default=None, description="Why they are paused")
    tags: Annotated[list[Tag], Field(max_length=MOST_TAGS)] | None = Field(
        default=None, validate_default=True, description="What `tag` adds and `untag` takes away"
    )
    dry_run: Truth = Field(default=False, description="Change nothing, and tell what would be")

    @field_validator("filter")
    @classmethod
    def _either(cls, fits: ScheduleFilters | None, info: ValidationInfo) -> ScheduleFilters | None:
        if fits is None and info.data.get("ids", ()) is None:
            raise nested([FieldProblem("filter", "is required, or ids")])
        if fits is not None and info.data.get("ids") is not None:
            raise PydanticCustomError("either", "is given in place of ids, not with them")
        return fits

    @field_validator("reason")
    @classmethod
    def _of_a_pause(cls, reason: str | None, info: ValidationInfo) -> str | None:
        if reason is not None and info.data.get("action") != "pause":
            raise PydanticCustomError("action", "is of the action pause")
        return reason

    @field_validator("tags")
    @classmethod
    def _of_tagging(cls, tags: list[str] | None, info: ValidationInfo) -> list[str] | None:
        tagging = info.data.get("action") in ("tag", "untag")
        if tags is not None and not tagging:
            raise PydanticCustomError("action", "are of the actions tag and untag")
        if tagging and not tags:
            raise nested([FieldProblem("tags" if tags is None else "", "is required")])
        return tags


@dataclass(frozen=True)
class Item:
    """What became of one schedule."""

    id: int
    name: str | None
    outcome: Outcome
    code: str | None = None
    detail: str | None = None


@dataclass(frozen=True)
class Deed:
    """A document with who acts, from where, and which batch of work it is."""

    document: BulkDocument
    actor: str
    source: str
    batch: Batch


def perform(database: Database, deed: Deed) -> list[Item]:
    """Do it, and tell of each schedule, by id. Raises: Invalid, where too many fit; StoreAway, with nothing done."""
    return sorted((item for items in steps(database, deed) for item in items), key=lambda item: item.id)


def steps(database: Database, deed: Deed) -> Iterator[list[Item]]:
    """Do it, and tell of some hundred schedules as soon as they are done. Raises: as `perform`, with nothing done."""
    ids = _chosen(database, deed.document)
    chunks = [ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK)]
    if deed.document.action == "delete":  # who runs after others was made after them, and goes before them
        chunks.reverse()
    for number, chunk in enumerate(chunks):
        try:
            items = _tried(database, chunk, deed)
        except StoreAway as why:
            if number == 0:
                raise
            left = (key for further in chunks[number:] for key in further)
            yield [_failed(key, why.code, "The database could not be reached.") for key in left]
            return
        yield items


def fitting(database: Database, wanted: ScheduleFilter) -> list[int]:
    """The ids of all that fit. Raises: Invalid, where they are too many to be changed at once."""
    with database.reading() as session:
        ids = schedule_lists.ids(session, wanted, limit=MOST + 1)
    if len(ids) > MOST:
        raise Invalid.field("filter", f"fits more than {MOST} schedules, and so many can be changed at once")
    return ids


def some_of(database: Database, ids: Sequence[int], *, limit: int) -> list[PeriodicTask]:
    """The first of those schedules, to show which they are."""
    with database.reading() as session:
        return schedule_batches.some(session, sorted(ids)[:limit], locked=False)


def _chosen(database: Database, document: BulkDocument) -> list[int]:
    if document.ids is not None:
        return sorted(set(document.ids))
    assert document.filter is not None
    return fitting(database, document.filter.wanted())


def _tried(database: Database, ids: Sequence[int], deed: Deed) -> list[Item]:
    try:
        return _transacted(database, ids, deed)
    except StoreAway:
        return _transacted(database, ids, deed)


def _transacted(database: Database, ids: Sequence[int], deed: Deed) -> list[Item]:
    """Some of them, in a transaction of their own."""
    dry = deed.document.dry_run
    with database.reading() if dry else database.transaction() as session:
        audit.comes_from(session, deed.source)
        found = schedule_batches.some(session, ids, locked=not dry)
        refused = _refused(session, found, deed.document)
        taken = [task for task in found if task.id not in refused]
        changes = _foreseen(taken, deed) if dry else _done(session, taken, deed)
        names = {task.id: task.name for task in found}
        return [_item(key, names, refused, changes) for key in ids]


def _item(key: int, names: dict[int, str], refused: dict[int, tuple[str, str]], changed: dict[int, Any]) -> Item:
    if key not in names:
        missing = ScheduleNotFound(key)
        return _failed(key, missing.code, str(missing))
    if key in refused:
        return Item(key, names[key], "failed", *refused[key])
    return Item(key, names[key], "changed" if key in changed else "unchanged")


def _failed(key: int, code: str, detail: str) -> Item:
    return Item(key, None, "failed", code, detail)


def _refused(session: Session, tasks: list[PeriodicTask], document: BulkDocument) -> dict[int, tuple[str, str]]:
    """Code and reason of those that the deed cannot be done to."""
    refused = {}
    for task in tasks:
        many = len(_edit(document, task).get("tags", ()))
        if many > MOST_TAGS:
            refused[task.id] = ("too_many_tags", f"It would have {many} tags; {MOST_TAGS} are allowed.")
    if document.action == "delete":
        going = {task.id for task in tasks}
        while found := chains.followers(session, going):  # those that stay keep what they follow
            followed = {key: ScheduleFollowed(key, names) for key, names in found.items()}
            refused |= {key: (why.code, str(why)) for key, why in followed.items()}
            going -= found.keys()
    return refused


#: {id: changes as the audit trail tells them}
Changes = dict[int, dict[str, tuple[Any, Any]]]


def _foreseen(tasks: list[PeriodicTask], deed: Deed) -> Changes:
    """What would change."""
    if deed.document.action in ("trigger", "delete"):
        return {task.id: {} for task in tasks}
    found = {task.id: _changes(task, _edit(deed.document, task)) for task in tasks}
    return {key: changes for key, changes in found.items() if changes}


def _done(session: Session, tasks: list[PeriodicTask], deed: Deed) -> Changes:
    """What has changed, the deed being done."""
    action = deed.document.action
    if action == "trigger":
        changes = _triggered(session, tasks, deed)
    elif action == "delete":
        changes = {task.id: documents.differences(document_of(task), {}) for task in tasks}
        schedule_batches.remove_all(session, [task.id for task in tasks])
    else:
        changes = _foreseen(tasks, deed)
        edits = {task.id: _edit(deed.document, task) for task in tasks if task.id in changes}
        schedule_batches.update_all(session, edits)
    told = [(task.id, task.name, changes[task.id]) for task in tasks if task.id in changes]
    audit.record_all(session, actor=deed.actor, action=_AUDITED.get(action, action), schedules=told)
    return changes


#: A tag is a field like others.
_AUDITED = {"tag": "patch", "untag": "patch"}


def _edit(document: BulkDocument, task: PeriodicTask) -> dict[str, Any]:
    """The columns as they will be."""
    tags = document.tags or []
    match document.action:
        case "pause":
            kept = None if task.enabled else task.paused_reason
            return {"enabled": False, "paused_reason": document.reason or kept}
        case "resume":
            return {"enabled": True, "paused_reason": None}
        case "tag":
            return {"tags": list(dict.fromkeys([*task.tags, *tags]))}
        case "untag":
            return {"tags": [tag for tag in task.tags if tag not in tags]}
        case _:
            return {}


def _changes(task: PeriodicTask, edit: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    return documents.differences({name: getattr(task, name) for name in edit}, edit)


def _triggered(session: Session, tasks: list[PeriodicTask], deed: Deed) -> Changes:
    """A run of each; of a batch that is repeated, of those that have none of it yet."""
    origin, now = f"manual:{deed.batch.id}", deed.batch.began_at
    made: dict[UUID, int] = {}
    rows = []
    for task in tasks:
        run_id = uuid7()
        made[run_id] = task.id
        row = runs.new_run(task, run_id=run_id, origin=origin, occurrence_at=now, fire_at=now, now=now)
        rows.append(row | {"decided_at": now, "decided_by": deed.actor})
    inserted = publishing.insert_runs(session, rows)
    return {made[run_id]: {"run": (None, str(run_id))} for run_id in inserted}
