"""`scheduler.trim_history()`: let go of runs, audit events and workers that are older than the settings keep."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta

from celery import Celery

from scheduler_service.storage import trimming
from scheduler_service.storage.session import Database, Session

TRIM_HISTORY = "scheduler.trim_history"


@dataclass(frozen=True)
class Keep:
    """How long each is kept."""

    runs: timedelta
    audit: timedelta
    workers: timedelta = timedelta(days=7)


@dataclass(frozen=True)
class Trimmed:
    """How many of each went."""

    runs: int
    audit: int
    workers: int


def register(app: Celery, *, database: Callable[[], Database], keep: Keep) -> None:
    """Add the task to the app. `database` gives the executing process's own."""

    @app.task(name=TRIM_HISTORY, shared=False, acks_late=True)
    def trim_history() -> dict[str, int]:
        """Delete runs, audit events and workers that are older than the settings keep."""
        return asdict(trim(database(), keep))


def trim(database: Database, keep: Keep) -> Trimmed:
    """Delete in small batches, each a transaction of its own, until nothing old is left."""
    now = database.clock.now()

    def all_of(batch: Callable[[Session], int]) -> int:
        total = 0
        while True:
            with database.transaction() as session:
                gone = batch(session)
            total += gone
            if not gone:
                return total

    return Trimmed(
        all_of(lambda session: trimming.trim_runs(session, finished_before=now - keep.runs)),
        all_of(lambda session: trimming.trim_audit(session, before=now - keep.audit)),
        all_of(lambda session: trimming.trim_workers(session, silent_since=now - keep.workers)),
    )
