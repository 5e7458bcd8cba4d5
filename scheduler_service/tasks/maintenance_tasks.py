"""`scheduler.trim_history()`: let go of runs, audit events, workers, kept answers and artifacts that are old enough."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial

from celery import Celery

from scheduler_service.services.idempotency import KEPT
from scheduler_service.storage import artifacts, deliveries, idempotency, observed_runs, tallies, trimming
from scheduler_service.storage.session import Database, Session
from scheduler_service.workloads.artifact_files import ArtifactFiles

TRIM_HISTORY = "scheduler.trim_history"
ORPHANED = timedelta(days=1)  # a file that is that old and has no row never gets one


@dataclass(frozen=True)
class Keep:
    """How long each is kept."""

    runs: timedelta
    audit: timedelta
    workers: timedelta = timedelta(days=7)
    answers: timedelta = KEPT
    artifacts: timedelta = timedelta(days=90)


@dataclass(frozen=True)
class Trimmed:
    """How many of each went."""

    runs: int
    audit: int
    workers: int
    answers: int
    observed_runs: int = 0
    tallies: int = 0


def register(app: Celery, *, database: Callable[[], Database], keep: Keep, files: ArtifactFiles) -> None:
    """Add the task to the app. `database` gives the executing process's own."""

    @app.task(name=TRIM_HISTORY, shared=False, acks_late=True)
    def trim_history() -> dict[str, int]:
        """Delete runs, audit events, workers, answers and artifacts that are older than is kept."""
        return asdict(trim(database(), keep)) | trim_artifacts(database(), files, keep=keep.artifacts)


def trim(database: Database, keep: Keep) -> Trimmed:
    """Delete in small batches, each a transaction of its own, until nothing old is left."""
    now = database.clock.now()
    return Trimmed(
        _trim_runs(database, now, keep.runs),
        _all_of(database, lambda session: trimming.trim_audit(session, before=now - keep.audit)),
        _all_of(database, lambda session: trimming.trim_workers(session, silent_since=now - keep.workers)),
        _all_of(database, lambda session: idempotency.trim(session, before=now - keep.answers)),
        _all_of(database, lambda session: observed_runs.trim(session, before=now - keep.runs)),
        _all_of(database, lambda session: tallies.trim(session, before=now - keep.runs)),
    )


def trim_artifacts(database: Database, files: ArtifactFiles, *, keep: timedelta) -> dict[str, int]:
    """Delete artifacts and deliveries, rows first: a file without a row, also one of a killed run, goes a day later."""
    before, gone = database.clock.now() - keep, 0
    while True:
        with database.transaction() as session:
            ids = artifacts.trim(session, before=before)
        files.remove(ids)
        gone += len(ids)
        if not ids:
            break
    for artifact_id in files.older_than(ORPHANED.total_seconds()):
        with database.reading() as session:
            known = artifacts.among_ids(session, [artifact_id])
        if not known:
            files.remove([artifact_id])
    sent = _all_of(database, lambda session: deliveries.trim(session, before=before))
    return {"artifacts": gone, "deliveries": sent}


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
