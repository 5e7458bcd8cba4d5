"""A run of a report: made, kept, delivered. It may be repeated: what a run has made once is not made again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from scheduler_service.errors import ArtifactsKept
from scheduler_service.services import deliveries
from scheduler_service.storage import artifacts
from scheduler_service.storage import deliveries as stored_deliveries
from scheduler_service.storage.models import Artifact, Delivery
from scheduler_service.storage.reports import reports
from scheduler_service.storage.session import Database, Session
from scheduler_service.timing import zones
from scheduler_service.workloads.delivery.dispatches import DeliverySite
from scheduler_service.workloads.report.content import Span, period
from scheduler_service.workloads.report.definitions import ReportDefinition
from scheduler_service.workloads.report.file_names import CONTENT_TYPES, file_name
from scheduler_service.workloads.report.places import ReportPlaces
from scheduler_service.workloads.report.producing import Job, Made, produce
from scheduler_service.workloads.report.rendering import MAIL
from scheduler_service.workloads.stopping import Stop
from scheduler_service.workloads.warehouses import AnyWarehouse


@dataclass(frozen=True)
class ReportSite:
    """What reports are made of, and where they go."""

    warehouse: AnyWarehouse
    places: ReportPlaces
    delivery: DeliverySite


@dataclass(frozen=True)
class Making:
    """One run of one report, as it was when the run began."""

    report_id: int
    name: str
    description: str
    definition: ReportDefinition
    run_id: UUID
    span: Span


def making(
    database: Database, report_id: int, *, run_id: UUID, span: Callable[[Session, ReportDefinition], Span]
) -> Making:
    """The report as it is now; `span` says what it is to be about. Raises: DefinitionNotFound."""
    with database.reading() as session:
        row = reports.get(session, report_id)
        definition = ReportDefinition.model_validate(row.definition)
        return Making(row.id, row.name, row.description, definition, run_id, span(session, definition))


def run(database: Database, made: Making, site: ReportSite, *, stop: Stop, told: Callable[..., None]) -> dict[str, Any]:
    """Make and keep the files, unless this run did so before; then deliver. What came of it, small enough for a row.

    A delivery that fails does not fail the run: it is tried again, or a person does; so is one that there is no time
    for. Raises what `produce` does.
    """
    with database.reading() as session:
        kept = artifacts.of_run(session, made.run_id)
    if not kept:
        with site.places.staging(f"report-{made.run_id}-") as folder:
            outputs: tuple[str, ...] = made.definition.outputs
            if any(target.type == "email" for target in made.definition.deliver):
                outputs = (*outputs, MAIL)
            job = Job(made.definition, made.description, made.span, outputs, Path(folder), site.places.fonts)
            files = produce(job, site.warehouse, stop=stop, told=told)
            stop.check()
            kept = _keep(database, made, files, site)
    go_on = partial(_may_go_on, stop)
    deliveries.send_due(database, site.delivery, site.places.files, run_id=made.run_id, go_on=go_on)
    with database.reading() as session:
        sent = stored_deliveries.by_state(session, made.run_id)
    told_of = [{"id": str(one.id), "output": one.output, "name": one.name, "size": one.size} for one in kept]
    return {"artifacts": told_of, "deliveries": sent}


def _may_go_on(stop: Stop) -> bool:
    return stop.reason() is None


def _keep(database: Database, made: Making, files: Sequence[Made], site: ReportSite) -> Sequence[Artifact]:
    """The files first, then their rows and the deliveries in one transaction: what has a row is whole."""
    names = set[str]()
    rows = [_artifact(made, file, names) for file in files]
    for row, file in zip(rows, files, strict=True):
        site.places.files.keep(file.path, row.id)
    ids = [row.id for row in rows]
    try:
        with database.transaction() as session:
            artifacts.add(session, made.run_id, rows)
            stored_deliveries.add(session, _deliveries(made, rows, now=database.clock.now()))
    except ArtifactsKept:
        site.places.files.remove(ids)
    with database.reading() as session:
        return artifacts.of_run(session, made.run_id)


def _artifact(made: Making, file: Made, names: set[str]) -> Artifact:
    zone = zones.load(made.definition.timezone)
    name = file_name(made.name, file.title, made.span.occurrence_at.astimezone(zone), file.output, taken=names)
    return Artifact(
        id=uuid7(),
        run_id=made.run_id,
        report_id=made.report_id,
        report_name=made.name,
        output=file.output,
        name=name,
        content_type=CONTENT_TYPES[file.output],
        size=file.size,
        sha256=file.sha256,
        occurrence_at=made.span.occurrence_at,
    )


def _deliveries(made: Making, rows: Sequence[Artifact], *, now: datetime) -> list[Delivery]:
    definition = made.definition
    said = period(definition, made.span)
    letter = deliveries.letter_of(rows[0], title=definition.title, period=said, language=definition.language)
    return [
        delivery
        for target in definition.deliver
        for delivery in deliveries.rows_for(target, letter, deliveries.wanted_by(target, rows), now=now)
    ]
