"""The DuckDB file and the turns with it, and how it is read."""

import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from scheduler_service.errors import DatasetNotFound, Invalid, WarehouseBusy
from scheduler_service.workloads.warehouse import Warehouse
from tests.workloads.collects import Place


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path / "data" / "warehouse.duckdb")


def execute(warehouse: Warehouse, *statements: str) -> None:
    with warehouse.transaction() as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_warehouse_that_does_not_exist_reads_as_empty(warehouse: Warehouse) -> None:
    assert warehouse.datasets() == []
    assert not warehouse.path.exists()


def test_a_block_that_raises_leaves_nothing(warehouse: Warehouse) -> None:
    execute(warehouse, "CREATE TABLE t AS SELECT 1 AS a")

    with pytest.raises(duckdb.CatalogException):
        execute(warehouse, "DELETE FROM t", "DELETE FROM nothing")

    assert warehouse.dataset("t").row_count == 1


def test_a_reader_cannot_write(warehouse: Warehouse) -> None:
    execute(warehouse, "CREATE TABLE t AS SELECT 1 AS a")

    with pytest.raises(duckdb.InvalidInputException), warehouse.transaction(write=False) as connection:
        connection.execute("DELETE FROM t")


def test_readers_share_and_a_writer_waits_for_them(warehouse: Warehouse) -> None:
    execute(warehouse, "CREATE TABLE t AS SELECT 1 AS a")

    with (
        warehouse.transaction(write=False),
        warehouse.transaction(write=False),
        pytest.raises(WarehouseBusy, match=r"no turn came within 0\.1 s"),
        warehouse.transaction(wait_seconds=0.1),
    ):
        pass

    execute(warehouse, "DROP TABLE t")


def test_a_reader_of_the_api_does_not_wait_for_ever(warehouse: Warehouse) -> None:
    with warehouse.transaction():
        for read in (warehouse.datasets, lambda **k: warehouse.dataset("t", **k), lambda **k: warehouse.rows("t", **k)):
            with pytest.raises(WarehouseBusy):
                read(wait_seconds=0.05)


def test_new_readers_queue_behind_a_writer_that_waits(warehouse: Warehouse) -> None:
    execute(warehouse, "CREATE TABLE t AS SELECT 1 AS a")
    writing = threading.Thread(target=execute, args=(warehouse, "INSERT INTO t VALUES (2)"))

    with warehouse.transaction(write=False):
        writing.start()
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:  # until the writer holds the gate
            try:
                warehouse.datasets(wait_seconds=0.01)
            except WarehouseBusy:
                break
        else:
            pytest.fail("readers overtook the writer")
    writing.join()

    assert warehouse.dataset("t").row_count == 2


def test_waiting_ends_when_it_is_no_longer_wanted(warehouse: Warehouse) -> None:
    def unwanted() -> None:
        raise KeyError("cancelled")

    with warehouse.transaction(), pytest.raises(KeyError), warehouse.transaction(check=unwanted):
        pass


def test_a_duckdb_shell_that_knows_no_turns_is_waited_for(warehouse: Warehouse) -> None:
    execute(warehouse, "CREATE TABLE t AS SELECT 1 AS a")
    program = (
        f"import duckdb; c = duckdb.connect({str(warehouse.path)!r}); print('open', flush=True); input(); c.close()"
    )

    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as shell:
        assert shell.stdin is not None
        assert shell.stdout is not None
        shell.stdout.readline()
        with pytest.raises(WarehouseBusy), warehouse.transaction(wait_seconds=0.3):
            pass
        threading.Timer(0.2, shell.stdin.close).start()
        execute(warehouse, "INSERT INTO t VALUES (2)")

    assert warehouse.dataset("t").row_count == 2


def test_every_connection_is_held_to_limits(warehouse: Warehouse) -> None:
    for write in (True, False):
        with warehouse.transaction(write=write) as connection:
            settings = dict(
                connection.execute(
                    "SELECT name, value FROM duckdb_settings() WHERE name IN ('threads', 'memory_limit', 'TimeZone', "
                    "'autoinstall_known_extensions', 'autoload_known_extensions')"
                ).fetchall()
            )
        assert settings.pop("memory_limit") == "953.6 MiB"
        assert settings == {
            "threads": "2",
            "TimeZone": "UTC",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }


@pytest.mark.parametrize("write", [True, False])
def test_what_does_not_fit_into_memory_goes_to_disk(tmp_path: Path, write: bool) -> None:
    small = Warehouse(tmp_path / "warehouse.duckdb", memory_limit="50MB")
    execute(
        small, "CREATE TABLE t AS SELECT range AS a, hash(range)::VARCHAR || repeat('x', 30) AS b FROM range(1_000_000)"
    )

    with small.transaction(write=write) as connection:
        found = connection.execute("SELECT b FROM t ORDER BY b LIMIT 1 OFFSET 999_999").fetchone()

    assert found is not None


def test_a_half_made_file_of_a_killed_process_is_no_harm(warehouse: Warehouse) -> None:
    warehouse.path.parent.mkdir()
    warehouse.path.with_name("warehouse.duckdb.new").write_bytes(b"half")
    spilled = warehouse.path.with_name("warehouse.duckdb.tmp") / "123"
    spilled.mkdir(parents=True)

    execute(warehouse, "CREATE TABLE t AS SELECT 1 AS a")

    assert [dataset.name for dataset in warehouse.datasets()] == ["t"]
    assert not spilled.exists()


def test_a_dataset_tells_its_rows_columns_and_last_load(place: Place) -> None:
    place.collect_csv("id\n1\n", run_id="first")
    place.collect_csv("id\n2\n", run_id="second")
    place.execute("CREATE TABLE other AS SELECT 1 AS a")

    other, things = place.warehouse.datasets()

    assert (things.name, things.row_count, things.last_run_id) == ("things", 2, "second")
    assert things.last_loaded_at == datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert [(column.name, column.type) for column in things.columns] == [
        ("id", "BIGINT"),
        ("_run_id", "VARCHAR"),
        ("_loaded_at", "TIMESTAMP WITH TIME ZONE"),
    ]
    assert (other.last_loaded_at, other.last_run_id) == (None, None)


@pytest.mark.parametrize(
    "name",
    ["nothing", "_collect_run", "Things", "duckdb_tables", "pg_class", "things; DROP TABLE things", 'things"', ""],
)
def test_what_is_no_dataset_is_not_found(place: Place, name: str) -> None:
    place.collect_csv("id\n1\n")

    with pytest.raises(DatasetNotFound):
        place.warehouse.dataset(name)
    with pytest.raises(DatasetNotFound):
        place.warehouse.rows(name)


def test_rows_come_in_pages_in_the_order_they_were_loaded(place: Place) -> None:
    place.collect_csv("id\n" + "".join(f"{number}\n" for number in range(5)))

    seen, cursor = [], None
    while True:
        page = place.warehouse.rows("things", limit=2, cursor=cursor)
        seen.append([row["id"] for row in page.items])
        if (cursor := page.next_cursor) is None:
            break

    assert seen == [[0, 1], [2, 3], [4]]


def test_a_page_that_ends_with_the_last_row_is_the_last(place: Place) -> None:
    place.collect_csv("id\n1\n2\n")

    assert place.warehouse.rows("things", limit=2).next_cursor is None


def test_rows_are_still_found_after_others_were_deleted(place: Place) -> None:
    place.collect_csv("id\n" + "".join(f"{number}\n" for number in range(5)))
    place.execute("DELETE FROM things WHERE id < 2")

    page = place.warehouse.rows("things", limit=2)

    assert [row["id"] for row in page.items] == [2, 3]
    assert [row["id"] for row in place.warehouse.rows("things", cursor=page.next_cursor).items] == [4]


@pytest.mark.parametrize(
    ("limit", "cursor", "field"),
    [(0, None, "limit"), (1001, None, "limit"), (10, "x", "cursor"), (10, "-1", "cursor"), (10, "9" * 40, "cursor")],
)
def test_a_page_that_cannot_be_is_invalid(place: Place, limit: int, cursor: str | None, field: str) -> None:
    place.collect_csv("id\n1\n")

    with pytest.raises(Invalid) as caught:
        place.warehouse.rows("things", limit=limit, cursor=cursor)

    assert caught.value.problems[0].field == field


def test_every_type_travels_as_json(warehouse: Warehouse) -> None:
    execute(
        warehouse,
        "CREATE TABLE t AS SELECT true AS b, 1::BIGINT AS i, 12.30::DECIMAL(9,2) AS d, 'NaN'::DOUBLE AS nan, "
        "'Infinity'::FLOAT AS inf, 1.5 :: DOUBLE AS f, 'x' AS s, '\\x00\\xFF'::BLOB AS raw, DATE '2026-01-31' AS day, "
        "TIMESTAMPTZ '2026-01-31 10:00:00.5+01' AS at, TIMESTAMP '2026-01-31 10:00:00' AS local, "
        "TIME '10:00:00' AS time, 170141183460469231731687303715884105727::HUGEINT AS huge, "
        "'{\"a\": [1, null]}'::JSON AS j, [1, 2] AS list, {'k': 'v'} AS struct, NULL AS nothing, "
        "'5f0c1e3a-0000-4000-8000-000000000001'::UUID AS u",
    )

    assert warehouse.rows("t").items == [
        {
            "b": True,
            "i": 1,
            "d": "12.30",
            "nan": None,
            "inf": None,
            "f": 1.5,
            "s": "x",
            "raw": "AP8=",
            "day": "2026-01-31",
            "at": "2026-01-31T09:00:00.500000Z",
            "local": "2026-01-31T10:00:00",
            "time": "10:00:00",
            "huge": "170141183460469231731687303715884105727",
            "j": {"a": [1, None]},
            "list": [1, 2],
            "struct": {"k": "v"},
            "nothing": None,
            "u": "5f0c1e3a-0000-4000-8000-000000000001",
        }
    ]
