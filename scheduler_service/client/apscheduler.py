"""APScheduler 3's calls, on schedules of this service: for code that is moved a call at a time.

`Scheduler(client, tasks={collect: "collect.execute_task"})` takes the place of a `BackgroundScheduler`. A job is a
schedule of the same name as its id, with the tag `apscheduler`. What cannot be said here raises CannotSay, which names
the argument; nothing is left out in silence.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import uuid4

from scheduler_service.client.apscheduler_fields import options_of
from scheduler_service.client.apscheduler_timings import CannotSay, aware, timing_of
from scheduler_service.client.client import Client
from scheduler_service.client.documents import Schedule
from scheduler_service.client.errors import ClientError, Conflict, NotFound

__all__ = ["CannotSay", "ConflictingIdError", "Job", "JobLookupError", "Scheduler"]

TAG = "apscheduler"
UNDEFINED: Any = object()

#: The field that each option decides.
_FIELD_OF = {
    "coalesce": "misfire_policy",
    "misfire_grace_time": "catchup_window_seconds",
    "max_instances": "overlap_policy",
}

Function = Callable[..., Any] | str


class JobLookupError(ClientError):
    """No job has this id."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"No job by the id of {job_id} was found.")


class ConflictingIdError(ClientError):
    """A job, or another schedule, has this id already."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"{job_id!r} is the name of a schedule already: give replace_existing=True, or another id.")


@dataclass(frozen=True)
class Job:
    """A job as it was when it was asked for; what is done to it is done to the schedule."""

    scheduler: "Scheduler"
    id: str
    name: str
    task: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    timing: dict[str, Any] | None
    next_run_time: datetime | None

    def modify(self, **changes: Any) -> "Job":
        return self.scheduler.modify_job(self.id, **changes)

    def reschedule(self, trigger: str, **trigger_args: Any) -> "Job":
        return self.scheduler.reschedule_job(self.id, trigger=trigger, **trigger_args)

    def pause(self) -> "Job":
        return self.scheduler.pause_job(self.id)

    def resume(self) -> "Job":
        return self.scheduler.resume_job(self.id)

    def remove(self) -> None:
        self.scheduler.remove_job(self.id)


class Scheduler:
    """Schedules by the calls of `BackgroundScheduler`.

    `tasks`: the name of the Celery task for each function, given itself or as "module:name"; a Celery task needs none.
    `timezone`: what local times and crons without one are read in. `job_defaults`: as for APScheduler's `configure`.
    """

    def __init__(
        self,
        client: Client,
        *,
        tasks: Mapping[Any, str] | None = None,
        timezone: str = "UTC",
        job_defaults: Mapping[str, Any] | None = None,
    ) -> None:
        self._client, self._timezone = client, timezone
        self._tasks = {_reference(function): name for function, name in (tasks or {}).items()}
        self._defaults = {"misfire_grace_time": 1, "coalesce": True, "max_instances": 1, **(job_defaults or {})}

    def start(self, paused: Literal[False] = False) -> None:
        """Nothing: the service runs already, and goes on when this process ends."""
        if paused:
            raise CannotSay("paused", "the service is not this process's to hold: pause the jobs")

    def shutdown(self, wait: bool = True) -> None:
        """Nothing: see `start`."""

    def add_job(
        self,
        func: Function,
        trigger: str | None = None,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        id: str | None = None,
        name: str | None = None,
        misfire_grace_time: int | None = UNDEFINED,
        coalesce: bool = UNDEFINED,
        max_instances: int | None = UNDEFINED,
        next_run_time: datetime | None = UNDEFINED,
        jobstore: str = "default",
        executor: str = "default",
        replace_existing: bool = False,
        **trigger_args: Any,
    ) -> Job:
        """Make a schedule; without a trigger, a run at once. Raises: CannotSay, ConflictingIdError, ClientError."""
        _require_default(jobstore=jobstore, executor=executor)
        job_id, task = id or uuid4().hex, self._task_of(func)
        if trigger is None:
            return self._run_once(job_id, task, args or (), kwargs or {}, trigger_args)
        given = {"misfire_grace_time": misfire_grace_time, "coalesce": coalesce, "max_instances": max_instances}
        document = {
            "name": job_id,
            "description": name or "",
            "task": task,
            "args": list(args or ()),
            "kwargs": dict(kwargs or {}),
            "tags": [TAG],
            **self._options(given),
            **timing_of(trigger, trigger_args, timezone=self._timezone),
        }
        at_once = _set_next(document, next_run_time)
        job = self._put(document, replace_existing=replace_existing)
        if at_once:
            self.run_job(job.id)
        return job

    def scheduled_job(self, trigger: str, **options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """`add_job` as a decorator, which replaces the job of the same id."""

        def added(function: Callable[..., Any]) -> Callable[..., Any]:
            self.add_job(function, trigger, **{**options, "replace_existing": True})
            return function

        return added

    def get_job(self, job_id: str) -> Job | None:
        """The job, if there is one that still comes."""
        try:
            schedule = self._find(job_id)
        except JobLookupError:
            return None
        return None if schedule.state == "completed" else self._job(schedule)

    def get_jobs(self) -> list[Job]:
        """Those that still come, by id."""
        found = self._client.schedules.each(tag=TAG, sort="name")
        return [self._job(schedule) for schedule in found if schedule.state != "completed"]

    def pause_job(self, job_id: str) -> Job:
        return self._job(self._client.schedules.pause(self._find(job_id).id))

    def resume_job(self, job_id: str) -> Job:
        """From the next instant on; what was missed meanwhile is not caught up."""
        return self._job(self._client.schedules.resume(self._find(job_id).id))

    def reschedule_job(self, job_id: str, *, trigger: str, **trigger_args: Any) -> Job:
        """Give it another timing; a paused job stays paused."""
        when = {"start_time": None, "expires": None, "jitter_seconds": 0}
        when |= timing_of(trigger, trigger_args, timezone=self._timezone)
        return self._patch(job_id, when)

    def modify_job(self, job_id: str, **changes: Any) -> Job:
        """Change `func`, `args`, `kwargs`, `name`, or one of the options. Raises: CannotSay, for anything else."""
        patch: dict[str, Any] = {}
        for argument, value in changes.items():
            patch |= self._changed(argument, value)
        return self._patch(job_id, patch)

    def remove_job(self, job_id: str) -> None:
        self._client.schedules.delete(self._find(job_id).id)

    def run_job(self, job_id: str) -> str:
        """Run it now, besides; the id of the run, which is that of the Celery task."""
        return str(self._client.schedules.trigger(self._find(job_id).id).id)

    def _run_once(
        self, job_id: str, task: str, args: Sequence[Any], kwargs: Mapping[str, Any], trigger_args: Mapping[str, Any]
    ) -> Job:
        for argument in trigger_args:
            raise CannotSay(argument, "it belongs to a trigger, and none is given")
        run = self._client.runs.create(task, args, kwargs, name=job_id)
        return Job(self, job_id, job_id, task, tuple(args), dict(kwargs), None, run.fire_at)

    def _put(self, document: dict[str, Any], *, replace_existing: bool) -> Job:
        try:
            return self._job(self._client.schedules.create(document))
        except Conflict as why:
            if why.code != "name_taken":
                raise
        there = self._client.schedules.find_named(document["name"])
        if not replace_existing or TAG not in there.tags:
            raise ConflictingIdError(document["name"])
        return self._job(self._client.schedules.replace(there.id, document))

    def _patch(self, job_id: str, patch: Mapping[str, Any]) -> Job:
        return self._job(self._client.schedules.patch(self._find(job_id).id, patch))

    def _find(self, job_id: str) -> Schedule:
        try:
            found = self._client.schedules.find_named(job_id)
        except NotFound:
            raise JobLookupError(job_id) from None
        if TAG not in found.tags:
            raise JobLookupError(job_id)
        return found

    def _job(self, schedule: Schedule) -> Job:
        name, args = schedule.description or schedule.name, tuple(schedule.args)
        following = schedule.next_run_at if schedule.state == "active" else None
        return Job(self, schedule.name, name, schedule.task, args, schedule.kwargs, schedule.timing, following)

    def _changed(self, argument: str, value: Any) -> dict[str, Any]:
        """The fields that say what an argument of `modify_job` does."""
        if argument == "func":
            return {"task": self._task_of(value)}
        if argument in ("args", "kwargs"):
            return {argument: list(value) if argument == "args" else dict(value)}
        if argument == "name":
            return {"description": value or ""}
        if argument in _FIELD_OF:
            return {_FIELD_OF[argument]: self._options({argument: value})[_FIELD_OF[argument]]}
        if argument == "next_run_time" and value is None:
            return {"enabled": False}
        raise CannotSay(argument, "it cannot be changed: see reschedule_job, pause_job and run_job")

    def _options(self, given: Mapping[str, Any]) -> dict[str, Any]:
        said = self._defaults | {name: value for name, value in given.items() if value is not UNDEFINED}
        if (most := said["max_instances"]) is not None and most > 1:
            raise CannotSay("max_instances", "1, or None for any number: the workers' concurrency bounds them")
        return options_of(**said)

    def _task_of(self, function: Function) -> str:
        """Of the mapping, or the name of what is a Celery task itself."""
        if (name := self._tasks.get(_reference(function))) is not None:
            return name
        if not isinstance(function, str) and hasattr(function, "delay") and hasattr(function, "name"):
            return str(function.name)
        raise CannotSay("func", f"{_reference(function)} is in no mapping: give `tasks` the name of its Celery task")


def _reference(function: Any) -> str:
    if isinstance(function, str):
        return function
    return f"{getattr(function, '__module__', '')}:{getattr(function, '__qualname__', function)}"


def _require_default(**given: str) -> None:
    for argument, value in given.items():
        if value != "default":
            raise CannotSay(argument, "there is one store, and queues in place of executors")


def _set_next(document: dict[str, Any], next_run_time: datetime | None) -> bool:
    """Have it begin then; whether that is now. Raises: CannotSay."""
    if next_run_time is UNDEFINED:
        return False
    if next_run_time is None:
        document["enabled"] = False
        return False
    if document["timing"]["type"] != "interval":
        raise CannotSay("next_run_time", "only an interval may begin at another instant than its own; or None, paused")
    document["start_time"] = aware(next_run_time, "UTC").isoformat()
    return aware(next_run_time, "UTC") <= datetime.now(UTC)
