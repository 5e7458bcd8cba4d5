"""The warehouse on PostgreSQL, and how it is read: like the file, but for what a server does to its users."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from scheduler_service.errors import (
    CannotStart,
    DatasetNotFound,
    Invalid,
    WarehouseAway,
    WarehouseBusy,
)
from scheduler_service.workloads import datasets_postgresql
from scheduler_service.workloads.warehouse_postgresql import PostgresWarehouse
from tests.support.ports import free_port


@pytest.fixture
def warehouse(postgres_url: str) -> PostgresWarehouse:
    return PostgresWarehouse(postgres_url)


def execute(warehouse: PostgresWarehouse, *statements: str) -> None:
    with warehouse.transaction() as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_warehouse_that_does_not_exist_reads_as_empty(warehouse: PostgresWarehouse) -> None:
    assert warehouse.datasets() == []


def test_the_services_own_tables_are_no_datasets(warehouse: PostgresWarehouse) -> None:
    execute(warehouse, "CREATE TABLE things AS SELECT 1 AS a")

    assert [dataset.name for dataset in warehouse.datasets()] == ["things"]
    for name in ("periodic_task", "pg_class", "_hidden", "Things", 'things"', ""):
        with pytest.raises(DatasetNotFound):
            warehouse.dataset(name)
        with pytest.raises(DatasetNotFound):
            warehouse.rows(name)


def test_a_block_that_raises_leaves_nothing(warehouse: PostgresWarehouse) -> None:
    execute(warehouse, "CREATE TABLE t AS SELECT 1 AS a")

    with pytest.raises(psycopg.errors.UndefinedTable):
        execute(warehouse, "DELETE FROM t", "DELETE FROM nothing")

    assert warehouse.dataset("t").row_count == 1


def test_a_reader_cannot_write_and_sees_one_state(warehouse: PostgresWarehouse) -> None:
    execute(warehouse, "CREATE TABLE t AS SELECT 1 AS a")

    with warehouse.transaction(write=False) as reader:
        before = reader.execute("SELECT count(*) FROM t").fetchone()
        execute(warehouse, "DELETE FROM t")
        assert reader.execute("SELECT count(*) FROM t").fetchone() == before
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            reader.execute("DELETE FROM t")


def test_two_that_come_first_at_once_both_succeed(warehouse: PostgresWarehouse) -> None:
    failures: list[BaseException] = []

    def load(number: int) -> None:
        try:
            execute(warehouse, f"CREATE TABLE t{number} AS SELECT 1 AS a")
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=load, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert len(warehouse.datasets()) == 4


@contextmanager
def locked(warehouse: PostgresWarehouse, table: str) -> Iterator[None]:
    with warehouse.transaction() as connection:
        connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield


def test_a_lock_of_somebody_elses_is_not_waited_for_for_ever(warehouse: PostgresWarehouse) -> None:
    execute(warehouse, "CREATE TABLE t AS SELECT 1 AS a")

    with locked(warehouse, "t"), pytest.raises(WarehouseBusy, match=r"no turn came within 0\.1 s"):
        warehouse.rows("t", wait_seconds=0.1)


def test_waiting_ends_when_it_is_no_longer_wanted(warehouse: PostgresWarehouse) -> None:
    def unwanted() -> None:
        raise KeyError("cancelled")

    with pytest.raises(KeyError), warehouse.transaction(check=unwanted):
        pass


def test_a_server_that_is_away_or_ends_us_is_a_failure_that_passes(warehouse: PostgresWarehouse) -> None:
    nowhere = PostgresWarehouse(f"postgresql://me:s3cr3t@127.0.0.1:{free_port()}/warehouse")

    with pytest.raises(WarehouseAway) as caught:
        nowhere.datasets()
    with pytest.raises(WarehouseAway):
        execute(warehouse, "SELECT pg_terminate_backend(pg_backend_pid())")

    assert "s3cr3t" not in f"{caught.value} {nowhere!r}"


@pytest.mark.parametrize("url", ["mysql://me:s3cr3t@h/w", "s3cr3t", "duckdb:///w"])
def test_another_url_is_refused_without_being_told(url: str) -> None:
    with pytest.raises(CannotStart) as caught:
        PostgresWarehouse(url)

    assert "s3cr3t" not in str(caught.value)


def test_rows_come_in_pages(warehouse: PostgresWarehouse) -> None:
    execute(warehouse, "CREATE TABLE t AS SELECT n AS id, repeat('x', 500) AS pad FROM generate_series(1, 100) AS n")
    execute(warehouse, "DELETE FROM t WHERE id IN (3, 50)")

    seen, cursor = [], None
    while True:
        page = warehouse.rows("t", limit=30, cursor=cursor)
        seen += [row["id"] for row in page.items]
        if (cursor := page.next_cursor) is None:
            break

    assert seen == [number for number in range(1, 101) if number not in (3, 50)]


def test_the_thousandth_page_costs_what_the_first_does(warehouse: PostgresWarehouse) -> None:
    execute(warehouse, "CREATE TABLE t AS SELECT n AS id FROM generate_series(1, 50000) AS n", "ANALYZE t")

    with warehouse.transaction(write=False) as connection:
        datasets_postgresql.page(connection, "t", limit=10, cursor=None)  # makes the same settings
        plan = connection.execute("EXPLAIN SELECT ctid FROM t WHERE ctid > '(200,1)' LIMIT 11").fetchall()

    assert "Tid Range Scan on t" in plan[1][0]


@pytest.mark.parametrize(
    ("limit", "cursor", "field"), [(0, None, "limit"), (1001, None, "limit"), (10, "x", "cursor"), (10, "-1", "cursor")]
)
def test_a_page_that_cannot_be_is_invalid(warehouse: PostgresWarehouse, limit: int, cursor: str, field: str) -> None:
    execute(warehouse, "CREATE TABLE t AS SELECT 1 AS a")

    with pytest.raises(Invalid) as caught:
        warehouse.rows("t", limit=limit, cursor=cursor)

    assert caught.value.problems[0].field == field


def test_every_type_travels_as_json(warehouse: PostgresWarehouse) -> None:
    execute(
        warehouse,
        "CREATE TABLE t AS SELECT true AS b, 1::bigint AS i, 12.30::numeric(9,2) AS \"d%\", 'NaN'::float8 AS nan, "
        "'Infinity'::float4 AS inf, 1.5::float8 AS f, 'x'::text AS s, '\\x00ff'::bytea AS raw, date '2026-01-31' AS "
        "day, timestamptz '2026-01-31 10:00:00.5+01' AS at, timestamp '2026-01-31 10:00:00' AS local, "
        "time '10:00:00' AS time, '{\"a\": [1, null]}'::jsonb AS j, ARRAY[1, 2] AS list, NULL::text AS nothing, "
        "'5f0c1e3a-0000-4000-8000-000000000001'::uuid AS u, interval '1 hour' AS odd",
    )

    types = {column.name: column.type for column in warehouse.dataset("t").columns}
    assert (types["d%"], types["at"], types["j"], types["f"]) == (
        "DECIMAL(9,2)",
        "TIMESTAMP WITH TIME ZONE",
        "JSON",
        "DOUBLE",
    )
    assert warehouse.rows("t").items == [
        {
            "b": True,
            "i": 1,
            "d%": "12.30",
            "nan": None,
            "inf": None,
            "f": 1.5,
            "s": "x",
            "raw": "AP8=",
            "day": "2026-01-31",
            "at": "2026-01-31T09:00:00.500000Z",
            "local": "2026-01-31T10:00:00",
            "time": "10:00:00",
            "j": {"a": [1, None]},
            "list": [1, 2],
            "nothing": None,
            "u": "5f0c1e3a-0000-4000-8000-000000000001",
            "odd": "01:00:00",
        }
    ]
