"""What a report made lately, run by run, and whether it arrived."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from scheduler_service.storage import report_products as stored
from scheduler_service.storage.models import Artifact, Delivery
from scheduler_service.storage.session import Session
from scheduler_service.workloads.report.rendering import MAIL

MOST_ARTIFACTS = 60
MOST_DELIVERIES = 50


@dataclass(frozen=True)
class Issue:
    """What one run made of a report, for one occurrence."""

    run_id: UUID
    occurrence_at: datetime
    created_at: datetime
    files: tuple[Artifact, ...]


@dataclass(frozen=True)
class Products:
    """The last issues and deliveries, newest first."""

    issues: list[Issue]
    deliveries: Sequence[Delivery]

    @property
    def to_show(self) -> Artifact | None:
        """The newest file that a page can show."""
        return next((file for issue in self.issues for file in issue.files if file.output == "html"), None)


def products_of(session: Session, report_id: int) -> Products:
    """Of one report. What was made to be the body of an e-mail is no file for people."""
    by_run: dict[UUID, list[Artifact]] = {}
    for artifact in stored.artifacts_of(session, report_id, limit=MOST_ARTIFACTS):
        by_run.setdefault(artifact.run_id, []).append(artifact)
    deliveries = stored.deliveries_of(session, by_run, limit=MOST_DELIVERIES)
    return Products([_issue(files) for files in by_run.values()], deliveries)


def _issue(made: list[Artifact]) -> Issue:
    first = made[0]
    files = tuple(file for file in reversed(made) if file.output != MAIL)
    return Issue(first.run_id, first.occurrence_at, first.created_at, files)
