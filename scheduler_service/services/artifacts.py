"""What reports made, as a person finds it and takes it away."""

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from scheduler_service.errors import ArtifactFileMissing
from scheduler_service.services import paging
from scheduler_service.services.paging import Page
from scheduler_service.storage import artifacts as stored
from scheduler_service.storage.artifacts import ArtifactFilter
from scheduler_service.storage.models import Artifact
from scheduler_service.storage.session import Session
from scheduler_service.workloads.artifact_files import ArtifactFiles

LISTING = "artifact"


@dataclass(frozen=True)
class Content:
    """The file of an artifact."""

    artifact: Artifact
    path: Path


def get(session: Session, artifact_id: UUID) -> Artifact:
    """Raises: ArtifactNotFound."""
    return stored.get(session, artifact_id)


def search(session: Session, wanted: ArtifactFilter, *, limit: int, cursor: str | None) -> Page[Artifact]:
    """A page, newest first. Raises: Invalid, for a cursor of another list."""
    before = paging.decode(LISTING, cursor, (UUID,))[0] if cursor is not None else None
    rows = stored.search(session, wanted, limit=limit + 1, before=before)
    return paging.page_of(rows, limit=limit, listing=LISTING, place=lambda row: (row.id,))


def content(session: Session, artifact_id: UUID, files: ArtifactFiles) -> Content:
    """The file, and what it is. Raises: ArtifactNotFound, ArtifactFileMissing."""
    artifact = stored.get(session, artifact_id)
    path = files.path(artifact_id)
    if not path.exists():
        raise ArtifactFileMissing(artifact_id)
    return Content(artifact, path)
