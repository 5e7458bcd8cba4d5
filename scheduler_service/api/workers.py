"""Routes of workers."""

from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter
from fastapi import Query as FromQuery
from pydantic import BaseModel, Field

from scheduler_service.api.dependencies import Now, Reading
from scheduler_service.api.schemas import CountedQuery, PageOut
from scheduler_service.services import workers
from scheduler_service.storage.workers import WorkerSeen

router = APIRouter(tags=["workers"])


class WorkerOut(BaseModel):
    """A worker that tracks its runs. Silent is one that neither stopped in order nor was heard of for a minute."""

    name: str
    queues: list[str]
    concurrency: int
    pid: int
    state: Literal["alive", "silent", "stopped"]
    started_at: datetime
    last_heartbeat_at: datetime
    running: int = Field(description="How many runs it executes")
    tasks: int = Field(description="How many tasks it knows")

    @classmethod
    def of(cls, seen: WorkerSeen) -> Self:
        """The worker as it looks over the wire."""
        names = ("name", "queues", "concurrency", "pid", "started_at", "last_heartbeat_at")
        own = {name: getattr(seen.worker, name) for name in names}
        return cls.model_validate(own | {"state": seen.state, "running": seen.running, "tasks": seen.tasks})


@router.get("/workers")
def list_workers(query: Annotated[CountedQuery, FromQuery()], session: Reading, now: Now) -> PageOut[WorkerOut]:
    """List workers by name."""
    page = workers.search(session, now=now, limit=query.limit, cursor=query.cursor, total=query.total)
    return PageOut.of(page, WorkerOut.of)
