"""Artifacts: what is known of the files that reports made. The files themselves are not this room's."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from scheduler_service.errors import ArtifactNotFound, ArtifactsKept
from scheduler_service.storage.batches import among
from scheduler_service.storage.models import Artifact

BATCH = 200


@dataclass(frozen=True)
class ArtifactFilter:
    """Which artifacts; None means any."""

    report_id: int | None = None
    run_id: UUID | None = None
    output: str | None = None


def add(session: Session, run_id: UUID, artifacts: Sequence[Artifact]) -> None:
    """Write those of a run. Raises: ArtifactsKept, when another attempt did so at the same moment."""
    session.add_all(artifacts)
    try:
        session.flush()
    except IntegrityError as why:
        if "uq_artifact_run_id_name" in str(why.orig) or "artifact.run_id, artifact.name" in str(why.orig):
            raise ArtifactsKept(run_id) from why
        raise


def get(session: Session, artifact_id: UUID) -> Artifact:
    """Raises: ArtifactNotFound."""
    found = session.get(Artifact, artifact_id)
    if found is None:
        raise ArtifactNotFound(artifact_id)
    return found


def of_run(session: Session, run_id: UUID) -> Sequence[Artifact]:
    """What a run made, in the order it was made."""
    return session.scalars(select(Artifact).where(Artifact.run_id == run_id).order_by(Artifact.id)).all()


def among_ids(session: Session, ids: Collection[UUID]) -> Sequence[Artifact]:
    """Those of these ids that there are, in the order they were made."""
    return session.scalars(select(Artifact).where(among(session, Artifact.id, list(ids))).order_by(Artifact.id)).all()


def search(session: Session, wanted: ArtifactFilter, *, limit: int, before: UUID | None = None) -> Sequence[Artifact]:
    """A page, newest first; `before` is the id of the last one seen."""
    statement = select(Artifact).order_by(Artifact.id.desc()).limit(limit)
    for name, value in vars(wanted).items():
        if value is not None:
            statement = statement.where(getattr(Artifact, name) == value)
    if before is not None:
        statement = statement.where(Artifact.id < before)
    return session.scalars(statement).all()


def trim(session: Session, *, before: datetime) -> list[UUID]:
    """Delete a batch of those made before, oldest first; their ids."""
    old = select(Artifact.id).where(Artifact.created_at < before).order_by(Artifact.created_at).limit(BATCH)
    ids = list(session.scalars(old))
    if ids:
        session.execute(delete(Artifact).where(among(session, Artifact.id, ids)))
    return ids
