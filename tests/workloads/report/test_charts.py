"""Charts: what they are made of, for every kind and column."""

import base64
import re
from typing import Any
from xml.etree import ElementTree

import pytest

from scheduler_service.errors import QueryFailed
from tests.workloads.report.press import HOSTILE, Press

BY_HOUR = "SELECT ordered_at, city, amount, id, id % 7 AS day FROM orders ORDER BY id"


def chart(kind: str = "line", **fields: Any) -> dict[str, Any]:
    return {"type": "chart", "title": "c", "kind": kind, "sql": BY_HOUR, "x": "ordered_at", "y": ["amount"]} | fields


def grouped_as(name: str) -> str:
    quoted = '"' + name.replace('"', '""') + '"'
    return f"SELECT id % 2 AS {quoted}, count(*) AS n FROM orders GROUP BY 1"


def drawn(press: Press, *sections: dict[str, Any], **fields: Any) -> list[str]:
    """The pictures of a report."""
    html = press.html(*sections, **fields)
    return [base64.b64decode(data).decode() for data in re.findall(r'src="data:image/svg\+xml;base64,([^"]*)"', html)]


def marks(svg: str, kind: str) -> int:
    """How many marks of the kind there are."""
    groups = re.findall(rf'class="mark-{kind} role-mark[^"]*"(.*?)</g>', svg, re.DOTALL)
    return sum(group.count("<path") for group in groups)


EACH_KIND = {
    "line": (chart("line", series="city"), "line", 2),
    "two y": (chart("line", y=["amount", "id"]), "line", 2),
    "bar": (chart("bar", x="city", sql="SELECT city, sum(amount) AS amount FROM orders GROUP BY city"), "rect", 2),
    "area": (chart("area"), "area", 1),
    "scatter": (chart("scatter", x="id"), "symbol", 48),
    "heat-map": (chart("heatmap", x="id", y=["day"], value="amount"), "rect", 48),
    "stacked": (chart("bar", y=["amount", "id"], format="seconds"), "rect", 96),
}


def test_each_kind_is_drawn(press: Press) -> None:
    pictures = drawn(press, *(section for section, _, _ in EACH_KIND.values()))

    seen = {name: marks(svg, kind) for svg, (name, (_, kind, _)) in zip(pictures, EACH_KIND.items(), strict=True)}
    assert seen == {name: count for name, (_, _, count) in EACH_KIND.items()}


def test_a_column_may_have_any_name(press: Press) -> None:
    names = ["a.b", "a[0]", "it's", "x", "datum", "日期", HOSTILE.replace("{{ x }}", "")]
    sections = [chart("bar", x=name, y=["n"], sql=grouped_as(name)) for name in names]

    for svg in drawn(press, *sections):
        assert "undefined" not in svg
        assert marks(svg, "rect") == 2
        ElementTree.fromstring(svg)


def test_times_are_placed_by_the_clocks_of_the_zone(press: Press) -> None:
    section = chart(sql="SELECT * FROM orders WHERE id < 3 ORDER BY id")

    (here,), (there,) = drawn(press, section), drawn(press, section, timezone="Asia/Shanghai")

    assert ("08 AM" in there, "08 AM" in here) == (True, False)


def test_only_so_much_is_drawn_and_that_is_said(press: Press) -> None:
    html = press.html(chart("scatter", x="i", y=["i"], sql="SELECT i FROM range(100000) AS n(i)"))

    assert "The first 2,000 rows of more than 2,000." in html


def test_without_rows_there_is_no_picture(press: Press) -> None:
    html = press.html(chart(sql="SELECT * FROM orders WHERE id < 0"))

    assert "No rows." in html
    assert "<img" not in html


def test_a_column_that_is_not_there_is_named(press: Press) -> None:
    with pytest.raises(QueryFailed, match="c: has no column nowhere; it has ordered_at, city, amount, id, day"):
        press.make(chart(y=["nowhere"]))
