"""Routes of collect tasks."""

from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import APIRouter, Body, Path
from fastapi import Query as FromQuery
from pydantic import BaseModel, Field

from scheduler_service.api.auth import Caller
from scheduler_service.api.dependencies import Answering, IfMatch, Reading, Writing
from scheduler_service.api.schemas import MergePatch, PageOut, Query, Word
from scheduler_service.services import collect_tasks
from scheduler_service.services.collect_tasks import CollectTaskDocument
from scheduler_service.services.fields import Id
from scheduler_service.storage.models import CollectTask

router = APIRouter(prefix="/collect-tasks", tags=["collect tasks"])

CollectTaskId = Annotated[Id, Path()]


class CollectTaskQuery(Query):
    """Which collect tasks."""

    q: Word | None = Field(default=None, description="Looked for in name and description")


class CollectTaskOut(BaseModel):
    """A collect task. Its definition is what was written: what it leaves out has its default."""

    id: int
    name: str
    description: str
    definition: dict[str, Any]
    revision: int
    created_at: datetime
    date_changed: datetime

    @classmethod
    def of(cls, task: CollectTask) -> Self:
        """The collect task as it looks over the wire."""
        return cls(**{name: getattr(task, name) for name in cls.model_fields})


@router.get("")
def list_collect_tasks(query: Annotated[CollectTaskQuery, FromQuery()], session: Reading) -> PageOut[CollectTaskOut]:
    """List collect tasks by name."""
    page = collect_tasks.search(session, q=query.q, limit=query.limit, cursor=query.cursor)
    return PageOut.of(page, CollectTaskOut.of)


@router.post("", status_code=201)
def create_collect_task(
    body: CollectTaskDocument, session: Writing, caller: Caller, answer: Answering
) -> CollectTaskOut:
    """Make a collect task. A schedule of the task `collect.execute_task` with its id as argument runs it."""
    made = CollectTaskOut.of(collect_tasks.create(session, body, actor=caller))
    return answer.tagged(answer.located(made, under="/api/v1/collect-tasks"))


@router.get("/{collect_task_id}")
def get_collect_task(collect_task_id: CollectTaskId, session: Reading, answer: Answering) -> CollectTaskOut:
    """Read a collect task. Its ETag is its revision."""
    return answer.tagged(CollectTaskOut.of(collect_tasks.get(session, collect_task_id)))


@router.put("/{collect_task_id}")
def replace_collect_task(
    collect_task_id: CollectTaskId,
    body: CollectTaskDocument,
    session: Writing,
    caller: Caller,
    expected: IfMatch,
    answer: Answering,
) -> CollectTaskOut:
    """Replace a collect task: what is left out has its default."""
    task = collect_tasks.replace(session, collect_task_id, body, expected=expected, actor=caller)
    return answer.tagged(CollectTaskOut.of(task))


@router.patch("/{collect_task_id}")
def patch_collect_task(
    collect_task_id: CollectTaskId,
    body: Annotated[MergePatch, Body(examples=[{"definition": {"mode": "append"}}])],
    session: Writing,
    caller: Caller,
    expected: IfMatch,
    answer: Answering,
) -> CollectTaskOut:
    """Change some fields, by JSON merge patch (RFC 7396). A source of another type replaces the present one."""
    task = collect_tasks.patch(session, collect_task_id, body, expected=expected, actor=caller)
    return answer.tagged(CollectTaskOut.of(task))


@router.delete("/{collect_task_id}", status_code=204)
def delete_collect_task(collect_task_id: CollectTaskId, session: Writing, caller: Caller, expected: IfMatch) -> None:
    """Delete a collect task that no schedule runs. Its dataset stays."""
    collect_tasks.delete(session, collect_task_id, expected=expected, actor=caller)
