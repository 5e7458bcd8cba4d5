"""What an event of the audit trail changed, field by field, as a person reads it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scheduler_service.services.documents import differences

LONGEST = 300


@dataclass(frozen=True)
class Changed:
    """A field from what to what; None: nothing was there, or is."""

    field: str
    old: str | None
    new: str | None


def changed(changes: Mapping[str, Sequence[Any]]) -> list[Changed]:
    """Each field that differs. Of fields that hold fields, such as a timing, only those that differ."""
    return [found for field, (old, new) in changes.items() for found in _inside(field, old, new)]


def shown(value: Any) -> str | None:
    """A value as it is written: a text as it is, anything else as JSON; what nobody set is None."""
    if value is None or value in ([], {}, ""):
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _inside(field: str, old: Any, new: Any) -> Iterator[Changed]:
    if isinstance(old, dict) and isinstance(new, dict) and old.get("type") == new.get("type"):
        for name, (before, after) in differences(old, new).items():
            yield Changed(f"{field}.{name}", shown(before), shown(after))
    else:
        yield Changed(field, shown(old), shown(new))
