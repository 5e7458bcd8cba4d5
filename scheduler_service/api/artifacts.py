"""Routes of artifacts, which reports made, and of their deliveries."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Path
from fastapi import Query as FromQuery
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from scheduler_service.api.auth import Admin, Operator
from scheduler_service.api.dependencies import Now, PlacesDep, Reading, Writing
from scheduler_service.api.schemas import PageOut, Query
from scheduler_service.services import artifacts, deliveries
from scheduler_service.services.fields import Document, Id
from scheduler_service.storage.artifacts import ArtifactFilter
from scheduler_service.storage.deliveries import DeliveryFilter
from scheduler_service.storage.models import Artifact, Delivery
from scheduler_service.workloads.delivery.targets import Target

router = APIRouter()

ArtifactId = Annotated[UUID, Path()]
DeliveryId = Annotated[Id, Path()]
#: Whatever a file says, a browser runs nothing of it, sends it nowhere, and takes it for nothing else.
SANDBOXED = {
    "Content-Security-Policy": (
        "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-cache",
    "Referrer-Policy": "no-referrer",
}


class ArtifactQuery(Query):
    """Which of them."""

    report_id: Id | None = None
    run_id: UUID | None = None
    output: Literal["html", "pdf", "xlsx", "csv", "mail"] | None = None

    def wanted(self) -> ArtifactFilter:
        """The filter."""
        return ArtifactFilter(report_id=self.report_id, run_id=self.run_id, output=self.output)


class ContentQuery(BaseModel):
    """How it is to be taken."""

    model_config = {"extra": "forbid"}

    inline: bool = Field(default=False, description="HTML only: to be shown, and not to be saved")


class DeliveryQuery(Query):
    """Which of them."""

    run_id: UUID | None = None
    state: Literal["pending", "sent", "failed"] | None = None

    def wanted(self) -> DeliveryFilter:
        """The filter."""
        return DeliveryFilter(run_id=self.run_id, state=self.state)


class DeliverRequest(Document):
    """Where an artifact is to go; without `outputs`, since it is this one."""

    target: Target


class ArtifactOut(BaseModel):
    """A file that a run of a report made; `mail` is the HTML of its e-mails."""

    id: UUID
    run_id: UUID
    report_id: int
    report_name: str
    output: str
    name: str
    content_type: str
    size: int
    sha256: str
    occurrence_at: datetime
    created_at: datetime

    @classmethod
    def of(cls, row: Artifact) -> Self:
        """The row as it looks over the wire."""
        return cls(**{name: getattr(row, name) for name in cls.model_fields})


class DeliveryOut(BaseModel):
    """Artifacts on their way to one recipient. `error` is why the last try failed."""

    id: int
    run_id: UUID
    target: dict[str, Any]
    recipient: str
    artifact_ids: list[UUID]
    state: str
    attempts: int
    next_try_at: datetime | None
    error: str | None
    created_at: datetime
    sent_at: datetime | None

    @classmethod
    def of(cls, row: Delivery) -> Self:
        """The row as it looks over the wire."""
        values = {name: getattr(row, name) for name in cls.model_fields}
        return cls.model_validate(values | {"next_try_at": row.next_try_at if row.state == "pending" else None})


@router.get("/artifacts", tags=["artifacts"])
def list_artifacts(query: Annotated[ArtifactQuery, FromQuery()], session: Reading) -> PageOut[ArtifactOut]:
    """List what reports made, newest first."""
    page = artifacts.search(session, query.wanted(), limit=query.limit, cursor=query.cursor)
    return PageOut.of(page, ArtifactOut.of)


@router.get("/artifacts/{artifact_id}", tags=["artifacts"])
def get_artifact(artifact_id: ArtifactId, session: Reading) -> ArtifactOut:
    """Read what an artifact is."""
    return ArtifactOut.of(artifacts.get(session, artifact_id))


@router.get(
    "/artifacts/{artifact_id}/content",
    tags=["artifacts"],
    response_class=FileResponse,
    responses={200: {"content": {"application/octet-stream": {}}}},
)
def get_artifact_content(
    artifact_id: ArtifactId, query: Annotated[ContentQuery, FromQuery()], session: Reading, places: PlacesDep
) -> FileResponse:
    """Download an artifact. A browser saves it; HTML may be shown `inline`, where it can run nothing."""
    found = artifacts.content(session, artifact_id, places.files)
    shown = query.inline and found.artifact.content_type.startswith("text/html")
    return FileResponse(
        found.path,
        media_type=found.artifact.content_type,
        filename=found.artifact.name,
        content_disposition_type="inline" if shown else "attachment",
        headers=SANDBOXED | {"ETag": f'"{found.artifact.sha256}"'},
    )


@router.post("/artifacts/{artifact_id}/deliver", tags=["artifacts"], status_code=202)
def deliver_artifact(
    artifact_id: ArtifactId, body: DeliverRequest, session: Writing, now: Now, caller: Admin
) -> list[DeliveryOut]:
    """Have an artifact brought to somebody: one delivery for each recipient, sent by a worker."""
    made = deliveries.deliver(session, artifact_id, body.target, actor=caller, now=now)
    return [DeliveryOut.of(delivery) for delivery in made]


@router.get("/deliveries", tags=["artifacts"])
def list_deliveries(query: Annotated[DeliveryQuery, FromQuery()], session: Reading) -> PageOut[DeliveryOut]:
    """List deliveries, newest first."""
    page = deliveries.search(session, query.wanted(), limit=query.limit, cursor=query.cursor)
    return PageOut.of(page, DeliveryOut.of)


@router.get("/deliveries/{delivery_id}", tags=["artifacts"])
def get_delivery(delivery_id: DeliveryId, session: Reading) -> DeliveryOut:
    """Read what became of a delivery."""
    return DeliveryOut.of(deliveries.get(session, delivery_id))


@router.post("/deliveries/{delivery_id}/retry", tags=["artifacts"], status_code=202)
def retry_delivery(delivery_id: DeliveryId, session: Writing, now: Now, caller: Operator) -> DeliveryOut:
    """Have a delivery tried again now, also one that was sent. A receiver knows a repeat by its message id."""
    return DeliveryOut.of(deliveries.retry(session, delivery_id, actor=caller, now=now))
