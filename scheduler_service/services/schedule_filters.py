"""Which schedules somebody means: for a list, an export, or a deed on many."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from scheduler_service.services.fields import Document, Moment, Word
from scheduler_service.services.schedule_documents import Kind, OverlapPolicy
from scheduler_service.storage.schedule_lists import ScheduleFilter

State = Literal["active", "paused", "completed", "quarantined"]
TimingType = Literal["crontab", "interval", "clocked", "solar", "rrule"]
MOST_TAGS = 20


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Tags = Annotated[list[Word], Field(max_length=MOST_TAGS), BeforeValidator(_listed)]


class ScheduleFilters(Document):
    """Schedules that fit everything that is given. Instants are from `after` on, until but without `before`."""

    name: Word | None = Field(default=None, description="The whole name")
    kind: Kind | None = None
    enabled: bool | None = None
    state: State | None = None
    failing: bool | None = Field(default=None, description="Whether they went wrong and did not succeed since")
    task: Word | None = None
    tag: Tags = Field(default_factory=list, description="Repeated: has each of them")
    q: Word | None = Field(default=None, description="Words, each looked for in name, task, description and tags")
    queue: Word | None = None
    calendar: Word | None = Field(default=None, description="A calendar's name")
    timing: TimingType | None = Field(default=None, description="The type of the timing")
    overlap_policy: OverlapPolicy | None = None
    next_run_after: Moment | None = None
    next_run_before: Moment | None = None
    last_run_after: Moment | None = None
    last_run_before: Moment | None = None
    created_after: Moment | None = None
    created_before: Moment | None = None
    changed_after: Moment | None = None
    changed_before: Moment | None = None

    def wanted(self) -> ScheduleFilter:
        """The filter."""
        fields = {name: getattr(self, name) for name in ScheduleFilters.model_fields if name != "tag"}
        return ScheduleFilter(**fields, tags=tuple(self.tag))
