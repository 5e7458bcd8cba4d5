"""What collects brought in, over HTTP."""

import httpx

from scheduler_service.workloads.turns import Patience, turn
from scheduler_service.workloads.warehouse import Warehouse
from tests.api.given import fields_of


def given_dataset(warehouse: Warehouse, rows: int = 5) -> None:
    with warehouse.transaction() as connection:
        connection.execute("CREATE TABLE orders (id BIGINT, loaded TIMESTAMPTZ, tags VARCHAR[])")
        connection.execute(f"INSERT INTO orders SELECT n, '2026-03-02 12:00:00+00', ['a'] FROM range({rows}) AS r(n)")
        connection.execute("CREATE TABLE _hidden (id BIGINT)")


def test_an_empty_warehouse_has_no_datasets(sqlite_api: httpx.Client) -> None:
    assert sqlite_api.get("/datasets").json() == {"items": [], "next_cursor": None}


def test_datasets_are_listed_with_their_columns(sqlite_api: httpx.Client, warehouse: Warehouse) -> None:
    given_dataset(warehouse)

    listed = sqlite_api.get("/datasets").json()["items"]

    assert [(dataset["name"], dataset["row_count"]) for dataset in listed] == [("orders", 5)]
    assert listed[0]["columns"][0] == {"name": "id", "type": "BIGINT"}
    assert sqlite_api.get("/datasets/orders").json() == listed[0]


def test_rows_are_read_page_by_page(sqlite_api: httpx.Client, warehouse: Warehouse) -> None:
    given_dataset(warehouse)

    first = sqlite_api.get("/datasets/orders/rows", params={"limit": 3}).json()
    second = sqlite_api.get("/datasets/orders/rows", params={"limit": 3, "cursor": first["next_cursor"]}).json()

    assert [row["id"] for row in first["items"] + second["items"]] == [0, 1, 2, 3, 4]
    assert first["items"][0] == {"id": 0, "loaded": "2026-03-02T12:00:00Z", "tags": ["a"]}
    assert second["next_cursor"] is None


def test_what_is_no_dataset_is_not_found(sqlite_api: httpx.Client, warehouse: Warehouse) -> None:
    given_dataset(warehouse)

    answers = [sqlite_api.get(f"/datasets/{name}") for name in ("nothing", "_hidden", "a'b", "%00", "ORDERS", "%F0%9F")]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "dataset_not_found")}


def test_a_page_that_cannot_be_is_refused(sqlite_api: httpx.Client, warehouse: Warehouse) -> None:
    given_dataset(warehouse)

    queries = ({"limit": 0}, {"limit": 1001}, {"cursor": "x"}, {"cursor": "9" * 400}, {"offset": 3})
    refused = [fields_of(sqlite_api.get("/datasets/orders/rows", params=query)) for query in queries]

    assert [list(fields) for fields in refused] == [["limit"], ["limit"], ["cursor"], ["cursor"], ["offset"]]


def test_a_warehouse_that_somebody_writes_is_busy_and_not_broken(
    sqlite_api: httpx.Client, warehouse: Warehouse
) -> None:
    given_dataset(warehouse)

    with turn(warehouse.path, write=True, patience=Patience.of(1, lambda: None)):
        answer = sqlite_api.get("/datasets")

    assert (answer.status_code, answer.json()["code"]) == (503, "warehouse_busy")
    assert answer.headers["retry-after"] == "2"
