"""What was found at a source: jobs as the other scheduler means them, before anything is made of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol


@dataclass(frozen=True)
class FoundCron:
    """APScheduler's cron: fields as text in its own syntax (day_of_week 0 is Monday); None: not given."""

    fields: dict[str, str]  # of year, month, day, week, day_of_week, hour, minute, second: those that were given
    timezone: str
    start: datetime | None = None
    end: datetime | None = None
    jitter_seconds: int = 0


@dataclass(frozen=True)
class FoundInterval:
    """Every so much elapsed time; `start` is the phase. `calendar` counts periods of the calendar instead."""

    every: timedelta
    timezone: str = "UTC"
    start: datetime | None = None
    end: datetime | None = None
    jitter_seconds: int = 0


@dataclass(frozen=True)
class FoundCalendarInterval:
    """APScheduler's calendar interval: so many years, months, weeks and days apart, at one time of the day."""

    years: int
    months: int
    weeks: int
    days: int
    at: tuple[int, int, int]  # hour, minute, second
    timezone: str
    start: datetime | None = None
    end: datetime | None = None
    jitter_seconds: int = 0


@dataclass(frozen=True)
class FoundDate:
    """Once."""

    at: datetime


@dataclass(frozen=True)
class FoundCombination:
    """Several triggers: the first of each (`or`), or those instants on which all agree (`and`)."""

    how: Literal["and", "or"]
    parts: tuple["FoundTrigger", ...]
    jitter_seconds: int = 0


@dataclass(frozen=True)
class FoundCrontab:
    """Five cron fields in Celery's syntax (0 is Sunday), or in crontab(5)'s where `day_match` is `or`."""

    minute: str
    hour: str
    day_of_month: str
    month_of_year: str
    day_of_week: str
    timezone: str = "UTC"
    day_match: Literal["and", "or"] = "and"


@dataclass(frozen=True)
class FoundSolar:
    """An event of the sun, by Celery's names."""

    event: str
    latitude: float
    longitude: float


@dataclass(frozen=True)
class FoundRrule:
    """A recurrence rule of RFC 5545, with its DTSTART."""

    rule: str


@dataclass(frozen=True)
class Unreadable:
    """What the store holds and we do not read, with why."""

    why: str


FoundTrigger = (
    FoundCron
    | FoundInterval
    | FoundCalendarInterval
    | FoundDate
    | FoundCombination
    | FoundCrontab
    | FoundSolar
    | FoundRrule
    | Unreadable
)


@dataclass(frozen=True)
class FoundJob:
    """One job of a source. `id` is its identity there, by which it is paused and compared."""

    id: str
    name: str
    trigger: FoundTrigger
    function: str | None = None  # "package.module:function": what APScheduler calls
    task: str | None = None  # the Celery task's name, where there is one already
    args: list[Any] | Unreadable = field(default_factory=list)
    kwargs: dict[str, Any] | Unreadable = field(default_factory=dict)
    paused: bool = False
    next_run_at: datetime | None = None
    last_run_at: datetime | None = None
    total_run_count: int | None = None
    misfire_grace_seconds: int | None = 1  # None: however late
    coalesce: bool = True
    max_instances: int | None = 1  # None: any number
    #: Columns of our schedule that the source already has by that name: queue, priority, expires, one_off …
    fields: dict[str, Any] = field(default_factory=dict)
    #: What could not be read or kept, in sentences.
    problems: tuple[str, ...] = ()
    #: The definition as the source has it, in JSON: kept with the schedule.
    original: dict[str, Any] = field(default_factory=dict)


class NoInstants(Exception):
    """The old scheduler cannot be asked when a job would run, with why."""


class Source(Protocol):
    """A store of another scheduler. Everything but `pause` and `resume` only reads."""

    #: What kind of store: "apscheduler3", "apscheduler4", "django-celery-beat", "celery-sqlalchemy-scheduler",
    #: "sqlalchemy-celery-beat", "redbeat", "beat-schedule", "crontab".
    kind: str
    #: The store's address without secrets: the same for the same store, so that a second plan finds the first.
    label: str

    def jobs(self) -> list[FoundJob]:
        """Every job, by name. Raises: SourceAway, SourceNotUnderstood (in `errors`)."""
        ...

    def instants(self, job: FoundJob, *, after: datetime, count: int) -> list[datetime]:
        """When the old scheduler would run it, as its own code says. Raises: NoInstants."""
        ...

    def pause(self, ids: Collection[str]) -> None:
        """Disable jobs at the source, each so that `resume` restores it; one that is paused already stays so.

        Raises: SourceReadOnly, where a file must be edited by hand; SourceAway.
        """
        ...

    def resume(self, ids: Collection[str], *, not_before: datetime) -> None:
        """Enable them again: the first run is the first instant at or after `not_before`; none is caught up."""
        ...

    def are_paused(self, ids: Collection[str]) -> dict[str, bool]:
        """Whether each is disabled at the source now; an id that is gone counts as paused."""
        ...

    def waits(self, ids: Collection[str]) -> dict[str, datetime]:
        """The instant that each waits for, where the store keeps one: in the past while its scheduler is down."""
        ...

    def last_runs(self, ids: Sequence[str]) -> dict[str, datetime]:
        """When each last ran, where the store says."""
        ...
