"""The sample of an empty service."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from scheduler_service.services import collect_tasks, documents, samples, schedules
from scheduler_service.services.collect_tasks import CollectTaskDocument
from scheduler_service.services.schedule_documents import ScheduleDocument
from scheduler_service.storage.schedules import Order, ScheduleFilter
from scheduler_service.storage.session import Database
from scheduler_service.workloads.collect.definitions import CollectDefinition, HttpSource


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
    assert names(database) == (["collect scheduler runs"], ["scheduler-runs"])


@pytest.mark.parametrize("kept", ["schedule", "collect task"])
def test_a_service_that_is_used_gets_none(database: Database, kept: str) -> None:
    samples.seed(database)
    with database.transaction() as session:
        schedules.delete(session, 1, expected=None, actor="test")
        if kept == "schedule":
            collect_tasks.delete(session, 1, expected=None, actor="test")
            document = documents.read(ScheduleDocument, samples.SCHEDULE | {"name": "mine"})
            schedules.create(session, document, actor="test", now=database.clock.now())

    assert samples.seed(database) is False


def test_of_many_at_once_one_makes_it(database: Database) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: samples.seed(database), range(4)))

    assert sorted(made) == [False, False, False, True]
    assert names(database) == (["collect scheduler runs"], ["scheduler-runs"])
    assert documents.read(CollectTaskDocument, samples.COLLECT_TASK).name == "scheduler-runs"
