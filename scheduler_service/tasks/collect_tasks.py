"""`collect.execute_task(task_id)`: bring in what a collect task defines."""

from collections.abc import Callable
from time import monotonic
from typing import Any
from uuid import UUID

from celery import Celery, Task

from scheduler_service.errors import StoreAway, TransientFailure
from scheduler_service.storage import cancelling, collect_tasks
from scheduler_service.storage.session import Database
from scheduler_service.workloads.collect.collecting import CollectSite, collect
from scheduler_service.workloads.collect.definitions import CollectDefinition

LOOK_EVERY = 1.0  # seconds


class Asked:
    """Whether somebody asked the run to end. It is asked often; it looks once a second."""

    def __init__(self, database: Database, run_id: str) -> None:
        self._database, self._run_id = database, _as_uuid(run_id)
        self._next_look = monotonic() + LOOK_EVERY

    def __call__(self) -> bool:
        if self._run_id is None or monotonic() < self._next_look:
            return False
        self._next_look = monotonic() + LOOK_EVERY
        try:
            with self._database.reading() as session:
                return cancelling.is_requested(session, self._run_id)
        except StoreAway:  # then nobody can ask either
            return False


def _as_uuid(run_id: str) -> UUID | None:
    """None for an id that somebody else made up: then it is no run of ours."""
    try:
        return UUID(run_id)
    except ValueError:
        return None


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
    def execute_task(self: Task, task_id: int) -> dict[str, Any]:
        """Bring in what the collect task with this id defines."""
        with database().reading() as session:
            definition = CollectDefinition.model_validate(collect_tasks.get(session, task_id).definition)
        outcome = collect(
            definition,
            task_id=task_id,
            run_id=self.request.id,
            attempt=self.request.retries + 1,
            site=site,
            cancelled=Asked(database(), self.request.id),
        )
        return outcome.as_dict()
