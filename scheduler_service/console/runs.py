"""Runs: which there are, and what became of one."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from scheduler_service.api.dependencies import Reading, Writing
from scheduler_service.api.run_schemas import AttemptOut
from scheduler_service.console import sentences
from scheduler_service.console.charts import life
from scheduler_service.console.forms import Form
from scheduler_service.console.pages import Page, SignedInPage, operators
from scheduler_service.console.run_filters import GROUPS, INSTANTS, asked
from scheduler_service.services import artifacts, manual_runs, passes, run_lists, runs
from scheduler_service.storage.artifacts import ArtifactFilter
from scheduler_service.storage.models import FINISHED_STATES, TaskRun
from scheduler_service.storage.session import Session

router = APIRouter(include_in_schema=False)

LIMIT = 50
MOST_FRESH = 100
MOST_FILES = 20


@router.get("/runs")
def list_runs(page: Page, session: Reading) -> Response:
    """Runs, newest first."""
    wanted = asked(page)
    looked = run_lists.search(session, wanted.sought, limit=LIMIT, cursor=wanted.cursor, now=page.now)
    shown: dict[str, Any] = {"asked": wanted, "looked": looked, "groups": GROUPS, "told": sentences.told}
    if page.is_part:
        return page.show("runs/rows.html", **shown)
    return page.show("runs/list.html", instants=INSTANTS, **_standing(page, session), **shown)


@router.get("/runs/standing")
def show_standing(page: Page, session: Reading) -> Response:
    """How runs stand, alone."""
    return page.show("runs/standing.html", groups=GROUPS, **_standing(page, session))


@router.get("/runs/fresh")
def count_fresh_runs(page: Page, session: Reading, than: UUID) -> Response:
    """How many runs there are that the reader's page does not show yet."""
    wanted = asked(page)
    count = run_lists.count_newer(session, wanted.sought, than, most=MOST_FRESH)
    return page.show("runs/fresh.html", asked=wanted, count=count, most=MOST_FRESH, than=than)


@router.get("/runs/{run_id:uuid}")
def show_run(page: Page, run_id: UUID, session: Reading) -> Response:
    """One run, from its occurrence to its end."""
    run = runs.get(session, run_id)
    return page.show("runs/life.html" if page.is_part else "runs/show.html", **_shown(page, session, run))


@router.post("/runs/{run_id:uuid}/cancel", dependencies=[operators])
def cancel_run(page: Page, run_id: UUID, form: Form, session: Writing) -> Response:
    """End it: at once when it has not started, else it is asked to."""
    run = manual_runs.cancel(session, run_id, terminate=form.has("terminate"), actor=page.identity.actor, now=page.now)
    said = page.say("Cancelled.") if run.state == "cancelled" else page.say("It was asked to end.")
    return page.back(f"/runs/{run_id}", said)


@router.post("/runs/{run_id:uuid}/retry", dependencies=[operators])
def retry_run(page: Page, run_id: UUID, session: Writing) -> Response:
    """Give it another attempt."""
    manual_runs.retry(session, run_id, actor=page.identity.actor, now=page.now)
    return page.back(f"/runs/{run_id}", page.say("It is tried again as soon as a worker is free."))


def _standing(page: SignedInPage, session: Session) -> dict[str, Any]:
    return {"standing": run_lists.standing(session, now=page.now), "most": run_lists.MOST_COUNTED}


def _shown(page: SignedInPage, session: Session, run: TaskRun) -> dict[str, Any]:
    attempts = AttemptOut.all_of(run)
    own_pass = passes.of_run(session, run.id)
    files = artifacts.search(session, ArtifactFilter(run_id=run.id), limit=MOST_FILES, cursor=None)
    return {
        "run": run,
        "attempts": attempts[::-1],
        "stations": life.stations(run, attempts, now=page.now),
        "chart": life.chart(attempts, now=page.now, zone=page.zone),
        "near": run_lists.near(session, run),
        "chain": own_pass if len(own_pass.runs) + len(own_pass.to_come) > 1 else None,
        "files": files.items,
        "is_over": run.state in FINISHED_STATES,
        "told": sentences.told,
        "written": sentences.written,
        "frames": sentences.frames(run.traceback or _last_traceback(attempts)),
    }


def _last_traceback(attempts: list[AttemptOut]) -> str:
    """Of the last attempt that has one."""
    return next((one.traceback for one in reversed(attempts) if one.traceback), "")
