"""One call makes any Celery app's workers claim, record and beat: `track(app)`.

Celery offers no one place for all of it, so three hooks are set: a worker step (before the pool's first task: the
request class; then the heartbeat), a consumer step (tracers of threads and solo), and a signal in every pool process
(tracers of prefork).
"""

import logging
from functools import partial
from typing import Any
from uuid import UUID

from celery import Celery, bootsteps, signals
from celery.app.task import Task

from scheduler_service.settings import Settings
from scheduler_service.storage.session import Database
from scheduler_service.worker.claiming import wrap_tracers
from scheduler_service.worker.errands import Errands
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
        self.errands = Errands()

    @property
    def database(self) -> Database:
        """This process's own, for tasks."""
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
        # the recorder tries again by itself, so it need not ask before each use whether its connection is there
        self._recorder = Recorder(Database(self._url, pool_size=20, pre_ping=False), worker=hostname)

    def wrap(self, *, in_child: bool) -> None:
        wrap_tracers(self._app, self.recorder, in_child=in_child)

    def never_started(self, message: Any, reason: str) -> None:
        """The message is thrown away; nothing, where it was not sent for a run."""
        headers = getattr(message, "headers", None) or {}
        try:
            run_id = UUID(headers["run_id"])
        except (KeyError, TypeError, ValueError, AttributeError):
            return
        self.errands.add(partial(self.recorder.never_started, run_id, "failed", reason=reason))

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
        tracking: Tracking = worker.app.scheduler_tracking
        if not is_prefork(worker.pool):
            logger.warning("this worker's pool does not enforce time limits: schedules with any need prefork")
        Heartbeat(tracking.database, tracking.recorder, worker).start()
        tracking.errands.start()  # after the heartbeat, so that it ends before it: nothing is left to say then


class ConsumerStep(bootsteps.StartStopStep):
    """Where tasks run in this very process, their tracers are wrapped here, after each reconnect as well."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        super().__init__(consumer, **kwargs)
        celerys, tracking = consumer.on_decode_error, consumer.app.scheduler_tracking

        def on_decode_error(message: Any, why: BaseException) -> None:
            """Celery's own only logs it, with no signal."""
            celerys(message, why)
            tracking.never_started(message, f"its message could not be read: {why}")

        consumer.on_decode_error = on_decode_error

    def start(self, consumer: Any) -> None:
        if not is_prefork(consumer.pool):
            consumer.app.scheduler_tracking.wrap(in_child=False)


def is_prefork(pool: Any) -> bool:
    """Whether tasks are executed in processes that the worker watches."""
    return "prefork" in type(pool).__module__


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

    def unknown(message: Any = None, name: Any = None, **_: Any) -> None:
        tracking.never_started(message, f"no worker of its queue knows the task {name}")

    def rejected(message: Any = None, exc: Any = None, **_: Any) -> None:
        tracking.never_started(message, f"its message could not be read: {exc}")

    signals.worker_process_init.connect(in_pool_process, weak=False)
    signals.task_unknown.connect(unknown, weak=False)
    signals.task_rejected.connect(rejected, weak=False)
    return tracking
