"""Sheets: typed cells, and no text that becomes a formula."""

from datetime import date, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest
from python_calamine import CalamineWorkbook

from scheduler_service.workloads.report.sheets import csv_files, xlsx
from tests.workloads.report.press import Press

#: What the cells of the test below show.
LOCAL = [datetime.fromisoformat("2026-03-02T07:30"), datetime.fromisoformat("2026-03-01T01:02:03")]
FORMULAS = ["=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(A1)", "|x", "%x", "  =1", "\t=1", "\r=1", "\n=1", "\u00a0=1"]


def column(name: str, kind: str, look: str = "plain") -> dict[str, Any]:
    return {"name": name, "title": name, "kind": kind, "format": look, "digits": None}


def document(*tables: dict[str, Any], zone: str = "UTC") -> dict[str, Any]:
    sections = [{"type": "table", "title": "t", "more": False, "shown": 10, **table} for table in tables]
    return {"title": "Orders", "zone": zone, "language": "en", "created": "2026-03-01T00:00:00Z", "sections": sections}


def of(*rows: list[Any], columns: list[dict[str, Any]], **table: Any) -> dict[str, Any]:
    return {"columns": columns, "rows": list(rows), **table}


def book_of(made: dict[str, Any], folder: Path) -> CalamineWorkbook:
    (folder / "book.xlsx").write_bytes(xlsx(made))
    return CalamineWorkbook.from_path(folder / "book.xlsx")


def test_cells_have_the_types_of_their_values(tmp_path: Path) -> None:
    kinds = {"w": "integer", "n": "number", "b": "boolean", "d": "date", "at": "instant", "l": "local", "t": "text"}
    row = [-5, 2.5, True, "2026-03-01", "2026-03-01T23:30:00Z", "2026-03-01T01:02:03", "-5"]
    table = of(row, [None] * 7, columns=[column(name, kind) for name, kind in kinds.items()])

    sheet = book_of(document(table, zone="Asia/Shanghai"), tmp_path).get_sheet_by_index(0)

    first = sheet.to_python()[1]
    assert first == [-5, 2.5, True, date(2026, 3, 1), *LOCAL, "-5"]


def test_numbers_that_a_sheet_would_round_are_texts(tmp_path: Path) -> None:
    kinds = [column("a", "integer"), column("b", "number"), column("c", "number")]
    table = of([10**17 + 1, "12345678901234567.25", "12.50"], columns=kinds)

    first = book_of(document(table), tmp_path).get_sheet_by_index(0).to_python()[1]

    assert first == ["100000000000000001", "12345678901234567.25", 12.5]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_becomes_a_formula_or_a_link(tmp_path: Path, text: str) -> None:
    table = of([text], ["https://a.example"], ["123"], columns=[column(text, "text")])

    book_of(document(table | {"title": text}), tmp_path)

    with ZipFile(tmp_path / "book.xlsx") as parts:
        sheet = ElementTree.fromstring(parts.read("xl/worksheets/sheet1.xml"))
        names = {element.tag.rpartition("}")[2] for element in sheet.iter()}
        assert not names & {"f", "hyperlinks"}
        assert {cell.get("t") for cell in sheet.iter() if cell.tag.endswith("}c")} == {"s"}


def test_sheets_have_names_that_excel_takes_each_once(tmp_path: Path) -> None:
    titles = ["a/b:c*d?[e]\\f", "a" * 40, "A" * 40, "'quoted'", "History", "", "[]"]
    tables = [of([1], columns=[column("n", "integer")], title=title) for title in titles]

    names = book_of(document(*tables), tmp_path).sheet_names

    assert names == ["a b c d  e  f", "a" * 31, f"{'A' * 29} 2", "quoted", "History 2", "6", "Sheet"]


def test_a_long_text_is_cut_where_a_cell_ends(tmp_path: Path) -> None:
    table = of(["x" * 40_000], columns=[column("t", "text")])

    assert book_of(document(table), tmp_path).get_sheet_by_index(0).to_python()[1] == ["x" * 32_767]


@pytest.mark.parametrize("text", FORMULAS)
def test_in_csv_a_text_that_looks_like_a_formula_is_quoted_away(text: str) -> None:
    (_, made), *_ = csv_files(document(of([text], columns=[column("t", "text")])))

    assert f"'{text.strip()}" in made.decode("utf-8-sig") or f"'{text}" in made.decode("utf-8-sig")


def test_csv_keeps_numbers_and_says_instants_with_their_offset(press: Press) -> None:
    lines = press.csv("SELECT -5 AS n, '-5' AS t, 2.50::DECIMAL(5,2) AS d, '中' AS z, NULL AS e, true AS b", title="x")
    instants = press.make(
        {"type": "table", "sql": "SELECT min(ordered_at) AS at FROM orders"}, outputs=("csv",), timezone="Asia/Tokyo"
    )

    assert lines == ["n,t,d,z,e,b", "-5,'-5,2.50,中,,true"]
    assert instants[0].path.read_bytes() == b"\xef\xbb\xbfat\r\n2026-03-01T09:00:00+09:00\r\n"


def test_every_table_chart_and_group_of_metrics_is_a_sheet_and_every_table_a_csv(press: Press, tmp_path: Path) -> None:
    made = press.make(
        {"type": "text", "markdown": "hello"},
        {"type": "metrics", "title": "Sums", "sql": "SELECT count(*) AS n, 'x' AS t FROM orders"},
        {"type": "table", "title": "All", "sql": "SELECT * FROM orders ORDER BY id", "shown": 2},
        {"type": "chart", "title": "Day", "kind": "bar", "x": "city", "y": ["n"],
         "sql": "SELECT city, count(*) AS n FROM orders GROUP BY city"},
        {"type": "table", "title": "Cities", "sql": "SELECT DISTINCT city FROM orders"},
        outputs=("xlsx", "csv"),
    )  # fmt: skip

    book = CalamineWorkbook.from_path(made[0].path)
    assert book.sheet_names == ["Sums", "All", "Day", "Cities"]
    assert len(book.get_sheet_by_name("All").to_python()) == 49
    assert book.get_sheet_by_name("Sums").to_python()[1:] == [["n", 48, 48], ["t", "x", "x"]]
    assert [(one.output, one.title) for one in made] == [("xlsx", ""), ("csv", "All"), ("csv", "Cities")]
