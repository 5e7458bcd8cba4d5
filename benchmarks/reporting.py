"""A report of twenty sections as HTML and PDF: how long it takes, and what it costs the process that has it made."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from threading import Event, Thread
from time import perf_counter
from typing import Any

import psutil

from scheduler_service.workloads.report.content import Span
from scheduler_service.workloads.report.definitions import ReportDefinition
from scheduler_service.workloads.report.producing import Job, Made, produce
from scheduler_service.workloads.stopping import Stop, never
from scheduler_service.workloads.warehouse import Warehouse

ROUNDS = 5
DUE = datetime(2026, 3, 3, tzinfo=UTC)
ORDERS = """
CREATE TABLE orders AS
SELECT i AS id, TIMESTAMPTZ '2026-03-01 00:00:00+00' + i * INTERVAL 1 MINUTE AS ordered_at, i % 97 * 1.5 AS amount,
  ['北京', '上海', 'Paris', 'London'][i % 4 + 1] AS city
FROM range(1000000) AS numbers(i)
"""
BY_HOUR = "SELECT date_trunc('hour', ordered_at) AS hour, city, sum(amount) AS amount FROM orders WHERE id < 2880"
CHART = {"type": "chart", "kind": "line", "x": "hour", "y": ["amount"], "series": "city",
         "sql": f"{BY_HOUR} GROUP BY ALL ORDER BY ALL"}  # fmt: skip
TABLE = {"type": "table", "sql": "SELECT * FROM orders ORDER BY id DESC", "shown": 40, "max_rows": 40}
SECTIONS = [part | {"title": f"第 {number} 节"} for number in range(10) for part in (CHART, TABLE)]


class Watch(Thread):
    """The most memory that this process and its children had, each by itself, in MB."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.own = self.children = 0.0
        self._done = Event()

    def run(self) -> None:
        process = psutil.Process()
        while not self._done.wait(0.02):
            self.own = max(self.own, process.memory_info().rss / 1e6)
            self.children = max(self.children, *(_rss(child) for child in process.children(recursive=True)), 0.0)

    def stop(self) -> None:
        self._done.set()
        self.join()


def reporting() -> list[str]:
    """Seconds for each, the median of some rounds; megabytes before, at the peak, and after."""
    definition = ReportDefinition.model_validate({"title": "日报", "sections": SECTIONS, "language": "zh"})
    before, watch = psutil.Process().memory_info().rss / 1e6, Watch()
    with TemporaryDirectory() as folder:
        warehouse = Warehouse(Path(folder) / "warehouse.duckdb")
        with warehouse.transaction() as connection:
            connection.execute(ORDERS)
        at_rest = psutil.Process().memory_info().rss / 1e6
        watch.start()
        timed = [_timed(definition, warehouse, Path(folder) / f"{number}") for number in range(ROUNDS)]
        watch.stop()
    seconds, made = median(second for second, _ in timed), timed[0][1]
    sizes = ", ".join(f"{one.output} {one.size / 1e3:.0f} kB" for one in made)
    after = psutil.Process().memory_info().rss / 1e6
    return [
        f"a report of {len(SECTIONS)} sections, half of them charts, as HTML and PDF: {seconds:.2f} s ({sizes})",
        f"its process at its peak: {watch.children:.0f} MB; who has it made: {at_rest:.0f} MB before (DuckDB loaded; "
        f"{before:.0f} MB without), {watch.own:.0f} MB at the peak, {after:.0f} MB after {ROUNDS} reports",
    ]


def _timed(definition: ReportDefinition, warehouse: Warehouse, folder: Path) -> tuple[float, list[Made]]:
    folder.mkdir()
    job = Job(definition, "", Span.until(DUE, length=timedelta(days=1)), ("html", "pdf"), folder)
    began = perf_counter()
    made = produce(job, warehouse, stop=Stop(never, 120), told=_nobody)
    return perf_counter() - began, made


def _nobody(**_progress: Any) -> None:
    """Nobody listens."""


def _rss(process: psutil.Process) -> float:
    try:
        return float(process.memory_info().rss) / 1e6
    except psutil.NoSuchProcess:
        return 0.0
