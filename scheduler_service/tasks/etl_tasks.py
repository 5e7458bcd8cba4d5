"""`etl.execute_pipeline(pipeline_id)`: make the datasets that a pipeline defines."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from celery import Celery, Task

from scheduler_service.errors import TransientFailure
from scheduler_service.storage import windows
from scheduler_service.storage.etl_pipelines import TASK, etl_pipelines
from scheduler_service.storage.session import Database
from scheduler_service.tasks.running import Running
from scheduler_service.workloads.etl.definitions import PipelineDefinition
from scheduler_service.workloads.etl.running import PipelineRun, execute
from scheduler_service.workloads.warehouses import AnyWarehouse


@dataclass(frozen=True)
class EtlSite:
    """Where pipelines run, and with how much memory."""

    warehouse: AnyWarehouse
    memory_bytes: int


def register(app: Celery, *, database: Callable[[], Database], site: EtlSite) -> None:
    """Add the task to the app. `database` gives the executing process's own."""

    @app.task(
        name=TASK,
        shared=False,  # another app in this process, a test's say, has a task of its own by this name
        bind=True,
        acks_late=True,  # a run that is done is not done again, so it may be delivered again
        autoretry_for=(TransientFailure,),
        retry_backoff=5,
        retry_backoff_max=600,
        retry_jitter=True,
        max_retries=5,
    )
    def execute_pipeline(self: Task, pipeline_id: int) -> dict[str, Any]:
        """Make the datasets of the pipeline with this id."""
        running = Running.of(self.request, database())
        definition, window_start = _asked(database(), pipeline_id, running)
        run = PipelineRun(
            pipeline_id,
            running.run_id,
            occurrence_at=running.occurrence_at,
            window_start=window_start,
            window_end=running.occurrence_at,
            now=database().clock.now(),
        )
        return execute(
            definition,
            run,
            warehouse=site.warehouse,
            cancelled=running.asked_to_end,
            told=running.tell,
            memory_bytes=site.memory_bytes,
        )


def _asked(database: Database, pipeline_id: int, running: Running) -> tuple[PipelineDefinition, datetime]:
    """The definition, and where the run's window starts: with the schedule's previous occurrence, if it has one."""
    with database.reading() as session:
        definition = PipelineDefinition.model_validate(etl_pipelines.get(session, pipeline_id).definition)
        at, start = running.occurrence_at, None
        if running.schedule_id is not None:
            start = windows.previous_occurrence(session, running.schedule_id, at)
    return definition, start or at - timedelta(seconds=definition.window_seconds)
