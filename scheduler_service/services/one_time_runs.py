"""A task run once, at an instant or after a while, without a schedule.

It is a run from the start: pending until its time, held back as a retry is, sent by whichever Beat wakes first. So it
is seen, cancelled, retried and trimmed like any other, and its id is known before it has begun.
"""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field, ValidationError, model_validator
from uuid_utils.compat import uuid7

from scheduler_service.errors import Invalid
from scheduler_service.services import tasks
from scheduler_service.services.documents import problems_of
from scheduler_service.services.fields import (
    LARGEST_COUNT,
    Document,
    JsonList,
    JsonObject,
    Line,
    Moment,
    Positive,
    Truth,
    nested,
)
from scheduler_service.services.schedule_documents import Kind, ScheduleFields, kind_of
from scheduler_service.storage import audit, publishing, runs
from scheduler_service.storage.models import PeriodicTask, TaskRun
from scheduler_service.storage.session import Session

#: What such a run has for a schedule's id: the ids of schedules begin with 1.
NO_SCHEDULE = 0
ORIGIN = "once"

Seconds = Annotated[float, Field(ge=0, le=LARGEST_COUNT, allow_inf_nan=False)]


class OneTimeRun(Document):
    """What to run, when, and how it is sent: the fields of a schedule that mean something for one run."""

    task: Line = Field(examples=["collect.execute_task"], description="Name of a Celery task")
    args: JsonList = Field(default_factory=list, examples=[[1]])
    kwargs: JsonObject = Field(default_factory=dict)
    run_at: Moment | None = Field(default=None, description="When; without it and countdown: now")
    countdown: Seconds | None = Field(default=None, description="Seconds from now, by the database's clock")
    name: Line | None = Field(default=None, description="What lists call it; by default its task")
    kind: Kind | None = None
    queue: Line | None = None
    exchange: Line | None = None
    routing_key: Line | None = None
    headers: JsonObject = Field(default_factory=dict)
    priority: int | None = None
    expire_seconds: Positive | None = Field(default=None, description="A message not taken by then is dropped")
    retry_max: int = Field(default=0, description="Attempts after a failed one")
    retry_delay_seconds: int = 60
    soft_time_limit_seconds: Positive | None = None
    time_limit_seconds: Positive | None = None
    start_deadline_seconds: Positive | None = Field(default=None, description="Not started by then, it never starts")
    allow_unknown_task: Truth = Field(default=False, description="Take a task that no worker has made known")

    @model_validator(mode="after")
    def _as_of_a_schedule(self) -> "OneTimeRun":
        """Its fields obey the rules of a schedule's."""
        said = self.model_dump(include=set(ScheduleFields.model_fields), exclude_unset=True, exclude_none=True)
        try:
            ScheduleFields.model_validate(said)
        except ValidationError as why:
            raise nested(problems_of(why.errors(include_url=False), said)) from None
        if self.run_at is not None and self.countdown is not None:
            raise nested(Invalid.field("countdown", "is given in place of run_at, not with it").problems)
        return self


def create(session: Session, document: OneTimeRun, *, actor: str, now: datetime) -> TaskRun:
    """Make the run. Raises: Invalid, for a task or arguments that do not fit, or a time that has passed."""
    tasks.require_fitting(
        session, document.task, document.args, document.kwargs, allow_unknown=document.allow_unknown_task, now=now
    )
    at = document.run_at or now + timedelta(seconds=document.countdown or 0)
    if at < now:
        raise Invalid.field("run_at", "has passed; leave it out to run now")
    run_id = uuid7()
    row = runs.new_run(
        _like_a_schedule(document),
        run_id=run_id,
        origin=f"{ORIGIN}:{run_id}",
        occurrence_at=at,
        fire_at=at,
        now=now,
    )
    row |= {"decided_at": now, "decided_by": actor, "lease_until": at if at > now else None}
    publishing.insert_runs(session, [row])
    audit.record(
        session,
        actor=actor,
        action="create",
        subject_type="run",
        subject_id=run_id,
        subject_name=row["schedule_name"],
        changes={"run": (None, str(run_id))},
    )
    return runs.get(session, run_id)


def _like_a_schedule(document: OneTimeRun) -> PeriodicTask:
    """What a run is snapshot from; it is never written."""
    given = document.model_dump(include=set(ScheduleFields.model_fields) - {"allow_unknown_task", "name", "kind"})
    kind = document.kind or kind_of(document.task)
    return PeriodicTask(id=NO_SCHEDULE, name=document.name or document.task, kind=kind, revision=1, **given)
