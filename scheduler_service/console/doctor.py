"""What the doctor finds, in words, with the mend."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from scheduler_service.api.dependencies import BrokerDep, DatabaseDep, WarehouseDep
from scheduler_service.console import sentences
from scheduler_service.console.pages import Page
from scheduler_service.services.examinations import Examiner

router = APIRouter(include_in_schema=False)


def _examiner(request: Request, database: DatabaseDep, broker: BrokerDep, warehouse: WarehouseDep) -> Examiner:
    """One for each application, so that many who ask at once are one examination."""
    state = request.app.state
    if not hasattr(state, "examiner"):
        state.examiner = Examiner(database, broker, warehouse)
    examiner: Examiner = state.examiner
    return examiner


ExaminerDep = Annotated[Examiner, Depends(_examiner)]


@router.get("/system/doctor")
def show_doctor(page: Page, examiner: ExaminerDep, look: bool = False) -> Response:
    """What was found last, or with `look` now: that takes a few seconds, and changes nothing."""
    examination = examiner.examine() if look else examiner.last
    return page.show("system/doctor.html", examination=examination, told=sentences.told)
