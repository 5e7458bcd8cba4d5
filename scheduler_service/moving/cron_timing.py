"""What a cron of APScheduler's says that needs the clocks of its zone: an even spacing, and its years."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from scheduler_service.client.apscheduler_fields import CronValues, NotUnderstood
from scheduler_service.timing import zones

#: Where intervals begin, unless they say so: before anything that is moved, so that a plan repeats itself.
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
_HORIZON = datetime(2040, 1, 1, tzinfo=UTC)
_HOUR = 3600
_FIRST_YEAR, _LAST_YEAR = 1970, 9999  # of APScheduler's


def interval_of(cron: CronValues, zone: str) -> tuple[timedelta, datetime] | None:
    """How far apart its instants are, where that is always the same, an hour at most; and the first one."""
    if not all(cron.is_any(name) for name in ("month", "day", "week", "day_of_week", "hour")):
        return None
    within = sorted(minute * 60 + second for minute in cron.minute for second in cron.second)
    gaps = {later - sooner for sooner, later in pairwise([*within, within[0] + _HOUR])}
    if len(gaps) != 1:
        return None
    step = timedelta(seconds=gaps.pop())
    shifts = zones.shifts(zones.load(zone), EPOCH, _HORIZON)
    if any((shift.after - shift.before) % step for shift in shifts):
        return None
    local = EPOCH.replace(tzinfo=None) + timedelta(seconds=within[0])
    return step, zones.resolve(local, zones.load(zone))


def years_of(cron: CronValues, zone: str) -> tuple[datetime | None, datetime | None]:
    """The first and the last instant that the year field leaves. Raises: NotUnderstood, where it leaves gaps."""
    first, last = min(cron.year), max(cron.year)
    if len(cron.year) != last - first + 1:
        raise NotUnderstood("its years do not follow each other: make a job of each row of years")
    since = None if first == _FIRST_YEAR else _local(first, zone)
    until = None if last == _LAST_YEAR else _local(last + 1, zone) - timedelta(seconds=1)
    return since, until


def _local(year: int, zone: str) -> datetime:
    return zones.resolve(datetime(year, 1, 1), zones.load(zone))  # noqa: DTZ001 - local, on purpose
