"""Tables and queries of other databases."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from scheduler_service.errors import (
    Cancelled,
    ConnectionUnfit,
    ConnectionUnknown,
    CursorUnusable,
    SourceUnreachable,
    SqlSourceFailed,
    TimeLimitReached,
    TooManyRows,
)
from scheduler_service.workloads.connections import HttpConnection, SqlConnection
from scheduler_service.workloads.stopping import never
from tests.support.clock import ManualClock
from tests.workloads.collects import Place
from tests.workloads.given_sql import execute, postgres_shop, sqlite_shop

Shop = Callable[..., None]
ORDERS = ["CREATE TABLE orders (id INTEGER, note TEXT)", "INSERT INTO orders VALUES (1, 'a'), (2, NULL)"]


def a_table(name: str = "orders", **more: Any) -> dict[str, Any]:
    return {"type": "sql", "connection": "shop", "table": name, **more}


def a_query(query: str, **more: Any) -> dict[str, Any]:
    return {"type": "sql", "connection": "shop", "query": query, **more}


@pytest.fixture(params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, place: Place) -> Shop:
    """Make a shop by these statements, and a connection to it; again: in the same one."""
    postgres_url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None

    def made(*statements: str) -> None:
        if postgres_url is not None:
            connect(place, postgres_shop(postgres_url, *statements))
        else:
            connect(place, sqlite_shop(place.folder / "shop.db", *statements))

    return made


@pytest.fixture
def postgres_source(place: Place, postgres_url: str) -> str:
    connect(place, postgres_shop(postgres_url))
    return postgres_url


def connect(place: Place, connection: SqlConnection | HttpConnection) -> None:
    place.site = replace(place.site, connections={"shop": connection})


def test_a_table_lands_whole(place: Place, shop: Shop) -> None:
    shop(*ORDERS)

    outcome = place.collect(a_table())

    assert (outcome.rows_read, outcome.rows_written) == (2, 2)
    assert place.types() == {"id": "BIGINT", "note": "VARCHAR"}
    assert place.rows() == [{"id": 1, "note": "a"}, {"id": 2, "note": None}]


def test_a_query_takes_parameters(place: Place, shop: Shop) -> None:
    shop(*ORDERS)

    place.collect(
        a_query("SELECT id AS \"n%\", 'a%b' AS t FROM orders WHERE id > :least -- why;\n;", params={"least": 1})
    )

    assert place.rows() == [{"n%": 2, "t": "a%b"}]


def test_types_of_postgresql_are_kept(place: Place, postgres_source: str) -> None:
    execute(
        postgres_source,
        [
            "CREATE TABLE t (small smallint, big bigint, money numeric(12,2), bare numeric, real float8, ok boolean, "
            "day date, at timestamptz, local timestamp, clock time, doc jsonb, tags text[], raw bytea, id uuid, "
            "never text)",
            "INSERT INTO t VALUES (1, 9223372036854775807, 10.50, 1.25, 2.5, true, '2026-01-31', "
            "'2026-01-31 10:00+01', '2026-01-31 10:00', '10:00', '{\"a\": [1, null]}', '{x,y}', '\\xff00', "
            "'5f0c1e3a-0000-4000-8000-000000000001', NULL)",
        ],
    )

    place.collect(a_table("public.t"))

    assert place.types() == {
        "small": "BIGINT",
        "big": "BIGINT",
        "money": "DECIMAL(12,2)",
        "bare": "DECIMAL(18,2)",
        "real": "DOUBLE",
        "ok": "BOOLEAN",
        "day": "DATE",
        "at": "TIMESTAMP WITH TIME ZONE",
        "local": "TIMESTAMP",
        "clock": "TIME",
        "doc": "JSON",
        "tags": "JSON",
        "raw": "BLOB",
        "id": "UUID",
    }
    assert place.rows() == [
        {
            "small": 1,
            "big": 9223372036854775807,
            "money": "10.50",
            "bare": "1.25",
            "real": 2.5,
            "ok": True,
            "day": "2026-01-31",
            "at": "2026-01-31T09:00:00Z",
            "local": "2026-01-31T10:00:00",
            "clock": "10:00:00",
            "doc": {"a": [1, None]},
            "tags": ["x", "y"],
            "raw": "/wA=",
            "id": "5f0c1e3a-0000-4000-8000-000000000001",
        }
    ]


def test_a_type_is_that_of_all_rows_and_not_of_the_first_chunk(
    place: Place, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scheduler_service.workloads.collect.sql.CHUNK", 2)
    shop(
        "CREATE TABLE orders (id INTEGER, late INTEGER, wide NUMERIC)",
        "INSERT INTO orders VALUES (1, NULL, 1), (2, NULL, 2), (3, 7, 2.5), (4, NULL, 3), (5, NULL, 4)",
    )

    place.collect(a_table())

    assert place.column("id") == [1, 2, 3, 4, 5]
    assert place.column("late") == [None, None, 7, None, None]
    assert [float(value) for value in place.column("wide")] == [1, 2, 2.5, 3, 4]


def test_more_rows_than_allowed_load_none(place: Place, shop: Shop) -> None:
    shop(*ORDERS)

    with pytest.raises(TooManyRows):
        place.collect(a_table(), max_rows=1)

    assert place.names() == []


@pytest.mark.parametrize("kind", ["numbers", "texts"])
def test_the_next_run_goes_on_after_the_greatest_value(place: Place, shop: Shop, kind: str) -> None:
    type_, values = ("INTEGER", "(9), (10)") if kind == "numbers" else ("TEXT", "('a'), ('b')")
    shop(f"CREATE TABLE orders (id {type_})", f"INSERT INTO orders VALUES {values}")
    source = a_table(incremental={"cursor_field": "id"})

    first = place.collect(source)
    shop("INSERT INTO orders VALUES (11)" if kind == "numbers" else "INSERT INTO orders VALUES ('c')")
    second, third = place.collect(source), place.collect(source)

    assert [outcome.rows_read for outcome in (first, second, third)] == [2, 1, 0]
    assert place.column("id") == ([9, 10, 11] if kind == "numbers" else ["a", "b", "c"])


@pytest.mark.parametrize("type_", ["timestamptz", "timestamp", "date"])
def test_instants_of_postgresql_are_gone_on_from(place: Place, postgres_source: str, type_: str) -> None:
    execute(postgres_source, [f"CREATE TABLE orders (at {type_})", "INSERT INTO orders VALUES ('2026-03-01 10:00:00')"])
    source = a_query("SELECT * FROM orders", incremental={"cursor_field": "at", "initial": "2026-01-01"})

    first = place.collect(source)
    execute(postgres_source, ["INSERT INTO orders VALUES ('2026-03-02 10:00:00.5'), ('2025-01-01')"])
    second, third = place.collect(source), place.collect(source)

    assert [outcome.rows_read for outcome in (first, second, third)] == [1, 1, 0]


def test_with_a_lag_the_youngest_wait_and_merging_reads_again(
    place: Place, postgres_source: str, clock: ManualClock
) -> None:
    noon = clock.now()
    execute(
        postgres_source,
        [
            "CREATE TABLE orders (id int, at timestamp)",
            f"INSERT INTO orders VALUES (1, '{noon - timedelta(hours=1):%F %T}'), (2, '{noon:%F %T}')",
        ],
    )
    lagging = {"cursor_field": "at", "lag_seconds": 600}

    appended = place.collect(a_table(incremental=lagging), dataset="appended")
    merge: dict[str, Any] = {"mode": "merge", "key": ["id"], "dataset": "merged"}
    first = place.collect(a_table(incremental=lagging), **merge)
    second = place.collect(a_table(incremental=lagging), **merge)

    assert [outcome.rows_read for outcome in (appended, first, second)] == [1, 2, 1]
    assert len(place.rows("merged")) == 2


def test_a_cursor_that_is_not_there_or_empty_is_refused(place: Place, shop: Shop) -> None:
    shop(*ORDERS)

    with pytest.raises(CursorUnusable, match="no such column"):
        place.collect(a_table(incremental={"cursor_field": "other"}))
    with pytest.raises(CursorUnusable, match="no value"):
        place.collect(a_table(incremental={"cursor_field": "note"}))


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("SELECT 1; DELETE FROM orders", id="two statements"),
        pytest.param("SELECT 1) AS x; COMMIT; DELETE FROM orders; SELECT (1", id="out of the parentheses"),
        pytest.param("DELETE FROM orders RETURNING *", id="no query"),
        pytest.param("WITH gone AS (DELETE FROM orders RETURNING *) SELECT * FROM gone", id="hidden in a query"),
        pytest.param("SELECT * FROM nothing", id="no such table"),
        pytest.param("SELECT :who", id="a parameter without value"),
    ],
)
def test_only_a_query_is_executed(place: Place, shop: Shop, query: str) -> None:
    shop(*ORDERS)

    with pytest.raises(SqlSourceFailed, match="The connection shop did not give"):
        place.collect(a_query(query))

    assert place.collect(a_table()).rows_read == 2


def test_a_table_cannot_break_out_of_its_quotes(place: Place, shop: Shop) -> None:
    shop(*ORDERS)

    with pytest.raises(SqlSourceFailed):
        place.collect(a_table('orders"; DELETE FROM orders; --'))

    assert place.collect(a_table()).rows_read == 2


def test_what_fails_is_told_without_password_or_parameters(place: Place, postgres_source: str) -> None:
    with pytest.raises(SqlSourceFailed) as caught:
        place.collect(a_query("SELECT * FROM nothing WHERE a = :secret", params={"secret": "hidden-value"}))

    assert "hidden-value" not in str(caught.value)
    assert 'relation "nothing" does not exist' in str(caught.value)


def test_a_place_where_nobody_listens_is_transient(place: Place) -> None:
    connect(place, SqlConnection(type="sql", url=SecretStr("postgresql://u:p4ssw0rd@127.0.0.1:9/shop")))

    with pytest.raises(SourceUnreachable) as caught:
        place.collect(a_table())

    assert "p4ssw0rd" not in str(caught.value)


def test_an_sqlite_file_that_is_missing_is_not_made(place: Place, tmp_path: Path) -> None:
    connect(place, SqlConnection(type="sql", url=SecretStr(f"sqlite:///{tmp_path}/no file.db")))

    with pytest.raises(SourceUnreachable, match="unable to open"):
        place.collect(a_table())

    assert not (tmp_path / "no file.db").exists()


def test_only_a_connection_of_that_name_and_kind_will_do(place: Place) -> None:
    with pytest.raises(ConnectionUnknown):
        place.collect(a_table())
    connect(place, HttpConnection(url="https://example.org"))
    with pytest.raises(ConnectionUnfit, match="of the kind http; this needs one of the kind sql"):
        place.collect(a_table())


ENDLESS = {
    "postgresql": "SELECT count(*) FROM generate_series(1, 1000000000) AS a",
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
}


@pytest.mark.parametrize("kind", ["time", "cancel"])
def test_a_query_without_end_is_ended(place: Place, shop: Shop, request: pytest.FixtureRequest, kind: str) -> None:
    shop("CREATE TABLE orders (id INTEGER)")
    query = ENDLESS[request.node.callspec.params["shop"]]
    began, asked = time.monotonic(), threading.Event()
    threading.Timer(0.3, asked.set).start()

    with pytest.raises(TimeLimitReached if kind == "time" else Cancelled):
        place.collect(
            a_query(query),
            time_limit_seconds=0.5 if kind == "time" else 60,
            cancelled=never if kind == "time" else asked.is_set,
        )

    assert time.monotonic() - began < 3
    assert place.staged() == []
