"""`collect.execute_task(task_id, full_refresh=False)`: bring in what a collect task defines."""

from collections.abc import Callable
from typing import Any

from celery import Celery, Task

from scheduler_service.errors import TransientFailure
from scheduler_service.storage.collect_tasks import collect_tasks
from scheduler_service.storage.session import Database
from scheduler_service.tasks.running import Running
from scheduler_service.workloads.collect.collecting import CollectSite, collect
from scheduler_service.workloads.collect.definitions import CollectDefinition


def register(app: Celery, *, database: Callable[[], Database], site: CollectSite) -> None:
    """Add the task to the app. `database` gives the executing process's own."""

    @app.task(
        name="collect.execute_task",
        shared=False,  # another app in this process, a test's say, has a task of its own by this name
        bind=True,
        acks_late=True,  # a collect is idempotent on its run id, so it may be delivered again
        autoretry_for=(TransientFailure,),
        retry_backoff=5,
        retry_backoff_max=600,
        retry_jitter=True,
        max_retries=5,
    )
    def execute_task(self: Task, task_id: int, full_refresh: bool = False) -> dict[str, Any]:
        """Bring in what the collect task with this id defines; with `full_refresh` all, in place of what is there."""
        with database().reading() as session:
            definition = CollectDefinition.model_validate(collect_tasks.get(session, task_id).definition)
        running = Running.of(self.request, database())
        outcome = collect(
            definition,
            task_id=task_id,
            run_id=self.request.id,
            attempt=running.attempt,
            site=site,
            cancelled=running.asked_to_end,
            full_refresh=full_refresh,
            tell=running.tell,
        )
        return outcome.as_dict()
