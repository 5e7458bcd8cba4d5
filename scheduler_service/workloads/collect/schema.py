"""What a dataset's columns must become to hold what came, or why they cannot. Pure; types in DuckDB's words.

Evolve adds columns and widens integer → double → text, and JSON's own scalars to JSON (a field that is a number
today and an object tomorrow); freeze lists every difference. A column whose every value is NULL changes nothing.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from scheduler_service.errors import SchemaConflict, SchemaFrozen
from scheduler_service.workloads.collect.staging import Part, PartKind

LADDER = ("BIGINT", "DOUBLE", "VARCHAR")
SCALARS_OF_JSON = ("BOOLEAN", "BIGINT", "DOUBLE")
DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")
NATURAL: Mapping[PartKind, Mapping[str, set[str]]] = {
    "json": {"VARCHAR": {"TIMESTAMP WITH TIME ZONE"}, "DOUBLE": {"BIGINT"}},
    "text": {"DOUBLE": {"BIGINT"}, "TIMESTAMP": {"DATE"}},
    "typed": {},
}


@dataclass(frozen=True)
class Shape:
    """What one run brought: types by column (None: all NULL), and how it was written."""

    kind: PartKind
    columns: Mapping[str, str | None]

    def filled(self) -> dict[str, str]:
        """The columns that hold anything."""
        return {name: type_ for name, type_ in self.columns.items() if type_ is not None}


@dataclass
class Change:
    """What to do to a table, and the types that its columns then have."""

    added: dict[str, str] = field(default_factory=dict)
    widened: dict[str, str] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)


def shape_of(dataset: str, parts: Iterable[Part]) -> Shape:
    """The parts of one run, taken together; raises SchemaConflict where typed files contradict each other."""
    kind: PartKind = "json"
    columns: dict[str, str | None] = {}
    for part in parts:
        kind = part.kind
        for name, type_ in part.columns.items():
            before = columns.get(name)
            joint = _joined(before, type_, kind) if before and type_ else before or type_
            if joint is None and before and type_:
                raise SchemaConflict(dataset, [f"~ {name} {before} -> {type_}"])
            columns[name] = joint
    return Shape(kind, columns)


def compare(dataset: str, have: Mapping[str, str], came: Shape, contract: Literal["evolve", "freeze"]) -> Change:
    """How the dataset changes; raises SchemaFrozen or SchemaConflict, with every difference that stands in the way."""
    spelled = {name.casefold(): name for name in have}
    change = Change(columns=dict(have))
    differences: list[str] = []
    for came_name, type_ in came.filled().items():
        name = spelled.get(came_name.casefold())
        if name is None:
            change.added[came_name] = change.columns[came_name] = type_
        elif not _is_natural(have[name], type_, came.kind):
            wider = _widened(have[name], type_)
            if wider is None or contract == "freeze":
                differences.append(f"~ {name} {have[name]} -> {type_}")
            elif wider != have[name]:
                change.widened[name] = change.columns[name] = wider
    if contract == "freeze" and have:
        _refuse_differences(dataset, have, came, change, differences)
    if differences:
        raise SchemaConflict(dataset, differences)
    return change


def _refuse_differences(dataset: str, have: Mapping[str, str], came: Shape, change: Change, changed: list[str]) -> None:
    seen = {name.casefold() for name in came.columns}
    added = [f"+ {name} {type_}" for name, type_ in change.added.items()]
    gone = [f"- {name}" for name in have if name.casefold() not in seen]
    if differences := added + gone + changed:
        raise SchemaFrozen(dataset, differences)


def _is_natural(have: str, came: str, kind: PartKind) -> bool:
    """Whether the column holds such values as they are: in CSV all is text, and JSON's 2 is also 2.0."""
    if have == came or came in NATURAL[kind].get(have, set()):
        return True
    return (kind, have) in (("text", "VARCHAR"), ("json", "JSON"))


def _widened(have: str, came: str) -> str | None:
    """The type that holds both, or None."""
    if have in ("VARCHAR", "JSON"):
        return have
    if have in LADDER and came in LADDER:
        return max(have, came, key=LADDER.index)
    if came == "JSON" and have in SCALARS_OF_JSON:
        return came
    if have == "TIMESTAMP" and came == "DATE":
        return have
    return _wider_decimal(have, came)


def _joined(one: str, other: str, kind: PartKind) -> str | None:
    """The type that two files of one run share: texts fall back to text, as if they were one file."""
    if one == other:
        return one
    wider = _widened(one, other) or _widened(other, one)
    if kind == "typed":
        return wider
    return wider if {one, other} <= {"BIGINT", "DOUBLE"} or {one, other} == {"DATE", "TIMESTAMP"} else "VARCHAR"


def _wider_decimal(have: str, came: str) -> str | None:
    """A decimal with room for both sides of the point; an integer is a decimal of 19 digits. At most 38 digits."""
    sizes = []
    for type_ in (have, "DECIMAL(19,0)" if came == "BIGINT" else came):
        if (found := DECIMAL.fullmatch(type_)) is None:
            return None
        precision, scale = int(found[1]), int(found[2])
        sizes.append((precision - scale, scale))
    whole, scale = (max(side) for side in zip(*sizes, strict=True))
    return f"DECIMAL({whole + scale},{scale})" if whole + scale <= 38 else None
