"""One call makes any Celery app's workers claim, record and beat: `track(app)`.

Celery offers no one place for all of it, so three hooks are set: a worker step (before the pool's first task: the
request class; then the heartbeat), a consumer step (tracers of threads and solo), and a signal in every pool process
(tracers of prefork).
"""

import logging
from typing import Any
from uuid import UUID

from celery import Celery, bootsteps, signals
from celery.app.task import Task

from scheduler_service.settings import Settings
from scheduler_service.storage.session import Database
from scheduler_service.worker.claiming import wrap_tracers
from scheduler_service.worker.heartbeat import Heartbeat
from scheduler_service.worker.recording import Recorder

logger = logging.getLogger(__name__)

TRACKED_REQUEST = "scheduler_service.worker.requests:TrackedRequest"


class Tracking:
    """What a tracked app's worker needs in each of its processes."""

    def __init__(self, app: Celery, database_url: str) -> None:
        self._app = app
        self._url = database_url
        self._database: Database | None = None
        self._recorder: Recorder | None = None

    @property
    def database(self) -> Database:
        """This process's own."""
        if self._database is None:
            self._database = Database(self._url, pool_size=2)
        return self._database

    @property
    def recorder(self) -> Recorder:
        if self._recorder is None:
            raise RuntimeError("this process is not a worker's")
        return self._recorder

    def enter(self, hostname: str) -> None:
        """This process is a worker's from here on; connections from before a fork are forgotten, not closed."""
        self._database = None
        self._recorder = Recorder(self.database, worker=hostname)

    def wrap(self, *, in_child: bool) -> None:
        wrap_tracers(self._app, self.recorder, in_child=in_child)

    def use_tracked_requests(self) -> None:
        for task in self._app.tasks.values():
            if task.Request == Task.Request:
                task.Request = TRACKED_REQUEST
            else:
                logger.warning("task %s has a request class of its own: a killed child is seen by Beat only", task.name)


class WorkerStep(bootsteps.StartStopStep):
    """Before the consumer starts: the request class; with the pool running: the heartbeat."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **kwargs: Any) -> None:
        super().__init__(worker, **kwargs)
        tracking: Tracking = worker.app.scheduler_tracking
        tracking.enter(worker.hostname)
        tracking.use_tracked_requests()

    def start(self, worker: Any) -> None:
        Heartbeat(worker.app.scheduler_tracking.database, worker).start()


class ConsumerStep(bootsteps.StartStopStep):
    """Where tasks run in this very process, their tracers are wrapped here, after each reconnect as well."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, consumer: Any) -> None:
        if "prefork" not in type(consumer.pool).__module__:
            consumer.app.scheduler_tracking.wrap(in_child=False)


def track(app: Celery, *, database_url: str | None = None) -> Tracking:
    """Have this app's workers claim and record the runs of the service.

    The database is the one of SCHEDULER_DATABASE_URL unless another is named. Tasks that the service did not
    schedule are not touched.
    """
    if hasattr(app, "scheduler_tracking"):
        return app.scheduler_tracking  # type: ignore[no-any-return]
    tracking = app.scheduler_tracking = Tracking(app, database_url or Settings().database)
    app.steps["worker"].add(WorkerStep)
    app.steps["consumer"].add(ConsumerStep)

    def in_pool_process(sender: Any = None, **_: Any) -> None:
        tracking.enter(str(sender))
        tracking.wrap(in_child=True)

    def unknown(id: Any = None, name: Any = None, **_: Any) -> None:
        _never_started(tracking, id, f"no worker of its queue knows the task {name}")

    def rejected(message: Any = None, **_: Any) -> None:
        headers = getattr(message, "headers", None) or {}
        _never_started(tracking, headers.get("run_id"), "its message could not be read")

    signals.worker_process_init.connect(in_pool_process, weak=False)
    signals.task_unknown.connect(unknown, weak=False)
    signals.task_rejected.connect(rejected, weak=False)
    return tracking


def _never_started(tracking: Tracking, run_id: Any, reason: str) -> None:
    try:
        known = UUID(str(run_id))
    except ValueError:
        return
    tracking.recorder.never_started(known, "failed", reason=reason)
