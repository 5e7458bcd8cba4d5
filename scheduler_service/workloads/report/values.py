"""Values of a query as cells, which JSON carries to the renderer, and as text for a page.

A column's kind is found from its values, alike for DuckDB and PostgreSQL. Cells: texts, booleans, whole and broken
numbers as they are (a decimal as its digits), dates as `2026-03-01`, local times as `2026-03-01T09:00:00`, instants
in UTC with a Z.
"""

import json
from base64 import b64encode
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from math import isfinite
from typing import Any, Literal

Kind = Literal["text", "boolean", "integer", "number", "date", "local", "instant"]
NUMERIC = ("integer", "number")
BYTES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
NOTHING = "–"


def kind_of(values: Iterable[Any]) -> Kind:
    """The kind that all values but None have; text, if there is none."""
    kinds = {_kind(value) for value in values if value is not None}
    if len(kinds) == 1:
        return kinds.pop()
    return "number" if kinds == {"integer", "number"} else "text"


def _kind(value: Any) -> Kind:
    for types, kind in _KINDS:
        if isinstance(value, types):
            return kind
    if isinstance(value, Decimal):  # what both engines make of a sum of whole numbers
        return "integer" if value.as_tuple().exponent == 0 else "number"
    if isinstance(value, datetime):
        return "local" if value.tzinfo is None else "instant"
    return "date" if isinstance(value, date) else "text"


_KINDS: tuple[tuple[Any, Kind], ...] = ((bool, "boolean"), (int, "integer"), (float, "number"))


def cell(value: Any, kind: Kind) -> Any:
    """The value as JSON can carry it. What is not a finite number is none."""
    if value is None or (kind == "number" and not isfinite(value)):
        return None
    if kind == "integer":
        return int(value)
    if kind == "number":
        return str(value) if isinstance(value, Decimal) else value
    if kind == "instant":
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if kind in ("date", "local"):
        return value.isoformat()
    return _text(value) if kind == "text" else value


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def moment(text: str, zone: tzinfo) -> datetime:
    """The instant of a cell as the clocks of the zone show it; a local time as it is."""
    at = datetime.fromisoformat(text)
    return at.astimezone(zone).replace(tzinfo=None) if at.tzinfo else at


def number(value: Any) -> Decimal:
    """The number of a cell, with the digits that a person would write."""
    return Decimal(repr(value) if isinstance(value, float) else str(value))


def shown(value: Any, column: dict[str, Any], *, zone: tzinfo, truth: Sequence[str]) -> str:
    """A cell as text for a page; `truth`: the words for false and true."""
    if value is None:
        return NOTHING
    kind = column["kind"]
    if kind in NUMERIC:
        return _FORMATS[column["format"]](number(value), column["digits"])
    if kind == "boolean":
        return truth[bool(value)]
    if kind in ("instant", "local"):
        at = moment(value, zone)
        return at.strftime("%Y-%m-%d %H:%M" if not (at.second or at.microsecond) else "%Y-%m-%d %H:%M:%S")
    return str(value)


def _plain(value: Decimal, digits: int | None) -> str:
    return _rounded(value, 4 if digits is None else digits, exact=digits is not None)


def _grouped(value: Decimal, digits: int | None) -> str:
    return _rounded(value, 2 if digits is None else digits, exact=digits is not None, group=",")


def _percent(value: Decimal, digits: int | None) -> str:
    return f"{_rounded(value * 100, 1 if digits is None else digits, exact=digits is not None, group=',')} %"


def _bytes(value: Decimal, digits: int | None) -> str:
    unit = 0
    while abs(value) >= 1024 and unit < len(BYTES) - 1:
        value, unit = value / 1024, unit + 1
    return f"{_grouped(value, digits if digits is not None or unit else 0)} {BYTES[unit]}"


def _seconds(value: Decimal, digits: int | None) -> str:
    sign, value = ("-" if value < 0 else ""), abs(value)
    if value < 1:
        return f"{sign}{_plain(value * 1000, digits or 0)} ms"
    if value < 60:
        return f"{sign}{_rounded(value, 1 if digits is None else digits, exact=digits is not None)} s"
    minutes, seconds = divmod(int(value), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{sign}{days} d {hours:02} h"
    return f"{sign}{hours} h {minutes:02} min" if hours else f"{sign}{minutes} min {seconds:02} s"


def _rounded(value: Decimal, digits: int, *, exact: bool, group: str = "") -> str:
    """So many digits behind the point; where not `exact`, no zeros at the end, and two digits of a tiny one."""
    if not exact and value and abs(value) < Decimal(1).scaleb(-digits):
        return f"{float(value):.2g}"
    text = f"{value:{group}.{digits}f}"
    return text.rstrip("0").rstrip(".") if not exact and "." in text else text


_FORMATS = {"plain": _plain, "number": _grouped, "percent": _percent, "bytes": _bytes, "seconds": _seconds}
