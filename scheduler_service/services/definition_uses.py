"""Which schedules run a definition, and what became of it lately."""

from collections.abc import Collection
from dataclasses import dataclass

from scheduler_service.storage import collect_tasks, definition_uses, etl_pipelines, reports
from scheduler_service.storage.definition_uses import Called, Use
from scheduler_service.storage.models import TaskRun
from scheduler_service.storage.session import Session

COLLECT = Called(collect_tasks.TASK, "task_id")
PIPELINE = Called(etl_pipelines.TASK, "pipeline_id")
REPORT = Called(reports.TASK, "schedule_id")

MOST_SCHEDULES = 20
MOST_RUNS = 20
MOST_OF_A_PAGE = 500


@dataclass(frozen=True)
class Usage:
    """The first schedules that run a definition, whether there are more, and the last runs that these made."""

    uses: list[Use]
    more: bool
    runs: list[TaskRun]


def usage_of(session: Session, called: Called, definition_id: int) -> Usage:
    """Of one definition."""
    found = definition_uses.uses(session, called, [definition_id], limit=MOST_SCHEDULES + 1)
    shown = found[:MOST_SCHEDULES]
    ids = [use.schedule.id for use in shown]
    runs = definition_uses.runs_of(session, called, definition_id, ids, limit=MOST_RUNS)
    return Usage(shown, len(found) > MOST_SCHEDULES, runs)


def by_definition(session: Session, called: Called, ids: Collection[int]) -> dict[int, list[Use]]:
    """The schedules that run each of a page of definitions."""
    found: dict[int, list[Use]] = {one: [] for one in ids}
    for use in definition_uses.uses(session, called, ids, limit=MOST_OF_A_PAGE) if ids else ():
        found[use.definition_id].append(use)
    return found
