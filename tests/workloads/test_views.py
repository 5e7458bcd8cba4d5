"""Views are datasets, too: somebody else's queries, so they are not trusted to end."""

import pytest

from scheduler_service.errors import DatasetUnreadable
from tests.workloads.collects import Place


@pytest.mark.on_each_warehouse
def test_a_view_is_a_dataset_whose_rows_are_not_counted(place: Place) -> None:
    place.collect_csv("id\n" + "".join(f"{number}\n" for number in range(5)))
    place.execute("CREATE VIEW few AS SELECT id FROM things WHERE id < 3")

    few, things = place.warehouse.datasets()
    first = place.warehouse.rows("few", limit=2)
    second = place.warehouse.rows("few", limit=2, cursor=first.next_cursor)

    assert (few.name, few.kind, few.row_count, things.kind, things.row_count) == ("few", "view", None, "table", 5)
    assert [column.name for column in few.columns] == ["id"]
    assert [row["id"] for row in first.items + second.items] == [0, 1, 2]
    assert second.next_cursor is None


@pytest.mark.on_each_warehouse
def test_a_view_whose_query_fails_or_never_ends_is_unreadable(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("datasets_duckdb", "datasets_postgresql"):
        monkeypatch.setattr(f"scheduler_service.workloads.{module}.VIEW_SECONDS", 0.3)
    place.execute(
        "CREATE VIEW broken AS SELECT CAST('x' || n AS INTEGER) AS a FROM generate_series(1, 2) AS g(n)",
        "CREATE VIEW endless AS SELECT count(*) AS a FROM generate_series(1, 300000) AS g(n), "
        "generate_series(1, 1000000) AS h(m) WHERE n + m = -1",
    )

    with pytest.raises(DatasetUnreadable, match="The rows of the view broken cannot be read"):
        place.warehouse.rows("broken")
    with pytest.raises(DatasetUnreadable, match=r"takes longer than 0\.3 s"):
        place.warehouse.rows("endless")
    assert len(place.warehouse.datasets()) == 2


def test_a_duckdb_view_that_has_lost_its_table_is_still_listed(place: Place) -> None:
    place.collect_csv("id\n1\n")
    place.execute("CREATE VIEW v AS SELECT id FROM things")
    place.execute("DROP TABLE things")

    assert [(dataset.name, dataset.columns) for dataset in place.warehouse.datasets()] == [("v", ())]
    with pytest.raises(DatasetUnreadable):
        place.warehouse.rows("v")
