"""A callable of somebody's own as a source: an entry point that yields rows, batches of them, or Arrow tables."""

from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import entry_points
from itertools import islice
from typing import Any

from scheduler_service.errors import PythonSourceFailed, ServiceError
from scheduler_service.workloads.collect.cursors import Progress, progress_of
from scheduler_service.workloads.collect.definitions import PythonSource
from scheduler_service.workloads.collect.staging import Staged, Work
from scheduler_service.workloads.collect.tables import TableWriter

GROUP = "scheduler_service.sources"
BATCH = 5_000


def stage(source: PythonSource, work: Work, began: Any) -> Staged:
    """Read all that it yields. `began` is the cursor that the last run reached. Raises: PythonSourceFailed.

    Whether to go on is looked at between two rows: what the callable does in between cannot be interrupted.
    """
    progress = progress_of(source.incremental, work, began)
    with TableWriter(work.folder, most_rows=work.most_rows) as writer:
        rows = _taken(_rows(_yielded(source, progress), source.name, work), progress)
        while batch := list(islice(rows, BATCH)):
            writer.write_records(batch)
            work.tell(writer.rows)
    return Staged(writer.parts, writer.rows, cursor=progress.cursor() if progress else None)


def _yielded(source: PythonSource, progress: Progress | None) -> Iterator[Any]:
    """What it yields, one thing after the other; it may be called, or be something to go through."""
    since = {"since": progress.asks_from()} if progress else {}
    try:
        made = _loaded(source.name)
        yield from made(**source.arguments, **since) if callable(made) else made
    except ServiceError:
        raise
    except Exception as error:
        raise PythonSourceFailed(source.name, f"{type(error).__name__}: {error}"[:500]) from error


def _loaded(name: str) -> Any:
    for found in entry_points(group=GROUP, name=name):
        return found.load()
    raise PythonSourceFailed(name, f"no entry point of the group {GROUP} has this name where the worker runs")


def _rows(things: Iterable[Any], name: str, work: Work) -> Iterator[Mapping[str, Any]]:
    for thing in things:
        work.stop.check()
        if isinstance(thing, Mapping):
            yield thing
        elif hasattr(thing, "to_pylist"):  # an Arrow table or batch
            yield from thing.to_pylist()
        elif isinstance(thing, list | tuple) and all(isinstance(row, Mapping) for row in thing):
            yield from thing
        else:
            raise PythonSourceFailed(name, f"it yielded a {type(thing).__name__}, which is neither row nor batch")


def _taken(rows: Iterable[Mapping[str, Any]], progress: Progress | None) -> Iterator[Mapping[str, Any]]:
    return (row for row in rows if progress is None or progress.takes(row))
