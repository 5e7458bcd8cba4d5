"""One collect task: from where, into what, how it went, and who reads what it brings."""

from fastapi import APIRouter, Response

from scheduler_service.api.definitions import DefinitionId
from scheduler_service.api.dependencies import Reading, WarehouseDep
from scheduler_service.console.briefs import brief
from scheduler_service.console.charts import growth
from scheduler_service.console.definitions import Shown, shown
from scheduler_service.console.kinds import COLLECT_TASKS
from scheduler_service.console.outcomes import outcome_of
from scheduler_service.console.pages import Page
from scheduler_service.console.pipelines import PATHS
from scheduler_service.services import dataset_ties

router = APIRouter(include_in_schema=False)


@router.get("/work/collect-tasks/{definition_id:int}")
def show_collect_task(page: Page, definition_id: DefinitionId, session: Reading, warehouse: WarehouseDep) -> Response:
    """What it does, and what became of it."""
    found = shown(session, COLLECT_TASKS, definition_id)
    dataset = brief(found.row).dataset
    readers = dataset_ties.readers(session, [dataset], warehouse.dialect)
    return page.show(
        "work/collect-tasks/show.html",
        dataset=dataset,
        readers=readers,
        chart=_rows_by_run(found),
        paths=PATHS,
        **found.context(),
    )


def _rows_by_run(found: Shown) -> growth.Growth | None:
    """What its last runs wrote."""
    brought = [(run.finished_at, outcome_of(run).rows, str(run.id)) for run in reversed(found.usage.runs)]
    return growth.bars([(at, rows, run_id) for at, rows, run_id in brought if at is not None and rows is not None])
