"""Something to look at in an empty service, which needs no internet: it collects its own runs, and reports on them.

The SQL is what DuckDB and PostgreSQL both understand, and asks for no column that is NULL in every finished run: a
dataset gets a column with its first value.
"""

from typing import Any

from scheduler_service.errors import Conflict
from scheduler_service.services import documents, schedules
from scheduler_service.services.collect_tasks import CollectTaskDocument, collect_tasks
from scheduler_service.services.etl_pipelines import EtlPipelineDocument, etl_pipelines
from scheduler_service.services.reports import ReportDocument, reports
from scheduler_service.services.schedule_documents import ScheduleDocument
from scheduler_service.storage import schedules as stored_schedules
from scheduler_service.storage.session import Database, Session

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
PIPELINE: dict[str, Any] = {
    "name": "scheduler-load",
    "description": "How late runs start and how long they take, and that by the hour.",
    "definition": {
        "steps": [
            {
                "name": "finished_runs",
                "kind": "view",
                "sql": (
                    "SELECT id, schedule_name, kind, state, attempt, occurrence_at, finished_at,\n"
                    "  date_trunc('hour', finished_at) AS finished_hour,\n"
                    "  state = 'succeeded' AS succeeded, state IN ('failed', 'timed_out', 'lost') AS failed,\n"
                    "  CAST(extract(epoch FROM started_at - fire_at) AS double precision) AS lateness_seconds,\n"
                    "  CAST(extract(epoch FROM finished_at - started_at) AS double precision) AS run_seconds\n"
                    "FROM scheduler_runs"
                ),
            },
            {
                "name": "load_by_hour",
                "sql": (
                    "SELECT finished_hour, schedule_name, kind, count(*) AS runs,\n"
                    "  count(*) FILTER (WHERE failed) AS failures, sum(run_seconds) AS run_seconds,\n"
                    "  max(lateness_seconds) AS latest_start_seconds\n"
                    "FROM finished_runs GROUP BY finished_hour, schedule_name, kind"
                ),
                "checks": [
                    {"type": "unique", "columns": ["finished_hour", "schedule_name", "kind"]},
                    {"type": "not_null", "columns": ["finished_hour", "runs"]},
                    {"type": "freshness", "column": "finished_hour", "max_age_seconds": 7200, "severity": "warn"},
                ],
            },
        ]
    },
}
_IN_WINDOW = "finished_at >= {{ window_start }} AND finished_at < {{ window_end }}"
_HOURS_IN_WINDOW = "finished_hour >= {{ window_start }} AND finished_hour < {{ window_end }}"
REPORT: dict[str, Any] = {
    "name": "scheduler-day",
    "description": "What this service did in a day.",
    "definition": {
        "title": "The scheduler's day",
        "outputs": ["html", "pdf"],
        "window_seconds": 86400,
        "sections": [
            {
                "type": "metrics",
                "title": "In short",
                "sql": (
                    "SELECT count(*) AS runs, count(*) FILTER (WHERE failed) AS failures,\n"
                    "  avg(CASE WHEN failed THEN 1.0 ELSE 0.0 END) AS failed_share,\n"
                    "  percentile_cont(0.95) WITHIN GROUP (ORDER BY lateness_seconds) AS late,\n"
                    f"  sum(run_seconds) AS busy\nFROM finished_runs WHERE {_IN_WINDOW}"
                ),
                "items": [
                    {"column": "runs", "title": "Finished runs", "format": "number"},
                    {"column": "failures", "title": "Failures", "format": "number", "good": "down"},
                    {"column": "failed_share", "title": "Of all runs", "format": "percent", "good": "down"},
                    {"column": "late", "title": "Started late, 95 %", "format": "seconds", "good": "down"},
                    {"column": "busy", "title": "Workers were busy", "format": "seconds"},
                ],
            },
            {
                "type": "chart",
                "title": "Load: runs by the hour",
                "kind": "bar",
                "x": "hour",
                "y": ["runs"],
                "series": "kind",
                "sql": (
                    "SELECT finished_hour AS hour, kind, sum(runs) AS runs\n"
                    f"FROM load_by_hour WHERE {_HOURS_IN_WINDOW} GROUP BY finished_hour, kind ORDER BY 1, 2"
                ),
            },
            {
                "type": "chart",
                "title": "Lateness: from when a run was due until it started",
                "kind": "line",
                "x": "hour",
                "y": ["half of the runs", "95 in 100"],
                "format": "seconds",
                "sql": (
                    "SELECT finished_hour AS hour,\n"
                    '  percentile_cont(0.5) WITHIN GROUP (ORDER BY lateness_seconds) AS "half of the runs",\n'
                    '  percentile_cont(0.95) WITHIN GROUP (ORDER BY lateness_seconds) AS "95 in 100"\n'
                    f"FROM finished_runs WHERE {_IN_WINDOW} GROUP BY finished_hour ORDER BY 1"
                ),
            },
            {
                "type": "chart",
                "title": "Failures by the hour",
                "kind": "bar",
                "x": "hour",
                "y": ["failures"],
                "series": "schedule",
                "sql": (
                    "SELECT finished_hour AS hour, schedule_name AS schedule, failures\n"
                    f"FROM load_by_hour WHERE {_HOURS_IN_WINDOW} AND failures > 0 ORDER BY 1, 2"
                ),
            },
            {
                "type": "chart",
                "title": "What keeps the workers busy",
                "kind": "heatmap",
                "x": "hour",
                "y": ["schedule"],
                "value": "busy",
                "format": "seconds",
                "sql": (
                    "SELECT finished_hour AS hour, schedule_name AS schedule, sum(run_seconds) AS busy\n"
                    f"FROM load_by_hour WHERE {_HOURS_IN_WINDOW} GROUP BY finished_hour, schedule_name ORDER BY 1, 2"
                ),
            },
            {
                "type": "table",
                "title": "Schedules",
                "sql": (
                    "SELECT schedule_name, count(*) AS runs, count(*) FILTER (WHERE failed) AS failures,\n"
                    "  max(lateness_seconds) AS latest, avg(run_seconds) AS usual, max(run_seconds) AS longest\n"
                    f"FROM finished_runs WHERE {_IN_WINDOW}\nGROUP BY schedule_name ORDER BY failures DESC, runs DESC"
                ),
                "columns": [
                    {"column": "schedule_name", "title": "Schedule"},
                    {"column": "runs", "title": "Runs", "format": "number"},
                    {"column": "failures", "title": "Failures", "format": "number"},
                    {"column": "latest", "title": "Latest start", "format": "seconds"},
                    {"column": "usual", "title": "Takes on average", "format": "seconds"},
                    {"column": "longest", "title": "Longest", "format": "seconds"},
                ],
            },
            {
                "type": "table",
                "title": "Latest failures",
                "shown": 50,
                "max_rows": 1000,
                "sql": (
                    "SELECT finished_at, schedule_name, state, attempt, occurrence_at\n"
                    f"FROM finished_runs WHERE {_IN_WINDOW} AND failed ORDER BY finished_at DESC"
                ),
            },
            {
                "type": "text",
                "markdown": (
                    "A sample: the schedule *collect scheduler runs* reads this service's own runs every minute, "
                    "*scheduler load* makes tables of them every ten minutes, and this report reads those. "
                    "Edit or delete them like any other."
                ),
            },
        ],
    },
}
COLLECT_SCHEDULE: dict[str, Any] = {
    "name": "collect scheduler runs",
    "description": "A sample: every minute the service collects its own runs into the dataset scheduler_runs.",
    "task": "collect.execute_task",
    "timing": {"type": "crontab", "expression": "* * * * *"},
    "tags": ["sample"],
}
PIPELINE_SCHEDULE: dict[str, Any] = {
    "name": "scheduler load",
    "description": "A sample: every ten minutes the collected runs become tables by the hour.",
    "task": "etl.execute_pipeline",
    "timing": {"type": "crontab", "expression": "*/10 * * * *"},
    "tags": ["sample"],
    # in its first minutes an empty service has collected nothing
    "retry_max": 3,
    "retry_delay_seconds": 90,
}
REPORT_SCHEDULE: dict[str, Any] = {
    "name": "the scheduler's day",
    "description": "A sample: a daily report, in HTML and PDF, on load, lateness and failures.",
    "task": "report.generate_scheduled",
    "timing": {"type": "crontab", "expression": "5 0 * * *"},
    "tags": ["sample"],
    "retry_max": 3,
    "retry_delay_seconds": 600,
}


def seed(database: Database) -> bool:
    """Make the samples where there is no schedule and no collect task; whether it did. Raises: StoreAway."""
    try:
        with database.transaction() as session:
            if not (stored_schedules.is_empty(session) and collect_tasks.stored.is_empty(session)):
                return False
            _make(session, database)
    except Conflict:  # another process made them at the same moment
        return False
    return True


def _make(session: Session, database: Database) -> None:
    task = collect_tasks.create(session, documents.read(CollectTaskDocument, COLLECT_TASK), actor=ACTOR)
    pipeline = etl_pipelines.create(session, documents.read(EtlPipelineDocument, PIPELINE), actor=ACTOR)
    report = reports.create(session, documents.read(ReportDocument, REPORT), actor=ACTOR)
    made = ((COLLECT_SCHEDULE, task.id), (PIPELINE_SCHEDULE, pipeline.id), (REPORT_SCHEDULE, report.id))
    now = database.clock.now()
    for schedule, definition_id in made:
        document = documents.read(ScheduleDocument, {**schedule, "args": [definition_id]})
        schedules.create(session, document, actor=ACTOR, now=now)
