"""What a forecast reads: when every schedule comes, in one light query."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from scheduler_service.storage.models import PLANNABLE, PeriodicTask
from scheduler_service.storage.timings import WHEN_COLUMNS, with_when

_OWN = (
    "id", "name", "kind", "calendar_mode", "start_time", "expires", "anchor_at", "created_at", "jitter_seconds",
    "one_off", "max_runs", "total_run_count", "next_occurrence_at", "next_run_at",
)  # fmt: skip


def plannable(session: Session) -> Sequence[Row[Any]]:
    """Every schedule that has something to come, as a row with WHEN_COLUMNS; nothing is locked."""
    own = (getattr(PeriodicTask, name) for name in _OWN)
    return session.execute(with_when(select(*own, *WHEN_COLUMNS)).where(text(PLANNABLE))).all()
