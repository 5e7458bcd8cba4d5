"""`report.generate_scheduled(schedule_id)`: make and deliver a report; `report.deliver_pending()`: try again later."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from celery import Celery, Task

from scheduler_service.errors import TransientFailure
from scheduler_service.services import deliveries, report_runs
from scheduler_service.services.report_runs import ReportSite
from scheduler_service.storage import windows
from scheduler_service.storage.deliveries import SEND
from scheduler_service.storage.reports import TASK
from scheduler_service.storage.session import Database, Session
from scheduler_service.tasks.running import Running
from scheduler_service.workloads.report.content import DEFAULT_WINDOW, Span
from scheduler_service.workloads.report.definitions import ReportDefinition
from scheduler_service.workloads.stopping import Stop


def register(app: Celery, *, database: Callable[[], Database], site: ReportSite) -> None:
    """Add the tasks to the app. `database` gives the executing process's own."""

    @app.task(
        name=TASK,
        shared=False,  # another app in this process, a test's say, has a task of its own by this name
        bind=True,
        acks_late=True,  # a run that made its files once does not make them again
        autoretry_for=(TransientFailure,),
        retry_backoff=5,
        retry_backoff_max=600,
        retry_jitter=True,
        max_retries=5,
    )
    def generate_scheduled(self: Task, schedule_id: int) -> dict[str, Any]:
        """Make the report with this id, and deliver it."""
        running = Running.of(self.request, database())
        making = report_runs.making(database(), schedule_id, run_id=_uuid(running.run_id), span=partial(_span, running))
        stop = Stop(running.asked_to_end, making.definition.time_limit_seconds)
        return report_runs.run(database(), making, site, stop=stop, told=running.tell)

    @app.task(name=SEND, shared=False, acks_late=True)
    def deliver_pending() -> dict[str, int]:
        """Try the deliveries that are due."""
        return dict(deliveries.send_due(database(), site.delivery, site.places.files))


def _span(running: Running, session: Session, definition: ReportDefinition) -> Span:
    """What the run is about: until its occurrence, from as long before as is said, else from the one before it."""
    end: datetime = running.occurrence_at
    if definition.window is None and running.schedule_id is not None:
        start = windows.previous_occurrence(session, running.schedule_id, end)
        if start is not None:
            return Span(start, end, end)
    return Span.until(end, length=definition.window or DEFAULT_WINDOW)


def _uuid(run_id: str) -> UUID:
    """The run's id, or one that stands for an id that somebody else made up."""
    try:
        return UUID(run_id)
    except ValueError:
        return uuid5(NAMESPACE_OID, run_id)
