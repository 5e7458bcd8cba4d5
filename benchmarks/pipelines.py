"""What a run of a pipeline costs beyond its SQL, how soon a cancelled one ends, and what it leaves of memory."""

import resource
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from scheduler_service.errors import Cancelled
from scheduler_service.workloads.etl.definitions import PipelineDefinition
from scheduler_service.workloads.etl.running import PipelineRun, execute
from scheduler_service.workloads.stopping import never
from scheduler_service.workloads.warehouse import Warehouse

ROWS = 5_000_000
ROUNDS = 5
AT = datetime(2026, 3, 2, tzinfo=UTC)
SOURCE = f"CREATE TABLE events AS SELECT range AS id, range % 1000 AS place, random() AS amount FROM range({ROWS})"
STEPS = {
    "kept": "SELECT id, place, amount FROM events WHERE amount > 0.1",
    "by_place": "SELECT place, count(*) AS events, sum(amount) AS amount FROM kept GROUP BY place",
    "best": "SELECT * FROM by_place ORDER BY amount DESC LIMIT 10",
}
ENDLESS = "SELECT count(*) FROM generate_series(1, 1000000) a(x), generate_series(1, 1000000) b(y) WHERE x + y = -1"


def pipelines() -> list[str]:
    """An empty run; three steps over five million rows, by us and bare; cancelled; memory before and after."""
    with TemporaryDirectory() as folder:
        warehouse = Warehouse(Path(folder) / "warehouse.duckdb")
        with warehouse.transaction() as connection:
            connection.execute(SOURCE)
        before = _megabytes()
        empty = median(_timed(lambda: _run(warehouse, {"one": "SELECT 1 AS n"})) for _ in range(ROUNDS))
        ours = median(_timed(lambda: _run(warehouse, STEPS)) for _ in range(ROUNDS))
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        ended = median(_cancelled(warehouse) for _ in range(ROUNDS))
        after = _megabytes()
        bare = median(_timed(lambda: _bare(warehouse)) for _ in range(ROUNDS))
    return [
        f"a pipeline of one empty step: {empty:.2f} s",
        f"three steps over {ROWS:,} rows: {ours:.2f} s, bare DuckDB {bare:.2f} s: {ours / bare:.2f} times",
        f"cancelled in an endless query: ended after {ended:.2f} s (at most 2)",
        f"memory of the worker: {before:.0f} MB before, {after:.0f} MB after; of the process that did the work: "
        f"{peak:.0f} MB at its peak",
    ]


def _run(warehouse: Warehouse, steps: dict[str, str], cancelled: Callable[[], bool] = never) -> dict[str, Any]:
    definition = {"steps": [{"name": name, "sql": sql} for name, sql in steps.items()]}
    run = PipelineRun(1, str(time.time_ns()), AT, AT - timedelta(days=1), AT, AT)
    return execute(PipelineDefinition.model_validate(definition), run, warehouse=warehouse, cancelled=cancelled)


def _bare(warehouse: Warehouse) -> None:
    with warehouse.transaction() as connection:
        for name, sql in STEPS.items():
            connection.execute(f"CREATE OR REPLACE TABLE {name} AS {sql}")


def _cancelled(warehouse: Warehouse) -> float:
    """Seconds from the request to the end."""
    asked = time.monotonic() + 2
    try:
        _run(warehouse, {"one": ENDLESS}, cancelled=lambda: time.monotonic() > asked)
    except Cancelled:
        return time.monotonic() - asked
    raise AssertionError("it was to be cancelled")


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _megabytes() -> float:
    return float(psutil.Process().memory_info().rss) / 1024**2
