"""JSON lines, Excel, and what is compressed; from a folder and over HTTP."""

import bz2
import gzip
import lzma
import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import xlsxwriter

from scheduler_service.errors import FileMalformed, FormatUnclear, RequestRefused, ResponseTooLarge, TooManyRows
from scheduler_service.workloads.collect import excel_files, http_files
from tests.workloads.collects import Place
from tests.workloads.test_files import a_file, write_parquet
from tests.workloads.web import Answer, Web

Pack = Callable[[bytes], bytes]


def zstd(raw: bytes) -> bytes:
    packed: bytes = pa.compress(raw, codec="zstd", asbytes=True)
    return packed


PACKINGS: dict[str, Pack] = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstd}


@pytest.mark.parametrize("ending", PACKINGS)
@pytest.mark.parametrize(("name", "content"), [("t.csv", b"id,v\n1,a\n"), ("t.jsonl", b'{"id": 1, "v": "a"}\n')])
def test_a_compressed_file_is_read(place: Place, name: str, content: bytes, ending: str) -> None:
    place.write(f"{name}{ending}", PACKINGS[ending](content))

    place.collect(a_file(f"{name}{ending}"))

    assert place.rows() == [{"id": 1, "v": "a"}]


@pytest.mark.parametrize("ending", PACKINGS)
@pytest.mark.parametrize("name", ["t.csv", "t.jsonl"])
def test_one_that_is_cut_off_fails(place: Place, name: str, ending: str) -> None:
    row = b"a,b\n" if name == "t.csv" else b'{"a": 1}\n'
    packed = PACKINGS[ending](b"".join(row for _ in range(5000)))
    place.write(f"{name}{ending}", packed[: len(packed) - 6])

    with pytest.raises(FileMalformed, match="is broken"):
        place.collect(a_file(f"{name}{ending}"))

    assert place.names() == []


def test_lines_of_json_are_records(place: Place) -> None:
    place.write(
        "t.ndjson", '\ufeff{"id": 1, "at": "2026-03-01T10:00:00Z"}\r\n\n{"id": 2.5, "deep": {"a": [1]}}\n"bare"'
    )

    outcome = place.collect(a_file("t.ndjson"))

    assert outcome.rows_read == 3
    assert place.types() == {"id": "DOUBLE", "at": "TIMESTAMP WITH TIME ZONE", "deep": "JSON", "value": "VARCHAR"}
    assert place.rows()[1] == {"id": 2.5, "at": None, "deep": {"a": [1]}, "value": None}


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        pytest.param(b'{"a": 1}\n{"a": \n', 2, "no JSON", id="no JSON"),
        pytest.param(b'{"a": 1}\n\n{"a": "\xff"}\n', 1, "not utf-8", id="another encoding"),
    ],
)
def test_a_malformed_line_fails_with_its_number(place: Place, content: bytes, line: int, reason: str) -> None:
    place.write("t.jsonl", content)

    with pytest.raises(FileMalformed, match=reason) as caught:
        place.collect(a_file("t.jsonl"))

    assert caught.value.problems[0][0] == line


def test_a_run_counts_the_rows_of_all_its_files(place: Place) -> None:
    place.write("in/a.jsonl", '{"id": 1}\n{"id": 2}\n')
    place.write("in/b.jsonl", '{"id": 3}\n{"id": 4}\n')

    with pytest.raises(TooManyRows, match="max_rows = 3"):
        place.collect(a_file("in"), max_rows=3)


def workbook(path: Path, **sheets: Sequence[Sequence[Any]]) -> Path:
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd hh:mm"}) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                for place, value in enumerate(row):
                    is_day = isinstance(value, date) and not isinstance(value, datetime)
                    sheet.write(number, place, value, *([day] if is_day else []))
    return path


def test_a_sheet_lands_with_types(place: Place) -> None:
    noon = datetime(2026, 3, 2, 12, 30)  # noqa: DTZ001  Excel knows no zones
    rows: list[list[Any]] = [
        ["编号", "amount", "mixed", "day", "at", "ok", "note"],
        [1, 2, 1, date(2026, 3, 1), noon, True, "北京"],
        [2, 2.5, "x", date(2026, 3, 2), noon, False, None],
    ]
    workbook(place.inbox / "t.xlsx", first=rows, second=[["id"], [7]])

    place.collect(a_file("t.xlsx"))
    place.collect(a_file("t.xlsx", sheet="second"), dataset="second")

    assert place.types() == {
        "编号": "BIGINT",
        "amount": "DOUBLE",
        "mixed": "VARCHAR",
        "day": "DATE",
        "at": "TIMESTAMP",
        "ok": "BOOLEAN",
        "note": "VARCHAR",
    }
    assert place.rows()[0] == {
        "编号": 1,
        "amount": 2.0,
        "mixed": "1",
        "day": "2026-03-01",
        "at": "2026-03-02T12:30:00",
        "ok": True,
        "note": "北京",
    }
    assert place.rows("second") == [{"id": 7}]


def test_a_sheet_may_have_no_header_or_nothing_at_all(place: Place) -> None:
    workbook(place.inbox / "t.xlsx", first=[["a", 1], ["b", 2]], empty=[], header=[["id"]])

    place.collect(a_file("t.xlsx", header=False))

    assert place.rows() == [{"c1": "a", "c2": 1}, {"c1": "b", "c2": 2}]
    assert place.collect(a_file("t.xlsx", sheet="empty")).rows_read == 0
    assert place.collect(a_file("t.xlsx", sheet="header")).rows_read == 0


def test_a_sheet_that_is_not_there_is_told_with_those_that_are(place: Place) -> None:
    workbook(place.inbox / "t.xlsx", first=[["id"]], second=[["id"]])

    with pytest.raises(FileMalformed, match="no sheet 'third', but first, second"):
        place.collect(a_file("t.xlsx", sheet="third"))


def test_what_is_no_workbook_or_would_fill_the_memory_fails(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.write("bad.xlsx", b"not at all")
    workbook(place.inbox / "good.xlsx", first=[["id"], [1]])
    with zipfile.ZipFile(place.inbox / "bomb.xlsx", "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("xl/worksheets/sheet1.xml", b"\0" * 2_000_000)

    monkeypatch.setattr(excel_files, "LARGEST_UNPACKED", 1_000_000)

    with pytest.raises(FileMalformed, match=r"bad\.xlsx is malformed"):
        place.collect(a_file("bad.xlsx"))
    with pytest.raises(FileMalformed, match="unpacks to more than"):
        place.collect(a_file("bomb.xlsx"))
    assert place.collect(a_file("good.xlsx")).rows_read == 1


def at(web: Web, path: str, **more: Any) -> dict[str, Any]:
    return {"type": "http_file", "url": f"{web.url}{path}", "retry": {"attempts": 2}, **more}


def test_a_file_at_a_url_is_read_by_its_ending(place: Place, web: Web) -> None:
    write_parquet(place.folder / "t.parquet", "SELECT 1 AS id")
    workbook(place.folder / "t.xlsx", first=[["id"], [1]])
    contents = {
        "/t.csv": b"id\n1\n",
        "/t.csv.gz": gzip.compress(b"id\n1\n"),
        "/t.jsonl": b'{"id": 1}',
        "/t.parquet": (place.folder / "t.parquet").read_bytes(),
        "/t.xlsx": (place.folder / "t.xlsx").read_bytes(),
    }
    for number, (path, content) in enumerate(contents.items()):
        web.answer(path, Answer(content))
        place.collect(at(web, path), dataset=f"d{number}")

    assert [place.rows(f"d{number}") for number in range(len(contents))] == [[{"id": 1}]] * len(contents)


def test_a_url_that_does_not_tell_needs_the_format_and_takes_parameters(place: Place, web: Web) -> None:
    web.answer("/export", Answer("id;v\n1;ü\n".encode("latin-1")))

    with pytest.raises(FormatUnclear, match="export"):
        place.collect(at(web, "/export"))
    place.collect(at(web, "/export", format="csv", delimiter=";", encoding="latin-1", params={"day": "today"}))

    assert web.asked[0].params == {"day": "today"}
    assert place.rows() == [{"id": 1, "v": "ü"}]


def test_a_download_that_breaks_begins_anew(place: Place, web: Web) -> None:
    whole = b"id\n" + b"1\n" * 1000
    web.answer("/t.csv", Answer(whole[:500], headers={"Content-Length": str(len(whole))}), Answer(whole))

    assert place.collect(at(web, "/t.csv")).rows_read == 1000


def test_a_file_that_is_refused_or_without_end_loads_nothing(
    place: Place, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_files, "LARGEST_RUN", 100_000)
    web.answer("/no.csv", Answer({"why": "no"}, 403))
    web.serve("/endless.csv", lambda _: Answer(pieces=iter(lambda: b"1\n" * 5000, None)))

    with pytest.raises(RequestRefused, match="answered 403"):
        place.collect(at(web, "/no.csv"))
    with pytest.raises(ResponseTooLarge):
        place.collect(at(web, "/endless.csv"))

    assert place.names() == []
    assert place.staged() == []
