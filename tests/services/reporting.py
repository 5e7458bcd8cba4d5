"""A place where reports are made, and short ways to have one made."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from scheduler_service.services import documents, report_runs
from scheduler_service.services.report_runs import ReportSite
from scheduler_service.services.reports import ReportDocument, reports
from scheduler_service.storage import artifacts, deliveries
from scheduler_service.storage.artifacts import ArtifactFilter
from scheduler_service.storage.deliveries import DeliveryFilter
from scheduler_service.storage.models import Artifact, Delivery
from scheduler_service.storage.session import Database
from scheduler_service.workloads.connections import Connections, FolderConnection
from scheduler_service.workloads.delivery.dispatches import DeliverySite
from scheduler_service.workloads.report.content import Span
from scheduler_service.workloads.report.places import ReportPlaces
from scheduler_service.workloads.stopping import Stop, never
from scheduler_service.workloads.warehouse import Warehouse

TABLE = {"type": "table", "title": "Numbers", "sql": "SELECT i FROM range(3) AS n(i)"}
TO_SHARE = {"type": "folder", "connection": "share"}
AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass
class Office:
    """A data directory, a warehouse, and a folder `share` to deliver into."""

    database: Database
    folder: Path
    told: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.share = self.folder / "share"
        self.share.mkdir(exist_ok=True)
        self.site = ReportSite(
            Warehouse(self.folder / "warehouse.duckdb"),
            ReportPlaces(self.folder),
            DeliverySite({"share": FolderConnection(type="folder", path=self.share)}),
        )

    def connect(self, connections: Connections) -> None:
        self.site = replace(self.site, delivery=DeliverySite({**self.site.delivery.connections, **connections}))

    def report(self, name: str = "orders", **definition: Any) -> int:
        """A report of one small table as CSV, unless told otherwise; its id."""
        written = {"title": "Orders", "sections": [TABLE], "outputs": ["csv"], **definition}
        with self.database.transaction() as session:
            document = documents.read(ReportDocument, {"name": name, "definition": written})
            return reports.create(session, document, actor="test").id

    def run(self, report_id: int, *, run_id: UUID | None = None, cancelled: Any = never) -> dict[str, Any]:
        """Have it made and delivered, as a new run unless told otherwise."""
        made = report_runs.making(
            self.database,
            report_id,
            run_id=run_id or uuid7(),
            span=lambda *_: Span.until(AT, length=timedelta(days=1)),
        )
        told = lambda **progress: self.told.append(progress)  # noqa: E731
        return report_runs.run(self.database, made, self.site, stop=Stop(cancelled, 60), told=told)

    def artifacts(self) -> list[Artifact]:
        with self.database.reading() as session:
            return list(artifacts.search(session, ArtifactFilter(), limit=100))

    def deliveries(self) -> list[Delivery]:
        """Oldest first."""
        with self.database.reading() as session:
            return list(reversed(deliveries.search(session, DeliveryFilter(), limit=100)))

    def kept(self) -> list[str]:
        """The files that there are."""
        return sorted(path.name for path in (self.folder / "artifacts").glob("*"))

    def staged(self) -> list[Path]:
        return list((self.folder / "staging").glob("*"))
