"""Routes of collect tasks."""

from typing import Annotated

from fastapi import APIRouter, Body
from fastapi import Query as FromQuery

from scheduler_service.api.auth import Admin
from scheduler_service.api.definitions import DefinitionId, DefinitionOut, DefinitionQuery
from scheduler_service.api.dependencies import Answering, IfMatch, Reading, Writing
from scheduler_service.api.schemas import MergePatch, PageOut
from scheduler_service.services.collect_tasks import CollectTaskDocument, collect_tasks

router = APIRouter(prefix="/collect-tasks", tags=["collect tasks"])


class CollectTaskOut(DefinitionOut):
    """A collect task."""


@router.get("")
def list_collect_tasks(query: Annotated[DefinitionQuery, FromQuery()], session: Reading) -> PageOut[CollectTaskOut]:
    """List collect tasks by name."""
    page = collect_tasks.search(session, q=query.q, limit=query.limit, cursor=query.cursor)
    return PageOut.of(page, CollectTaskOut.of)


@router.post("", status_code=201)
def create_collect_task(
    body: CollectTaskDocument, session: Writing, caller: Admin, answer: Answering
) -> CollectTaskOut:
    """Make a collect task. A schedule of the task `collect.execute_task` with its id as argument runs it."""
    made = CollectTaskOut.of(collect_tasks.create(session, body, actor=caller))
    return answer.tagged(answer.located(made, under="/api/v1/collect-tasks"))


@router.get("/{collect_task_id}")
def get_collect_task(collect_task_id: DefinitionId, session: Reading, answer: Answering) -> CollectTaskOut:
    """Read a collect task. Its ETag is its revision."""
    return answer.tagged(CollectTaskOut.of(collect_tasks.get(session, collect_task_id)))


@router.put("/{collect_task_id}")
def replace_collect_task(
    collect_task_id: DefinitionId,
    body: CollectTaskDocument,
    session: Writing,
    caller: Admin,
    expected: IfMatch,
    answer: Answering,
) -> CollectTaskOut:
    """Replace a collect task: what is left out has its default."""
    task = collect_tasks.replace(session, collect_task_id, body, expected=expected, actor=caller)
    return answer.tagged(CollectTaskOut.of(task))


@router.patch("/{collect_task_id}")
def patch_collect_task(
    collect_task_id: DefinitionId,
    body: Annotated[MergePatch, Body(examples=[{"definition": {"mode": "append"}}])],
    session: Writing,
    caller: Admin,
    expected: IfMatch,
    answer: Answering,
) -> CollectTaskOut:
    """Change some fields, by JSON merge patch (RFC 7396). A source of another type replaces the present one."""
    task = collect_tasks.patch(session, collect_task_id, body, expected=expected, actor=caller)
    return answer.tagged(CollectTaskOut.of(task))


@router.delete("/{collect_task_id}", status_code=204)
def delete_collect_task(collect_task_id: DefinitionId, session: Writing, caller: Admin, expected: IfMatch) -> None:
    """Delete a collect task that no schedule runs. Its dataset stays."""
    collect_tasks.delete(session, collect_task_id, expected=expected, actor=caller)
