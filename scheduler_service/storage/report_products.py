"""What a report made lately: the artifacts of its last runs, and their deliveries."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler_service.storage.batches import among
from scheduler_service.storage.models import Artifact, Delivery


def artifacts_of(session: Session, report_id: int, *, limit: int) -> Sequence[Artifact]:
    """The last ones, newest first, by the index of a report's artifacts."""
    its_own = select(Artifact).where(Artifact.report_id == report_id)
    return session.scalars(its_own.order_by(Artifact.id.desc()).limit(limit)).all()


def deliveries_of(session: Session, run_ids: Collection[UUID], *, limit: int) -> Sequence[Delivery]:
    """Of these runs, newest first."""
    theirs = select(Delivery).where(among(session, Delivery.run_id, list(run_ids)))
    return session.scalars(theirs.order_by(Delivery.id.desc()).limit(limit)).all() if run_ids else []
