"""What a person may do with reports, and a look at what one would say."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from threading import BoundedSemaphore
from typing import Annotated

from pydantic import BeforeValidator, Field

from scheduler_service.errors import FieldProblem, Invalid, PreviewsFull, SqlRefused
from scheduler_service.services.definitions import DefinitionDocument, Definitions
from scheduler_service.services.fields import Line, checked_json
from scheduler_service.storage import reports as stored
from scheduler_service.storage.models import Report
from scheduler_service.workloads.etl.definitions import PARAMETERS
from scheduler_service.workloads.report.content import DEFAULT_WINDOW, Span
from scheduler_service.workloads.report.definitions import ReportDefinition
from scheduler_service.workloads.report.places import ReportPlaces
from scheduler_service.workloads.report.producing import Job, produce
from scheduler_service.workloads.stopping import Stop, never
from scheduler_service.workloads.warehouses import AnyWarehouse

PREVIEW_SECONDS = 30.0
PREVIEW_ROWS = 200
MOST_PREVIEWS = 2  # each is a process of some 300 MB

_previews = BoundedSemaphore(MOST_PREVIEWS)


class ReportDocument(DefinitionDocument):
    """What it says, what becomes of it, and who gets it."""

    name: Line = Field(examples=["orders, day by day"])
    definition: Annotated[ReportDefinition, BeforeValidator(checked_json)]


reports: Definitions[Report, ReportDocument] = Definitions(stored.reports, ReportDocument)


def checked_for(warehouse: AnyWarehouse) -> Callable[[ReportDocument], None]:
    """A look at every query: is it one SELECT in the words of this warehouse? It raises Invalid, naming them all."""

    def check(document: ReportDocument) -> None:
        from scheduler_service.workloads.sql_guard import checked

        problems = []
        for place, section in enumerate(document.definition.sections):
            if section.type == "text":
                continue
            try:
                checked(section.sql, warehouse.dialect, parameters=PARAMETERS)
            except SqlRefused as why:
                problems.append(FieldProblem(f"definition.sections.{place}.sql", why.reason))
        if problems:
            raise Invalid(problems)

    return check


def preview(report: Report, warehouse: AnyWarehouse, *, at: datetime, places: ReportPlaces) -> bytes:
    """The report as HTML, as if it were due at this instant, of the first rows. Nothing is kept or delivered.

    Raises: PreviewsFull, QueryFailed, TimeLimitReached, WorkDied, TransientFailure.
    """
    definition = ReportDefinition.model_validate(report.definition)
    span = Span.until(at, length=definition.window or DEFAULT_WINDOW)
    if not _previews.acquire(blocking=False):
        raise PreviewsFull(MOST_PREVIEWS)
    try:
        with places.staging("preview-") as folder:
            job = Job(definition, report.description, span, ("html",), Path(folder), places.fonts, PREVIEW_ROWS)
            (made,) = produce(job, warehouse, stop=Stop(never, PREVIEW_SECONDS), told=lambda **_: None)
            return made.path.read_bytes()
    finally:
        _previews.release()
