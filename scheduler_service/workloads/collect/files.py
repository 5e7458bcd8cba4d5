"""Files as a source: CSV and Parquet, staged as Parquet so that the load itself reads nothing foreign.

Each file is opened once, and DuckDB reads that same open file: what was checked, fingerprinted and read cannot be three
different files. One that is still being written to is waited for a little.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scheduler_service.errors import FileMalformed, FileMissing, FileUnsettled, FormatUnclear, TooManyRows
from scheduler_service.timing.clock import Clock
from scheduler_service.workloads.collect import csv_files, parquet_files
from scheduler_service.workloads.collect.definitions import FileSource
from scheduler_service.workloads.collect.paths import ENDINGS, find
from scheduler_service.workloads.collect.staging import ColumnNames, FileState, Part, Staged, Task
from scheduler_service.workloads.stopping import Stop, interruptible
from scheduler_service.workloads.warehouse import limits

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

HEAD_AND_TAIL = 64 * 1024
SETTLING_ROUNDS = 3


@dataclass(frozen=True)
class Opened:
    """A file that is open, and how to speak of it."""

    name: str
    path: Path
    descriptor: int

    def state(self) -> FileState:
        """Size, time, and a digest of head and tail, as of now."""
        status = os.fstat(self.descriptor)
        digest = hashlib.sha256(os.pread(self.descriptor, HEAD_AND_TAIL, 0))
        digest.update(os.pread(self.descriptor, HEAD_AND_TAIL, max(0, status.st_size - HEAD_AND_TAIL)))
        return FileState(str(self.path), status.st_size, status.st_mtime_ns, digest.hexdigest())


def stage(
    source: FileSource,
    task: Task,
    ledger: frozenset[FileState],
    folder: Path,
    roots: Sequence[Path],
    clock: Clock,
    stop: Stop,
) -> Staged:
    """Read every file meant (of an incremental source: those not in `ledger`) into Parquet files of `folder`."""
    endings = ENDINGS[source.format] if source.format else tuple(end for ends in ENDINGS.values() for end in ends)
    found = find(source.path, roots=roots, endings=endings)
    kind = source.format or _format_of(found)
    bench = _Bench(source, kind, folder, clock, stop, task.definition.max_rows)
    parts: list[Part] = []
    states: list[FileState] = []
    for path in found:
        stop.check()
        with _opened(path) as file:
            state = bench.settled(file)
            if state is None or (source.incremental and state in ledger):
                continue
            parts.append(bench.stage(file, state, number=len(parts)))
            states.append(state)
    return Staged(parts, sum(part.rows for part in parts), files=states)


class _Bench:
    """Where files are worked on, one after the other."""

    def __init__(self, source: FileSource, kind: str, folder: Path, clock: Clock, stop: Stop, max_rows: int) -> None:
        self._source, self._kind, self._folder = source, kind, folder
        self._clock, self._stop = clock, stop
        self._max_rows, self._rows_left = max_rows, max_rows
        self._names = ColumnNames()

    def settled(self, file: Opened) -> FileState | None:
        """The file's state once it has rested; None to leave it to the next run, which only incremental ones may."""
        for _ in range(SETTLING_ROUNDS):
            age = self._clock.now().timestamp() - os.fstat(file.descriptor).st_mtime
            if not 0 <= age < self._source.settle_seconds:
                return file.state()
            self._stop.sleep(self._source.settle_seconds - age)
        if self._source.incremental:
            return None
        raise FileUnsettled(file.name)

    def stage(self, file: Opened, state: FileState, *, number: int) -> Part:
        """Read one file; raises TooManyRows, FileMalformed, and FileUnsettled if it changed on the way."""
        target = self._folder / f"{number}.parquet"
        with (
            _workshop(self._folder) as connection,
            interruptible(self._stop, connection.interrupt),
            _complaints(file),
        ):
            part = self._read(connection, file, target)
        if file.state() != state:
            raise FileUnsettled(file.name)
        self._rows_left -= part.rows
        if self._rows_left < 0:
            raise TooManyRows(self._max_rows)
        return part

    def _read(self, connection: "DuckDBPyConnection", file: Opened, target: Path) -> Part:
        if self._kind == "parquet":
            return parquet_files.stage(connection, file.descriptor, target, self._names, self._rows_left)
        reader = csv_files.CsvReader(connection, self._source, self._names, self._stop)
        return reader.stage(file.descriptor, file.name, target, self._rows_left)


def _format_of(files: Sequence[Path]) -> str:
    kinds = {kind for kind, endings in ENDINGS.items() for file in files if file.name.lower().endswith(endings)}
    if len(kinds) > 1:
        raise FormatUnclear("there are both CSV and Parquet files")
    strange = [file.name for file in files if not file.name.lower().endswith((".csv", ".csv.gz", ".parquet"))]
    if strange:
        raise FormatUnclear(f"the ending of {strange[0]} does not tell")
    return kinds.pop() if kinds else "csv"


@contextmanager
def _opened(path: Path) -> Iterator[Opened]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as error:
        raise FileMissing(path.name, error.strerror or "it cannot be opened") from error
    try:
        yield Opened(path.name, path, descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _workshop(folder: Path) -> Iterator["DuckDBPyConnection"]:
    """A DuckDB of our own to read files with: no turn is held meanwhile."""
    import duckdb

    connection = duckdb.connect(":memory:", config=limits(folder / "spill"))
    try:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection
    finally:
        connection.close()


@contextmanager
def _complaints(file: Opened) -> Iterator[None]:
    """What DuckDB says about a file, as a failure that names the file."""
    import duckdb

    try:
        yield
    except duckdb.InterruptException:
        raise
    except duckdb.Error as error:
        said = str(error).split("\n\n")[0].split("\nPossible")[0]
        reason = " ".join(said.replace(f"/dev/fd/{file.descriptor}", file.name).split())
        raise FileMalformed(file.name, [(None, reason[:300])]) from error
