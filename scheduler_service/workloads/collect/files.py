"""Files as a source, staged as Parquet or lines of JSON so that the load itself reads nothing foreign.

Each file is opened once, and DuckDB reads that same open file: what was checked, fingerprinted and read cannot be three
different files. One that is still being written to is waited for a little.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scheduler_service.errors import FileMalformed, FileMissing, FileUnsettled, TooManyRows
from scheduler_service.workloads.collect import csv_files, excel_files, jsonl_files, parquet_files
from scheduler_service.workloads.collect.definitions import FileFormat, FileSource, Format
from scheduler_service.workloads.collect.paths import ENDINGS, find, format_of
from scheduler_service.workloads.collect.staging import ColumnNames, FileState, Part, Staged, Work
from scheduler_service.workloads.stopping import interruptible
from scheduler_service.workloads.workshop import workshop

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


def stage(source: FileSource, work: Work, ledger: frozenset[FileState], roots: Sequence[Path]) -> Staged:
    """Read every file meant (of an incremental source: those not in `ledger`) into the folder."""
    endings = ENDINGS[source.format] if source.format else tuple(end for ends in ENDINGS.values() for end in ends)
    found = find(source.path, roots=roots, endings=endings)
    bench = Bench(source, source.format or format_of([path.name for path in found]), work)
    states: list[FileState] = []
    for path in found:
        work.stop.check()
        with opened(path) as file:
            state = _settled(file, source, work)
            if state is None or (source.incremental and state in ledger):
                continue
            bench.stage(file, state)
            states.append(state)
    return Staged(bench.parts, bench.rows, files=states)


def _settled(file: Opened, source: FileSource, work: Work) -> FileState | None:
    """The file's state once it has rested; None to leave it to the next run, which only incremental ones may."""
    for _ in range(SETTLING_ROUNDS):
        age = work.clock.now().timestamp() - os.fstat(file.descriptor).st_mtime
        if not 0 <= age < source.settle_seconds:
            return file.state()
        work.stop.sleep(source.settle_seconds - age)
    if source.incremental:
        return None
    raise FileUnsettled(file.name)


class Bench:
    """Where files of one format are worked on, one after the other."""

    def __init__(self, source: FileFormat, kind: Format, work: Work) -> None:
        self._source, self._kind, self._work = source, kind, work
        self._names = ColumnNames()
        self._files = 0
        self.parts: list[Part] = []

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.parts)

    def stage(self, file: Opened, state: FileState) -> None:
        """Read one file; raises TooManyRows, FileMalformed, and FileUnsettled if it changed on the way."""
        target = self._work.folder / f"file.{self._files}"
        self._files += 1
        left = self._work.most_rows - self.rows
        try:
            self.parts += self._read(file, target, left)
        except TooManyRows:
            raise TooManyRows(self._work.most_rows) from None
        if file.state() != state:
            raise FileUnsettled(file.name)
        self._work.tell(self.rows)

    def _read(self, file: Opened, target: Path, most_rows: int) -> list[Part]:
        source, work = self._source, self._work
        if self._kind == "jsonl":
            return [jsonl_files.stage(file.descriptor, file.name, target, source, most_rows, work)]
        if self._kind == "excel":
            return excel_files.stage(file.descriptor, file.name, target, source, most_rows, work)
        with (
            workshop(work.folder) as connection,
            interruptible(work.stop, connection.interrupt),
            _complaints(file),
        ):
            if self._kind == "parquet":
                return [parquet_files.stage(connection, file.descriptor, target, self._names, most_rows)]
            reader = csv_files.CsvReader(connection, source, self._names, work.stop)
            return [reader.stage(file.descriptor, file.name, target, most_rows)]


@contextmanager
def opened(path: Path, *, name: str | None = None) -> Iterator[Opened]:
    """The file, open once for all that is done with it. Raises: FileMissing."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as error:
        raise FileMissing(path.name, error.strerror or "it cannot be opened") from error
    try:
        yield Opened(name or path.name, path, descriptor)
    finally:
        os.close(descriptor)


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
