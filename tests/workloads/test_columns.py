"""What Python's values become."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest

from scheduler_service.workloads.collect.columns import NOTHING, ColumnKind, array_of, kind_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
BARE = NOON.replace(tzinfo=None)
ID = UUID("5f0c1e3a-0000-4000-8000-000000000001")


class Colour(StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    ("values", "type_", "kept"),
    [
        pytest.param([None, None], None, [None, None], id="nothing"),
        pytest.param([1, None], "BIGINT", [1, None], id="integers"),
        pytest.param([2**63, 1], "DECIMAL(38,0)", [Decimal(2**63), Decimal(1)], id="integers beyond 64 bits"),
        pytest.param([10**38], "VARCHAR", [str(10**38)], id="integers beyond 38 digits"),
        pytest.param([1, 2.5], "DOUBLE", [1.0, 2.5], id="integers and floats"),
        pytest.param([True, None], "BOOLEAN", [True, None], id="truths"),
        pytest.param([True, 1], "VARCHAR", ["true", "1"], id="truths and integers"),
        pytest.param([Decimal("1.50"), 2], "DECIMAL(18,2)", [Decimal("1.50"), Decimal("2.00")], id="decimals"),
        pytest.param([Decimal("NaN"), Decimal(1)], "DECIMAL(18,0)", [None, Decimal(1)], id="no number at all"),
        pytest.param([Decimal("1E+40")], "DOUBLE", [1e40], id="decimals beyond 38 digits"),
        pytest.param(["a", "\ud800"], "VARCHAR", ["a", "?"], id="half a character"),
        pytest.param([Colour.RED], "VARCHAR", ["red"], id="texts with a name"),
        pytest.param([NOON], "TIMESTAMP WITH TIME ZONE", [NOON], id="instants"),
        pytest.param(
            [BARE, date(2026, 3, 1)], "TIMESTAMP", [BARE, datetime.fromisoformat("2026-03-01")], id="days too"
        ),
        pytest.param([NOON, BARE], "VARCHAR", [NOON.isoformat(), BARE.isoformat()], id="with and without zone"),
        pytest.param([date(2026, 3, 1)], "DATE", [date(2026, 3, 1)], id="days"),
        pytest.param([time(10)], "TIME", [time(10)], id="times of day"),
        pytest.param([ID], "UUID", [str(ID)], id="UUIDs"),
        pytest.param([b"a", memoryview(b"b")], "BLOB", [b"a", b"b"], id="bytes"),
        pytest.param([{"a": [1, float("nan")]}, 2, "x"], "JSON", ['{"a": [1, null]}', "2", '"x"'], id="nested"),
        pytest.param([object], "VARCHAR", [str(object)], id="what is strange"),
    ],
)
def test_a_column_has_the_type_that_its_values_share(values: list[Any], type_: str | None, kept: list[Any]) -> None:
    kind = kind_of(values, NOTHING)

    assert kind.type == type_
    assert array_of(values, kind).to_pylist() == kept


@pytest.mark.parametrize(
    ("known", "values", "type_"),
    [
        pytest.param(ColumnKind("DOUBLE"), [1], "DOUBLE", id="floats hold integers"),
        pytest.param(ColumnKind("BIGINT"), [1.5], "DOUBLE", id="integers become floats"),
        pytest.param(ColumnKind("BIGINT"), [None], "BIGINT", id="nothing changes nothing"),
        pytest.param(ColumnKind("VARCHAR"), [1], "VARCHAR", id="text holds all"),
        pytest.param(ColumnKind("JSON"), [1], "JSON", id="JSON holds all"),
        pytest.param(ColumnKind("DECIMAL", 12, 2), [Decimal("1.5")], "DECIMAL(12,2)", id="decimals as declared"),
        pytest.param(ColumnKind("DECIMAL", 12, 2), [Decimal("0.125")], "DECIMAL(13,3)", id="more behind the point"),
    ],
)
def test_a_later_batch_widens_a_column(known: ColumnKind, values: list[Any], type_: str) -> None:
    assert kind_of(values, known).type == type_
