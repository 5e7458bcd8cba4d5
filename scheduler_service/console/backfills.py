"""Backfills: which there are, and how far one is. They are made from the page of their schedule."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from fastapi import Query as FromQuery

from scheduler_service.api.backfills import BackfillQuery
from scheduler_service.api.dependencies import Reading, Writing
from scheduler_service.console import sentences
from scheduler_service.console.pages import Page, operators
from scheduler_service.services import backfills, run_lists
from scheduler_service.services.backfills import Progress
from scheduler_service.services.fields import Id
from scheduler_service.services.run_lists import Sought
from scheduler_service.storage.models import WAITING_STATES
from scheduler_service.storage.runs import RunFilter

router = APIRouter(include_in_schema=False)

BackfillId = Annotated[Id, Path()]
RUNS_SHOWN = 100


@router.get("/backfills")
def list_backfills(page: Page, query: Annotated[BackfillQuery, FromQuery()], session: Reading) -> Response:
    """Backfills, newest first."""
    found = backfills.search(session, query.wanted(), limit=query.limit, cursor=query.cursor)
    names = backfills.names(session, found.items)
    asked = query.model_dump(exclude_unset=True)
    return page.show("backfills/list.html", found=found, names=names, query=asked)


@router.get("/backfills/{backfill_id:int}")
def show_backfill(page: Page, backfill_id: BackfillId, session: Reading, cursor: str | None = None) -> Response:
    """How far it is, and its runs, newest first."""
    progress = backfills.get(session, backfill_id)
    wanted = Sought(RunFilter(schedule_id=progress.backfill.periodic_task_id, origin=f"backfill:{backfill_id}"))
    looked = run_lists.search(session, wanted, limit=RUNS_SHOWN, cursor=cursor, now=page.now)
    name = backfills.names(session, [progress.backfill]).get(progress.backfill.periodic_task_id)
    shown: dict[str, Any] = {"backfill": progress.backfill, "name": name, "runs": progress.runs, "cursor": cursor}
    template = "backfills/progress.html" if page.is_part else "backfills/show.html"
    return page.show(template, looked=looked, told=sentences.told, **_counted(progress), **shown)


@router.post("/backfills/{backfill_id:int}/cancel", dependencies=[operators])
def cancel_backfill(page: Page, backfill_id: BackfillId, session: Writing) -> Response:
    """End it: what has not started at once, what runs is asked to."""
    backfills.cancel(session, backfill_id, actor=page.identity.actor, now=page.now)
    return page.back(f"/backfills/{backfill_id}", page.say("The backfill is cancelled."))


def _counted(progress: Progress) -> dict[str, int]:
    """Of its runs that are kept: how many ended, how many of those not well, how many go on, how many wait."""
    runs = progress.runs
    waiting = sum(runs.get(state, 0) for state in WAITING_STATES)
    kept = sum(runs.values())
    running = runs.get("running", 0)
    return {
        "kept": kept,
        "ended": kept - waiting,
        "unwell": kept - waiting - runs.get("succeeded", 0),
        "running": running,
        "waiting": waiting - running,
    }
