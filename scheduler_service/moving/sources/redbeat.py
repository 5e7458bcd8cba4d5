"""RedBeat: each entry a hash of JSON, and a sorted set of when they are due.

Its Beat reads an entry when it is due and not before, and never writes `definition` back: a pause stays. But entries
that the app's `beat_schedule` names are written anew whenever a Beat starts.
"""

import json
from calendar import timegm
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, weekday

from scheduler_service.errors import SourceNotUnderstood
from scheduler_service.moving.found import FoundInterval, FoundJob, FoundRrule, FoundTrigger, Unreadable
from scheduler_service.moving.sources import celery_instants
from scheduler_service.moving.sources.celery_entries import entry_job, found_crontab
from scheduler_service.moving.sources.redis_store import RedisStore

KIND = "redbeat"
PREFIX = "redbeat:"
_STATIC = "The app's beat_schedule names it, so a Beat that starts enables it again: take it out there after the move."
_MESSAGE_BYTES = 1024**2


class RedBeat:
    """A Redis with RedBeat's keys."""

    kind = KIND

    def __init__(self, url: str, *, timezone: str | None = None) -> None:
        self._store = RedisStore(KIND, url, options=frozenset({"prefix"}))
        self._prefix = self._store.options.get("prefix", PREFIX)
        self._schedule_key, self._statics_key = f"{self._prefix}:schedule", f"{self._prefix}:statics"
        self._timezone = timezone or "UTC"  # of crontabs: the app's, which is not stored
        self.label = self._store.label

    def jobs(self) -> list[FoundJob]:
        with self._store.client() as client, client.pipeline(transaction=True) as pipe:
            keys: Any = client.zrange(self._schedule_key, 0, -1)
            for key in keys:
                pipe.hgetall(key)
            pipe.smembers(self._statics_key)
            *entries, statics = pipe.execute()
        named = {name.decode() for name in statics}
        found = [self._found(key.decode(), entry, named) for key, entry in zip(keys, entries, strict=True) if entry]
        return sorted(found, key=lambda job: (job.name, job.id))

    def instants(self, job: FoundJob, *, after: datetime, count: int) -> list[datetime]:
        return celery_instants.instants(job, after=after, count=count)

    def pause(self, ids: Collection[str]) -> None:
        """Sets `enabled` to false in the definition. Raises: SourceAway, SourceNotUnderstood."""
        for job_id in ids:
            self._change(job_id, enabled=False)

    def resume(self, ids: Collection[str], *, not_before: datetime) -> None:
        """Sets it to true, and when it is next due: it runs nothing that came meanwhile."""
        for job in self.jobs():
            if job.id in ids and job.paused:
                following = next(iter(self.instants(job, after=not_before - timedelta(microseconds=1), count=1)), None)
                run_before = celery_instants.run_before(job, not_before)
                self._change(job.id, enabled=True, due_at=following, last_run_at=run_before)

    def are_paused(self, ids: Collection[str]) -> dict[str, bool]:
        paused = {job.id: job.paused for job in self.jobs()}
        return {job_id: paused.get(job_id, True) for job_id in ids}

    def waits(self, ids: Collection[str]) -> dict[str, datetime]:
        """Beat works it out anew."""
        return {}

    def last_runs(self, ids: Sequence[str]) -> dict[str, datetime]:
        runs = {job.id: job.last_run_at for job in self.jobs()}
        return {job_id: at for job_id in ids if (at := runs.get(job_id)) is not None}

    def _found(self, key: str, entry: dict[bytes, bytes], statics: set[str]) -> FoundJob:
        definition, meta = self._json(key, entry.get(b"definition")), self._json(key, entry.get(b"meta") or b"{}")
        last_run_at = _instant(meta.get("last_run_at"))
        trigger = self._trigger(definition.get("schedule"), last_run_at)
        job = entry_job(
            definition["name"],
            definition["task"],
            trigger,
            args=definition.get("args"),
            kwargs=definition.get("kwargs"),
            options=definition.get("options"),
            last_run_at=last_run_at,
            total_run_count=meta.get("total_run_count"),
        )
        problems = (*job.problems, _STATIC) if job.name in statics else job.problems
        paused = not definition.get("enabled", True)
        return FoundJob(**{**vars(job), "id": key, "paused": paused, "problems": problems, "original": definition})

    def _trigger(self, held: Any, last_run_at: datetime | None) -> FoundTrigger:
        kind = held.get("__type__") if isinstance(held, dict) else None
        try:
            if kind == "interval" and not held["relative"]:
                return FoundInterval(timedelta(seconds=held["every"]), start=last_run_at)
            if kind == "crontab":
                return found_crontab(held, self._timezone)
            if kind == "rrule":
                return _rrule(held)
        except (KeyError, TypeError, ValueError) as why:
            return Unreadable(f"its {kind} is not as expected ({type(why).__name__}: {why})")
        return Unreadable("its interval is `relative`" if kind == "interval" else f"its schedule is a {kind}")

    def _change(
        self, key: str, *, enabled: bool, due_at: datetime | None = None, last_run_at: datetime | None = None
    ) -> None:
        def change(pipe: Any) -> bool:
            held, meta = pipe.hget(key, "definition"), pipe.hget(key, "meta")
            pipe.multi()
            if held is None or bool((definition := self._json(key, held)).get("enabled", True)) is enabled:
                return False
            pipe.hset(key, "definition", json.dumps({**definition, "enabled": enabled}))
            if last_run_at is not None:
                told = {**self._json(key, meta or b"{}"), "last_run_at": _spelled(last_run_at)}
                pipe.hset(key, "meta", json.dumps(told))
                pipe.zadd(self._schedule_key, {key: -1 if due_at is None else timegm(due_at.utctimetuple())})
            return True

        self._store.changed([key, self._schedule_key], change)

    def _json(self, key: str, held: bytes | None) -> dict[str, Any]:
        try:
            found = json.loads((held or b"")[:_MESSAGE_BYTES])
        except ValueError as why:
            raise SourceNotUnderstood(self.label, f"the entry {key} is no JSON ({why})") from why
        if not isinstance(found, dict):
            raise SourceNotUnderstood(self.label, f"the entry {key} is no object")
        return found


def _rrule(held: dict[str, Any]) -> FoundTrigger:
    parts = {name: value for name, value in held.items() if value is not None and name != "__type__"}
    for name in ("dtstart", "until"):
        parts.pop(f"{name}_tz", None)
        if name in parts:
            parts[name] = datetime.fromtimestamp(parts[name], UTC).replace(tzinfo=None)
    days = parts.get("byweekday")
    if isinstance(days, list):
        parts["byweekday"] = [_weekday(day) for day in days]
    if "byeaster" in parts:
        return Unreadable("its rule counts from Easter, which RFC 5545 has no word for")
    written = str(rrule(**parts)).splitlines()
    return FoundRrule("\n".join(_in_utc(line) for line in written))


def _weekday(day: Any) -> Any:
    return weekday(day["wkday"]) if isinstance(day, dict) else day


def _in_utc(line: str) -> str:
    if line.startswith("DTSTART:"):
        return f"{line}Z"
    return ";".join(f"{part}Z" if part.startswith("UNTIL=") else part for part in line.split(";"))


def _instant(held: Any) -> datetime | None:
    if not isinstance(held, dict):
        return None
    zone = held.get("timezone", "UTC")
    tzinfo = ZoneInfo(zone) if isinstance(zone, str) else timezone(timedelta(seconds=zone))
    fields = ("year", "month", "day", "hour", "minute", "second", "microsecond")
    return datetime(*(held[name] for name in fields), tzinfo=tzinfo).astimezone(UTC)  # type: ignore[misc]


def _spelled(at: datetime) -> dict[str, Any]:
    fields = ("year", "month", "day", "hour", "minute", "second", "microsecond")
    instant = at.astimezone(UTC)
    return {"__type__": "datetime", **{name: getattr(instant, name) for name in fields}, "timezone": "UTC"}
