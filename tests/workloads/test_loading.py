"""Rows, schema and state in one transaction: modes, contracts, and repeats."""

import threading
import time
from typing import Any

import pytest

from scheduler_service.errors import Cancelled, LoadFailed, MergeKeysUnusable, SchemaConflict, SchemaFrozen
from scheduler_service.workloads.collect import engines, schema
from scheduler_service.workloads.stopping import Stop, never
from tests.workloads.collects import Place
from tests.workloads.web import Answer, Web

pytestmark = pytest.mark.on_each_warehouse

MERGE: dict[str, Any] = {"mode": "merge", "key": ["id"]}


def test_every_row_says_which_run_brought_it_and_when(place: Place) -> None:
    place.collect_csv("id\n1\n", run_id="the-run")

    row = place.warehouse.rows("things").items[0]
    assert row == {"id": 1, "_run_id": "the-run", "_loaded_at": "2026-03-02T12:00:00Z"}


def test_odd_texts_arrive_as_they_are(place: Place, web: Web) -> None:
    texts = ["", " ", '"', "a,b", "a\nb\r\n", "\\.", "\\N", "NULL", "'; --", "%s", "北京", "\\u0000"]
    web.answer("/things", Answer([{"id": n, "v": text, "deep": {"v": text}} for n, text in enumerate(texts)]))

    place.collect({"type": "http", "url": f"{web.url}/things"})

    rows = sorted(place.rows(), key=lambda row: row["id"])
    assert [row["v"] for row in rows] == texts
    assert [row["deep"]["v"] for row in rows] == texts


def test_a_null_character_is_kept_where_it_can_be(place: Place, web: Web) -> None:
    web.answer("/things", Answer([{"v": "a\0b", "deep": {"v": "\0\0a\0b\\\0"}}]))

    place.collect({"type": "http", "url": f"{web.url}/things"})

    kept = place.warehouse.dialect == "duckdb"
    expected = {"v": "a\0b", "deep": {"v": "\0\0a\0b\\\0"}} if kept else {"v": "ab", "deep": {"v": "ab\\"}}
    assert place.rows() == [expected]


def test_appending_adds(place: Place) -> None:
    place.collect_csv("id\n1\n")
    place.collect_csv("id\n1\n2\n")

    assert place.column("id") == [1, 1, 2]


def test_replacing_leaves_only_what_came(place: Place) -> None:
    place.collect_csv("id\n1\n")
    place.collect_csv("id\n2\n", mode="replace")

    assert place.column("id") == [2]


def test_replacing_by_nothing_empties(place: Place) -> None:
    place.collect_csv("id\n1\n")
    place.collect_csv("id\n", mode="replace")

    assert place.column("id") == []
    assert place.types() == {"id": "BIGINT"}


def test_merging_replaces_by_key_and_adds_the_rest(place: Place) -> None:
    place.collect_csv("ID,v\n1,a\n2,b\n", **MERGE)
    outcome = place.collect_csv("id,v,w\n2,c,x\n3,d,y\n", **MERGE)

    assert outcome.rows_written == 2
    assert sorted(place.rows(), key=lambda row: row["ID"]) == [
        {"ID": 1, "v": "a", "w": None},
        {"ID": 2, "v": "c", "w": "x"},
        {"ID": 3, "v": "d", "w": "y"},
    ]


def test_merging_by_two_columns_looks_at_both(place: Place) -> None:
    both: dict[str, Any] = {"mode": "merge", "key": ["a", "b"]}
    place.collect_csv("a,b,v\n1,1,x\n1,2,y\n", **both)
    place.collect_csv("a,b,v\n1,2,z\n", **both)

    assert place.column("v") == ["x", "z"]


def test_rows_that_repeat_exactly_are_merged_as_one(place: Place) -> None:
    outcome = place.collect_csv("id,v\n1,a\n1,a\n2,b\n", **MERGE)

    assert (outcome.rows_read, outcome.rows_written) == (3, 2)
    assert place.column("id") in ([1, 2], [2, 1])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("id,v\n1,a\n1,b\n", "1 keys are carried by rows that differ", id="two unlike rows"),
        pytest.param("id,v\n1,a\n,b\n", "1 rows have no value", id="a NULL"),
        pytest.param("other\n1\n", "1 rows have no value", id="no such column"),
    ],
)
def test_keys_that_tell_nothing_apart_are_refused(place: Place, text: str, reason: str) -> None:
    place.collect_csv("id,v\n5,x\n", **MERGE)

    with pytest.raises(MergeKeysUnusable, match=reason):
        place.collect_csv(text, **MERGE)

    assert place.rows() == [{"id": 5, "v": "x"}]


def test_a_first_load_needs_the_key_too(place: Place) -> None:
    with pytest.raises(MergeKeysUnusable, match="no record has a value in id"):
        place.collect_csv("other\n1\n", **MERGE)


def test_columns_are_matched_by_name_not_by_place(place: Place) -> None:
    place.collect_csv("a,b\n1,2\n")
    place.collect_csv("b,a\n4,3\n")

    assert place.rows() == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]


def test_evolving_adds_columns_and_widens_others(place: Place) -> None:
    place.collect_csv("a,b,c\n1,1,1.5\n")
    place.collect_csv("a,b,c,d\n2.5,x,y,true\n")

    assert place.types() == {"a": "DOUBLE", "b": "VARCHAR", "c": "VARCHAR", "d": "BOOLEAN"}
    assert place.rows() == [{"a": 1.0, "b": "1", "c": "1.5", "d": None}, {"a": 2.5, "b": "x", "c": "y", "d": True}]


def test_evolving_works_in_every_mode_at_once_with_deleting(place: Place) -> None:
    place.collect_csv("id,v\n1,1\n2,2\n", **MERGE)
    place.collect_csv("id,v,w\n2,2.5,x\n", **MERGE)
    place.collect_csv("id,v,w,z\nx,y,z,1\n", mode="replace")

    assert place.rows() == [{"id": "x", "v": "y", "w": "z", "z": 1}]


def test_a_field_may_be_a_number_today_and_an_object_tomorrow(place: Place, web: Web) -> None:
    web.answer("/things", Answer([{"id": 1, "v": 5}]), Answer([{"id": 1, "v": {"a": 1}}, {"id": 2, "v": "x"}]))
    web.answer("/others", Answer([{"id": 3, "v": 7}]))

    for path in ("/things", "/others", "/things"):
        place.collect({"type": "http", "url": f"{web.url}{path}"}, **MERGE)

    assert sorted((row["id"], str(row["v"])) for row in place.rows()) == [(1, "{'a': 1}"), (2, "x"), (3, "7")]


def test_what_cannot_be_widened_fails_with_every_difference(place: Place) -> None:
    place.collect_csv("id,day,ok\n1,2026-01-01,true\n")

    with pytest.raises(SchemaConflict, match=r"~ day DATE -> VARCHAR; ~ ok BOOLEAN -> BIGINT") as caught:
        place.collect_csv("id,day,ok,more\n2,soon,1,x\n")

    assert len(caught.value.differences) == 2
    assert place.types() == {"id": "BIGINT", "day": "DATE", "ok": "BOOLEAN"}
    assert place.column("id") == [1]


def test_columns_without_values_change_nothing(place: Place) -> None:
    place.collect_csv("id,note\n1,\n")
    place.collect_csv("id,day,other\n2,,\n")

    assert place.types() == {"id": "BIGINT"}
    assert place.column("id") == [1, 2]


def test_rows_without_any_value_are_rows_all_the_same(place: Place, web: Web) -> None:
    web.answer("/things", Answer([{"a": 1}]), Answer([{"a": None}, {}]))
    for _ in range(2):
        place.collect({"type": "http", "url": f"{web.url}/things"})

    assert place.column("a") == [1, None, None]


def test_a_frozen_schema_lists_all_differences(place: Place) -> None:
    place.collect_csv("id,gone,v\n1,x,1\n", contract="freeze")

    with pytest.raises(SchemaFrozen, match=r"\+ extra VARCHAR; - gone; ~ v BIGINT -> DOUBLE") as caught:
        place.collect_csv("id,v,extra\n2,1.5,x\n", contract="freeze")

    assert caught.value.differences == ["+ extra VARCHAR", "- gone", "~ v BIGINT -> DOUBLE"]
    assert place.rows() == [{"id": 1, "gone": "x", "v": 1}]


def test_a_frozen_schema_takes_what_fits(place: Place) -> None:
    place.collect_csv("id,code,v\n1,x,1.5\n", contract="freeze")
    place.collect_csv("id,code,v\n2,7,2\n,,\n", contract="freeze")

    assert place.column("code") == ["x", "7", None]


@pytest.mark.parametrize(
    ("have", "came", "wider"),
    [
        pytest.param("BIGINT", "DOUBLE", "DOUBLE", id="integer to double"),
        pytest.param("DOUBLE", "BIGINT", "DOUBLE", id="double holds integers"),
        pytest.param("BIGINT", "VARCHAR", "VARCHAR", id="integer to text"),
        pytest.param("VARCHAR", "BLOB", "VARCHAR", id="text holds all"),
        pytest.param("JSON", "BIGINT", "JSON", id="JSON holds all"),
        pytest.param("BOOLEAN", "JSON", "JSON", id="scalars to JSON"),
        pytest.param("DECIMAL(9,2)", "DECIMAL(8,4)", "DECIMAL(11,4)", id="decimals"),
        pytest.param("DECIMAL(9,2)", "BIGINT", "DECIMAL(21,2)", id="integers as decimals"),
        pytest.param("TIMESTAMP", "DATE", "TIMESTAMP", id="days as times"),
    ],
)
def test_types_widen(have: str, came: str, wider: str) -> None:
    change = schema.compare("things", {"v": have}, schema.Shape("typed", {"V": came}), "evolve")

    assert change.columns == {"v": wider}


@pytest.mark.parametrize(
    ("have", "came"),
    [
        ("BIGINT", "BOOLEAN"),
        ("DATE", "JSON"),
        ("DATE", "TIMESTAMP"),
        ("TIMESTAMP WITH TIME ZONE", "VARCHAR"),
        ("DECIMAL(38,0)", "DECIMAL(38,10)"),
        ("DECIMAL(9,2)", "DOUBLE"),
    ],
)
def test_other_types_do_not(have: str, came: str) -> None:
    with pytest.raises(SchemaConflict):
        schema.compare("things", {"v": have}, schema.Shape("typed", {"v": came}), "evolve")


def test_one_that_waits_for_anothers_load_can_be_cancelled(place: Place) -> None:
    asked = threading.Event()
    with engines.opened(place.warehouse, Stop(never, 60), write=True) as another:
        another.wait_for_turn("things")
        threading.Timer(0.3, asked.set).start()
        began = time.monotonic()

        with pytest.raises(Cancelled):
            place.collect_csv("id\n1\n", cancelled=asked.is_set)

    assert time.monotonic() - began < 3
    assert place.names() == []


def test_a_full_refresh_keeps_the_table_where_its_columns_stay(place: Place) -> None:
    place.collect_csv("id,v\n1,a\n")
    place.execute("CREATE VIEW seen AS SELECT id, v FROM things")

    place.collect_csv("id,v\n2,b\n", full_refresh=True)

    assert place.rows("seen") == [{"id": 2, "v": "b"}]


def test_a_run_that_was_loaded_is_not_loaded_again(place: Place) -> None:
    first = place.collect_csv("id\n1\n", run_id="same")
    again = place.collect_csv("id\n1\n2\n", run_id="same", attempt=2)

    assert not first.already_loaded
    assert again.already_loaded
    assert (again.rows_read, again.rows_written, again.files) == (1, 1, 1)
    assert again.as_dict() == {
        "dataset": "things",
        "rows_read": 1,
        "rows_written": 1,
        "seconds": again.seconds,
        "pages": 0,
        "files": 1,
        "already_loaded": True,
    }
    assert place.column("id") == [1]


def test_the_repeat_of_a_loaded_run_asks_the_source_nothing(place: Place, web: Web) -> None:
    web.answer("/things", Answer([{"id": 1}]))
    source = {"type": "http", "url": f"{web.url}/things"}

    place.collect(source, run_id="same")
    place.collect(source, run_id="same", attempt=2)

    assert len(web.asked) == 1


def test_what_the_warehouse_refuses_is_one_sentence(place: Place) -> None:
    with place.warehouse.transaction() as connection:
        connection.execute("CREATE VIEW things AS SELECT 1::BIGINT AS id")

    with pytest.raises(LoadFailed, match="things could not be loaded: "):
        place.collect_csv("id\n1\n")


def test_a_dataset_may_be_called_like_a_view_of_duckdb_itself(place: Place) -> None:
    place.collect_csv("id\n1\n", dataset="pg_class")
    place.collect_csv("id\n2\n", dataset="pg_class")

    assert place.rows("pg_class") == [{"id": 1}, {"id": 2}]


def test_names_and_texts_cannot_break_out_of_the_sql(place: Place) -> None:
    name = "a\"b'; DROP TABLE things; --"
    place.write("it's [1].csv", '"a""b\'; DROP TABLE things; --",?\nx,y\n')
    place.collect({"type": "file", "path": "it's [1].csv"}, run_id="o'run")
    place.collect({"type": "file", "path": "it's [1].csv"}, mode="merge", key=[name])

    assert place.rows() == [{name: "x", "?": "y"}]
