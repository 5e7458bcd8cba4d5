"""Results and errors, as a database can keep them.

Bounded, since a run's row says what came out and is no place for data; without what PostgreSQL refuses (NUL
characters, lone surrogates, NaN).
"""

import json
from typing import Any

LONGEST_TEXT = 20_000
LARGEST_RESULT = 65_536


def storable_text(text: str | None) -> str | None:
    """The text, cut in the middle when it is too long."""
    if text is None:
        return None
    clean = text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")
    if len(clean) <= LONGEST_TEXT:
        return clean
    half = LONGEST_TEXT // 2
    return f"{clean[:half]}\n… {len(clean) - LONGEST_TEXT} characters left out …\n{clean[-half:]}"


def storable_result(result: Any) -> Any:
    """The result as JSON; what is too large or no JSON is described instead."""
    try:
        written = json.dumps(result, allow_nan=False, ensure_ascii=False)
        written.encode()
    except (TypeError, ValueError, RecursionError):  # UnicodeEncodeError is a ValueError
        return {"repr": storable_text(repr(result))}
    if len(written) > LARGEST_RESULT:
        return {"truncated": written[:1000], "length": len(written)}
    if "\\u0000" in written:
        return {"repr": storable_text(repr(result))}
    return json.loads(written)
