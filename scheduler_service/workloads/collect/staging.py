"""What a source leaves on disk for the loader: parts, each a file whose columns are known by name and type.

A part keeps what the source said as it said it (JSON values, CSV texts) wherever that is possible; the loader reads it
as the types the dataset has. So a text column stays as written even when one batch of it looks like numbers.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from scheduler_service.errors import TooManyColumns
from scheduler_service.timing.clock import Clock
from scheduler_service.workloads.collect.definitions import CollectDefinition
from scheduler_service.workloads.stopping import Stop

RESERVED = {"_run_id", "_loaded_at", "rowid"}
MOST_COLUMNS = 1000

PartKind = Literal["json", "text", "typed"]


@dataclass(frozen=True)
class Task:
    """Which work this is: a definition, and the run and attempt it is done for."""

    definition: CollectDefinition
    task_id: int
    run_id: str
    attempt: int
    full_refresh: bool = False


def untold(_rows: int) -> None:
    """Nobody wants to know how far it is."""


@dataclass(frozen=True)
class Work:
    """One attempt at staging a task: a folder of its own, when to stop, and whom to tell the rows that it has."""

    task: Task
    folder: Path
    stop: Stop
    clock: Clock
    tell: Callable[[int], None] = untold

    @property
    def most_rows(self) -> int:
        return self.task.definition.max_rows


@dataclass(frozen=True)
class Part:
    """One staged file. `columns` maps each name to its DuckDB type, or None where every value is NULL; `longest` is
    the size of a JSON part's longest record."""

    path: Path
    kind: PartKind
    columns: Mapping[str, str | None]
    rows: int
    dateformat: str | None = None
    longest: int = 0


@dataclass(frozen=True)
class FileState:
    """A file as it was when it was read: what the ledger knows it by."""

    path: str
    size: int
    mtime_ns: int
    digest: str


@dataclass(frozen=True)
class Cursor:
    """How far an incremental read has come: `reached` now, `began` when it started (None: nothing yet)."""

    began: Any
    reached: Any


@dataclass(frozen=True)
class Staged:
    """All that one attempt read."""

    parts: Sequence[Part]
    rows: int
    pages: int = 0
    files: Sequence[FileState] = ()
    cursor: Cursor | None = None


@dataclass
class ColumnNames:
    """Names of columns from names of fields: one for those that differ by case only, never one of the service's own."""

    _by_field: dict[str, str] = field(default_factory=dict)
    _by_fold: dict[str, str] = field(default_factory=dict)

    def of(self, field_name: str) -> str:
        if (known := self._by_field.get(field_name)) is not None:
            return known
        name = field_name.replace("\0", "").strip() or "unnamed"
        if name.casefold() in RESERVED:
            name += "_"
        name = self._by_fold.setdefault(name.casefold(), name)
        self._by_field[field_name] = name
        if len(self._by_fold) > MOST_COLUMNS:
            raise TooManyColumns(MOST_COLUMNS)
        return name

    def distinct(self, field_names: Iterable[str]) -> list[str]:
        """A name for each of a header's columns; one that repeats gets a number."""
        names: list[str] = []
        for field_name in field_names:
            base = name = self.of(field_name)
            number = 0
            while name.casefold() in {taken.casefold() for taken in names}:
                number += 1
                name = f"{base}_{number}"
            names.append(name)
        return names
