"""What can be scheduled."""

from typing import Annotated, Any, Self

from fastapi import APIRouter
from fastapi import Query as FromQuery
from pydantic import BaseModel, Field

from scheduler_service.api.dependencies import Now, Reading
from scheduler_service.api.schemas import CountedQuery, PageOut, Word
from scheduler_service.services import tasks
from scheduler_service.services.tasks import KnownTask

router = APIRouter(prefix="/tasks", tags=["tasks"])


class TaskQuery(CountedQuery):
    """Which tasks."""

    q: Word | None = Field(default=None, description="Looked for in name and doc")


class TaskOut(BaseModel):
    """A task that workers have made known."""

    name: str
    kind: str
    queue: str | None = Field(description="Where it goes when its schedule names no queue")
    doc: str
    arguments: dict[str, Any] | None = Field(
        description="JSON Schema of its arguments by name; `x-positional`: which may be given by place, in order"
    )
    acks_late: bool
    workers: list[str] = Field(description="Those that know it and are alive")

    @classmethod
    def of(cls, task: KnownTask) -> Self:
        """The task as it looks over the wire."""
        return cls(**vars(task))


@router.get("")
def list_tasks(query: Annotated[TaskQuery, FromQuery()], session: Reading, now: Now) -> PageOut[TaskOut]:
    """List the tasks that workers have made known, by name."""
    page = tasks.search(session, q=query.q, limit=query.limit, cursor=query.cursor, total=query.total, now=now)
    return PageOut.of(page, TaskOut.of)
