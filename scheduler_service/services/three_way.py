"""A document that two people changed at once: what each changed, and one that holds both where they do not collide.

Fields that hold fields (a timing, the arguments) are compared by these, so that two people may change two of them.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: What of a schedule's document is made of parts that may be edited by themselves.
PARTED = ("timing", "kwargs")
_ABSENT = object()


@dataclass(frozen=True)
class Difference:
    """A field that somebody changed. `theirs_changed` and `mine_changed` alone or, in a collision, both."""

    field: str
    read: Any
    theirs: Any
    mine: Any
    theirs_changed: bool
    mine_changed: bool

    @property
    def collides(self) -> bool:
        """Whether somebody has to choose."""
        return self.theirs_changed and self.mine_changed and not _same(self.theirs, self.mine)


def compare(
    read: Mapping[str, Any], theirs: Mapping[str, Any], mine: Mapping[str, Any], *, parted: Collection[str] = PARTED
) -> list[Difference]:
    """What either changed since it was read, field by field; what an absent field holds is None."""
    parts = _parts((read, theirs, mine), parted)
    versions = [_flat(document, parts) for document in (read, theirs, mine)]
    found = []
    for name in dict.fromkeys(name for version in versions for name in version):
        was, their, own = (version.get(name, _ABSENT) for version in versions)
        theirs_changed, mine_changed = not _same(was, their), not _same(was, own)
        if theirs_changed or mine_changed:
            read_value, their, own = (None if value is _ABSENT else value for value in (was, their, own))
            found.append(Difference(name, read_value, their, own, theirs_changed, mine_changed))
    return found


def merged(
    read: Mapping[str, Any],
    theirs: Mapping[str, Any],
    mine: Mapping[str, Any],
    *,
    take: Collection[str] = (),
    parted: Collection[str] = PARTED,
) -> dict[str, Any]:
    """Mine, with what only they changed; of what collides mine, but theirs for the fields in `take`."""
    parts = _parts((read, theirs, mine), parted)
    was, their, own = (_flat(document, parts) for document in (read, theirs, mine))
    result = dict(own)
    for name in {**was, **their}:
        if name in take or _same(was.get(name, _ABSENT), own.get(name, _ABSENT)):
            if name in their:
                result[name] = their[name]
            else:
                result.pop(name, None)
    return _deep(result, parts)


def _parts(documents: Sequence[Mapping[str, Any]], parted: Collection[str]) -> frozenset[str]:
    """The fields that are compared part by part: objects in each, of one type; others have no parts in common."""
    found = set()
    for name in parted:
        values = [document.get(name) for document in documents]
        if all(isinstance(value, dict) for value in values) and len({str(v.get("type")) for v in values if v}) < 2:
            found.add(name)
    return frozenset(found)


def _flat(document: Mapping[str, Any], parts: Collection[str]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in document.items():
        if name in parts:
            flat |= {f"{name}.{part}": inner for part, inner in value.items()}
        else:
            flat[name] = value
    return flat


def _deep(flat: Mapping[str, Any], parts: Collection[str]) -> dict[str, Any]:
    deep: dict[str, Any] = {name: {} for name in parts}
    for name, value in flat.items():
        outer, _, inner = name.partition(".")
        if inner and outer in parts:
            deep[outer][inner] = value
        else:
            deep[name] = value
    return deep


def _same(one: Any, other: Any) -> bool:
    if one is _ABSENT or other is _ABSENT:
        return one is other
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
