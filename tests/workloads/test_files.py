"""CSV and Parquet, from a file, a folder or a glob."""

import gzip
import os
from pathlib import Path
from typing import Any

import duckdb
import pytest

from scheduler_service.errors import (
    FileMalformed,
    FileMissing,
    FileUnsettled,
    FormatUnclear,
    PathOutsideRoots,
    TooManyRows,
)
from scheduler_service.timing.clock import SystemClock
from tests.workloads.collects import Place


def a_file(path: str, **more: Any) -> dict[str, Any]:
    return {"type": "file", "path": path, **more}


def write_parquet(path: Path, select: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")


@pytest.mark.on_each_warehouse
def test_a_csv_file_lands_with_types(place: Place) -> None:
    place.write(
        "all.csv",
        "id,code,amount,ok,day,at,instant,note\n"
        '1,007,2.5,true,2026-01-31,2026-01-31 10:00:00,2026-01-31T10:00:00+01:00,"a, ""b"""\n'
        "2,8,3,false,2026-02-01,2026-02-01T11:30:00.5,2026-02-01T11:30:00Z,\n",
    )

    outcome = place.collect(a_file("all.csv"))

    assert (outcome.rows_read, outcome.rows_written, outcome.files) == (2, 2, 1)
    assert place.types() == {
        "id": "BIGINT",
        "code": "VARCHAR",
        "amount": "DOUBLE",
        "ok": "BOOLEAN",
        "day": "DATE",
        "at": "TIMESTAMP",
        "instant": "TIMESTAMP WITH TIME ZONE",
        "note": "VARCHAR",
    }
    assert place.rows()[0] == {
        "id": 1,
        "code": "007",
        "amount": 2.5,
        "ok": True,
        "day": "2026-01-31",
        "at": "2026-01-31T10:00:00",
        "instant": "2026-01-31T09:00:00Z",
        "note": 'a, "b"',
    }
    assert place.rows()[1]["at"] == "2026-02-01T11:30:00.500000"
    assert place.rows()[1]["note"] is None


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        pytest.param(["1", "-2"], "BIGINT", id="integers"),
        pytest.param(["1", "2.5", "1e3"], "DOUBLE", id="integers and decimals"),
        pytest.param(["01", "2"], "VARCHAR", id="a leading zero is text"),
        pytest.param(["+1", "2"], "VARCHAR", id="a plus sign is text"),
        pytest.param(["12345678901234567890", "1"], "VARCHAR", id="more digits than a number keeps"),
        pytest.param([" 1", "2"], "VARCHAR", id="a space is text"),
        pytest.param(["2026-02-30", "2026-01-01"], "VARCHAR", id="a day that does not exist is text"),
        pytest.param(["2026-01-01", "2026-01-01 10:00"], "TIMESTAMP", id="days and times"),
        pytest.param(["1"] * 3000 + ["x"], "VARCHAR", id="a text far down"),
        pytest.param(["nan", "1"], "VARCHAR", id="nan is a text"),
    ],
)
def test_a_type_is_what_all_values_are_written_as(place: Place, values: list[str], type_: str) -> None:
    place.collect_csv("v\n" + "".join(f"{value}\n" for value in values))

    assert place.types() == {"v": type_}


def test_a_text_column_keeps_its_texts_when_a_batch_looks_like_numbers(place: Place) -> None:
    place.collect_csv("code\nA1\n")

    place.collect_csv("code\n007\n1.50\n2026-01-01\n")

    assert place.column("code") == ["A1", "007", "1.50", "2026-01-01"]


def test_a_stated_date_format_is_taken(place: Place) -> None:
    place.write("things.csv", "day,at\n31/01/2026,x\n01/02/2026,y\n")

    place.collect(a_file("things.csv", dateformat="%d/%m/%Y"))

    assert place.types() == {"day": "DATE", "at": "VARCHAR"}
    assert place.column("day") == ["2026-01-31", "2026-02-01"]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        pytest.param(b"id,name,amt\n1,a,2\n2,b\n3,c,4,5\n", 3, id="ragged rows"),
        pytest.param(b'id,name,amt\n1,"a,2\n2,b,3\n', 2, id="a quote that never ends"),
        pytest.param(b"id,name,amt\n1,\xff\xfe,2\n", 2, id="bytes that are not UTF-8"),
        pytest.param(b"\xff\xfeid,name\n1,2\n", 1, id="a header that is not UTF-8"),
        pytest.param(b"\nid,name\n1,2\n", 1, id="an empty first line"),
    ],
)
def test_a_malformed_csv_file_fails_with_its_line(place: Place, content: bytes, line: int) -> None:
    place.write("bad.csv", content)

    with pytest.raises(FileMalformed, match=rf"bad\.csv is malformed: line {line}: ") as caught:
        place.collect(a_file("bad.csv"))

    assert caught.value.problems[0][0] == line
    assert place.names() == []
    assert place.staged() == []


def test_at_most_twenty_problems_are_told_and_all_are_counted(place: Place) -> None:
    place.write("bad.csv", "a,b\n" + "1\n" * 50)

    with pytest.raises(FileMalformed, match="50 in all") as caught:
        place.collect(a_file("bad.csv"))

    assert len(caught.value.problems) == 20


@pytest.mark.parametrize(
    ("content", "more"),
    [
        pytest.param(b"id;name\n1;'a;b'\n", {"delimiter": ";", "quote": "'"}, id="another dialect"),
        pytest.param("id,name\n1,a;b\n".encode("gbk"), {"encoding": "gbk"}, id="another encoding"),
        pytest.param("\ufeffid,name\r\n1,a;b\r\n".encode(), {}, id="a mark and CR LF"),
        pytest.param("\ufeffid,name\n1,a;b\n".encode("utf-16"), {"encoding": "utf-16"}, id="UTF-16"),
        pytest.param(b"id,name\n1,a;b\r\n", {}, id="line ends that differ"),
    ],
)
def test_a_dialect_is_stated(place: Place, content: bytes, more: dict[str, str]) -> None:
    place.write("things.csv", content)

    place.collect(a_file("things.csv", **more))

    assert place.rows() == [{"id": 1, "name": "a;b"}]


def test_chinese_in_its_own_encoding_is_read(place: Place) -> None:
    place.write("things.csv", "编号,名称\n1,北京\n".encode("gb18030"))

    place.collect(a_file("things.csv", encoding="gb18030"))

    assert place.rows() == [{"编号": 1, "名称": "北京"}]


def test_without_a_header_columns_are_numbered(place: Place) -> None:
    place.write("things.csv", "1,a\n2,b\n")

    place.collect(a_file("things.csv", header=False))

    assert place.rows() == [{"c1": 1, "c2": "a"}, {"c1": 2, "c2": "b"}]


def test_headers_that_repeat_or_are_ours_get_names_of_their_own(place: Place) -> None:
    place.collect_csv("id,ID,_run_id,rowid,\n1,2,3,4,5\n")

    assert list(place.warehouse.rows("things").items[0])[:5] == ["id", "id_1", "_run_id_", "rowid_", "unnamed"]


def test_an_empty_file_changes_nothing_and_is_recorded(place: Place) -> None:
    place.collect_csv("id\n1\n")
    place.write("empty.csv", "")
    place.write("header.csv", "other\n")

    outcome = place.collect(a_file("*e*r*.csv", incremental=True))

    assert place.types() == {"id": "BIGINT"}
    assert (outcome.rows_read, outcome.files) == (0, 1)
    assert place.collect(a_file("empty.csv", incremental=True)).files == 1
    assert place.collect(a_file("empty.csv", incremental=True)).files == 0


def test_a_compressed_file_is_read(place: Place) -> None:
    place.write("things.csv.gz", "id\n1\n")

    place.collect(a_file("things.csv.gz"))

    assert place.rows() == [{"id": 1}]


@pytest.mark.parametrize("damage", ["cut off", "wrong checksum"])
def test_a_broken_gzip_fails_even_where_its_rows_look_whole(place: Place, damage: str) -> None:
    packed = gzip.compress(b"id\n" + b"1\n" * 1000)
    broken = packed[:-8] if damage == "cut off" else packed[:-8] + b"\0\0\0\0" + packed[-4:]
    place.write("things.csv.gz", broken)

    with pytest.raises(FileMalformed, match="gzip is broken"):
        place.collect(a_file("things.csv.gz"))


def test_a_folder_is_its_files_and_their_columns_together(place: Place) -> None:
    place.write("in/a.csv", "id,v\n1,1\n")
    place.write("in/b.csv", "v,id,extra\nx,2,true\n")
    place.write("in/.hidden.csv", "no\n1\n")
    place.write("in/readme.txt", "no")

    outcome = place.collect(a_file("in"))

    assert outcome.files == 2
    assert place.rows() == [{"id": 1, "v": "1", "extra": None}, {"id": 2, "v": "x", "extra": True}]


def test_a_folder_of_both_formats_needs_to_be_told_which(place: Place) -> None:
    place.write("in/a.csv", "id\n1\n")
    write_parquet(place.inbox / "in/b.parquet", "SELECT 2 AS id")

    with pytest.raises(FormatUnclear, match=r"a\.csv and b\.parquet"):
        place.collect(a_file("in"))

    assert place.collect(a_file("in", format="parquet")).rows_written == 1


def test_a_file_without_a_telling_name_needs_its_format_stated(place: Place) -> None:
    place.write("things.txt", "id\n1\n")

    with pytest.raises(FormatUnclear, match=r"things\.txt"):
        place.collect(a_file("things.txt"))

    assert place.collect(a_file("things.txt", format="csv")).rows_written == 1


@pytest.mark.on_each_warehouse
def test_a_parquet_file_keeps_what_it_says(place: Place) -> None:
    write_parquet(
        place.inbox / "t.parquet",
        "SELECT 1::TINYINT AS small, 18446744073709551615::UBIGINT AS big, 1.5::FLOAT AS real, 12.30::DECIMAL(9,2) AS "
        "money, DATE '2026-01-31' AS day, TIMESTAMPTZ '2026-01-31 10:00:00+01' AS at, 'ab'::BLOB AS raw, "
        "{'x': [1, 2]} AS deep, 'NaN'::DOUBLE AS nothing, NULL::INTEGER AS never",
    )

    place.collect(a_file("t.parquet"))

    assert place.types()["big"] == "DECIMAL(38,0)"
    assert "never" not in place.types()
    assert place.rows() == [
        {
            "small": 1,
            "big": "18446744073709551615",
            "real": 1.5,
            "money": "12.30",
            "day": "2026-01-31",
            "at": "2026-01-31T09:00:00Z",
            "raw": "YWI=",
            "deep": {"x": [1, 2]},
            "nothing": None,
        }
    ]


def test_a_file_that_only_calls_itself_parquet_fails(place: Place) -> None:
    place.write("t.parquet", b"not at all, but long enough to be one")

    with pytest.raises(FileMalformed, match=r"t\.parquet is malformed") as caught:
        place.collect(a_file("t.parquet"))

    assert "/dev/fd" not in str(caught.value)


def test_more_rows_than_allowed_load_none(place: Place) -> None:
    write_parquet(place.inbox / "t.parquet", "SELECT range AS id FROM range(11)")

    with pytest.raises(TooManyRows, match="max_rows = 10"):
        place.collect(a_file("t.parquet"), max_rows=10)
    with pytest.raises(TooManyRows):
        place.collect_csv("id\n" + "1\n" * 11, max_rows=10)

    assert place.names() == []


def test_each_file_is_read_once_in_each_of_its_states(place: Place) -> None:
    place.write("in/a.csv", "id\n1\n")
    source = a_file("in", incremental=True)

    first = place.collect(source)
    place.write("in/b.csv", "id\n2\n")
    second = place.collect(source)
    third = place.collect(source)
    place.write("in/b.csv", "id\n3\n")
    fourth = place.collect(source)

    assert [outcome.files for outcome in (first, second, third, fourth)] == [1, 1, 0, 1]
    assert place.column("id") == [1, 2, 3]


def test_a_full_refresh_reads_every_file_again(place: Place) -> None:
    place.write("in/a.csv", "id\n1\n")
    source = a_file("in", incremental=True)
    place.collect(source)

    outcome = place.collect(source, full_refresh=True)

    assert outcome.rows_written == 1
    assert place.column("id") == [1]
    assert place.collect(source).files == 0


def test_a_file_touched_just_now_is_waited_for(place: Place) -> None:
    place.site = type(place.site)(**{**vars(place.site), "clock": SystemClock()})
    place.write("in/a.csv", "id\n1\n")

    with pytest.raises(FileUnsettled, match=r"a\.csv is still being written"):
        place.collect(a_file("in", settle_seconds=60))
    left = place.collect(a_file("in", settle_seconds=60, incremental=True))

    assert left.files == 0
    assert sum(place.slept) > 100


def test_a_link_out_of_the_root_is_refused(place: Place) -> None:
    secret = place.folder / "secret.csv"
    secret.write_text("password\nx\n")
    (place.inbox / "in").mkdir()
    (place.inbox / "in/link.csv").symlink_to(secret)
    (place.inbox / "out").symlink_to(place.folder)

    for path in ("in/link.csv", "in", "in/*.csv", "out/secret.csv", "out", "out/*.csv", "*/secret.csv"):
        with pytest.raises(PathOutsideRoots):
            place.collect(a_file(path))


def test_a_link_that_stays_inside_is_followed(place: Place) -> None:
    place.write("data/a.csv", "id\n1\n")
    (place.inbox / "current").symlink_to(place.inbox / "data")

    place.collect(a_file("current"))

    assert place.column("id") == [1]


def test_a_path_elsewhere_is_refused_whether_it_exists_or_not(place: Place) -> None:
    for path in (str(place.folder / "warehouse.duckdb"), str(place.folder / "nothing"), "/etc/*", "/"):
        with pytest.raises(PathOutsideRoots):
            place.collect(a_file(path))


def test_an_absolute_path_under_a_root_is_read(place: Place) -> None:
    path = place.write("a[1].csv", "id\n1\n")

    place.collect(a_file(str(path)))

    assert place.column("id") == [1]


def test_a_missing_file_fails_and_a_glob_without_matches_is_nothing(place: Place) -> None:
    with pytest.raises(FileMissing, match="no such file"):
        place.collect(a_file("nothing.csv"))

    assert place.collect(a_file("*.csv")).rows_read == 0


def test_a_pipe_is_no_file(place: Place) -> None:
    os.mkfifo(place.inbox / "pipe.csv")

    with pytest.raises(FileMissing):
        place.collect(a_file("pipe.csv"))
