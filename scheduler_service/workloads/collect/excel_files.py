"""An Excel file (xlsx, xls, xlsb, ods): one sheet, its first row the header.

Excel has one kind of number, so whole ones are integers here; a column of several kinds is text.
"""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scheduler_service.errors import FileMalformed, TooManyRows
from scheduler_service.workloads.collect.definitions import FileFormat
from scheduler_service.workloads.collect.staging import ColumnNames, Part, Work
from scheduler_service.workloads.collect.tables import TableWriter

LARGEST_FILE = 256 * 2**20
LARGEST_UNPACKED = 2**30
EXACT = 2**53


def stage(descriptor: int, name: str, target: Path, source: FileFormat, most_rows: int, work: Work) -> list[Part]:
    """Copy a sheet's rows. Raises: FileMalformed, TooManyRows."""
    with open(descriptor, "rb", closefd=False) as file:
        file.seek(0)
        content = file.read(LARGEST_FILE + 1)
    _refuse_too_large(content, name)
    rows = _rows(content, name, source.sheet)
    header, body = (rows[:1], rows[1:]) if source.header else ([], rows)
    if len(body) > most_rows:
        raise TooManyRows(most_rows)
    work.stop.check()
    width = max(map(len, rows), default=0)
    names = ColumnNames().distinct(_titles(header[0], width) if header else [f"c{n}" for n in range(1, width + 1)])
    target.mkdir()
    with TableWriter(target, most_rows=most_rows) as writer:
        columns = {title: [_value(row[place]) for row in body] for place, title in enumerate(names)}
        writer.write(columns, len(body))
    return writer.parts


def _refuse_too_large(content: bytes, name: str) -> None:
    """Such a file is a zip (but for the old xls), and unpacks in memory."""
    if len(content) > LARGEST_FILE:
        raise FileMalformed(name, [(None, f"it is larger than {LARGEST_FILE} bytes")])
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        if sum(member.file_size for member in packed.infolist()) > LARGEST_UNPACKED:
            raise FileMalformed(name, [(None, f"it unpacks to more than {LARGEST_UNPACKED} bytes")])


def _rows(content: bytes, name: str, sheet: str | None) -> list[list[Any]]:
    import python_calamine as calamine

    try:
        book = calamine.load_workbook(io.BytesIO(content))
        if sheet is not None and sheet not in book.sheet_names:
            raise FileMalformed(name, [(None, f"it has no sheet {sheet!r}, but {', '.join(book.sheet_names)}")])
        found = book.get_sheet_by_name(sheet) if sheet is not None else book.get_sheet_by_index(0)
        return found.to_python(skip_empty_area=True)
    except calamine.CalamineError as error:
        raise FileMalformed(name, [(None, " ".join(str(error).split())[:300])]) from error


def _titles(first: Sequence[Any], width: int) -> list[str]:
    return [str(_value(title) or "") for title in first] + [""] * (width - len(first))


def _value(cell: Any) -> Any:
    """An empty cell is no value, and a whole number is an integer."""
    if cell == "":
        return None
    return int(cell) if isinstance(cell, float) and cell.is_integer() and abs(cell) <= EXACT else cell
