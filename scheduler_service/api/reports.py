"""Routes of reports."""

from typing import Annotated

from fastapi import APIRouter, Body, Response
from fastapi import Query as FromQuery

from scheduler_service.api.artifacts import SANDBOXED
from scheduler_service.api.auth import Admin, Operator
from scheduler_service.api.definitions import DefinitionId, DefinitionOut, DefinitionQuery
from scheduler_service.api.dependencies import (
    Answering,
    IfMatch,
    Now,
    PlacesDep,
    Reading,
    WarehouseDep,
    Writing,
)
from scheduler_service.api.schemas import MergePatch, PageOut
from scheduler_service.services import reports as service
from scheduler_service.services.fields import Document, Moment
from scheduler_service.services.reports import ReportDocument, reports

router = APIRouter(prefix="/reports", tags=["reports"])


class ReportOut(DefinitionOut):
    """A report."""


class ReportPreviewRequest(Document):
    """When it is to be due."""

    at: Moment | None = None


@router.get("")
def list_reports(query: Annotated[DefinitionQuery, FromQuery()], session: Reading) -> PageOut[ReportOut]:
    """List reports by name."""
    page = reports.search(session, q=query.q, limit=query.limit, cursor=query.cursor)
    return PageOut.of(page, ReportOut.of)


@router.post("", status_code=201)
def create_report(
    body: ReportDocument, session: Writing, warehouse: WarehouseDep, caller: Admin, answer: Answering
) -> ReportOut:
    """Make a report. A schedule of the task `report.generate_scheduled` with its id as argument makes its files."""
    made = ReportOut.of(reports.create(session, body, actor=caller, check=service.checked_for(warehouse)))
    return answer.tagged(answer.located(made, under="/api/v1/reports"))


@router.get("/{report_id}")
def get_report(report_id: DefinitionId, session: Reading, answer: Answering) -> ReportOut:
    """Read a report. Its ETag is its revision."""
    return answer.tagged(ReportOut.of(reports.get(session, report_id)))


@router.put("/{report_id}")
def replace_report(
    report_id: DefinitionId,
    body: ReportDocument,
    session: Writing,
    warehouse: WarehouseDep,
    caller: Admin,
    expected: IfMatch,
    answer: Answering,
) -> ReportOut:
    """Replace a report: what is left out has its default."""
    check = service.checked_for(warehouse)
    report = reports.replace(session, report_id, body, expected=expected, actor=caller, check=check)
    return answer.tagged(ReportOut.of(report))


@router.patch("/{report_id}")
def patch_report(
    report_id: DefinitionId,
    body: Annotated[MergePatch, Body(examples=[{"definition": {"outputs": ["html", "pdf", "xlsx"]}}])],
    session: Writing,
    warehouse: WarehouseDep,
    caller: Admin,
    expected: IfMatch,
    answer: Answering,
) -> ReportOut:
    """Change some fields, by JSON merge patch (RFC 7396). Lists, such as the sections, are replaced as a whole."""
    check = service.checked_for(warehouse)
    report = reports.patch(session, report_id, body, expected=expected, actor=caller, check=check)
    return answer.tagged(ReportOut.of(report))


@router.delete("/{report_id}", status_code=204)
def delete_report(report_id: DefinitionId, session: Writing, caller: Admin, expected: IfMatch) -> None:
    """Delete a report that no schedule makes. Its artifacts stay."""
    reports.delete(session, report_id, expected=expected, actor=caller)


@router.post("/{report_id}/preview", response_class=Response, responses={200: {"content": {"text/html": {}}}})
def preview_report(
    report_id: DefinitionId,
    body: ReportPreviewRequest,
    session: Reading,
    warehouse: WarehouseDep,
    places: PlacesDep,
    now: Now,
    _caller: Operator,
) -> Response:
    """See what the report would say, as HTML of the first rows; nothing is kept or delivered."""
    page = service.preview(reports.get(session, report_id), warehouse, at=body.at or now, places=places)
    return Response(page, media_type="text/html; charset=utf-8", headers=SANDBOXED)
