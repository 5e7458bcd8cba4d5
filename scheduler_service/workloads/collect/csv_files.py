"""A CSV file, staged: every field as the text it is, and then, from all of them, what the texts are.

The dialect is stated, never guessed: DuckDB's sniffer made one column `id,name,amt` of a file with ragged rows. Types
are not guessed from a sample either: a column is a number only if all its texts are written as numbers are, so that
007 and 1.10.2 stay what they are.
"""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING

from scheduler_service.errors import FileMalformed, TooManyRows
from scheduler_service.workloads.collect.definitions import FileFormat
from scheduler_service.workloads.collect.staging import ColumnNames, Part
from scheduler_service.workloads.collect.unpacking import complaints, packing_of, text_of
from scheduler_service.workloads.identifiers import literal, quoted
from scheduler_service.workloads.stopping import Stop

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MOST_PROBLEMS = 20
SAMPLE_ROWS = 2000
BLOCK = 2**20
LARGEST_UNPACKED = 50 * 2**30
UTF8 = {"utf-8", "utf8", "utf_8", "utf-8-sig", "utf_8_sig", "u8", "ascii", "us-ascii"}
DAY = r"\d{4}-\d\d-\d\d"
TIME = r"[ T]\d\d:\d\d(:\d\d(\.\d{1,9})?)?"
ZONE = r"(Z|[+-]\d\d(:?\d\d)?)"
NUMBER = r"-?(0|[1-9]\d{0,14})(\.\d+)?([eE][+-]?\d{1,2})?"
Test = Callable[[str], str]
TESTS: dict[str, Test] = {
    "BIGINT": lambda c: f"CAST(TRY_CAST({c} AS BIGINT) AS VARCHAR) = {c}",
    "DOUBLE": lambda c: f"regexp_full_match({c}, '{NUMBER}') AND TRY_CAST({c} AS DOUBLE) IS NOT NULL",
    "BOOLEAN": lambda c: f"lower({c}) IN ('true', 'false')",
    "DATE": lambda c: f"regexp_full_match({c}, '{DAY}') AND TRY_CAST({c} AS DATE) IS NOT NULL",
    "TIMESTAMP": lambda c: f"regexp_full_match({c}, '{DAY}({TIME})?') AND TRY_CAST({c} AS TIMESTAMP) IS NOT NULL",
    "TIMESTAMP WITH TIME ZONE": lambda c: (
        f"regexp_full_match({c}, '{DAY}{TIME}{ZONE}') AND TRY_CAST({c} AS TIMESTAMPTZ) IS NOT NULL"
    ),
}


class CsvReader:
    """Reads open CSV files of one dialect."""

    def __init__(self, connection: "DuckDBPyConnection", source: FileFormat, names: ColumnNames, stop: Stop) -> None:
        self._connection, self._source, self._names, self._stop = connection, source, names, stop

    def stage(self, descriptor: int, name: str, target: Path, most_rows: int) -> Part:
        """Copy the open file to `target`, all as text. Raises FileMalformed with lines, TooManyRows."""
        import duckdb

        copy = target.with_suffix(".csv")
        path = self._as_utf8(descriptor, name, copy)
        columns = self._columns(path, name)
        if not columns:
            return Part(target, "text", {}, 0)
        try:
            rows = self._copied(path, columns, target)
        except duckdb.InvalidInputException as error:
            if "invalid state" not in str(error):  # what DuckDB says of a file with both kinds of line end
                raise
            self._transcode(descriptor, name, copy, newline=None)
            rows = self._copied(str(copy), columns, target)
        self._refuse_rejects(name)
        if rows > most_rows:
            raise TooManyRows(most_rows)
        return Part(target, "text", self._types(target, columns), rows, self._source.dateformat)

    def _as_utf8(self, descriptor: int, name: str, target: Path) -> str:
        """Where the file can be read as UTF-8: itself, or a copy, unpacked and transcoded.

        DuckDB knows few encodings.
        """
        if packing_of(name) is None and self._source.encoding.lower() in UTF8:
            return f"/dev/fd/{descriptor}"
        self._transcode(descriptor, name, target, newline="")
        return str(target)

    def _transcode(self, descriptor: int, name: str, target: Path, *, newline: str | None) -> None:
        """Copy as UTF-8; `newline=None` makes all line ends alike."""
        line = 1
        with (
            complaints(name, self._source.encoding, lambda: line),
            text_of(descriptor, name, self._source.encoding, newline=newline) as text,
            _target(target) as out,
        ):
            size = 0
            while block := text.read(BLOCK):
                self._stop.check()
                out.write(block)
                line += block.count("\n")
                if (size := size + len(block)) > LARGEST_UNPACKED:
                    raise FileMalformed(name, [(line, f"it unpacks to more than {LARGEST_UNPACKED} characters")])

    def _copied(self, path: str, columns: list[str], target: Path) -> int:
        found = self._connection.execute(
            f"COPY (SELECT * FROM {self._read(path, columns)}) TO {literal(target)} (FORMAT parquet)"
        ).fetchone()
        return int(found[0]) if found else 0

    def _columns(self, path: str, name: str) -> list[str]:
        """The columns by the first record; none if there is nothing in the file."""
        with Path(path).open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            reader = csv.reader(
                file, delimiter=self._source.delimiter, quotechar=self._source.quote, strict=True, doublequote=True
            )
            try:
                first = next(reader, None)
            except csv.Error as error:
                raise FileMalformed(name, [(1, str(error))]) from error
        if first is None:
            return []
        if not first or (self._source.header and not any(field.strip() for field in first)):
            raise FileMalformed(name, [(1, "its first line is empty")])
        if not self._source.header:
            return [f"c{number}" for number in range(1, len(first) + 1)]
        if any(not field.isprintable() and "\udc80" <= max(field) <= "\udcff" for field in first):
            raise FileMalformed(name, [(1, f"it is not {self._source.encoding}")])
        return self._names.distinct(first)

    def _read(self, path: str, columns: list[str]) -> str:
        quote, delimiter = literal(self._source.quote), literal(self._source.delimiter)
        types = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in columns)
        return (
            f"read_csv({literal(path)}, auto_detect = false, columns = {{{types}}}, delim = {delimiter}, "
            f"quote = {quote}, escape = {quote}, header = {str(self._source.header).lower()}, compression = 'none', "
            f"store_rejects = true, rejects_limit = {MOST_PROBLEMS * 50})"
        )

    def _refuse_rejects(self, name: str) -> None:
        found = self._connection.execute(
            "SELECT line, error_message FROM reject_errors ORDER BY line LIMIT ?", [MOST_PROBLEMS]
        ).fetchall()
        if found:
            (count,) = self._connection.execute("SELECT count(*) FROM reject_errors").fetchone() or (0,)
            raise FileMalformed(name, [(line, message.rstrip(".")) for line, message in found], count=count)

    def _types(self, part: Path, columns: list[str]) -> dict[str, str | None]:
        """The type of each column, by all its values; a sample only tells which types are worth testing."""
        source = f"read_parquet({literal(part)})"
        tests = {**self._stated(), **TESTS}
        hopeful = self._passing(
            f"(SELECT * FROM {source} LIMIT {SAMPLE_ROWS})", {column: [*tests] for column in columns}, tests
        )
        passed = self._passing(source, hopeful, tests)
        return {column: passed[column][0].partition("|")[0] if passed[column] else None for column in columns}

    def _stated(self) -> dict[str, Test]:
        """The test for the definition's own date format, if it has one."""
        if (form := self._source.dateformat) is None:
            return {}
        timed, zoned = any(code in form for code in ("%H", "%I", "%T", "%X")), "%z" in form or "%Z" in form
        type_ = "TIMESTAMP WITH TIME ZONE" if zoned else "TIMESTAMP" if timed else "DATE"
        return {f"{type_}|stated": lambda c: f"try_strptime({c}, {literal(form)}) IS NOT NULL"}

    def _passing(self, source: str, candidates: dict[str, list[str]], tests: dict[str, Test]) -> dict[str, list[str]]:
        """The candidates that every value of a column passes, and VARCHAR; none for a column without values."""
        wanted = [(column, name) for column, names in candidates.items() for name in names if name in tests]
        counts = [f"count({quoted(column)})" for column in candidates]
        passes = [f"count(CASE WHEN {tests[name](quoted(column))} THEN 1 END)" for column, name in wanted]
        found = self._connection.execute(f"SELECT {', '.join(counts + passes)} FROM {source}").fetchone() or ()
        filled = dict(zip(candidates, found, strict=False))
        result: dict[str, list[str]] = {column: [] for column in candidates}
        for (column, name), count in zip(wanted, found[len(counts) :], strict=True):
            if count == filled[column]:
                result[column].append(name)
        return {column: [*names, "VARCHAR"] if filled[column] else [] for column, names in result.items()}


def _target(path: Path) -> IO[str]:
    return path.open("w", encoding="utf-8", newline="")
