"""A look at datasets: a page of them, or one with its first rows and its loads."""

import pytest

from scheduler_service.errors import DatasetNotFound
from scheduler_service.workloads import dataset_looks
from scheduler_service.workloads.etl.definitions import PipelineDefinition
from scheduler_service.workloads.etl.running import PipelineRun, execute
from tests.workloads.collects import Place

FAILING = {
    "duckdb": "SELECT CAST('x' AS INTEGER) + count(*) AS n FROM range(3)",
    "postgresql": "SELECT 1 / (count(*) - 3) AS n FROM generate_series(1, 3)",
}


def make(place: Place, *steps: dict[str, str], run_id: str = "etl-1") -> None:
    """Run a pipeline of these steps."""
    at = place.clock.now()
    run = PipelineRun(1, run_id, occurrence_at=at, window_start=at, window_end=at, now=at)
    execute(PipelineDefinition.model_validate({"steps": steps}), run, warehouse=place.warehouse)


@pytest.mark.on_each_warehouse
def test_a_page_is_by_name_and_goes_on_after_the_last(place: Place) -> None:
    for name in ("orders", "carts", "orders_old"):
        place.collect_csv("id\n1\n2\n", dataset=name)

    first, more = dataset_looks.page(place.warehouse, q="", after="", limit=2)
    second, none_left = dataset_looks.page(place.warehouse, q="", after="orders", limit=2)
    found, _ = dataset_looks.page(place.warehouse, q="ORD", after="", limit=2)

    assert ([one.name for one in first], more) == (["carts", "orders"], True)
    assert ([one.name for one in second], none_left) == (["orders_old"], False)
    assert [(one.name, one.row_count) for one in found] == [("orders", 2), ("orders_old", 2)]


@pytest.mark.on_each_warehouse
def test_a_dataset_shows_its_first_rows_and_what_each_collect_brought(place: Place) -> None:
    place.collect_csv("id\n1\n2\n3\n")
    place.collect_csv("id\n4\n")

    seen = dataset_looks.look(place.warehouse, "things", rows=2)

    assert (seen.dataset.row_count, seen.about, seen.unreadable) == (4, False, None)
    assert [row["id"] for row in seen.rows.items] == [1, 2] if seen.rows else []
    assert [(load.rows, load.run_id) for load in seen.loads] == [(3, "run-1"), (1, "run-2")]
    assert {load.at for load in seen.loads} == {place.clock.now()}


@pytest.mark.on_each_warehouse
def test_what_a_pipeline_makes_has_its_builds(place: Place) -> None:
    steps = {"name": "numbers", "sql": "SELECT 1 AS n"}, {"name": "others", "sql": "SELECT n FROM numbers LIMIT 0"}
    make(place, *steps)
    make(place, *steps, run_id="etl-2")

    numbers, others = (dataset_looks.look(place.warehouse, name, rows=5) for name in ("numbers", "others"))

    assert sorted((load.rows, load.run_id) for load in numbers.loads) == [(1, "etl-1"), (1, "etl-2")]
    assert [load.rows for load in others.loads] == [0, 0]


@pytest.mark.on_each_warehouse
def test_a_view_that_fails_says_why_and_is_still_a_dataset(place: Place) -> None:
    make(place, {"name": "odd", "kind": "view", "sql": FAILING[place.warehouse.dialect]})

    seen = dataset_looks.look(place.warehouse, "odd", rows=5)

    assert (seen.dataset.kind, seen.rows) == ("view", None)
    assert seen.unreadable


@pytest.mark.on_each_warehouse
def test_what_is_no_dataset_is_not_found(place: Place) -> None:
    with pytest.raises(DatasetNotFound):
        dataset_looks.look(place.warehouse, "nothing", rows=5)


@pytest.mark.parametrize("place", ["postgresql"], indirect=True)
def test_a_large_table_on_a_server_is_not_counted(place: Place) -> None:
    place.collect_csv("id\n1\n2\n3\n")
    assert place.warehouse.dialect == "postgresql"
    with place.warehouse.transaction() as connection:
        connection.execute("ANALYZE warehouse.things")
        connection.execute("INSERT INTO warehouse.things SELECT * FROM warehouse.things")

    estimated = dataset_looks.look(place.warehouse, "things", rows=1, counted=3)
    counted = dataset_looks.look(place.warehouse, "things", rows=1)

    assert (estimated.dataset.row_count, estimated.about) == (3, True)
    assert (counted.dataset.row_count, counted.about) == (6, False)
