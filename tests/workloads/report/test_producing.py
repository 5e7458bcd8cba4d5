"""Making reports: what their queries see, how far they are, and how they end early."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Any

import pytest

from scheduler_service.errors import Cancelled, QueryFailed, SqlRefused, TimeLimitReached, WorkDied
from scheduler_service.workloads.report.content import Span
from scheduler_service.workloads.stopping import never
from scheduler_service.workloads.warehouse import Warehouse
from scheduler_service.workloads.warehouse_postgresql import PostgresWarehouse
from tests.workloads.report.press import DUE, Press

IN_WINDOW = "WHERE ordered_at >= {{ window_start }} AND ordered_at < {{ window_end }}"
COUNT = f"SELECT count(*) AS n FROM orders {IN_WINDOW}"
ENDLESS = "SELECT sum(a.range * b.range) AS n FROM range(10000000) AS a, range(10000000) AS b"


def table(sql: str, **fields: Any) -> dict[str, Any]:
    return {"type": "table", "title": "t", "sql": sql, **fields}


def test_a_report_on_a_past_day_says_what_that_day_said(press: Press) -> None:
    earlier = DUE - timedelta(hours=30)
    span = Span(earlier - timedelta(hours=6), earlier, earlier)

    (made,) = press.make(table(f"SELECT min(id) AS first, max(id) AS last, {{{{ occurrence_at }}}} AS due "
                               f"FROM orders {IN_WINDOW}"), outputs=("csv",), span=span)  # fmt: skip

    assert made.path.read_text("utf-8-sig").splitlines()[1] == "12,17,2026-03-01T18:00:00+00:00"


def test_metrics_are_compared_with_the_window_before(press: Press) -> None:
    span = Span(DUE - timedelta(hours=32), DUE, DUE)

    html = press.html({"type": "metrics", "sql": COUNT}, span=span)
    alone = press.html({"type": "metrics", "sql": COUNT, "compare": False}, span=span)

    assert "+100.0 %" in html  # of the 48 hours that there are, 16 are in the window before
    assert "before: 16" in html
    assert "before:" not in alone


def test_all_queries_see_one_state_of_the_warehouse(press: Press, warehouse: Warehouse) -> None:
    """A writer comes while the first query goes on: it waits until the last is answered."""
    slow = "SELECT count(*) AS n FROM orders, range(30000) AS a, range(1000) AS b"
    writer = Thread(target=insert_one, args=[warehouse])

    class Starting(list[dict[str, Any]]):
        def append(self, progress: dict[str, Any]) -> None:
            if progress["step"] == 1 and not writer.is_alive():
                writer.start()

    press.told = Starting()
    made = press.make(table(slow), *[table("SELECT count(*) AS n FROM orders")] * 3, outputs=("csv",))
    writer.join()
    press.told = []

    assert [one.path.read_text("utf-8-sig") for one in made[1:]] == ["n\n48\n"] * 3
    assert press.csv("SELECT count(*) AS n FROM orders") == ["n", "49"]


def insert_one(warehouse: Warehouse) -> None:
    with warehouse.transaction() as connection:
        connection.execute("INSERT INTO orders (id) VALUES (-1)")


def test_it_tells_how_far_it_is(press: Press) -> None:
    press.make({"type": "text", "markdown": "x"}, table("SELECT 1 AS n"), outputs=("csv", "xlsx"))

    assert press.told == [
        {"step": 1, "of": 3, "text": "t"},
        {"step": 2, "of": 3, "text": "csv"},
        {"step": 3, "of": 3, "text": "xlsx"},
    ]


def test_on_postgresql_it_is_the_same(postgres_url: str, tmp_path: Path) -> None:
    warehouse = PostgresWarehouse(postgres_url)
    with warehouse.transaction() as connection:
        connection.execute(
            "CREATE TABLE orders AS SELECT i AS id, TIMESTAMPTZ '2026-03-01 00:00+00' + i * INTERVAL '1 hour' AS"
            " ordered_at, i * 1.5 AS amount, '50 %' AS said FROM generate_series(0, 47) AS i"
        )
    press = Press(warehouse, tmp_path / "made")

    lines = press.csv(f"SELECT id, ordered_at, amount, said FROM orders {IN_WINDOW} AND said LIKE '50%' ORDER BY id")

    assert lines[:2] == ["id,ordered_at,amount,said", "24,2026-03-02T00:00:00+00:00,36.0,50 %"]
    assert len(lines) == 25


def test_only_so_many_rows_are_read_and_that_is_said(press: Press) -> None:
    html = press.html(table("SELECT * FROM orders", max_rows=10, shown=5))

    assert "The first 5 rows of more than 10." in html
    assert len(press.csv("SELECT * FROM orders", max_rows=10)) == 11


@pytest.mark.parametrize(
    ("sql", "kind", "said"),
    [
        ("SELECT * FROM nowhere", QueryFailed, "nowhere"),
        ("SELECT nothing FROM orders", QueryFailed, "nothing"),
        ("DROP TABLE orders", SqlRefused, "one SELECT"),
        ("SELECT 1; SELECT 2", SqlRefused, "one SELECT"),
        ("SELECT * FROM read_csv('/etc/passwd')", SqlRefused, "read_csv"),
        ("SELECT * FROM '/etc/passwd'", QueryFailed, "does not exist"),
        ("SELECT {{ secret }}", SqlRefused, "'secret'"),
        ("SELECT '{{ window_end }}'", SqlRefused, "inside quotes"),
        ("SELECT repeat('x', 2000000000) || repeat('y', 2000000000) AS x", (WorkDied, QueryFailed), "memory"),
    ],
)  # fmt: skip
def test_a_query_that_fails_says_why_and_leaves_nothing(press: Press, sql: str, kind: Any, said: str) -> None:
    with pytest.raises(kind, match=said):
        press.make(table(sql))

    assert not list((press.folder / "report-1").glob("*.html"))


def test_it_ends_soon_after_somebody_asks(press: Press) -> None:
    began = monotonic()

    with pytest.raises(Cancelled):
        press.make(table(ENDLESS), cancelled=lambda: bool(press.told))

    assert monotonic() - began < 10


def test_it_ends_at_its_time_limit(press: Press) -> None:
    with pytest.raises(TimeLimitReached):
        press.make(table(ENDLESS), cancelled=never, seconds=2)


def test_a_rendering_that_hears_nothing_is_killed(press: Press) -> None:
    """A table of this size keeps typst busy for many seconds, deaf to everything."""
    began: list[float] = []

    def asked() -> bool:
        if any(progress["text"] == "pdf" for progress in press.told):
            began.append(monotonic())
        return bool(began)

    columns = ", ".join(f"repeat('word ', 20) || i AS c{number}" for number in range(40))
    with pytest.raises(Cancelled):
        press.make(table(f"SELECT {columns} FROM range(1000) AS n(i)", shown=1000), outputs=("pdf",), cancelled=asked)

    assert monotonic() - began[0] < 5


def test_nothing_that_renders_is_loaded_by_the_worker() -> None:
    loaded = (
        "import sys; import scheduler_service.worker.app, scheduler_service.api.app, scheduler_service.cli.main;"
        "print([name for name in ('duckdb', 'pyarrow', 'typst', 'vl_convert', 'xlsxwriter', 'sqlglot',"
        " 'markdown_it') if name in sys.modules])"
    )

    printed = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout

    assert printed == "[]\n"


def test_the_span_before_ends_where_this_one_begins() -> None:
    span = Span(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 8, tzinfo=UTC), datetime(2026, 3, 8, tzinfo=UTC))

    assert span.before() == Span(span.start - timedelta(days=7), span.start, span.start)
