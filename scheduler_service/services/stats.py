"""Runs in numbers, over a range of time that somebody asks about."""

from datetime import datetime, timedelta

from scheduler_service.errors import Invalid
from scheduler_service.storage import stats as stored
from scheduler_service.storage.session import Session
from scheduler_service.storage.stats import Stats, StatsFilter

DEFAULT_RANGE = timedelta(days=1)
LONGEST_RANGE = timedelta(days=31)


def of_runs(
    session: Session,
    *,
    since: datetime | None,
    until: datetime | None,
    schedule_id: int | None,
    kind: str | None,
    now: datetime,
) -> tuple[StatsFilter, Stats]:
    """What was asked about, its defaults filled in, and the numbers. Raises: Invalid, for a range that is none."""
    end = until or max(now, since or now)
    start = since or end - DEFAULT_RANGE
    if start > end:
        raise Invalid.field("until", "must be after since")
    if end - start > LONGEST_RANGE:
        raise Invalid.field("since", f"must be within {LONGEST_RANGE.days} days of until")
    wanted = StatsFilter(start, end, schedule_id, kind)
    return wanted, stored.of_runs(session, wanted)
