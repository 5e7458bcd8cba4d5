"""The road from other schedulers: where each job stands on it, how its shadow compares, and the step that comes next.

The road is walked on the command line, where the other scheduler can be reached; a page only says with which command.
"""

import shlex
from typing import Annotated

from fastapi import APIRouter, Response
from fastapi import Query as FromQuery

from scheduler_service.api.dependencies import Reading
from scheduler_service.api.moves import MoveQuery
from scheduler_service.console.pages import Page
from scheduler_service.services import moves
from scheduler_service.services.moves import Compared
from scheduler_service.storage.models import MOVE_STATES

router = APIRouter(include_in_schema=False)

LIMIT = 25  # jobs, each of which is compared
DIFFERENCES_SHOWN = 5
COMMAND = ("scheduler-service", "migrate")


@router.get("/system/moves")
def list_moves(page: Page, query: Annotated[MoveQuery, FromQuery()], session: Reading) -> Response:
    """The board: every source and how far it is, and its jobs."""
    found = moves.search(session, query.wanted(), limit=LIMIT, cursor=query.cursor, now=page.now)
    sources = moves.summaries(session)
    shown = [summary for source, summary in sources.items() if query.source in (None, source)]
    asked = query.model_dump(exclude_unset=True)
    return page.show(
        "system/moves.html",
        found=found,
        sources=sources,
        total=moves.together(shown),
        doubtful=sum(summary.states["doubtful"] for summary in sources.values()),
        query=asked,
        states=MOVE_STATES,
        where=where,
        commands=commands,
        most_differences=DIFFERENCES_SHOWN,
    )


def where(item: Compared) -> str:
    """Where the job stands: a shadow that ran alike is `compared`."""
    is_ready = item.move.state in ("shadow", "rolled_back") and item.comparison.is_clean
    return "compared" if is_ready and item.move.intention is None else item.move.state


def commands(item: Compared) -> list[str]:
    """What takes the next step; of two, what one finds at the source says which."""
    move, step = item.move, _step(item)
    if step == "apply":
        return [_written("apply", move.source, "--mapping", "move.yaml")]
    if move.state == "doubtful":
        return [_written(step, move.source, move.name, "--doubt", doubt) for doubt in ("ran", "not-ran")]
    return [_written(step, move.source, move.name)]


def _step(item: Compared) -> str:
    move = item.move
    if move.intention is not None:  # cut short: the same again finishes it
        return move.intention
    by_state = {"planned": "apply", "live": "rollback", "doubtful": "cutover"}
    return by_state.get(move.state) or ("cutover" if item.comparison.is_clean else "compare")


def _written(*words: str) -> str:
    """A command that a shell reads as it is meant, however a job is named."""
    return shlex.join((*COMMAND, *words))
