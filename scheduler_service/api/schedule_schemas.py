"""Schedules over the wire: what a list is asked, what an answer says."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field

from scheduler_service.api.schemas import CountedQuery
from scheduler_service.services.fields import Moment
from scheduler_service.services.languages import Language
from scheduler_service.services.previews import MOST, Preview
from scheduler_service.services.schedule_documents import document_of
from scheduler_service.services.schedule_filters import ScheduleFilters, State
from scheduler_service.services.timing_documents import timing_text
from scheduler_service.storage.models import PeriodicTask
from scheduler_service.storage.schedule_lists import Order
from scheduler_service.storage.schedules import state_of

Sort = Literal[
    "name", "-name", "next_run_at", "-next_run_at", "last_run_at", "-last_run_at", "created_at", "-created_at",
    "date_changed", "-date_changed",
]  # fmt: skip


class ScheduleQuery(ScheduleFilters, CountedQuery):
    """Which schedules, in which order."""

    sort: Sort = "name"

    def order(self) -> Order:
        """The order."""
        return Order(self.sort.removeprefix("-"), self.sort.startswith("-"))


class NextQuery(BaseModel):
    """How many occurrences, after which instant: by default after now."""

    model_config = {"extra": "forbid"}

    count: int = Field(default=10, ge=1, le=MOST)
    after: Moment | None = None


class CrontabTiming(BaseModel):
    """Five fields in a time zone."""

    type: Literal["crontab"]
    minute: str
    hour: str
    day_of_month: str
    month_of_year: str
    day_of_week: str
    timezone: str
    day_match: str


class IntervalTiming(BaseModel):
    """Every so many periods."""

    type: Literal["interval"]
    every: int
    period: str


class ClockedTiming(BaseModel):
    """Once."""

    type: Literal["clocked"]
    clocked_time: datetime


class SolarTiming(BaseModel):
    """An event of the sun at a place."""

    type: Literal["solar"]
    event: str
    latitude: float
    longitude: float


class RruleTiming(BaseModel):
    """A recurrence of RFC 5545, one property on a line."""

    type: Literal["rrule"]
    rule: str


AnyTiming = Annotated[
    CrontabTiming | IntervalTiming | ClockedTiming | SolarTiming | RruleTiming, Field(discriminator="type")
]


class CalendarUsed(BaseModel):
    """A calendar, and whether its days are left out or kept to."""

    name: str
    mode: Literal["exclude", "only"]


class ScheduleOut(BaseModel):
    """A schedule: what runs, when, and where it stands."""

    id: int
    name: str
    kind: str
    task: str
    args: list[Any]
    kwargs: dict[str, Any]
    timing: AnyTiming | None
    timing_text: str = Field(description="In words, in the language that Accept-Language asks for")
    enabled: bool
    state: State
    paused_reason: str | None
    shadow: bool = Field(description="Its occurrences are recorded as runs in state `shadowed`, and nothing is sent")
    completed_reason: str | None
    quarantine_reason: str | None
    after: list[Any]
    start_time: datetime | None
    expires: datetime | None
    expire_seconds: int | None
    one_off: bool
    max_runs: int | None
    queue: str | None
    exchange: str | None
    routing_key: str | None
    headers: dict[str, Any]
    priority: int | None
    jitter_seconds: int
    misfire_policy: str
    misfire_grace_seconds: int
    catchup_window_seconds: int | None
    catchup_limit: int
    overlap_policy: str
    buffer_limit: int
    pause_after_failures: int | None
    retry_max: int
    retry_delay_seconds: int
    soft_time_limit_seconds: int | None
    time_limit_seconds: int | None
    start_deadline_seconds: int | None
    keep_runs_days: int | None
    calendar: CalendarUsed | None
    tags: list[str]
    description: str
    next_run_at: datetime | None = Field(description="Null unless active; for a moment also after an edit")
    last_run_at: datetime | None
    total_run_count: int
    revision: int
    created_at: datetime
    date_changed: datetime

    @classmethod
    def of(cls, task: PeriodicTask, language: Language) -> Self:
        """The schedule as it looks over the wire."""
        state = state_of(task)
        return cls.model_validate(
            {
                **document_of(task),
                "id": task.id,
                "timing_text": timing_text(task, language),
                "state": state,
                "completed_reason": task.completed_reason,
                "quarantine_reason": task.quarantine_reason,
                "next_run_at": task.next_run_at if state == "active" else None,
                "last_run_at": task.last_run_at,
                "total_run_count": task.total_run_count,
                "revision": task.revision,
                "created_at": task.created_at,
                "date_changed": task.date_changed,
            }
        )


class OccurrenceOut(BaseModel):
    """An occurrence, when its run is to be sent, and what the timing's own clocks show at it."""

    occurrence_at: datetime
    fire_at: datetime
    local: str = Field(examples=["2026-03-29T09:00:00+02:00"])


class NextOut(BaseModel):
    """What is to come."""

    items: list[OccurrenceOut]
    timing_text: str

    @classmethod
    def of(cls, preview: Preview) -> Self:
        """The preview as it looks over the wire."""
        items = [
            OccurrenceOut(
                occurrence_at=item.occurrence_at,
                fire_at=item.fire_at,
                local=item.occurrence_at.astimezone(preview.zone).isoformat(),
            )
            for item in preview.items
        ]
        return cls(items=items, timing_text=preview.timing_text)
