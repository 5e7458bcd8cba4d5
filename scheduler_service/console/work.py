"""Work at a glance: the first of each kind with how they went last, what was made lately, and the way to the rest."""

from fastapi import APIRouter, Response

from scheduler_service.api.dependencies import Reading
from scheduler_service.console.kinds import KINDS, Kind
from scheduler_service.console.outcomes import outcome_of, took
from scheduler_service.console.pages import Page
from scheduler_service.services import artifacts, definition_uses
from scheduler_service.storage.artifacts import ArtifactFilter
from scheduler_service.storage.definition_uses import Use
from scheduler_service.storage.models import Definition
from scheduler_service.storage.session import Session

router = APIRouter(include_in_schema=False)

FIRST = 8
LATEST = 10


@router.get("/work")
def show_work(page: Page, session: Reading) -> Response:
    """The three kinds side by side."""
    kinds = [(kind, *_first(session, kind)) for kind in KINDS.values()]
    latest = artifacts.search(session, ArtifactFilter(), limit=LATEST, cursor=None).items
    return page.show("work/overview.html", kinds=kinds, latest=latest, outcome_of=outcome_of, took=took)


def _first(session: Session, kind: Kind) -> tuple[list[Definition], bool, dict[int, list[Use]]]:
    """Some of a kind by name, whether there are more, and who runs each."""
    found = kind.services.search(session, q=None, limit=FIRST, cursor=None)
    uses = definition_uses.by_definition(session, kind.called, [row.id for row in found.items])
    return found.items, found.next_cursor is not None, uses
