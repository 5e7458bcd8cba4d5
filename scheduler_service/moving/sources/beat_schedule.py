"""A Celery `beat_schedule`: of an app, which is imported as `celery -A` does, or in Beat's own shelve file.

Neither can be paused from here: the first is code, and the second is written from it when Beat starts.
"""

import dbm
import shutil
import sys
import tempfile
from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from scheduler_service.errors import PickleNotTrusted, SourceAway, SourceNotUnderstood, SourceReadOnly
from scheduler_service.moving.found import FoundJob
from scheduler_service.moving.sources import celery_instants, trusting
from scheduler_service.moving.sources.celery_entries import entry_job, found_schedule
from scheduler_service.moving.sources.trusting import Foreign, Refusal

KIND = "beat-schedule"
INSTEAD = "take the entry out of beat_schedule, or put it back, and start Beat again"
_SUFFIXES = ("", ".db", ".dat", ".dir", ".bak", ".pag")


class _ReadOnly:
    """What both have in common: they are looked at once, and changed by hand."""

    kind = KIND
    label: str

    def jobs(self) -> list[FoundJob]:
        raise NotImplementedError

    def instants(self, job: FoundJob, *, after: datetime, count: int) -> list[datetime]:
        return celery_instants.instants(job, after=after, count=count)

    def pause(self, ids: Collection[str]) -> None:
        raise SourceReadOnly(self.label, INSTEAD)

    def resume(self, ids: Collection[str], *, not_before: datetime) -> None:
        raise SourceReadOnly(self.label, INSTEAD)

    def are_paused(self, ids: Collection[str]) -> dict[str, bool]:
        there = {job.id for job in self.jobs()}
        return {job_id: job_id not in there for job_id in ids}

    def waits(self, ids: Collection[str]) -> dict[str, datetime]:
        """Beat works it out anew."""
        return {}

    def last_runs(self, ids: Sequence[str]) -> dict[str, datetime]:
        runs = {job.id: job.last_run_at for job in self.jobs()}
        return {job_id: at for job_id in ids if (at := runs.get(job_id)) is not None}


class BeatScheduleOfApp(_ReadOnly):
    """`package.module:app`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.label = f"{KIND}:{name}"

    def jobs(self) -> list[FoundJob]:
        from celery.schedules import maybe_schedule

        app = self._app()
        timezone = str(app.timezone)
        found = []
        for name, entry in sorted(app.conf.beat_schedule.items()):
            schedule = maybe_schedule(entry["schedule"], relative=entry.get("relative", False), app=app)
            kind, arguments = type(schedule).__name__, schedule.__reduce__()[1]
            trigger = found_schedule(kind, arguments, timezone=timezone, start=None)
            given = {part: entry.get(part) for part in ("args", "kwargs", "options")}
            found.append(entry_job(name, entry["task"], trigger, **given))
        return found

    def _app(self) -> Any:
        from celery.app.utils import find_app

        if str(Path.cwd()) not in sys.path:
            sys.path.insert(0, str(Path.cwd()))  # as `celery -A` does
        try:
            return find_app(self._name)
        except (ImportError, AttributeError) as why:
            raise SourceAway(self.label, f"the app cannot be imported ({why})") from why


class BeatScheduleFile(_ReadOnly):
    """Beat's `celerybeat-schedule`, read from a copy: Beat holds a lock on it while it runs."""

    def __init__(self, path: str, *, trust_pickle: bool, allow: Collection[str] = ()) -> None:
        self._path = Path(path)
        self._trust, self._allow = trust_pickle, allow
        self.label = f"{KIND}:{self._path.resolve()}"

    def jobs(self) -> list[FoundJob]:
        if not self._trust:
            raise PickleNotTrusted(self.label, "the whole schedule")
        held = trusting.opened(self._values(), allow=self._allow)
        entries = held.get("entries")
        if isinstance(entries, Refusal):
            raise SourceNotUnderstood(self.label, f"its entries were not opened: {entries.why}")
        if not isinstance(entries, dict):
            raise SourceNotUnderstood(self.label, "it holds no entries")
        timezone = str(held.get("tz") or "UTC")
        return [self._job(entry, timezone) for _, entry in sorted(entries.items())]

    def _job(self, entry: Any, timezone: str) -> FoundJob:
        if not isinstance(entry, Foreign) or entry.of != "celery.beat.ScheduleEntry":
            raise SourceNotUnderstood(self.label, "an entry is not Celery's own")
        name, task, last_run_at, total_run_count, schedule, args, kwargs, options = entry.arguments
        kind = schedule.of.removeprefix("celery.schedules.")
        trigger = found_schedule(kind, schedule.arguments, timezone=timezone, start=last_run_at)
        facts: dict[str, Any] = {"last_run_at": last_run_at, "total_run_count": total_run_count}
        return entry_job(name, task, trigger, args=args, kwargs=kwargs, options=options, **facts)

    def _values(self) -> dict[str, bytes]:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "schedule"
            if not self._copied_to(copy):
                raise SourceAway(self.label, "there is no such file")
            try:
                with dbm.open(str(copy), "r") as opened:
                    return {bytes(key).decode(): opened[key] for key in list(opened.keys())}  # type: ignore[arg-type]
            except dbm.error as why:
                raise SourceNotUnderstood(self.label, f"it is no shelve that is read here ({why})") from why

    def _copied_to(self, copy: Path) -> bool:
        there = [suffix for suffix in _SUFFIXES if Path(f"{self._path}{suffix}").is_file()]
        for suffix in there:
            shutil.copyfile(f"{self._path}{suffix}", f"{copy}{suffix}")
        return bool(there)
