"""Saying what to collect in few words, with the real warehouse, server and files of one test."""

import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from scheduler_service.timing.clock import Clock
from scheduler_service.workloads.collect.collecting import CollectOutcome, CollectSite, collect
from scheduler_service.workloads.collect.definitions import CollectDefinition
from scheduler_service.workloads.stopping import never
from scheduler_service.workloads.warehouses import AnyWarehouse, warehouse_at


@dataclass
class Place:
    """A site for collects in a folder, and short ways to use it."""

    folder: Path
    clock: Clock
    warehouse_url: str | None = None
    slept: list[float] = field(default_factory=list)
    site: CollectSite = field(init=False)
    runs: int = 0

    def __post_init__(self) -> None:
        self.inbox.mkdir()
        self.site = CollectSite(
            warehouse_at(self.warehouse_url, file=self.folder / "warehouse.duckdb"),
            self.folder / "staging",
            self.clock,
            file_roots=[self.inbox],
            sleep=self.slept.append,
        )

    @property
    def inbox(self) -> Path:
        return self.folder / "inbox"

    @property
    def warehouse(self) -> AnyWarehouse:
        return self.site.warehouse

    def allow(self, *places: str) -> None:
        self.site = replace(self.site, outbound_allow=[*self.site.outbound_allow, *places])

    def collect(
        self,
        source: dict[str, Any],
        *,
        task_id: int = 1,
        run_id: str | None = None,
        attempt: int = 1,
        cancelled: Callable[[], bool] = never,
        full_refresh: bool = False,
        **definition: Any,
    ) -> CollectOutcome:
        """Run a collect into `things`, as a new run unless told otherwise."""
        self.runs += 1
        made = CollectDefinition.model_validate({"dataset": "things", "source": source, **definition})
        return collect(
            made,
            task_id=task_id,
            run_id=run_id or f"run-{self.runs}",
            attempt=attempt,
            site=self.site,
            cancelled=cancelled,
            full_refresh=full_refresh,
        )

    def collect_csv(self, text: str, **definition: Any) -> CollectOutcome:
        """Collect one CSV file of this content."""
        self.write("things.csv", text)
        return self.collect({"type": "file", "path": "things.csv"}, **definition)

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        raw = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(raw) if name.endswith(".gz") and isinstance(content, str) else raw)
        return path

    def rows(self, dataset: str = "things") -> list[dict[str, Any]]:
        """The rows, without the service's own columns."""
        items = self.warehouse.rows(dataset, limit=1000).items
        return [{name: value for name, value in row.items() if not name.startswith("_")} for row in items]

    def column(self, name: str) -> list[Any]:
        return [row[name] for row in self.rows()]

    def execute(self, *statements: str) -> None:
        """Do something to the warehouse behind the service's back."""
        with self.warehouse.transaction() as connection:
            for statement in statements:
                connection.execute(statement)

    def types(self, dataset: str = "things") -> dict[str, str]:
        columns = self.warehouse.dataset(dataset).columns
        return {column.name: column.type for column in columns if not column.name.startswith("_")}

    def names(self) -> list[str]:
        return [dataset.name for dataset in self.warehouse.datasets()]

    def staged(self) -> Sequence[Path]:
        """What is left in the staging folder."""
        return sorted(self.site.staging_dir.rglob("*")) if self.site.staging_dir.exists() else []
