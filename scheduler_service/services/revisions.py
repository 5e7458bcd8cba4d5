"""Editing what somebody else may have edited meanwhile."""

from collections.abc import Collection

from scheduler_service.errors import RevisionMismatch

#: What the caller has read: any of these revisions; None: whatever is there.
Expected = Collection[int] | None


def require_revision(subject: str, actual: int, expected: Expected) -> None:
    """Raises: RevisionMismatch."""
    if expected is not None and actual not in expected:
        raise RevisionMismatch(subject, expected=expected, actual=actual)
