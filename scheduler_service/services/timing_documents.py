"""A timing as a person writes it, and back. What makes no sense is refused in the timing room's own words."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from scheduler_service.errors import Invalid, InvalidTiming
from scheduler_service.services.fields import Document, Line, Truth, parse_time, told, wire_instant
from scheduler_service.storage.models import PeriodicTask
from scheduler_service.storage.timings import CRONTAB_FIELDS, timing_of
from scheduler_service.timing.clocked import Clocked, resolve_local
from scheduler_service.timing.crontab import Crontab, DayMatch
from scheduler_service.timing.describe import describe
from scheduler_service.timing.interval import Interval, Period
from scheduler_service.timing.timings import Timing

FIVE = CRONTAB_FIELDS[:5]
LATER = ("solar", "rrule")
_ANY = datetime(2000, 1, 1, tzinfo=UTC)

CrontabField = Annotated[str, StringConstraints(max_length=200)]


class CrontabDocument(Document):
    """Five fields, or an `expression` in place of them."""

    type: Literal["crontab"]
    expression: Annotated[str, StringConstraints(max_length=1100)] | None = Field(
        default=None, examples=["*/5 * * * *", "@daily"], description="In place of the five fields"
    )
    minute: CrontabField = "*"
    hour: CrontabField = "*"
    day_of_month: CrontabField = "*"
    month_of_year: CrontabField = "*"
    day_of_week: CrontabField = "*"
    timezone: Line = Field(default="UTC", examples=["Europe/Berlin"])
    day_match: DayMatch = Field(default="and", description="Whether a day matches both day fields, or either")

    @model_validator(mode="after")
    def _comes(self) -> "CrontabDocument":
        if self.expression is not None and self.model_fields_set.intersection(FIVE):
            raise told(Invalid.field("expression", "is given in place of the five fields, not with them"))
        try:
            self.timing(_ANY)
        except InvalidTiming as why:
            in_expression = self.expression is not None and why.problems[0].field in FIVE
            raise told(why, at="expression" if in_expression else None) from None
        return self

    def timing(self, anchor: datetime) -> Timing:  # noqa: ARG002 - alike for every timing
        if self.expression is not None:
            return Crontab.parse(self.expression, timezone=self.timezone, day_match=self.day_match)
        return Crontab(*(getattr(self, name) for name in CRONTAB_FIELDS))


class IntervalDocument(Document):
    """Every so many periods, counted from `start_time`, else from the schedule's creation."""

    type: Literal["interval"]
    every: Annotated[int, Field(strict=True, ge=1, le=2**31 - 1)]
    period: Period

    @model_validator(mode="after")
    def _within_a_century(self) -> "IntervalDocument":
        try:
            self.timing(_ANY)
        except InvalidTiming as why:
            raise told(why) from None
        return self

    def timing(self, anchor: datetime) -> Timing:
        return Interval(self.every, self.period, anchor)


class ClockedDocument(Document):
    """Once: at an instant, or at a local time of a `timezone`."""

    type: Literal["clocked"]
    clocked_time: Annotated[
        datetime,
        BeforeValidator(parse_time),
        WithJsonSchema({"type": "string", "examples": ["2030-01-01T09:00:00Z", "2030-01-01T09:00"]}),
    ]
    timezone: Line | None = Field(default=None, examples=["Europe/Berlin"], description="For a time without an offset")
    allow_past: Truth = Field(default=False, description="Take an instant that has passed; it never fires")

    @model_validator(mode="after")
    def _is_one_instant(self) -> "ClockedDocument":
        try:
            self.timing(_ANY)
        except InvalidTiming as why:
            raise told(why) from None
        return self

    def timing(self, anchor: datetime) -> Timing:  # noqa: ARG002 - alike for every timing
        return Clocked(resolve_local(self.clocked_time, self.timezone) if self.timezone else self.clocked_time)


def _available(value: Any) -> Any:
    if isinstance(value, dict) and value.get("type") in LATER:
        named = {"type": value["type"]}
        raise PydanticCustomError("later", "{type} timings are not available in this version", named)
    return value


TimingDocument = Annotated[
    Annotated[CrontabDocument | IntervalDocument | ClockedDocument, Field(discriminator="type")],
    BeforeValidator(_available),
]


def timing_document(task: PeriodicTask) -> dict[str, Any] | None:
    """The timing of a schedule as it looks over the wire; None for one that has none of those known here."""
    if task.crontab is not None:
        return {"type": "crontab", **{name: getattr(task.crontab, name) for name in CRONTAB_FIELDS}}
    if task.interval is not None:
        return {"type": "interval", "every": task.interval.every, "period": task.interval.period}
    if task.clocked is not None:
        return {"type": "clocked", "clocked_time": wire_instant(task.clocked.clocked_time)}
    return None


def timing_text(task: PeriodicTask) -> str:
    """The timing in words."""
    try:
        return describe(timing_of(task))
    except InvalidTiming as why:
        return f"not understood: {why}"


def is_same(task: PeriodicTask, timing: Timing) -> bool:
    """Whether the schedule has this timing already, however it is written in its row."""
    try:
        return timing_of(task) == timing
    except InvalidTiming:
        return False
