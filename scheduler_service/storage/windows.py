"""Which stretch of time a run is for: from its schedule's previous occurrence to its own."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from scheduler_service.errors import InvalidTiming, ScheduleNotFound
from scheduler_service.storage import schedules, timings
from scheduler_service.timing.timings import TICK

LONGEST_GAP = timedelta(days=10 * 366)


def previous_occurrence(session: Session, schedule_id: int, before: datetime) -> datetime | None:
    """The latest occurrence of the schedule's timing before the instant; by its present timing and calendar.

    None where there is none: the schedule is gone, runs after others, or has not had one for ten years.
    """
    try:
        terms = timings.terms_of(schedules.get(session, schedule_id))
    except (ScheduleNotFound, InvalidTiming):
        return None
    return terms.rule.span(before - LONGEST_GAP, before - TICK).last
