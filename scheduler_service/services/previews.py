"""What is to come of a schedule, or would of a timing, by the same code that Beat decides with."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from scheduler_service.services import calendar_uses
from scheduler_service.services.fields import LARGEST_WHOLE, Document, Moment, Whole
from scheduler_service.services.languages import Language
from scheduler_service.services.schedule_documents import CalendarField, ends_after_its_start
from scheduler_service.services.timing_documents import TimingDocument, timing_text, words_of
from scheduler_service.storage import schedules
from scheduler_service.storage.models import PeriodicTask
from scheduler_service.storage.session import Session
from scheduler_service.storage.timings import canonical, days_of, is_set_by_hand, terms_of, zone_name_of
from scheduler_service.timing import planning, zones
from scheduler_service.timing.planning import Occurrence, Terms
from scheduler_service.timing.timings import Timing

MOST = 1000


class PreviewDocument(Document):
    """A timing with limits, as it would be in a schedule."""

    timing: TimingDocument
    start_time: Moment | None = None
    expires: Moment | None = None
    calendar: CalendarField = None
    jitter_seconds: Whole = Field(
        default=0,
        description="A jitter depends on the schedule's id: without `schedule_id`, `fire_at` is told without it",
    )
    count: Annotated[int, Field(strict=True, ge=1, le=MOST)] = 10
    after: Moment | None = Field(default=None, description="By default now")
    schedule_id: Annotated[int, Field(strict=True, ge=1, le=LARGEST_WHOLE)] | None = Field(
        default=None, description="As an edit of this schedule: with its anchor for intervals, and its jitter"
    )

    @field_validator("expires")
    @classmethod
    def _ends_after_its_start(cls, expires: datetime | None, info: ValidationInfo) -> datetime | None:
        return ends_after_its_start(expires, info.data.get("start_time"))


@dataclass(frozen=True)
class Preview:
    """Occurrences to come, the zone that their timing is written in, and the timing in words."""

    items: list[Occurrence]
    zone: tzinfo
    timing_text: str


def upcoming(
    session: Session, schedule_id: int, *, after: datetime | None, now: datetime, count: int, language: Language
) -> Preview:
    """The next occurrences, of a paused schedule those that it would have if it were resumed.

    Raises: ScheduleNotFound, InvalidTiming.
    """
    task = schedules.get(session, schedule_id)
    if task.upstreams:  # it comes when they have succeeded, and nobody knows when that is
        return Preview([], UTC, timing_text(task, language))
    terms = terms_of(task)
    items = _to_come(task, terms, after=after, now=now, count=min(count, _left(task)))
    return Preview(items, _zone(terms.timing), timing_text(task, language))


def of_timing(session: Session, document: PreviewDocument, *, now: datetime, language: Language) -> Preview:
    """The next occurrences of a timing that is not saved. Raises: ScheduleNotFound, Invalid."""
    terms = terms_to_be(session, document, now=now)
    items = planning.upcoming(terms, after=document.after or now, count=document.count)
    use = document.calendar
    name, mode = (use.name, use.mode) if use is not None else (None, "exclude")
    return Preview(items, _zone(terms.timing), words_of(terms.timing, language, calendar=name, mode=mode))


def terms_to_be(session: Session, document: PreviewDocument, *, now: datetime) -> Terms:
    """A timing that is not saved, with its limits. Raises: ScheduleNotFound, Invalid."""
    task = schedules.get(session, document.schedule_id) if document.schedule_id is not None else None
    anchor = document.start_time or now
    if task is not None:
        anchor = task.anchor_at or document.start_time or task.created_at
    timing, days = document.timing.timing(anchor), None
    if document.calendar is not None:
        calendar = calendar_uses.named(session, document.calendar)
        days = days_of(timing, canonical(calendar.definition), mode=document.calendar.mode)
    jitter = timedelta(seconds=document.jitter_seconds if task is not None else 0)
    return Terms(timing, document.start_time, document.expires, jitter, task.id if task is not None else 0, days)


def _to_come(
    task: PeriodicTask, terms: Terms, *, after: datetime | None, now: datetime, count: int
) -> list[Occurrence]:
    """What Beat will send, beginning with what it has in mind already where the timing alone would not tell."""
    planned = _planned(task, terms, now)
    since = after or now
    if planned is None:
        return planning.upcoming(terms, after=since, count=count)
    first = [planned] if after is None or planned.occurrence_at > after else []
    following = planning.upcoming(terms, after=max(since, planned.occurrence_at), count=count)
    return [*first, *following][:count]


def _planned(task: PeriodicTask, terms: Terms, now: datetime) -> Occurrence | None:
    """An instant that a writer set by hand, or an occurrence that has come and whose jitter is not over."""
    occurrence_at, fire_at = task.next_occurrence_at, task.next_run_at
    if fire_at is None or schedules.state_of(task) != "active":
        return None
    if is_set_by_hand(task, terms):
        return Occurrence(fire_at, fire_at)
    if occurrence_at is not None and occurrence_at <= now < fire_at:
        return Occurrence(occurrence_at, fire_at)
    return None


def _left(task: PeriodicTask) -> int:
    """How many runs the schedule may still have."""
    if schedules.state_of(task) == "completed":
        return 0
    left = MOST if task.max_runs is None else max(task.max_runs - task.total_run_count, 0)
    return min(left, 1) if task.one_off else left


def _zone(timing: Timing) -> tzinfo:
    return zones.load(zone_name_of(timing))
