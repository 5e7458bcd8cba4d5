"""Routes of backfills."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Path
from fastapi import Query as FromQuery
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from scheduler_service.api.auth import Operator
from scheduler_service.api.dependencies import Answering, Now, Reading, Writing
from scheduler_service.api.idempotency import OnceRoute, once
from scheduler_service.api.run_schemas import RunState
from scheduler_service.api.schedules import ScheduleId
from scheduler_service.api.schemas import PageOut, Query
from scheduler_service.services import backfills
from scheduler_service.services.backfills import SHOWN, BackfillDocument, Progress, Proposal
from scheduler_service.services.fields import Id
from scheduler_service.storage.backfills import BackfillFilter
from scheduler_service.storage.models import Backfill

router = APIRouter(tags=["backfills"], route_class=OnceRoute)

BackfillId = Annotated[Id, Path()]
BackfillState = Literal["running", "done", "cancelled"]


class BackfillQuery(Query):
    """Which backfills."""

    schedule_id: Id | None = None
    state: BackfillState | None = None

    def wanted(self) -> BackfillFilter:
        """The filter."""
        return BackfillFilter(self.schedule_id, self.state)


class BackfillOut(BaseModel):
    """Occurrences of a past range that are run after all; its runs have the origin `backfill:<id>`."""

    id: int
    schedule_id: int
    start: datetime
    end: datetime
    mode: Literal["missing", "failed", "all"]
    max_parallel: int
    order: Literal["oldest", "newest"]
    total: int = Field(description="How many runs it was made with")
    state: BackfillState
    created_by: str
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, backfill: Backfill) -> Self:
        """The backfill as it looks over the wire."""
        return cls.model_validate(_wire(backfill))


class BackfillDetailOut(BackfillOut):
    """One backfill, with how far it is."""

    runs: dict[RunState, int] = Field(description="How many of its runs are in each state, as far as they are kept")

    @classmethod
    def with_runs(cls, progress: Progress) -> Self:
        """The backfill and its runs as they look over the wire."""
        return cls.model_validate({**_wire(progress.backfill), "runs": progress.runs})


class ProposalOut(BaseModel):
    """What a backfill would run, in the order asked for."""

    total: int
    items: list[datetime] = Field(description=f"The first {SHOWN} occurrences")

    @classmethod
    def of(cls, proposal: Proposal) -> Self:
        """The proposal as it looks over the wire."""
        return cls(total=proposal.total, items=list(proposal.items))


@router.post(
    "/schedules/{schedule_id}/backfill",
    status_code=202,
    response_model=BackfillDetailOut,
    responses={200: {"model": ProposalOut, "description": "With dry_run: what would be run"}},
    dependencies=[once],
)
def backfill_schedule(
    schedule_id: ScheduleId, body: BackfillDocument, session: Writing, caller: Operator, now: Now, answer: Answering
) -> BackfillDetailOut | Response:
    """Run a schedule's occurrences of a past range, a few at a time; its timing is not moved."""
    if body.dry_run:
        return _proposed(backfills.propose(session, schedule_id, body, now=now))
    made = backfills.create(session, schedule_id, body, actor=caller, now=now)
    return answer.located(BackfillDetailOut.with_runs(made), under="/api/v1/backfills")


@router.get("/backfills")
def list_backfills(query: Annotated[BackfillQuery, FromQuery()], session: Reading) -> PageOut[BackfillOut]:
    """List backfills, newest first."""
    page = backfills.search(session, query.wanted(), limit=query.limit, cursor=query.cursor)
    return PageOut.of(page, BackfillOut.of)


@router.get("/backfills/{backfill_id}")
def get_backfill(backfill_id: BackfillId, session: Reading) -> BackfillDetailOut:
    """Read a backfill, and how far it is."""
    return BackfillDetailOut.with_runs(backfills.get(session, backfill_id))


@router.post("/backfills/{backfill_id}/cancel", status_code=202)
def cancel_backfill(backfill_id: BackfillId, session: Writing, caller: Operator, now: Now) -> BackfillDetailOut:
    """End a backfill: what has not started at once, what runs is asked to."""
    return BackfillDetailOut.with_runs(backfills.cancel(session, backfill_id, actor=caller, now=now))


def _proposed(proposal: Proposal) -> Response:
    return JSONResponse(ProposalOut.of(proposal).model_dump(mode="json"))


def _wire(backfill: Backfill) -> dict[str, Any]:
    return {
        "id": backfill.id,
        "schedule_id": backfill.periodic_task_id,
        "start": backfill.start_at,
        "end": backfill.end_at,
        "mode": backfill.mode,
        "max_parallel": backfill.max_parallel,
        "order": "newest" if backfill.newest_first else "oldest",
        "total": backfill.total,
        "state": backfill.state,
        "created_by": backfill.created_by,
        "created_at": backfill.created_at,
        "finished_at": backfill.finished_at,
    }
