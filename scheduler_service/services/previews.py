"""What is to come of a schedule, by the same code that Beat decides with."""

from dataclasses import dataclass
from datetime import datetime, tzinfo

from scheduler_service.services.timing_documents import timing_text
from scheduler_service.storage import schedules
from scheduler_service.storage.models import PeriodicTask
from scheduler_service.storage.session import Session
from scheduler_service.storage.timings import terms_of, timing_of
from scheduler_service.timing import planning, zones
from scheduler_service.timing.crontab import Crontab
from scheduler_service.timing.planning import Occurrence

MOST = 1000


@dataclass(frozen=True)
class Preview:
    """Occurrences to come, the zone that their timing is written in, and the timing in words."""

    items: list[Occurrence]
    zone: tzinfo
    timing_text: str


def upcoming(session: Session, schedule_id: int, *, after: datetime, count: int) -> Preview:
    """The next occurrences, of a paused schedule those that it would have if it were resumed.

    Raises: ScheduleNotFound, InvalidTiming.
    """
    task = schedules.get(session, schedule_id)
    terms = terms_of(task)
    items = planning.upcoming(terms, after=after, count=min(count, _left(task)))
    return Preview(items, _zone(task), timing_text(task))


def _left(task: PeriodicTask) -> int:
    """How many runs the schedule may still have."""
    if schedules.state_of(task) == "completed":
        return 0
    left = MOST if task.max_runs is None else max(task.max_runs - task.total_run_count, 0)
    return min(left, 1) if task.one_off else left


def _zone(task: PeriodicTask) -> tzinfo:
    timing = timing_of(task)
    return zones.load(timing.timezone if isinstance(timing, Crontab) else "UTC")
