"""One collect, from its definition to its outcome.

Idempotent on the run id: a run that has been loaded is not loaded again, whoever repeats it; one that died before
its commit has left nothing but a staging folder, which its repeat removes.
"""

import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from scheduler_service.timing.clock import Clock
from scheduler_service.workloads.collect import files, http, loader
from scheduler_service.workloads.collect.definitions import CollectDefinition, Connection, FileSource
from scheduler_service.workloads.collect.staging import Staged, Task
from scheduler_service.workloads.stopping import Stop, never
from scheduler_service.workloads.warehouse import Warehouse

ABANDONED_SECONDS = 2 * 86400


@dataclass(frozen=True)
class CollectSite:
    """Where collects happen: what the operator gives to every one of them."""

    warehouse: Warehouse
    staging_dir: Path
    clock: Clock
    connections: Mapping[str, Connection] = field(default_factory=dict)
    outbound_allow: Sequence[str] = ()
    file_roots: Sequence[Path] = ()
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class CollectOutcome:
    """What became of a collect: counts, not data."""

    dataset: str
    rows_read: int
    rows_written: int
    seconds: float
    pages: int
    files: int
    already_loaded: bool = False

    def as_dict(self) -> dict[str, Any]:
        """The same, for JSON."""
        return asdict(self)


def collect(
    definition: CollectDefinition,
    *,
    task_id: int,
    run_id: str,
    attempt: int,
    site: CollectSite,
    cancelled: Callable[[], bool] = never,
    full_refresh: bool = False,
) -> CollectOutcome:
    """Bring in what the source has (and had not, if it is incremental), all or nothing.

    `cancelled` is asked several times a second, also from another thread. Raises TransientFailure for what may go
    right later, CollectFailed for what will not.
    """
    started = time.monotonic()
    stop = Stop(cancelled, definition.time_limit_seconds, sleep=site.sleep)
    task = Task(definition, task_id, run_id, attempt, full_refresh=full_refresh)
    before = loader.look(site.warehouse, task, stop)
    with _staging_folder(site.staging_dir, run_id, attempt) as folder:
        if (counts := before.finished) is None:
            staged = _stage(task, before, folder, site, stop)
            counts = loader.load(site.warehouse, task, staged, stop, loaded_at=site.clock.now())
    seconds = round(time.monotonic() - started, 3)
    return CollectOutcome(dataset=definition.dataset, seconds=seconds, **asdict(counts))


def _stage(task: Task, before: loader.Before, folder: Path, site: CollectSite, stop: Stop) -> Staged:
    source = task.definition.source
    if isinstance(source, FileSource):
        return files.stage(source, task, before.ledger, folder, site.file_roots, site.clock, stop)
    reach = http.Reach(site.connections, site.outbound_allow, site.clock)
    return http.stage(source, task, before.cursor, folder, reach, stop)


@contextmanager
def _staging_folder(staging_dir: Path, run_id: str, attempt: int) -> Iterator[Path]:
    """A folder of this attempt's own, gone afterwards, with those that killed attempts left."""
    run = re.sub(r"[^A-Za-z0-9_-]", "_", run_id)
    staging_dir.mkdir(parents=True, exist_ok=True)
    _sweep(staging_dir, run)
    folder = staging_dir / f"{run}.{attempt}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(staging_dir: Path, run: str) -> None:
    """Remove what earlier attempts of this run left, and what no run can still be using."""
    for folder in staging_dir.iterdir():
        try:
            abandoned = time.time() - folder.stat().st_mtime > ABANDONED_SECONDS
        except FileNotFoundError:  # its own run removed it meanwhile
            continue
        if abandoned or folder.name.rpartition(".")[0] == run:
            shutil.rmtree(folder, ignore_errors=True)
