"""Editing what somebody else may have edited meanwhile."""

from collections.abc import Collection, Mapping
from enum import Enum
from typing import Any

from scheduler_service.errors import RevisionMismatch, RevisionUnsaid


class Unsaid(Enum):
    """The caller did not say what they have read, where they must."""

    UNSAID = "unsaid"


#: What the caller has read: any of these revisions; None: whatever is there.
Expected = Collection[int] | Unsaid | None


def require_revision(row: Any, noun: str, expected: Expected, *, document: Mapping[str, Any]) -> None:
    """Refuse to edit what the caller has not seen: the row, which the document describes.

    Raises: RevisionMismatch, RevisionUnsaid.
    """
    current = {"id": row.id, "revision": row.revision, **document}
    if isinstance(expected, Unsaid):
        raise RevisionUnsaid(f"{noun} {row.id}", current=current)
    if expected is not None and row.revision not in expected:
        raise RevisionMismatch(f"{noun} {row.id}", expected=expected, current=current)
