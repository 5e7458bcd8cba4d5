"""`scheduler.trim_history()`: let go of runs, audit events and workers that are older than the settings keep."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial

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
    return Trimmed(
        _trim_runs(database, now, keep.runs),
        _all_of(database, lambda session: trimming.trim_audit(session, before=now - keep.audit)),
        _all_of(database, lambda session: trimming.trim_workers(session, silent_since=now - keep.workers)),
    )


def _trim_runs(database: Database, now: datetime, keep: timedelta) -> int:
    """By the setting, and by what each schedule says instead."""
    total, seen = 0, None
    while True:
        with database.transaction() as session:
            gone, seen = trimming.trim_runs(session, finished_before=now - keep, after=seen)
        total += gone
        if seen is None:
            break
    with database.reading() as session:
        own = trimming.keeping_their_own(session)
    for schedule_id, days in own:
        trim_one = partial(trimming.trim_runs_of, schedule_id=schedule_id, finished_before=now - timedelta(days=days))
        total += _all_of(database, trim_one)
    return total


def _all_of(database: Database, batch: Callable[[Session], int]) -> int:
    total = 0
    while True:
        with database.transaction() as session:
            gone = batch(session)
        total += gone
        if not gone:
            return total
