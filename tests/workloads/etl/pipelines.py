"""Saying what to run in few words, on a real warehouse of either kind."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from scheduler_service.workloads.etl.definitions import PipelineDefinition
from scheduler_service.workloads.etl.running import PipelineRun, execute
from scheduler_service.workloads.killable import MEMORY_BYTES
from scheduler_service.workloads.stopping import never
from scheduler_service.workloads.warehouses import AnyWarehouse

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass
class Mill:
    """A warehouse, and short ways to run pipelines on it."""

    warehouse: AnyWarehouse
    runs: int = 0

    def given(self, *statements: str) -> None:
        """Datasets that are there before."""
        for statement in statements:
            with self.warehouse.transaction() as connection:
                connection.execute(statement)  # type: ignore[arg-type, union-attr, unused-ignore]

    def run(
        self,
        *steps: dict[str, Any],
        run_id: str | None = None,
        at: datetime = NOON,
        pipeline_id: int = 1,
        cancelled: Callable[[], bool] = never,
        told: Callable[..., None] = lambda **_: None,
        memory_bytes: int = MEMORY_BYTES,
        **definition: Any,
    ) -> dict[str, Any]:
        """Run a pipeline of these steps for the day that ends at `at`, as a new run unless told otherwise."""
        self.runs += 1
        made = PipelineDefinition.model_validate({"steps": steps, **definition})
        run = PipelineRun(pipeline_id, run_id or f"run-{self.runs}", at, at - DAY, at, at)
        return execute(made, run, warehouse=self.warehouse, cancelled=cancelled, told=told, memory_bytes=memory_bytes)

    def rows(self, dataset: str) -> list[dict[str, Any]]:
        return self.warehouse.rows(dataset, limit=1000).items

    def column(self, dataset: str, name: str) -> list[Any]:
        return sorted(row[name] for row in self.rows(dataset))

    def names(self) -> list[str]:
        return [dataset.name for dataset in self.warehouse.datasets()]


def step(name: str, sql: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "sql": sql, **more}
