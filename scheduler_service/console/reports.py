"""One report: what it says, its last issue as a reader sees it, who got it, and what it would say of another day."""

from datetime import datetime

from fastapi import APIRouter, Response

from scheduler_service.api.artifacts import SANDBOXED
from scheduler_service.api.definitions import DefinitionId
from scheduler_service.api.dependencies import Now, PlacesDep, Reading, WarehouseDep
from scheduler_service.console.definitions import shown
from scheduler_service.console.forms import FilledIn, Form
from scheduler_service.console.kinds import REPORTS
from scheduler_service.console.pages import Page, SignedInPage, operators
from scheduler_service.errors import (
    Invalid,
    PreviewsFull,
    QueryFailed,
    ServiceError,
    TimeLimitReached,
    TransientFailure,
    WorkDied,
)
from scheduler_service.services import report_products
from scheduler_service.services import reports as service

router = APIRouter(include_in_schema=False)

#: What a preview may fail with, and tells where it would have been.
PREVIEW_FAILS = (Invalid, PreviewsFull, QueryFailed, TimeLimitReached, TransientFailure, WorkDied)


@router.get("/work/reports/{definition_id:int}")
def show_report(page: Page, definition_id: DefinitionId, session: Reading) -> Response:
    """What it says, and what became of it."""
    found = shown(session, REPORTS, definition_id)
    made = report_products.products_of(session, definition_id)
    at = page.now.astimezone(page.zone).strftime("%Y-%m-%dT%H:%M")
    return page.show("work/reports/show.html", made=made, at=at, **found.context())


@router.post("/work/reports/{definition_id:int}/preview", dependencies=[operators])
def preview_report(
    page: Page,
    definition_id: DefinitionId,
    form: Form,
    session: Reading,
    warehouse: WarehouseDep,
    places: PlacesDep,
    now: Now,
) -> Response:
    """What it would say at the instant that was typed, for a frame that can do nothing; nothing is kept or sent."""
    try:
        at = _typed_instant(page, form) or now
        content = service.preview(service.reports.get(session, definition_id), warehouse, at=at, places=places)
    except PREVIEW_FAILS as problem:
        return _why_not(page, problem)
    return Response(content, media_type="text/html; charset=utf-8", headers=SANDBOXED)


def _why_not(page: SignedInPage, problem: ServiceError) -> Response:
    response = page.show("work/reports/no_preview.html", status=422, problem=problem)
    response.headers.update(SANDBOXED)
    return response


def _typed_instant(page: SignedInPage, form: FilledIn) -> datetime | None:
    """A local time of the reader's zone. Raises: Invalid."""
    typed = form.text("at")
    if not typed:
        return None
    try:
        return datetime.fromisoformat(typed).replace(tzinfo=page.zone)
    except (ValueError, OverflowError):
        raise Invalid.field("at", "must be a date and time", "2026-03-01T09:00") from None
