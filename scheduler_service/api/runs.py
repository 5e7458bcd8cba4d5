"""Routes of runs."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from scheduler_service.api.auth import Operator
from scheduler_service.api.dependencies import Answering, Now, Reading, Writing
from scheduler_service.api.idempotency import OnceRoute, once
from scheduler_service.api.run_schemas import PassOut, RunDetailOut, RunOut, RunQuery
from scheduler_service.api.schemas import CancelRequest, PageOut
from scheduler_service.services import manual_runs, one_time_runs, passes, runs
from scheduler_service.services.one_time_runs import OneTimeRun

router = APIRouter(prefix="/runs", tags=["runs"], route_class=OnceRoute)


@router.get("")
def list_runs(query: Annotated[RunQuery, Query()], session: Reading) -> PageOut[RunOut]:
    """List runs: newest first, or for a reader that goes on where it was, finished ones oldest first."""
    wanted = query.wanted(query.schedule_id)
    page = runs.search(session, wanted, order=query.order, limit=query.limit, cursor=query.cursor, total=query.total)
    return PageOut.of(page, RunOut.of)


@router.post("", status_code=202, dependencies=[once])
def create_run(body: OneTimeRun, session: Writing, caller: Operator, now: Now, answer: Answering) -> RunDetailOut:
    """Run a task once, without a schedule: now, at an instant, or after some seconds by the database's clock."""
    made = RunDetailOut.of(one_time_runs.create(session, body, actor=caller, now=now))
    return answer.located(made, under="/api/v1/runs")


@router.get("/{run_id}")
def get_run(run_id: UUID, session: Reading) -> RunDetailOut:
    """Read a run."""
    return RunDetailOut.of(runs.get(session, run_id))


@router.get("/{run_id}/chain")
def get_chain_of_run(run_id: UUID, session: Reading) -> PassOut:
    """Read the chain that a run is part of, as one: what ran with it, how that ended, and what is to come."""
    return PassOut.of(passes.of_run(session, run_id))


@router.post("/{run_id}/cancel", status_code=202)
def cancel_run(
    run_id: UUID, session: Writing, caller: Operator, now: Now, body: CancelRequest | None = None
) -> RunDetailOut:
    """End a run: at once when it has not started, else it is asked to."""
    terminate = body is not None and body.terminate
    return RunDetailOut.of(manual_runs.cancel(session, run_id, terminate=terminate, actor=caller, now=now))


@router.post("/{run_id}/retry", status_code=202, dependencies=[once])
def retry_run(run_id: UUID, session: Writing, caller: Operator, now: Now) -> RunDetailOut:
    """Give a finished run another attempt, with the arguments and options it was decided with."""
    return RunDetailOut.of(manual_runs.retry(session, run_id, actor=caller, now=now))
