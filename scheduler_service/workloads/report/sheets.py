"""A document's tables as XLSX and CSV, in which no text becomes a formula."""

import csv
import re
from collections.abc import Iterator
from datetime import date, datetime, tzinfo
from io import BytesIO, StringIO
from typing import Any

import xlsxwriter

from scheduler_service.timing import zones
from scheduler_service.workloads.report.values import NUMERIC, moment, number
from scheduler_service.workloads.report.words import WORDS

LONGEST_CELL = 32_767
LONGEST_NAME = 31
EXACT_BELOW = 10**15
WIDEST = 60
TAKEN_FOR_FORMULAS = ("=", "+", "-", "@", "|", "%")
FORMATS = {"date": "yyyy-mm-dd", "local": "yyyy-mm-dd hh:mm:ss", "instant": "yyyy-mm-dd hh:mm:ss"}
NUMBER_FORMATS = {"number": "#,##0.##", "percent": "0.0%"}
OPTIONS = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": False,
    "in_memory": True,
}


def xlsx(document: dict[str, Any]) -> bytes:
    """A workbook with a sheet for each table, each chart's rows, and each group of metrics."""
    out, zone = BytesIO(), zones.load(document["zone"])
    book = xlsxwriter.Workbook(out, OPTIONS)
    created = moment(document["created"], zone)
    book.set_properties({"title": document["title"], "created": created})
    names = _SheetNames()
    for section in tables(document):
        _write(book, book.add_worksheet(names.of(section["title"])), section, zone)
    if not book.worksheets():
        book.add_worksheet(names.of(document["title"]))
    book.close()
    return out.getvalue()


def csv_files(document: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """A (title, file) for each table, in UTF-8 with a mark, which Excel needs. Instants are RFC 3339."""
    zone = zones.load(document["zone"])
    for section in tables(document):
        if section["type"] == "table":
            text = StringIO()
            writer = csv.writer(text, lineterminator="\r\n")
            columns = section["columns"]
            writer.writerow([_harmless(column["title"]) for column in columns])
            for row in section["rows"]:
                writer.writerow([_csv_cell(cell, column, zone) for cell, column in zip(row, columns, strict=True)])
            yield section["title"], b"\xef\xbb\xbf" + text.getvalue().encode()


def tables(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Whatever has columns and rows; metrics as a table of their own."""
    words = WORDS[document["language"]]
    for place, section in enumerate(document["sections"], 1):
        if section["type"] in ("table", "chart"):
            yield section | {"title": section["title"] or f"{place}"}
        elif section["type"] == "metrics":
            rows = [[item["title"], item["value"], item["before"]] for item in section["items"]]
            kinds = [{"title": words["metric"], "kind": "text", "format": "plain"}]
            kinds += [{"title": words[name], "kind": "mixed", "format": "plain"} for name in ("value", "previous")]
            yield {"type": "metrics", "title": section["title"] or words["metrics"], "columns": kinds, "rows": rows}


def _write(book: Any, sheet: Any, section: dict[str, Any], zone: tzinfo) -> None:
    bold = book.add_format({"bold": True})
    formats = [_format(book, column) for column in section["columns"]]
    sheet.freeze_panes(1, 0)
    for place, column in enumerate(section["columns"]):
        sheet.write_string(0, place, column["title"][:LONGEST_CELL], bold)
        widths = [len(str(row[place])) for row in section["rows"][:200] if row[place] is not None]
        sheet.set_column(place, place, min(WIDEST, max([len(column["title"]), *widths]) + 2))
    for line, row in enumerate(section["rows"], 1):
        for place, (cell, column) in enumerate(zip(row, section["columns"], strict=True)):
            _write_cell(sheet, (line, place), cell, column["kind"], formats[place], zone)


def _format(book: Any, column: dict[str, Any]) -> Any:
    pattern = FORMATS.get(column["kind"]) or (
        NUMBER_FORMATS.get(column["format"]) if column["kind"] in NUMERIC else None
    )
    return book.add_format({"num_format": pattern}) if pattern else None


def _write_cell(sheet: Any, place: tuple[int, int], cell: Any, kind: str, form: Any, zone: tzinfo) -> None:
    """By the kind, and never by `write()`, which makes a formula of what looks like one."""
    if cell is None:
        return
    if kind == "mixed":
        kind = "boolean" if isinstance(cell, bool) else "number" if isinstance(cell, int | float) else "text"
    if kind == "boolean":
        sheet.write_boolean(*place, cell, form)
    elif kind in NUMERIC and _is_exact(cell):
        sheet.write_number(*place, float(cell) if isinstance(cell, str) else cell, form)
    elif (at := _moment(cell, kind, zone)) is not None:
        sheet.write_datetime(*place, at, form)
    else:
        sheet.write_string(*place, str(cell)[:LONGEST_CELL])


def _moment(cell: Any, kind: str, zone: tzinfo) -> date | None:
    """A date or a local time that Excel knows: it begins in 1900."""
    if kind not in FORMATS:
        return None
    at = date.fromisoformat(cell) if kind == "date" else moment(cell, zone)
    return at if at.year >= 1900 else None


def _is_exact(cell: Any) -> bool:
    """Whether Excel's numbers, of 15 digits, hold it."""
    value = number(cell)
    return abs(value) < EXACT_BELOW and (isinstance(cell, float) or len(value.as_tuple().digits) <= 15)


def _csv_cell(cell: Any, column: dict[str, Any], zone: tzinfo) -> Any:
    """Numbers and instants as they are; a text so that no sheet takes it for a formula."""
    if cell is None:
        return ""
    if column["kind"] == "instant":
        return datetime.fromisoformat(cell).astimezone(zone).isoformat()
    if column["kind"] == "boolean":
        return str(cell).lower()
    return _harmless(cell) if column["kind"] == "text" else cell


def _harmless(text: str) -> str:
    begins = text.lstrip(" \u00a0\ufeff\n")
    return f"'{text}" if begins.startswith(TAKEN_FOR_FORMULAS) or text.startswith(("\t", "\r")) else text


class _SheetNames:
    """Names as Excel allows them, each once."""

    def __init__(self) -> None:
        self._taken: set[str] = {"history"}  # Excel keeps it to itself

    def of(self, title: str) -> str:
        bare = (
            re.sub(r"[\[\]:*?/\\\x00-\x1f]", " ", title).strip().strip("'")[:LONGEST_NAME].strip().strip("'") or "Sheet"
        )
        name, number = bare, 1
        while name.lower() in self._taken:
            number += 1
            name = f"{bare[: LONGEST_NAME - len(str(number)) - 1]} {number}"
        self._taken.add(name.lower())
        return name
