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


def changed(changes: Mapping[str, Sequence[Any]], longest: int | None = LONGEST) -> list[Changed]:
    """Each field that differs. Of fields that hold fields, such as a timing, only those that differ."""
    return [found for field, (old, new) in changes.items() for found in _inside(field, old, new, longest)]


def shown(value: Any, longest: int | None = LONGEST) -> str | None:
    """A value as it is written, so far: a text as it is, anything else as JSON; what nobody set is None."""
    if value is None or value in ([], {}, ""):
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if longest is None or len(text) <= longest else f"{text[:longest]}…"


def _inside(field: str, old: Any, new: Any, longest: int | None) -> Iterator[Changed]:
    if isinstance(old, dict) and isinstance(new, dict) and old.get("type") == new.get("type"):
        for name, (before, after) in differences(old, new).items():
            yield Changed(f"{field}.{name}", shown(before, longest), shown(after, longest))
    else:
        yield Changed(field, shown(old, longest), shown(new, longest))
