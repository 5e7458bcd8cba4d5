"""One collect, from its definition to its outcome.

Idempotent on the run id: a run that has been loaded is not loaded again, whoever repeats it; one that died before
its commit has left nothing but a staging folder, which its repeat removes.
"""

import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from scheduler_service.timing.clock import Clock
from scheduler_service.workloads.collect import definitions as d
from scheduler_service.workloads.collect import files, http, http_files, loader, python_source, sql
from scheduler_service.workloads.collect.definitions import CollectDefinition
from scheduler_service.workloads.collect.http_places import Reach
from scheduler_service.workloads.collect.staging import Staged, Task, Work
from scheduler_service.workloads.connections import Connections
from scheduler_service.workloads.stopping import Stop, never
from scheduler_service.workloads.warehouses import AnyWarehouse

ABANDONED_SECONDS = 2 * 86400


@dataclass(frozen=True)
class CollectSite:
    """Where collects happen: what the operator gives to every one of them."""

    warehouse: AnyWarehouse
    staging_dir: Path
    clock: Clock
    connections: Connections = field(default_factory=dict)
    outbound_allow: Sequence[str] = ()
    file_roots: Sequence[Path] = ()
    sleep: Callable[[float], None] = time.sleep


class Tell(Protocol):
    """Hears how far a collect is: step k of n, rows so far. Called often."""

    def __call__(self, *, step: int, of: int, rows: int, text: str) -> None: ...


def tell_nobody(*, step: int, of: int, rows: int, text: str) -> None:
    """For a collect that nobody watches."""


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
    tell: Tell = tell_nobody,
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
            work = Work(task, folder, stop, site.clock, lambda rows: tell(step=1, of=2, rows=rows, text="reading"))
            staged = _stage(work, before, site)
            tell(step=2, of=2, rows=staged.rows, text="loading")
            counts = loader.load(site.warehouse, task, staged, stop, loaded_at=site.clock.now())
    seconds = round(time.monotonic() - started, 3)
    return CollectOutcome(dataset=definition.dataset, seconds=seconds, **asdict(counts))


def _stage(work: Work, before: loader.Before, site: CollectSite) -> Staged:
    source, reach = work.task.definition.source, Reach(site.connections, site.outbound_allow)
    match source:
        case d.FileSource():
            return files.stage(source, work, before.ledger, site.file_roots)
        case d.HttpFileSource():
            return http_files.stage(source, work, reach)
        case d.HttpSource():
            return http.stage(source, work, before.cursor, reach)
        case d.SqlSource():
            return sql.stage(source, work, before.cursor, site.connections)
        case d.PythonSource():
            return python_source.stage(source, work, before.cursor)


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
