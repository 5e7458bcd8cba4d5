"""Something to look at in an empty service, which needs no internet: it collects its own runs."""

from typing import Any

from scheduler_service.errors import Conflict
from scheduler_service.services import collect_tasks, documents, schedules
from scheduler_service.services.collect_tasks import CollectTaskDocument
from scheduler_service.services.schedule_documents import ScheduleDocument
from scheduler_service.storage import collect_tasks as stored_collect_tasks
from scheduler_service.storage import schedules as stored_schedules
from scheduler_service.storage.session import Database

ACTOR = "samples"
COLLECT_TASK: dict[str, Any] = {
    "name": "scheduler-runs",
    "description": "What became of this service's own runs, read from its API.",
    "definition": {
        "dataset": "scheduler_runs",
        "mode": "merge",
        "key": ["id"],
        "source": {
            "type": "http",
            "connection": "self",
            "path": "/api/v1/runs",
            "params": {"order": "finished_at", "limit": 200},
            "records": "$.items",
            "paging": {"type": "cursor", "param": "cursor", "next": "$.next_cursor"},
            # a run may be recorded a little after the instant at which it finished
            "incremental": {"cursor_field": "finished_at", "param": "finished_after", "lag_seconds": 60},
        },
    },
}
SCHEDULE: dict[str, Any] = {
    "name": "collect scheduler runs",
    "description": "A sample: every minute the service collects its own runs into the dataset scheduler_runs.",
    "task": "collect.execute_task",
    "timing": {"type": "crontab", "expression": "* * * * *"},
    "tags": ["sample"],
}


def seed(database: Database) -> bool:
    """Make the sample where there is no schedule and no collect task; whether it did. Raises: StoreAway."""
    try:
        with database.transaction() as session:
            if not (stored_schedules.is_empty(session) and stored_collect_tasks.is_empty(session)):
                return False
            task = collect_tasks.create(session, documents.read(CollectTaskDocument, COLLECT_TASK), actor=ACTOR)
            schedule = documents.read(ScheduleDocument, {**SCHEDULE, "args": [task.id]})
            schedules.create(session, schedule, actor=ACTOR, now=database.clock.now())
    except Conflict:  # another process made it at the same moment
        return False
    return True
