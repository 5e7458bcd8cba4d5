"""Columns of Python's values on their way to Parquet, with types that all of a batch's values share.

The kind comes from the values, not from a sample and not from the first batch alone: a later one may be wider.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    import pyarrow as pa

NESTED = (dict, list, tuple, set, frozenset)
#: What a value may be, the narrower before the wider: a bool is an int, a datetime a date.
BASES: tuple[type, ...] = (
    bool, int, float, Decimal, str, datetime, date, time, bytes, bytearray, memoryview, UUID, *NESTED,
)  # fmt: skip
ONE_KIND = {
    bool: "BOOLEAN",
    int: "BIGINT",
    float: "DOUBLE",
    str: "VARCHAR",
    date: "DATE",
    time: "TIME",
    UUID: "UUID",
    bytes: "BLOB",
}
MOST_DIGITS, USUAL_DIGITS = 38, 18
LEAST, GREATEST = -(2**63), 2**63 - 1


@dataclass(frozen=True)
class ColumnKind:
    """A type in DuckDB's words; None where no value is known yet. Decimals have digits, some after the point."""

    word: str | None
    digits: int = 0
    scale: int = 0

    @property
    def type(self) -> str | None:
        return f"DECIMAL({self.digits},{self.scale})" if self.word == "DECIMAL" else self.word


NOTHING, TEXT, JSON = ColumnKind(None), ColumnKind("VARCHAR"), ColumnKind("JSON")
HUGE = ColumnKind("DECIMAL", MOST_DIGITS)


def kind_of(values: Sequence[Any], known: ColumnKind) -> ColumnKind:
    """The kind for these values, given what the column has been so far."""
    if known in (TEXT, JSON):
        return known
    types = {_base(type_) for type_ in set(map(type, values))} - {type(None)}
    if not types:
        return known
    found = _shared(types, values)
    if known.word == "DOUBLE" and found.word in ("BIGINT", "DECIMAL"):
        return known
    if found.word == "DECIMAL":
        return _wider(known, found) if known.word == "DECIMAL" else _roomy(found)
    return found


def array_of(values: Sequence[Any], kind: ColumnKind) -> "pa.Array":
    """The values, as Arrow has them for this kind."""
    import pyarrow as pa

    if kind == JSON:
        return pa.array([None if value is None else _dumped(value) for value in values], pa.string())
    if kind == TEXT:
        return pa.array([None if value is None else _text(value) for value in values], pa.string())
    if kind.word == "UUID":
        return pa.array([None if value is None else str(value) for value in values], pa.string())
    if kind.word == "DOUBLE":
        values = [None if value is None else float(value) for value in values]
    elif kind.word == "DECIMAL":
        values = [_finite(value) for value in values]
    elif kind.word == "BLOB":
        values = [None if value is None else bytes(value) for value in values]
    elif kind.word == "TIMESTAMP":
        values = [_midnight(value) for value in values]
    return pa.array(values, arrow_type(kind))


def arrow_type(kind: ColumnKind) -> "pa.DataType":
    """How Arrow names the kind."""
    import pyarrow as pa

    if kind.word == "DECIMAL":
        return pa.decimal128(kind.digits, kind.scale)
    return {
        None: pa.null(),
        "BOOLEAN": pa.bool_(),
        "BIGINT": pa.int64(),
        "DOUBLE": pa.float64(),
        "DATE": pa.date32(),
        "TIME": pa.time64("us"),
        "TIMESTAMP": pa.timestamp("us"),
        "TIMESTAMP WITH TIME ZONE": pa.timestamp("us", "UTC"),
        "BLOB": pa.binary(),
    }.get(kind.word, pa.string())


@cache
def _base(type_: type) -> type:
    """A subclass (an enum of texts, a number of numpy's) is what it is made from; what is strange is a text."""
    if type_ is type(None):
        return type_
    return next((base for base in BASES if issubclass(type_, base)), str)


def _shared(types: set[type], values: Sequence[Any]) -> ColumnKind:
    if types & set(NESTED):
        return JSON
    if types <= {bytes, bytearray, memoryview}:
        return ColumnKind("BLOB")
    if types in ({datetime}, {date, datetime}):
        return _moments(value for value in values if value is not None)
    if types == {time} and any(value.tzinfo for value in values if value is not None):
        return TEXT
    if types <= {int, float, Decimal}:
        return _numbers(types, values)
    return ColumnKind(ONE_KIND[types.pop()]) if len(types) == 1 else TEXT


def _moments(values: Iterable[Any]) -> ColumnKind:
    """A day among times is its midnight, which has no zone."""
    kinds = {isinstance(value, datetime) and value.tzinfo is not None for value in values}
    if len(kinds) > 1:
        return TEXT
    return ColumnKind("TIMESTAMP WITH TIME ZONE" if kinds.pop() else "TIMESTAMP")


def _numbers(types: set[type], values: Sequence[Any]) -> ColumnKind:
    if float in types:
        return ColumnKind("DOUBLE")
    if Decimal in types:
        return _decimal(value for value in map(_finite, values) if value is not None)
    filled = [value for value in values if value is not None]
    if min(filled) >= LEAST and max(filled) <= GREATEST:
        return ColumnKind("BIGINT")
    return HUGE if max(map(abs, filled)) < 10**MOST_DIGITS else TEXT


def _decimal(values: Iterable[Decimal | int]) -> ColumnKind:
    whole = scale = 0
    for value in values:
        exact = Decimal(value)
        places = max(0, -int(exact.as_tuple().exponent))
        whole, scale = max(whole, exact.adjusted() + 1), max(scale, places)
    if whole + scale > MOST_DIGITS:
        return ColumnKind("DOUBLE")
    return ColumnKind("DECIMAL", max(1, whole + scale), scale)


def _roomy(kind: ColumnKind) -> ColumnKind:
    """With room before the point, so that the next batch's larger values are no other type."""
    return replace(kind, digits=max(USUAL_DIGITS, kind.digits))


def _wider(one: ColumnKind, other: ColumnKind) -> ColumnKind:
    whole, scale = max(one.digits - one.scale, other.digits - other.scale), max(one.scale, other.scale)
    return replace(one, digits=whole + scale, scale=scale) if whole + scale <= MOST_DIGITS else other


def _finite(value: Any) -> Any:
    return None if isinstance(value, Decimal) and not value.is_finite() else value


def _midnight(value: Any) -> Any:
    is_day = isinstance(value, date) and not isinstance(value, datetime)
    return datetime.combine(value, time()) if is_day else value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "replace")
    text = value.isoformat() if isinstance(value, date | time) else str(value)
    return text if text.isascii() else text.encode("utf-8", "replace").decode()  # a lone surrogate is no character


def _dumped(value: Any) -> str:
    return (
        json.dumps(_bare(value), ensure_ascii=False, allow_nan=False, default=str).encode("utf-8", "replace").decode()
    )


def _bare(value: Any) -> Any:
    """What JSON has a word for."""
    if isinstance(value, dict):
        return {str(name): _bare(inner) for name, inner in value.items()}
    if isinstance(value, NESTED):
        return [_bare(inner) for inner in value]
    if isinstance(value, float) and value - value != 0:
        return None
    return value.isoformat() if isinstance(value, date | time) else value
