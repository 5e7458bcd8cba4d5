"""Routes of runs."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from scheduler_service.api.dependencies import Reading
from scheduler_service.api.run_schemas import RunDetailOut, RunOut, RunQuery
from scheduler_service.api.schemas import PageOut
from scheduler_service.services import runs

router = APIRouter(prefix="/runs", tags=["runs"])


@router.get("")
def list_runs(query: Annotated[RunQuery, Query()], session: Reading) -> PageOut[RunOut]:
    """List runs: newest first, or for a reader that goes on where it was, finished ones oldest first."""
    wanted = query.wanted(query.schedule_id)
    page = runs.search(session, wanted, order=query.order, limit=query.limit, cursor=query.cursor)
    return PageOut.of(page, RunOut.of)


@router.get("/{run_id}")
def get_run(run_id: UUID, session: Reading) -> RunDetailOut:
    """Read a run."""
    return RunDetailOut.of(runs.get(session, run_id))
