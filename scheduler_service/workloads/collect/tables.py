"""Batches of columns, staged as Parquet. A batch whose types differ from those before begins a new part."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from scheduler_service.errors import ColumnsAmbiguous, TooManyRows
from scheduler_service.workloads.collect.columns import NOTHING, ColumnKind, array_of, kind_of
from scheduler_service.workloads.collect.staging import ColumnNames, Part

if TYPE_CHECKING:
    import pyarrow as pa


class TableWriter:
    """Writes batches, and learns their types. One thread; closed by its `with`."""

    def __init__(self, folder: Path, *, most_rows: int, declared: Mapping[str, ColumnKind] | None = None) -> None:
        self._folder, self._most_rows = folder, most_rows
        self._kinds: dict[str, ColumnKind] = dict(declared or {})
        self._names = ColumnNames()
        self._writer: Any = None
        self._written: dict[str, ColumnKind] = {}
        self._rows_of_part = 0
        self.parts: list[Part] = []
        self.rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._finish_part()

    def write_records(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Add records as rows; a field that some lack is NULL there. Raises: ColumnsAmbiguous, TooManyRows."""
        kept = [dict(record) for record in records]
        fields = list(dict.fromkeys(field for record in kept for field in record))
        by_column: dict[str, str] = {}
        for field in fields:
            if (other := by_column.setdefault(self._names.of(str(field)), field)) != field:
                raise ColumnsAmbiguous([other, field])
        columns = {name: [record.get(field) for record in kept] for name, field in by_column.items()}
        self.write(columns, len(kept))

    def write(self, columns: Mapping[str, Sequence[Any]], rows: int) -> None:
        """Add a batch, its columns by name. Raises: TooManyRows."""
        self._count(rows)
        for name, values in columns.items():
            self._kinds[name] = kind_of(values, self._kinds.get(name, NOTHING))
        absent = [None] * rows
        arrays = {name: array_of(columns.get(name, absent), kind) for name, kind in self._kinds.items()}
        self._write(arrays, rows)

    def _count(self, rows: int) -> None:
        self.rows += rows
        if self.rows > self._most_rows:
            raise TooManyRows(self._most_rows)

    def _write(self, arrays: Mapping[str, "pa.Array"], rows: int) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        if not rows:
            return
        table = pa.table(dict(arrays)) if arrays else pa.table({"unnamed": pa.nulls(rows)})
        if self._writer is None or self._written != self._kinds:
            self._finish_part()
            self._writer = parquet.ParquetWriter(self._path, table.schema)
            self._written = dict(self._kinds)
        self._writer.write_table(table)
        self._rows_of_part += rows

    def _finish_part(self) -> None:
        if self._writer is None:
            return
        self._writer.close()
        columns = {name: kind.type for name, kind in self._written.items()}
        self.parts.append(Part(self._path, "typed", columns, self._rows_of_part))
        self._writer, self._rows_of_part = None, 0

    @property
    def _path(self) -> Path:
        return self._folder / f"table.{len(self.parts)}.parquet"
