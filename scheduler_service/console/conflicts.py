"""What two people changed at once, for the form that lets its writer choose field by field: theirs or yours."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from scheduler_service.console.argument_fields import written
from scheduler_service.services import audit
from scheduler_service.services.three_way import Difference
from scheduler_service.storage.audit import AuditFilter
from scheduler_service.storage.session import Session

KEEP = "keep."


def taken(values: Mapping[str, str]) -> tuple[str, ...]:
    """The fields that the writer of a form leaves as the other made them."""
    return tuple(
        name.removeprefix(KEEP) for name, value in values.items() if name.startswith(KEEP) and value == "theirs"
    )


def read(text: str) -> dict[str, Any]:
    """What was read, as it travelled in the form: nothing, when somebody edited it on the way."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def told(
    session: Session, subject_type: str, subject_id: int, differences: Sequence[Difference], write: Any = written
) -> dict[str, Any]:
    """For the page: what differs, each value as it is written, and the last who saved."""
    wanted = AuditFilter(subject_type=subject_type, subject_id=str(subject_id))
    last = audit.search(session, wanted, limit=1, cursor=None, total=False).items
    shown = [
        {
            **vars(one),
            "collides": one.collides,
            **{name: _shown(getattr(one, name), write) for name in ("read", "theirs", "mine")},
        }
        for one in differences
    ]
    return {"differences": shown, "last": last[0] if last else None}


def _shown(value: Any, write: Any) -> str:
    if value is None or value in ([], {}, ""):
        return "–"
    text: str = value if isinstance(value, str) else write(value)
    return text.strip()
