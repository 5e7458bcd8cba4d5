"""What a person may do with collect tasks, in the caller's transaction."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from scheduler_service.errors import CollectTaskInUse
from scheduler_service.services import documents, paging
from scheduler_service.services.fields import Document, Line, Prose, checked_json
from scheduler_service.services.paging import Page
from scheduler_service.services.revisions import Expected, require_revision
from scheduler_service.storage import audit
from scheduler_service.storage import collect_tasks as stored
from scheduler_service.storage.models import CollectTask
from scheduler_service.storage.session import Session
from scheduler_service.workloads.collect.definitions import CollectDefinition

LISTING = "collect tasks"


class CollectTaskDocument(Document):
    """From where, into which dataset, and how."""

    name: Line = Field(examples=["orders of the shop"])
    description: Prose = ""
    definition: Annotated[CollectDefinition, BeforeValidator(checked_json)]


def get(session: Session, collect_task_id: int) -> CollectTask:
    """Raises: CollectTaskNotFound."""
    return stored.get(session, collect_task_id)


def search(session: Session, *, q: str | None, limit: int, cursor: str | None) -> Page[CollectTask]:
    """A page of collect tasks, by name. Raises: Invalid, for a cursor of another list."""
    after = paging.decode(LISTING, cursor, (str, int)) if cursor is not None else None
    rows = stored.search(session, q=q, limit=limit + 1, after=(after[0], after[1]) if after else None)
    return paging.page_of(rows, limit=limit, listing=LISTING, place=lambda task: (task.name, task.id))


def create(session: Session, document: CollectTaskDocument, *, actor: str) -> CollectTask:
    """Make a collect task. Raises: CollectTaskNameTaken."""
    task = CollectTask(**_columns(document))
    stored.add(session, task)
    _record(session, task, action="create", actor=actor, before={}, after=_document(task))
    return task


def replace(
    session: Session, collect_task_id: int, document: CollectTaskDocument, *, expected: Expected, actor: str
) -> CollectTask:
    """Make it what the document says; one that says what is there changes nothing.

    Raises: CollectTaskNotFound, RevisionMismatch, CollectTaskNameTaken.
    """
    return _edit(session, collect_task_id, lambda _: document, action="replace", expected=expected, actor=actor)


def patch(
    session: Session, collect_task_id: int, patch: dict[str, Any], *, expected: Expected, actor: str
) -> CollectTask:
    """Apply a merge patch (RFC 7396); a source or paging of another type replaces the one that is there.

    Raises: CollectTaskNotFound, RevisionMismatch, CollectTaskNameTaken, Invalid.
    """

    def patched(task: CollectTask) -> CollectTaskDocument:
        return documents.read(CollectTaskDocument, documents.merge_patch(_document(task), patch, typed=True))

    return _edit(session, collect_task_id, patched, action="patch", expected=expected, actor=actor)


def delete(session: Session, collect_task_id: int, *, expected: Expected, actor: str) -> None:
    """Delete it; its dataset stays. Raises: CollectTaskNotFound, RevisionMismatch, CollectTaskInUse."""
    task = stored.get_locked(session, collect_task_id)
    require_revision(f"collect task {collect_task_id}", task.revision, expected)
    if users := stored.users(session, collect_task_id):
        raise CollectTaskInUse(collect_task_id, users)
    before = _document(task)
    stored.remove(session, task)
    _record(session, task, action="delete", actor=actor, before=before, after={})


def _edit(
    session: Session,
    collect_task_id: int,
    wanted: Callable[[CollectTask], CollectTaskDocument],
    *,
    action: str,
    expected: Expected,
    actor: str,
) -> CollectTask:
    task = stored.get_locked(session, collect_task_id)
    require_revision(f"collect task {collect_task_id}", task.revision, expected)
    before = _document(task)
    if stored.change(session, task, _columns(wanted(task))):
        _record(session, task, action=action, actor=actor, before=before, after=_document(task))
    return task


def _columns(document: CollectTaskDocument) -> dict[str, Any]:
    """What the person wrote, without the defaults that they left out: those may be better ones in a later version."""
    definition = document.definition.model_dump(mode="json", exclude_unset=True)
    return {"name": document.name, "description": document.description, "definition": definition}


def _document(task: CollectTask) -> dict[str, Any]:
    return {"name": task.name, "description": task.description, "definition": task.definition}


def _record(
    session: Session, task: CollectTask, *, action: str, actor: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        subject_type="collect_task",
        subject_id=task.id,
        subject_name=task.name,
        changes=documents.differences(before, after),
    )
