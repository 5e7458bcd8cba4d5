"""Instants in RFC 3339, the one form of them in JSON that is taken for an instant and not for a text."""

import re
from datetime import UTC, datetime

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")


def instant(text: str) -> datetime | None:
    """The instant that a text names, or None if it is not RFC 3339 or no real date."""
    if not RFC3339.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def rfc3339(moment: datetime) -> str:
    """The instant as text, in Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
