"""The drawings of work: where boxes stand, what wires join, how tall bars are."""

from datetime import UTC, datetime

import pytest

from scheduler_service.console.charts import growth, lineage
from scheduler_service.console.charts.lineage import Node

AT = datetime(2026, 3, 2, tzinfo=UTC)


def placed(drawing: lineage.Drawing) -> dict[str, tuple[int, int]]:
    return {box.node.key: (box.x, box.y) for box in drawing.boxes}


def nodes(*names: str) -> list[Node]:
    return [Node(name, name, "step") for name in names]


def test_a_box_stands_right_of_all_that_it_is_made_of() -> None:
    drawing = lineage.draw(nodes("c", "a", "b"), [("a", "b"), ("b", "c"), ("a", "c")])

    assert [placed(drawing)[name][0] for name in "abc"] == [0, lineage.ACROSS, 2 * lineage.ACROSS]
    assert drawing.width == 2 * lineage.ACROSS + lineage.WIDTH + 1
    assert len(drawing.wires) == 3


def test_boxes_of_a_column_stand_in_the_order_of_what_they_are_made_of() -> None:
    drawing = lineage.draw(nodes("a", "b", "of b", "of a"), [("a", "of a"), ("b", "of b")])

    heights = {name: y for name, (_, y) in placed(drawing).items()}
    assert heights["of a"] == heights["a"] < heights["b"] == heights["of b"]


def test_what_goes_in_a_circle_or_leads_nowhere_is_drawn_too() -> None:
    drawing = lineage.draw(nodes("a", "b"), [("a", "b"), ("b", "a"), ("a", "a"), ("a", "gone")])

    assert {*placed(drawing)} == {"a", "b"}
    assert len({*placed(drawing).values()}) == 2


def test_only_what_was_not_reached_is_cut() -> None:
    drawing = lineage.draw(nodes("a", "b", "c"), [("a", "b"), ("b", "c")], cut=["c"])

    assert [wire.cut for wire in drawing.wires] == [False, True]


def test_nothing_is_an_empty_drawing() -> None:
    assert lineage.draw([], []) == lineage.Drawing((), (), 0, lineage.TOP)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("short", "short", id="what fits"),
        pytest.param("customers_by_region", "customer…", id="what does not"),
        pytest.param("客户按地区", "客户按…", id="a Han letter takes the room of two"),
    ],
)
def test_a_name_is_shown_as_far_as_there_is_room(text: str, shown: str) -> None:
    assert lineage.shortened(text, 9) == shown


def test_bars_start_at_zero_and_the_tallest_fills_the_height() -> None:
    chart = growth.bars([(AT, 0, "a"), (AT, 700, "b"), (AT, 1400, "c")])

    assert chart is not None
    assert [bar.height for bar in chart.bars] == [0, 42, 84]
    assert {bar.y + bar.height for bar in chart.bars} == {growth.BASE}
    assert (chart.scale, chart.total) == (1000, 2100)


def test_a_load_that_wrote_little_is_still_seen() -> None:
    chart = growth.bars([(AT, 1, "a"), (AT, 1_000_000, "b")])

    assert chart is not None
    assert chart.bars[0].height == 1.5


def test_without_loads_there_is_no_chart() -> None:
    assert growth.bars([]) is None


@pytest.mark.parametrize(("most", "scale"), [(1, 1), (4, 2), (5, 5), (9, 5), (10, 10), (99, 50), (1204, 1000)])
def test_a_scale_is_a_round_number_below_the_most(most: int, scale: int) -> None:
    assert growth.round_below(most) == scale
