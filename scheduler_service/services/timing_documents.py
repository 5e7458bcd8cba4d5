"""A timing as a person writes it, and back. What makes no sense is refused in the timing room's own words."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema, model_validator

from scheduler_service.errors import Invalid, InvalidTiming
from scheduler_service.services.fields import Document, Line, Truth, parse_time, told, wire_instant
from scheduler_service.services.languages import Language
from scheduler_service.storage.models import PeriodicTask
from scheduler_service.storage.timings import CRONTAB_FIELDS, timing_of, zone_name_of
from scheduler_service.timing.calendars import Calendar, Days
from scheduler_service.timing.clocked import Clocked, resolve_local
from scheduler_service.timing.crontab import Crontab, DayMatch
from scheduler_service.timing.describe import describe, describe_days
from scheduler_service.timing.interval import Interval, Period
from scheduler_service.timing.rrule import Rrule
from scheduler_service.timing.rrule_text import LONGEST_RULE
from scheduler_service.timing.solar import Event, Solar
from scheduler_service.timing.timings import Timing

FIVE = CRONTAB_FIELDS[:5]
_ANY = datetime(2000, 1, 1, tzinfo=UTC)

EVENTS = list(get_args(Event))

CrontabField = Annotated[str, StringConstraints(max_length=200)]
Degrees = Annotated[float, Field(strict=True, allow_inf_nan=False)]


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


class SolarDocument(Document):
    """An event of the sun at a place, by degrees north and east."""

    type: Literal["solar"]
    event: Annotated[str, StringConstraints(max_length=200), WithJsonSchema({"type": "string", "enum": EVENTS})]
    latitude: Degrees = Field(ge=-90, le=90, examples=[52.52])
    longitude: Degrees = Field(ge=-180, le=180, examples=[13.405])

    @model_validator(mode="after")
    def _is_an_event(self) -> "SolarDocument":
        try:
            self.timing(_ANY)
        except InvalidTiming as why:
            raise told(why) from None
        return self

    def timing(self, anchor: datetime) -> Timing:  # noqa: ARG002 - alike for every timing
        return Solar(self.event, self.latitude, self.longitude)  # type: ignore[arg-type]


class RruleDocument(Document):
    """A recurrence of RFC 5545: DTSTART, perhaps with a TZID, and RRULE, RDATE, EXDATE, each on a line."""

    type: Literal["rrule"]
    rule: Annotated[str, StringConstraints(max_length=LONGEST_RULE)] = Field(
        examples=["DTSTART;TZID=Europe/Berlin:20260105T090000\nRRULE:FREQ=WEEKLY;BYDAY=MO,FR"]
    )

    @model_validator(mode="after")
    def _comes(self) -> "RruleDocument":
        try:
            self.timing(_ANY)
        except InvalidTiming as why:
            raise told(why) from None
        return self

    def timing(self, anchor: datetime) -> Timing:  # noqa: ARG002 - alike for every timing
        return Rrule(self.rule)


TimingDocument = Annotated[
    CrontabDocument | IntervalDocument | ClockedDocument | SolarDocument | RruleDocument, Field(discriminator="type")
]


def timing_document(task: PeriodicTask) -> dict[str, Any] | None:
    """The timing of a schedule as it looks over the wire; None for one that has none."""
    if task.crontab is not None:
        return {"type": "crontab", **{name: getattr(task.crontab, name) for name in CRONTAB_FIELDS}}
    if task.interval is not None:
        return {"type": "interval", "every": task.interval.every, "period": task.interval.period}
    if task.clocked is not None:
        return {"type": "clocked", "clocked_time": wire_instant(task.clocked.clocked_time)}
    if task.solar is not None:
        return {"type": "solar", **{name: getattr(task.solar, name) for name in ("event", "latitude", "longitude")}}
    return {"type": "rrule", "rule": task.rrule.rule} if task.rrule is not None else None


def document_of_timing(timing: Timing) -> dict[str, Any]:
    """The same of a timing that is in no row yet."""
    match timing:
        case Crontab():
            return {"type": "crontab", **{name: getattr(timing, name) for name in CRONTAB_FIELDS}}
        case Interval():
            return {"type": "interval", "every": timing.every, "period": timing.period}
        case Clocked():
            return {"type": "clocked", "clocked_time": wire_instant(timing.at)}
        case Solar():
            place = {name: getattr(timing, name) for name in ("event", "latitude", "longitude")}
            return {"type": "solar", **place}
        case Rrule():
            return {"type": "rrule", "rule": timing.rule}
        case _:
            raise InvalidTiming.field("timing", f"{type(timing).__name__} cannot be written down")


def timing_text(task: PeriodicTask, language: Language = "en") -> str:
    """When the schedule comes, in words."""
    if task.upstreams:
        return words_of_following([upstream.name for upstream in task.upstreams], language)
    calendar = task.calendar.name if task.calendar is not None else None
    try:
        return words_of(timing_of(task), language, calendar=calendar, mode=task.calendar_mode)
    except InvalidTiming as why:
        return f"not understood: {why}"


def words_of(timing: Timing, language: Language, *, calendar: str | None, mode: str) -> str:
    """A timing that is understood, in words, with the name of its calendar."""
    words = describe(timing, language)
    if calendar is None:
        return words
    days = Days(Calendar(), mode == "only", zone_name_of(timing))  # which days they are, the words do not say
    return words + ("，" if language == "zh" else ", ") + describe_days(days, calendar, language)


def words_of_following(names: list[str], language: Language) -> str:
    """After whom a schedule runs, in words."""
    if language == "zh":
        return f"在{'、'.join(f'“{name}”' for name in names)}成功之后"
    quoted = [f'"{name}"' for name in names]
    listed = " and ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]]))
    return f"after {listed} {'succeeds' if len(quoted) == 1 else 'succeed'}"


def is_same(task: PeriodicTask, timing: Timing) -> bool:
    """Whether the schedule has this timing already, however it is written in its row."""
    try:
        return timing_of(task) == timing
    except InvalidTiming:
        return False
