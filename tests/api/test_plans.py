"""Pages of 100,000 schedules come from indexes, as PostgreSQL itself says."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import event, text

from scheduler_service.api.app import create_api
from scheduler_service.storage.schedule_lists import SORTS, Order, ScheduleFilter, place, search
from scheduler_service.storage.session import Database
from scheduler_service.workloads.warehouse import Warehouse
from tests.api.serving import KEY, Server
from tests.support.postgres import Postgres

MANY = 100_000
FILL = """
INSERT INTO periodic_task (name, task, kind, interval_id, crontab_id, calendar_id, tags, queue, enabled,
  quarantine_reason, completed_reason, next_occurrence_at, next_run_at, last_run_at, created_at, audited_writes)
SELECT 'job ' || n, 'shop.task' || n % 500, (array['collect', 'etl', 'report', 'other'])[1 + n % 4],
  CASE WHEN n % 10 > 0 THEN 1 END, CASE WHEN n % 10 = 0 THEN 1 END, CASE WHEN n % 100 = 0 THEN 1 END,
  CASE WHEN n % 2 = 0 THEN jsonb_build_array('t' || n % 200, 'all') ELSE '[]' END, 'q' || n % 7, n % 50 <> 0,
  CASE WHEN n % 997 = 0 THEN 'broken' END, CASE WHEN n % 499 = 0 THEN 'over' END,
  at, at, CASE WHEN n % 3 > 0 THEN at - interval '1 day' END, at - interval '9 days', 1
FROM generate_series(1, :many) n, LATERAL (SELECT timestamptz '2026-03-02 12:00Z' + n * interval '1 second' AS at) t
"""


@pytest.fixture(scope="module")
def many(postgres: Postgres) -> Iterator[Database]:
    """As a service looks after a while: of every kind some, and a few that need looking after."""
    url = postgres.create()
    database = Database(url)
    with database.transaction() as session:
        session.execute(text("INSERT INTO interval_schedule (every, period) VALUES (1, 'hours')"))
        session.execute(text("INSERT INTO crontab_schedule (minute) VALUES ('5')"))
        session.execute(text("INSERT INTO calendar (name, definition, audited_writes) VALUES ('days off', '{}', 1)"))
        session.execute(text(FILL), {"many": MANY})
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    yield database
    database.close()
    postgres.drop(url)


@pytest.fixture
def api(many: Database, server: Server, warehouse: Warehouse) -> Iterator[httpx.Client]:
    server.app = create_api(many, admin_key=KEY, warehouse=warehouse)
    with server.client() as client:
        yield client


@contextmanager
def scans(database: Database) -> Iterator[list[str]]:
    """What reads all of `periodic_task` in the plans of the statements inside."""
    asked: list[tuple[str, Any]] = []
    found: list[str] = []

    def listen(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT") and "FROM periodic_task" in statement:
            asked.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", listen)
    try:
        yield found
    finally:
        event.remove(database.engine, "before_cursor_execute", listen)
    assert asked, "no statement was seen"
    with database.engine.connect() as connection:
        for statement, parameters in asked:
            explained = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).scalar_one()
            plan = explained if isinstance(explained, list) else json.loads(explained)
            found += [statement for node in nodes(plan[0]["Plan"]) if is_scan(node)]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


def is_scan(node: dict[str, Any]) -> bool:
    return (node["Node Type"], node.get("Relation Name")) == ("Seq Scan", "periodic_task")


def read(api: httpx.Client, path: str = "/schedules", **query: Any) -> dict[str, Any]:
    answer = api.get(path, params=query)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


@pytest.mark.parametrize("sort", [f"{sign}{by}" for by in SORTS for sign in ("", "-")])
def test_every_order_is_walked_by_an_index_also_far_into_it(api: httpx.Client, many: Database, sort: str) -> None:
    with scans(many) as found:
        page = read(api, sort=sort)
        read(api, sort=sort, cursor=page["next_cursor"])

    assert found == []
    assert len(page["items"]) == 50


@pytest.mark.parametrize("sort", [f"{sign}{by}" for by in SORTS for sign in ("", "-")])
def test_every_order_is_walked_back_by_an_index_to_the_same_schedules(many: Database, sort: str) -> None:
    order, everything = Order(sort.removeprefix("-"), sort.startswith("-")), ScheduleFilter()
    with scans(many) as found, many.reading() as session:
        first = search(session, everything, order, limit=50)
        second = search(session, everything, order, limit=50, after=place(first[-1], order))
        back = search(session, everything, order, limit=50, before=place(second[0], order))

    assert found == []
    assert [task.id for task in back] == [task.id for task in first]


@pytest.mark.parametrize(
    "query",
    [
        {"name": "job 77"},
        {"task": "shop.task7"},
        {"task": "shop.task7", "sort": "-next_run_at"},
        {"tag": "t8"},
        {"tag": ["t8", "all"]},
        {"calendar": "days off"},
        {"state": "active"},
        {"state": "paused"},
        {"state": "completed"},
        {"state": "quarantined"},
        {"enabled": False},
        {"kind": "etl"},
        {"queue": "q3"},
        {"timing": "crontab"},
        {"timing": "solar"},
        {"next_run_before": "2026-03-02T12:01:00Z"},
        {"next_run_after": "2026-03-02T12:01:00Z"},
        {"last_run_after": "2026-03-02T15:40:00Z"},
        {"changed_after": "2100-01-01T00:00:00Z"},
        {"q": "job 99"},
        {"q": "nowhere"},
    ],
    ids=str,
)
def test_what_pages_filter_by_is_found_without_reading_all(
    api: httpx.Client, many: Database, query: dict[str, Any]
) -> None:
    with scans(many) as found:
        read(api, **query)

    assert found == []


def test_a_schedule_and_its_occurrences_are_found_by_its_id(api: httpx.Client, many: Database) -> None:
    with scans(many) as found:
        read(api, "/schedules/77777")
        read(api, "/schedules/77777/next")

    assert found == []


def test_pages_of_all_are_all_of_them_once(api: httpx.Client) -> None:
    seen: list[int] = []
    cursor: str | None = None
    while len(seen) < 2000:
        page = read(api, sort="-next_run_at", limit=200, **({"cursor": cursor} if cursor else {}))
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]

    assert len(set(seen)) == 2000
    assert read(api, limit=1, total=True)["total"] == MANY
