"""Values of queries, as cells and as text."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from scheduler_service.timing import zones
from scheduler_service.workloads.report.values import cell, kind_of, shown

AT = datetime(2026, 3, 1, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([None, None], "text"),
        (["a", None], "text"),
        ([True, False], "boolean"),
        ([1, 2], "integer"),
        ([1, 2.5], "number"),
        ([Decimal("1.5"), None], "number"),
        ([Decimal(3), None], "integer"),
        ([Decimal(3), Decimal("1.5")], "number"),
        ([1, "a"], "text"),
        ([True, 1], "text"),
        ([date(2026, 3, 1)], "date"),
        ([AT.replace(tzinfo=None)], "local"),
        ([AT], "instant"),
        ([{"a": 1}], "text"),
    ],
)
def test_a_column_has_one_kind(values: list[Any], kind: str) -> None:
    assert kind_of(values) == kind


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (float("nan"), None),
        (float("inf"), None),
        (Decimal("NaN"), None),
        (Decimal("12.50"), "12.50"),
        (2**70, 2**70),
        (Decimal(2**70), 2**70),
        (AT.astimezone(timezone(timedelta(hours=8))), "2026-03-01T07:30:00Z"),
        (date(2026, 3, 1), "2026-03-01"),
        (b"\x00\xff", "AP8="),
        ({"a": [1, "中"]}, '{"a": [1, "中"]}'),
        (timedelta(seconds=90), "0:01:30"),
    ],
)
def test_a_cell_is_what_json_can_carry(value: Any, told: Any) -> None:
    assert cell(value, kind_of([value])) == told


@pytest.mark.parametrize(
    ("value", "look", "digits", "text"),
    [
        (1234567, "plain", None, "1234567"),
        (1234567, "number", None, "1,234,567"),
        (0.1 + 0.2, "plain", None, "0.3"),
        (1 / 7, "plain", None, "0.1429"),
        (0.00001234, "plain", None, "1.2e-05"),
        (0, "plain", None, "0"),
        (100, "number", None, "100"),
        (2, "number", 2, "2.00"),
        ("12345678901234567890.125", "number", 3, "12,345,678,901,234,567,890.125"),
        (0.1234, "percent", None, "12.3 %"),
        (-0.5, "percent", 0, "-50 %"),
        (512, "bytes", None, "512 B"),
        (1536, "bytes", None, "1.5 KiB"),
        (0.0123, "seconds", None, "12 ms"),
        (59.94, "seconds", None, "59.9 s"),
        (-75, "seconds", None, "-1 min 15 s"),
        (7384, "seconds", None, "2 h 03 min"),
        (200_000, "seconds", None, "2 d 07 h"),
        (None, "number", None, "–"),
    ],
)
def test_a_number_looks_as_its_column_says(value: Any, look: str, digits: int | None, text: str) -> None:
    column = {"kind": "number", "format": look, "digits": digits}

    assert shown(value, column, zone=UTC, truth=("no", "yes")) == text


def test_instants_are_shown_by_the_clocks_of_the_zone_and_local_times_as_they_are() -> None:
    zone = zones.load("Asia/Shanghai")
    column = {"kind": "instant", "format": "plain", "digits": None}

    assert shown("2026-03-01T23:30:00Z", column, zone=zone, truth=("", "")) == "2026-03-02 07:30"
    assert shown("2026-03-01T23:30:05", column | {"kind": "local"}, zone=zone, truth=("", "")) == "2026-03-01 23:30:05"
    assert shown(True, column | {"kind": "boolean"}, zone=zone, truth=("否", "是")) == "是"
