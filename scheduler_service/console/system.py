"""The system: workers and their queues, Beats, the stores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Response

from scheduler_service.api.dependencies import BrokerDep, Reading
from scheduler_service.console.doctor import ExaminerDep
from scheduler_service.console.pages import Page
from scheduler_service.services import system, workers
from scheduler_service.storage.workers import WorkerSeen

router = APIRouter(include_in_schema=False)

MOST_WORKERS = 200
MOST_SLOTS = 24  # that are drawn each


@dataclass(frozen=True)
class QueueSeen:
    """A queue, how many messages wait in it (None: nobody can tell), and the workers that serve it."""

    name: str
    depth: int | None
    workers: Sequence[WorkerSeen]

    @property
    def alive(self) -> list[WorkerSeen]:
        return [one for one in self.workers if one.state == "alive"]

    @property
    def slots(self) -> int:
        return sum(one.worker.concurrency for one in self.alive)

    @property
    def busy(self) -> int:
        return sum(one.running for one in self.alive)


@router.get("/system")
def show_system(page: Page, session: Reading, broker: BrokerDep, examiner: ExaminerDep) -> Response:
    """Who is there, and what waits for them."""
    found = workers.search(session, now=page.now, limit=MOST_WORKERS, cursor=None, total=False)
    look = broker.look({queue for one in found.items for queue in one.worker.queues})
    queues = _queues(found.items, look.depths if look.looked and not look.is_away else None)
    facts = system.look(session, now=page.now)
    template = "system/there.html" if page.is_part else "system/show.html"
    shown: dict[str, Any] = {
        "workers": found.items,
        "more": found.next_cursor is not None,
        "queues": queues,
        "look": look,
    }
    return page.show(template, facts=facts, most_slots=MOST_SLOTS, examination=examiner.last, **shown)


def _queues(found: Sequence[WorkerSeen], depths: dict[str, int] | None) -> list[QueueSeen]:
    """By name, those first that nobody serves though messages wait."""
    names = sorted({queue for one in found for queue in one.worker.queues})
    queues = [
        QueueSeen(name, None if depths is None else depths.get(name, 0), [o for o in found if name in o.worker.queues])
        for name in names
    ]
    return sorted(queues, key=lambda queue: (bool(queue.alive) or not queue.depth, queue.name))
