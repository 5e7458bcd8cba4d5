"""What reports made: listed, shown where it can do no harm, and delivered again."""

from typing import Annotated, Any

from fastapi import APIRouter, Response
from fastapi import Query as FromQuery
from pydantic import TypeAdapter, ValidationError

from scheduler_service.api.artifacts import ArtifactId, ArtifactQuery, DeliveryId
from scheduler_service.api.dependencies import ConnectionsDep, Now, PlacesDep, Reading, Writing
from scheduler_service.console.forms import FilledIn, Form
from scheduler_service.console.pages import Page, admins, operators, own_path
from scheduler_service.errors import Invalid
from scheduler_service.services import artifacts, deliveries, documents
from scheduler_service.storage.deliveries import DeliveryFilter
from scheduler_service.storage.models import Artifact
from scheduler_service.storage.session import Session
from scheduler_service.workloads.connections import Connections
from scheduler_service.workloads.delivery.targets import Target
from scheduler_service.workloads.report.places import ReportPlaces

router = APIRouter(include_in_schema=False)

MOST = 50
_TARGET: TypeAdapter[Any] = TypeAdapter(Target)
#: The types of connections that something can be delivered by, and the type of the target.
DELIVER_BY = {"smtp": "email", "webhook": "webhook", "folder": "folder"}


@router.get("/work/artifacts")
def list_artifacts(page: Page, query: Annotated[ArtifactQuery, FromQuery()], session: Reading) -> Response:
    """Newest first."""
    found = artifacts.search(session, query.wanted(), limit=query.limit, cursor=query.cursor)
    return page.show("work/artifacts/list.html", found=found, query=query.model_dump(exclude_unset=True))


@router.get("/work/artifacts/{artifact_id}")
def show_artifact(
    page: Page, artifact_id: ArtifactId, session: Reading, places: PlacesDep, connections: ConnectionsDep
) -> Response:
    """The file itself, what it is, and where it went."""
    return page.show(
        "work/artifacts/show.html",
        problem=None,
        errors={},
        typed={},
        **_context(session, artifacts.get(session, artifact_id), places, connections),
    )


@router.post("/work/artifacts/{artifact_id}/deliver", dependencies=[admins])
def deliver_artifact(
    page: Page,
    artifact_id: ArtifactId,
    form: Form,
    session: Writing,
    now: Now,
    places: PlacesDep,
    connections: ConnectionsDep,
) -> Response:
    """Have it brought to somebody else."""
    try:
        target = _target(form, connections)
        made = deliveries.deliver(session, artifact_id, target, actor=page.identity.actor, now=now)
    except Invalid as problem:
        context = _context(session, artifacts.get(session, artifact_id), places, connections)
        page.refuse(problem, "work/artifacts/show.html", typed=form.typed(), **context)
    said = page.say_many("%(count)s delivery is on its way.", "%(count)s deliveries are on their way.", len(made))
    return page.back(f"/work/artifacts/{artifact_id}", said)


@router.post("/work/deliveries/{delivery_id:int}/retry", dependencies=[operators])
def retry_delivery(page: Page, delivery_id: DeliveryId, form: Form, session: Writing, now: Now) -> Response:
    """Have it tried again now, also one that was sent."""
    deliveries.retry(session, delivery_id, actor=page.identity.actor, now=now)
    return page.back(
        own_path(form.text("next"), "/work/artifacts"), page.say("It is sent again as soon as a worker is free.")
    )


def _target(form: FilledIn, connections: Connections) -> Any:
    """Raises: Invalid."""
    name = form.text("connection")
    if name not in connections or connections[name].type not in DELIVER_BY:
        raise Invalid.field("connection", "must be one of those that deliver")
    kind = DELIVER_BY[connections[name].type]
    said: dict[str, Any] = {"type": kind, "connection": name}
    if kind == "email":
        said["to"] = [one.strip() for one in form.text("to").split(",") if one.strip()]
    try:
        return _TARGET.validate_python(said)
    except ValidationError as why:
        raise Invalid(documents.problems_of(why.errors(include_url=False), said)) from None


def _context(session: Session, artifact: Artifact, places: ReportPlaces, connections: Connections) -> dict[str, Any]:
    sent = deliveries.search(session, DeliveryFilter(run_id=artifact.run_id), limit=MOST, cursor=None).items
    return {
        "artifact": artifact,
        "is_there": places.files.path(artifact.id).exists(),
        "sent": [one for one in sent if str(artifact.id) in one.artifact_ids],
        "choices": [(name, one.type) for name, one in connections.items() if one.type in DELIVER_BY],
    }
