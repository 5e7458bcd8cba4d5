"""The next instant of a crontab: this service's against cronsim's, croniter's and Celery's, in one run."""

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from itertools import islice
from statistics import median
from time import perf_counter
from zoneinfo import ZoneInfo

from celery.schedules import crontab as celery_crontab
from croniter import croniter
from cronsim import CronSim

from scheduler_service.timing.crontab import Crontab

COMMONEST = ("* * * * *", "*/5 * * * *", "0 * * * *", "0 0 * * *", "0 9 * * 1-5", "0 0 1 * *")
ZONES = ("UTC", "America/New_York")
START = datetime(2026, 1, 15, 12, 0, 30, tzinfo=UTC)
COUNT = 2000
ROUNDS = 5

Walk = Callable[[str, str], None]


def next_instants() -> list[str]:
    """Microseconds for each next instant, one after the other from one start, the median of some rounds."""
    lines, worst = [], 0.0
    for zone in ZONES:
        for expression in COMMONEST:
            timed = {name: _microseconds(walk, expression, zone) for name, walk in WALKS.items()}
            ratio = timed["ours"] / timed["cronsim"]
            worst = max(worst, ratio)
            figures = ", ".join(f"{name} {figure:.2f}" for name, figure in timed.items())
            lines.append(f"next instant of {expression!r} in {zone}, in µs: {figures}; ratio to cronsim {ratio:.2f}")
    return [*lines, f"next instants: {worst:.2f} times as long as cronsim at worst (at most 1.5)"]


def _microseconds(walk: Walk, expression: str, zone: str) -> float:
    return median(_once(walk, expression, zone) for _ in range(ROUNDS)) / COUNT * 1e6


def _once(walk: Walk, expression: str, zone: str) -> float:
    began = perf_counter()
    walk(expression, zone)
    return perf_counter() - began


def _ours(expression: str, zone: str) -> None:
    crontab, at = Crontab.parse(expression, timezone=zone), START
    for _ in range(COUNT):
        at = crontab.next_after(at) or at


def _cronsim(expression: str, zone: str) -> None:
    for _ in islice(CronSim(expression, START.astimezone(_zone(zone))), COUNT):
        pass


def _croniter(expression: str, zone: str) -> None:
    found = croniter(expression, START.astimezone(_zone(zone)))
    for _ in range(COUNT):
        found.get_next(datetime)


def _celery(expression: str, zone: str) -> None:
    """Its `remaining_delta`, which Celery Beat asks after each run; it knows no other next instant."""
    minute, hour, day, month, weekday = expression.split()
    at = START.astimezone(_zone(zone))
    found = celery_crontab(minute, hour, weekday, day, month, nowfun=lambda: at)
    found.tz = at.tzinfo
    for _ in range(COUNT):
        last, delta, _now = found.remaining_delta(at, tz=at.tzinfo)
        at = last + delta


def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)


WALKS: dict[str, Walk] = {"ours": _ours, "cronsim": _cronsim, "croniter": _croniter, "Celery": _celery}
