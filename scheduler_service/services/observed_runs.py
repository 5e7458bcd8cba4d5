"""What another scheduler ran, told by its listener: kept beside what our shadows would have run."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from scheduler_service.services.fields import Document, Moment, Word
from scheduler_service.storage import observed_runs as stored
from scheduler_service.storage.session import Session

MOST = 1000

Outcome = Literal["submitted", "executed", "error", "missed", "skipped"]


class ObservedRunDocument(Document):
    """What became of one instant of a job."""

    source_id: Word = Field(description="The job's id there")
    scheduled_at: Moment
    ran_at: Moment | None = Field(default=None, description="When it began; null where it did not run")
    outcome: Outcome = Field(description="`skipped`: too many instances ran; `submitted`: begun, and not ended yet")


class ObservedRunsDocument(Document):
    """What one source tells."""

    source: Word = Field(description="The store's address as `migrate plan` shows it")
    runs: Annotated[list[ObservedRunDocument], Field(max_length=MOST)]


def store(session: Session, source: str, runs: Sequence[ObservedRunDocument], *, now: datetime) -> int:
    """Keep what was told; how much of it was new. Telling it again changes nothing."""
    rows = [run.model_dump() | {"source": source, "reported_at": now} for run in runs]
    return stored.store(session, rows)
