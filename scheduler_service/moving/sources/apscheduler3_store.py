"""A job store of APScheduler 3, whichever it is: what its jobs are, and how one is paused under a scheduler's eyes.

A scheduler there sleeps until the earliest `next_run_time` that it saw, and reads the store again when it wakes. So a
job paused here is not run at its next instant. One that is resumed here is seen when that scheduler next wakes: where
none of its jobs is left to wake it, only `scheduler.wakeup()` in that process does.

It reads the jobs that are due, submits them, and then writes each back without looking: a pause that falls between is
written over. So it is looked at again after a moment, and repeated.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from threading import Event
from typing import NamedTuple

from scheduler_service.errors import PickleNotTrusted, SourceAway
from scheduler_service.moving.found import FoundJob
from scheduler_service.moving.sources import apscheduler3_instants, trusting
from scheduler_service.moving.sources.apscheduler3_jobs import found_job, untrusted_job

#: A scheduler that read a job before we paused it writes it back within this, unless its store is very slow.
SETTLED_SECONDS = 0.3
TRIES = 10


class Stored(NamedTuple):
    """A job as the store has it; it is paused where it is never due."""

    state: bytes
    due_at: datetime | None


class Apscheduler3Store:
    """What is the same for every store; each reads and writes in its own way."""

    kind = "apscheduler3"
    label: str

    def __init__(self, *, trust_pickle: bool, allow: Collection[str]) -> None:
        self._trust, self._allow = trust_pickle, allow

    def _read(self, ids: Collection[str] | None = None) -> dict[str, Stored]:
        """These jobs, or all, in one snapshot. Raises: SourceAway, SourceNotUnderstood."""
        raise NotImplementedError

    def _write(self, due: Mapping[str, datetime | None]) -> int:
        """Pause or resume jobs; how many were changed: not one that is so already, nor one that is gone."""
        raise NotImplementedError

    def jobs(self) -> list[FoundJob]:
        stored = self._read()
        if not self._trust:
            found = [untrusted_job(job_id, one.due_at) for job_id, one in stored.items()]
        else:
            held = trusting.opened({job_id: one.state for job_id, one in stored.items()}, allow=self._allow)
            found = [found_job(job_id, one.due_at, held[job_id]) for job_id, one in stored.items()]
        return sorted(found, key=lambda job: (job.name, job.id))

    def instants(self, job: FoundJob, *, after: datetime, count: int) -> list[datetime]:
        return apscheduler3_instants.instants(job, after=after, count=count)

    def pause(self, ids: Collection[str]) -> None:
        """As `pause_job` does, in the store and in the pickle; none is opened for it.

        Whoever goes by it asks `are_paused` once more a second later. Raises: SourceAway, SourceNotUnderstood.
        """
        for _ in range(TRIES):
            if not self._write(dict.fromkeys(ids)):
                return
            Event().wait(SETTLED_SECONDS)
        raise SourceAway(self.label, f"its scheduler wrote over the pause of {', '.join(sorted(ids)[:5])} each time")

    def resume(self, ids: Collection[str], *, not_before: datetime) -> None:
        """As `resume_job` would at that instant; a trigger that has no instant more keeps its job paused.

        Raises: PickleNotTrusted, NoInstants, SourceAway, SourceNotUnderstood.
        """
        if not self._trust:
            raise PickleNotTrusted(self.label, "when a job is next due")
        paused = [job for job in self.jobs() if job.id in ids and job.paused]
        firsts = {job.id: apscheduler3_instants.first(job, not_before) for job in paused}
        wanted: dict[str, datetime | None] = {job_id: at for job_id, at in firsts.items() if at is not None}
        for _ in range(TRIES):
            self._write(wanted)
            there = self._read(wanted.keys())
            wanted = {job_id: at for job_id, at in wanted.items() if job_id in there and there[job_id].due_at is None}
            if not wanted:
                return
        raise SourceAway(self.label, "its jobs change faster than they can be resumed")

    def are_paused(self, ids: Collection[str]) -> dict[str, bool]:
        there = self._read(ids)
        return {job_id: job_id not in there or there[job_id].due_at is None for job_id in ids}

    def waits(self, ids: Collection[str]) -> dict[str, datetime]:
        return {job_id: one.due_at for job_id, one in self._read(ids).items() if one.due_at is not None}

    def last_runs(self, ids: Sequence[str]) -> dict[str, datetime]:
        """No store says."""
        return {}
