"""Records of JSON on their way to disk, one a line, and what their fields turn out to be.

Types come from all values, not from a sample, and only from what JSON says: a number is a number, a text of digits
stays a text. The one exception is RFC 3339: a field whose every text is an instant is one.
"""

import json
import math
from pathlib import Path
from typing import Any, Self

from scheduler_service.errors import ColumnsAmbiguous, TooManyRows
from scheduler_service.workloads.collect.instants import instant
from scheduler_service.workloads.collect.staging import ColumnNames, Part

TRUTH, INTEGER, HUGE, REAL, INSTANT, TEXT, NESTED = (1 << n for n in range(7))
LEAST, GREATEST = -(2**63), 2**63 - 1


def type_of(kinds: int) -> str | None:
    """The column type for the kinds of value seen; None if there was none. What mixes is text, or JSON if nested."""
    if not kinds:
        return None
    if kinds & NESTED:
        return "JSON"
    if kinds in (INTEGER, TRUTH, INSTANT):
        return {INTEGER: "BIGINT", TRUTH: "BOOLEAN", INSTANT: "TIMESTAMP WITH TIME ZONE"}[kinds]
    return "DOUBLE" if not kinds & ~(INTEGER | REAL) else "VARCHAR"


def kind_of(value: Any, known: int) -> int:
    """What kind of value this is; 0 for none. A field known to hold other texts is not looked at for instants."""
    if isinstance(value, str):
        return INSTANT if not known & TEXT and instant(value) else TEXT
    if value is None:
        return 0
    if isinstance(value, bool):
        return TRUTH
    if isinstance(value, int):
        return INTEGER if LEAST <= value <= GREATEST else HUGE
    return REAL if isinstance(value, float) else NESTED


class RecordWriter:
    """Writes records as lines of JSON, and learns their shape."""

    def __init__(self, path: Path, *, max_rows: int) -> None:
        self._path, self._max_rows = path, max_rows
        self._file = path.open("wb")
        self._names = ColumnNames()
        self._kinds: dict[str, int] = {}
        self._longest = 0
        self.rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def write(self, records: list[Any]) -> None:
        """Add records; one that is no object becomes a column `value`. Raises TooManyRows."""
        self.rows += len(records)
        if self.rows > self._max_rows:
            raise TooManyRows(self._max_rows)
        self._file.writelines(
            self._line(record if isinstance(record, dict) else {"value": record}) for record in records
        )

    def part(self) -> Part:
        """What was written, once all is."""
        self._file.flush()
        columns = {name: type_of(kinds) for name, kinds in self._kinds.items()}
        return Part(self._path, "json", columns, self.rows, longest=self._longest)

    def _line(self, record: dict[str, Any]) -> bytes:
        row = {self._names.of(field): value for field, value in record.items()}
        if len(row) < len(record):
            raise ColumnsAmbiguous(_alike(record, self._names))
        for name, value in row.items():
            known = self._kinds.get(name, 0)
            if isinstance(value, float) and not math.isfinite(value):
                row[name] = value = None
            self._kinds[name] = known | kind_of(value, known)
        line = _dumped(row).encode("utf-8", "replace") + b"\n"  # a lone surrogate is no character
        self._longest = max(self._longest, len(line))
        return line


def _dumped(row: dict[str, Any]) -> str:
    try:
        return json.dumps(row, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError:  # a number too large for a float, deep inside
        return json.dumps(_finite(row), ensure_ascii=False, separators=(",", ":"))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _alike(record: dict[str, Any], names: ColumnNames) -> list[str]:
    by_column: dict[str, list[str]] = {}
    for field in record:
        by_column.setdefault(names.of(field), []).append(field)
    return next(fields for fields in by_column.values() if len(fields) > 1)
