"""APScheduler 4's data store, as of 4.0.0a6: schedules as rows, triggers as pickles or JSON, which remember a run.

Its schedulers never write `paused` back. A trigger's own memory is only its library's to change: a schedule whose next
run went by while it was paused is resumed by that library.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import RowMapping, select

from scheduler_service.errors import SourceReadOnly
from scheduler_service.moving.found import (
    FoundCalendarInterval,
    FoundCombination,
    FoundCron,
    FoundDate,
    FoundInterval,
    FoundJob,
    FoundTrigger,
    Unreadable,
)
from scheduler_service.moving.sources import apscheduler4_instants, trusting
from scheduler_service.moving.sources.apscheduler3_jobs import UNTRUSTED
from scheduler_service.moving.sources.plain import plain, plain_problem
from scheduler_service.moving.sources.sql import SqlStore
from scheduler_service.moving.sources.trusting import Foreign, Refusal, Zone
from scheduler_service.timing import zones

KIND = "apscheduler4"
NEWEST = 1
_MAGIC = "_apscheduler_json"
_FIELDS = ("year", "month", "day", "week", "day_of_week", "hour", "minute", "second")
_INTERVAL = ("weeks", "days", "hours", "minutes", "seconds", "microseconds")
_PICKLED = ("trigger", "args", "kwargs")


class Apscheduler4:
    """A data store in SQL."""

    kind = KIND

    def __init__(
        self, url: str, *, trust_pickle: bool, allow: Collection[str] = (), library: Path | None = None
    ) -> None:
        self._library = library
        self._store = SqlStore(KIND, url, options=frozenset({"schema"}))
        self._trust, self._allow = trust_pickle, allow
        self.label = self._store.label

    def jobs(self) -> list[FoundJob]:
        with self._store.reading() as connection:
            schedules = self._store.table(connection, "schedules", needs=("id", "task_id", "trigger", "paused"))
            tasks = self._store.table(connection, "tasks", needs=("id", "func"))
            rows = connection.execute(select(schedules)).mappings().all()
            by_id = {row["id"]: dict(row) for row in connection.execute(select(tasks)).mappings()}
        held = self._held(rows)
        return [
            _found(row, by_id.get(row["task_id"], {}), held) for row in sorted(rows, key=lambda row: str(row["id"]))
        ]

    def instants(self, job: FoundJob, *, after: datetime, count: int) -> list[datetime]:
        """By its own triggers, where its package is. Raises: NoInstants."""
        return apscheduler4_instants.instants(job.trigger, after=after, count=count, library=self._library)

    def pause(self, ids: Collection[str]) -> None:
        """As `pause_schedule` does. Raises: SourceAway, SourceNotUnderstood."""
        self._write(ids, paused=True)

    def resume(self, ids: Collection[str], *, not_before: datetime) -> None:
        """As `unpause_schedule` does where the next run is still to come. Raises: SourceReadOnly, where it is not."""
        paused = {job.id: job for job in self.jobs() if job.id in ids and job.paused}
        gone_by = [job_id for job_id, job in paused.items() if job.next_run_at is None or job.next_run_at < not_before]
        if gone_by:
            said = " and ".join(f"unpause_schedule({job_id!r}, resume_from='now')" for job_id in sorted(gone_by))
            raise SourceReadOnly(self.label, f"a run went by, which only APScheduler can pass over: call {said}")
        self._write(paused, paused=False)

    def are_paused(self, ids: Collection[str]) -> dict[str, bool]:
        paused = {row["id"]: bool(row["paused"]) for row in self._rows()}
        return {job_id: paused.get(job_id, True) for job_id in ids}

    def waits(self, ids: Collection[str]) -> dict[str, datetime]:
        paused = self.are_paused(ids)
        due = {row["id"]: _instant(row["next_fire_time"]) for row in self._rows()}
        return {job_id: at for job_id in ids if not paused[job_id] and (at := due.get(job_id)) is not None}

    def last_runs(self, ids: Sequence[str]) -> dict[str, datetime]:
        runs = {row["id"]: _instant(row["last_fire_time"]) for row in self._rows()}
        return {job_id: at for job_id in ids if (at := runs.get(job_id)) is not None}

    def _rows(self) -> Sequence[RowMapping]:
        with self._store.reading() as connection:
            return connection.execute(select(self._store.table(connection, "schedules"))).mappings().all()

    def _write(self, ids: Collection[str], *, paused: bool) -> None:
        with self._store.writing() as connection:
            table = self._store.table(connection, "schedules", needs=("id", "paused"))
            connection.execute(table.update().where(table.c.id.in_(list(ids))).values(paused=paused))

    def _held(self, rows: Sequence[RowMapping]) -> dict[str, Any]:
        """What each column holds, by `column id`."""
        raw = {f"{name} {row['id']}": bytes(row[name] or b"") for row in rows for name in _PICKLED}
        pickles = {key: data for key, data in raw.items() if data[:1] == b"\x80"}
        opened = (
            trusting.opened(pickles, allow=self._allow) if self._trust else dict.fromkeys(pickles, Refusal(UNTRUSTED))
        )
        return {key: opened[key] if key in opened else _json(data) for key, data in raw.items()}


def _found(row: RowMapping, task: Mapping[str, Any], held: Mapping[str, Any]) -> FoundJob:
    trigger = _trigger(held[f"trigger {row['id']}"], row["max_jitter"])
    grace = _seconds(row["misfire_grace_time"])
    return FoundJob(
        row["id"],
        row["id"],
        trigger,
        function=task.get("func"),
        args=_arguments(held[f"args {row['id']}"], list),
        kwargs=_arguments(held[f"kwargs {row['id']}"], dict),
        paused=bool(row["paused"]),
        next_run_at=_instant(row["next_fire_time"]),
        last_run_at=_instant(row["last_fire_time"]),
        misfire_grace_seconds=None if grace is None else int(grace),
        coalesce=str(row["coalesce"]).rpartition(".")[2] != "all",
        max_instances=task.get("max_running_jobs"),
        problems=(f"It is the job executor's: {row['job_executor']}.",) if row["job_executor"] != "threadpool" else (),
        original={
            **plain({name: value for name, value in row.items() if name not in _PICKLED}),
            "trigger": repr(trigger),
        },
    )


def _trigger(held: Any, max_jitter: Any) -> FoundTrigger:
    if isinstance(held, Refusal):
        return Unreadable(held.why)
    if isinstance(held, dict) and _MAGIC in held:
        of, state = held[_MAGIC]
        return _of_class(of.replace(":", "."), state, int(_seconds(max_jitter) or 0))
    if isinstance(held, Foreign):
        return _of_class(held.of, held.state, int(_seconds(max_jitter) or 0))
    return Unreadable("its trigger is in no form that is read here")


def _of_class(of: str, state: Any, jitter: int) -> FoundTrigger:
    reader = _READERS.get(of.rpartition(".")[2]) if of.startswith("apscheduler.triggers.") else None
    if reader is None:
        return Unreadable(f"its trigger is a {of}, which is none of APScheduler's own")
    try:
        if state["version"] > NEWEST:
            return Unreadable(f"its trigger {of} is of version {state['version']}; known is {NEWEST}")
        return reader(state, jitter)
    except (KeyError, TypeError, AttributeError, ValueError) as why:
        return Unreadable(f"the state of its trigger {of} is not as expected ({type(why).__name__}: {why})")


def _cron(state: Any, jitter: int) -> FoundTrigger:
    fields = dict(zip(_FIELDS, state["fields"], strict=True))
    return FoundCron(fields, _zone(state["timezone"]), _at(state["start_time"]), _at(state["end_time"]), jitter)


def _interval(state: Any, jitter: int) -> FoundTrigger:
    every = timedelta(**dict(zip(_INTERVAL, state["interval"], strict=True)))
    return FoundInterval(every, "UTC", _at(state["start_time"]), _at(state["end_time"]), jitter)


def _date(state: Any, _jitter: int) -> FoundTrigger:
    at = _at(state["run_time"])
    return Unreadable("its date is none") if at is None else FoundDate(at)


def _calendar_interval(state: Any, jitter: int) -> FoundTrigger:
    years, months, weeks, days = state["interval"]
    hour, minute, second = state["time"]
    zone = _zone(state["timezone"])
    start, end = (_on(state[name], time(hour, minute, second), zone) for name in ("start_date", "end_date"))
    return FoundCalendarInterval(years, months, weeks, days, (hour, minute, second), zone, start, end, jitter)


def _and(state: Any, jitter: int) -> FoundTrigger:
    return FoundCombination("and", _parts(state), jitter)


def _or(state: Any, jitter: int) -> FoundTrigger:
    return FoundCombination("or", _parts(state), jitter)


def _parts(state: Any) -> tuple[FoundTrigger, ...]:
    return tuple(_of_class(of.replace(":", "."), inner, 0) for of, inner in state["triggers"])


_READERS: dict[str, Callable[[Any, int], FoundTrigger]] = {
    "CronTrigger": _cron,
    "IntervalTrigger": _interval,
    "DateTrigger": _date,
    "CalendarIntervalTrigger": _calendar_interval,
    "AndTrigger": _and,
    "OrTrigger": _or,
}


def _arguments(held: Any, of: Callable[[Any], Any]) -> Any:
    if isinstance(held, Refusal):
        return Unreadable(held.why)
    problem = plain_problem(held)
    return of(held) if problem is None else Unreadable(problem)


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return Refusal("it is in CBOR, or another form that is not read here")


def _zone(held: Any) -> str:
    return held.name if isinstance(held, Zone) else str(held)


def _at(held: Any) -> datetime | None:
    return datetime.fromisoformat(held) if isinstance(held, str) else held


def _on(day: Any, clock: time, zone: str) -> datetime | None:
    if day is None:
        return None
    date = datetime.fromisoformat(day) if isinstance(day, str) else day
    return zones.resolve(datetime.combine(date, clock), zones.load(zone))


def _instant(held: Any) -> datetime | None:
    """With a time zone, or microseconds since 1970 where the database has none."""
    if isinstance(held, int):
        return datetime.fromtimestamp(held / 1_000_000, UTC)
    return held.astimezone(UTC) if isinstance(held, datetime) else None


def _seconds(held: Any) -> float | None:
    """An interval, or microseconds where the database has none."""
    if held is None:
        return None
    return held.total_seconds() if isinstance(held, timedelta) else held / 1_000_000
