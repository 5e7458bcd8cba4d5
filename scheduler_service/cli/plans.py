"""What an import does, as a diff that a person reads."""

import json
from collections.abc import Iterator
from typing import Any

from scheduler_service.client.documents import ImportPlan

ADDED, REMOVED, CHANGED, NOTE = "green", "red", "yellow", "dim"


def diff_of(plan: ImportPlan) -> Iterator[tuple[str, str]]:
    """Lines with their styles: `+` what is made, `-` what is deleted, `~` what is changed, with old and new values."""
    for name in plan.created:
        yield f"+ {name}", ADDED
    for changed in plan.changed:
        yield f"~ {changed.name}", CHANGED
        for field, (old, new) in changed.changes.items():
            yield f"    {field}:", ""
            yield f"      - {_shown(old)}", REMOVED
            yield f"      + {_shown(new)}", ADDED
    for name in plan.pruned:
        yield f"- {name}", REMOVED
    yield summary(plan), NOTE


def summary(plan: ImportPlan) -> str:
    """How many of each, in a line."""
    words = ("to create", "to change", "to delete") if plan.dry_run else ("created", "changed", "deleted")
    counts = (len(plan.created), len(plan.changed), len(plan.pruned), len(plan.unchanged))
    told = [f"{count} {word}" for count, word in zip(counts, (*words, "unchanged"), strict=True) if count]
    return ", ".join(told) + "." if told else "Nothing is in the document."


def _shown(value: Any) -> str:
    return "-" if value is None else json.dumps(value, ensure_ascii=False)
