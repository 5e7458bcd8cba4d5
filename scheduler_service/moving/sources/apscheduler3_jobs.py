"""A job of APScheduler 3, from its pickled state or from what is beside it."""

from datetime import UTC, datetime
from typing import Any

from scheduler_service.moving.found import FoundJob, FoundTrigger, Unreadable
from scheduler_service.moving.sources.apscheduler3_triggers import found_trigger
from scheduler_service.moving.sources.plain import plain, plain_problem
from scheduler_service.moving.sources.trusting import Foreign, Refusal

NEWEST = 1
UNTRUSTED = "its definition is in a pickle, which is opened only with --trust-pickle"
_NEEDED = {"trigger", "func", "args", "kwargs", "name", "executor", "misfire_grace_time", "coalesce", "max_instances"}
_SHOWN = ("func", "executor", "misfire_grace_time", "coalesce", "max_instances", "name", "id", "version")


def untrusted_job(job_id: str, next_run_at: datetime | None) -> FoundJob:
    """What the store says without opening anything."""
    unreadable = Unreadable(UNTRUSTED)
    return FoundJob(
        job_id,
        job_id,
        unreadable,
        args=unreadable,
        kwargs=unreadable,
        paused=next_run_at is None,
        next_run_at=next_run_at,
    )


def found_job(job_id: str, next_run_at: datetime | None, state: Any) -> FoundJob:
    """The job that a state describes; what cannot be read is said in its place."""
    if (why := _unfit(state)) is not None:
        return FoundJob(job_id, job_id, Unreadable(why), paused=next_run_at is None, next_run_at=next_run_at)
    trigger = found_trigger(state["trigger"])
    return FoundJob(
        job_id,
        str(state["name"] or job_id),
        trigger,
        function=str(state["func"]),
        args=_arguments(list(state["args"])),
        kwargs=_arguments(state["kwargs"]),
        paused=next_run_at is None,
        next_run_at=next_run_at,
        misfire_grace_seconds=state["misfire_grace_time"],
        coalesce=bool(state["coalesce"]),
        max_instances=state["max_instances"],
        problems=tuple(_problems(state)),
        original=_original(state, trigger),
    )


def instant_of(timestamp: float | None) -> datetime | None:
    return None if timestamp is None else datetime.fromtimestamp(timestamp, UTC)


def _unfit(state: Any) -> str | None:
    if isinstance(state, Refusal):
        return f"its pickle was not opened: {state.why}"
    if not isinstance(state, dict) or not state.keys() >= _NEEDED:
        return "its pickle is not the state of an APScheduler 3 job"
    if not isinstance(state["args"], list | tuple) or not isinstance(state["kwargs"], dict):
        return "its arguments are no list and no dictionary"
    if state.get("version", 1) > NEWEST:
        return f"its state is of version {state['version']}; known is {NEWEST}"
    return None


def _arguments(held: Any) -> Any:
    problem = plain_problem(held)
    return held if problem is None else Unreadable(problem)


def _problems(state: dict[str, Any]) -> list[str]:
    if state["executor"] == "default":
        return []
    return [f"It runs in the executor {state['executor']!r}: give its schedule the queue that means the same."]


def _original(state: dict[str, Any], trigger: FoundTrigger) -> dict[str, Any]:
    held = state["trigger"]
    shown = {name: plain(state[name]) for name in _SHOWN if name in state}
    kept = {"args": plain(state["args"]), "kwargs": plain(state["kwargs"]), "trigger": repr(trigger)}
    return {**shown, **kept, "trigger_class": held.of if isinstance(held, Foreign) else None}
