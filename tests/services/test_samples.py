"""The sample of an empty service."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scheduler_service.services import documents, samples, schedules
from scheduler_service.services.collect_tasks import CollectTaskDocument, collect_tasks
from scheduler_service.services.schedule_documents import ScheduleDocument
from scheduler_service.storage.schedule_lists import Order, ScheduleFilter
from scheduler_service.storage.session import Database
from scheduler_service.workloads.collect.definitions import CollectDefinition, HttpSource
from scheduler_service.workloads.etl.definitions import PipelineDefinition
from scheduler_service.workloads.etl.running import PipelineRun, execute
from scheduler_service.workloads.report.content import Span
from scheduler_service.workloads.report.definitions import ReportDefinition
from scheduler_service.workloads.report.producing import Job, produce
from scheduler_service.workloads.stopping import Stop
from scheduler_service.workloads.warehouse import Warehouse
from scheduler_service.workloads.warehouse_postgresql import PostgresWarehouse
from scheduler_service.workloads.warehouses import AnyWarehouse

SCHEDULES = ["collect scheduler runs", "scheduler load", "the scheduler's day"]


def names(database: Database) -> tuple[list[str], list[str]]:
    with database.reading() as session:
        made = schedules.search(session, ScheduleFilter(), order=Order(), limit=10, cursor=None)
        tasks = collect_tasks.search(session, q=None, limit=10, cursor=None)
        return [row.name for row in made.items], [row.name for row in tasks.items]


def test_an_empty_service_gets_a_sample_that_collects_its_own_runs(database: Database) -> None:
    assert samples.seed(database) is True

    with database.reading() as session:
        schedule, task = schedules.get(session, 1), collect_tasks.get(session, 1)
    definition = CollectDefinition.model_validate(task.definition)
    assert (schedule.name, schedule.task, schedule.args, schedule.kind) == (
        "collect scheduler runs",
        "collect.execute_task",
        [task.id],
        "collect",
    )
    assert (definition.dataset, definition.mode, definition.key) == ("scheduler_runs", "merge", ("id",))
    assert isinstance(definition.source, HttpSource)
    assert (definition.source.connection, definition.source.path) == ("self", "/api/v1/runs")


def test_a_second_time_nothing_is_made(database: Database) -> None:
    samples.seed(database)

    assert samples.seed(database) is False
    assert names(database) == (SCHEDULES, ["scheduler-runs"])


@pytest.mark.parametrize("kept", ["schedule", "collect task"])
def test_a_service_that_is_used_gets_none(database: Database, kept: str) -> None:
    samples.seed(database)
    with database.transaction() as session:
        for schedule_id in (1, 2, 3):
            schedules.delete(session, schedule_id, expected=None, actor="test")
        if kept == "schedule":
            collect_tasks.delete(session, 1, expected=None, actor="test")
            document = documents.read(ScheduleDocument, samples.COLLECT_SCHEDULE | {"name": "mine"})
            schedules.create(session, document, actor="test", now=database.clock.now())

    assert samples.seed(database) is False


def test_of_many_at_once_one_makes_it(database: Database) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: samples.seed(database), range(4)))

    assert sorted(made) == [False, False, False, True]
    assert names(database) == (SCHEDULES, ["scheduler-runs"])
    assert documents.read(CollectTaskDocument, samples.COLLECT_TASK).name == "scheduler-runs"


RUNS = """
CREATE TABLE scheduler_runs AS
SELECT CAST(i AS VARCHAR) AS id, 'schedule ' || CAST(i % 5 AS VARCHAR) AS schedule_name,
  CASE WHEN i % 3 = 0 THEN 'collect' ELSE 'etl' END AS kind, 1 AS attempt,
  CASE WHEN i % 7 = 0 THEN 'failed' ELSE 'succeeded' END AS state,
  TIMESTAMPTZ '2026-03-01 00:00:00+00' + i * INTERVAL '11 minutes' AS occurrence_at,
  TIMESTAMPTZ '2026-03-01 00:00:00+00' + i * INTERVAL '11 minutes' AS fire_at,
  TIMESTAMPTZ '2026-03-01 00:00:02+00' + i * INTERVAL '11 minutes' AS started_at,
  TIMESTAMPTZ '2026-03-01 00:00:07+00' + i * INTERVAL '11 minutes' AS finished_at
FROM {series}
"""


@pytest.fixture(params=["duckdb", "postgresql"])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> AnyWarehouse:
    """With runs in it, as they were collected."""
    made: AnyWarehouse = Warehouse(tmp_path / "warehouse.duckdb")
    series = "range(300) AS n(i)"
    if request.param == "postgresql":
        made = PostgresWarehouse(request.getfixturevalue("postgres_url"))
        series = "generate_series(0, 299) AS i"
    with made.transaction() as connection:
        connection.execute(RUNS.format(series=series))  # type: ignore[call-overload, unused-ignore]
    return made


def test_the_pipeline_and_the_report_run_on_each_warehouse(warehouse: AnyWarehouse, tmp_path: Path) -> None:
    """With whatever SQL the sample has: it must be what both understand."""
    due = datetime(2026, 3, 3, 0, 5, tzinfo=UTC)
    pipeline = PipelineDefinition.model_validate(samples.PIPELINE["definition"])
    run = PipelineRun(1, "run-1", occurrence_at=due, window_start=due - timedelta(days=1), window_end=due, now=due)
    made = execute(pipeline, run, warehouse=warehouse, cancelled=lambda: False, told=lambda **_: None)
    definition = ReportDefinition.model_validate(samples.REPORT["definition"])
    job = Job(definition, "", Span.until(due, length=timedelta(days=1)), ("html",), tmp_path)

    (page,) = produce(job, warehouse, stop=Stop(lambda: False, 60), told=lambda **_: None)

    assert len(made["steps"]) == 2
    html = page.path.read_text()
    assert html.count("data:image/svg+xml") == 4
    assert "Finished runs" in html
    assert "2 s" in html
