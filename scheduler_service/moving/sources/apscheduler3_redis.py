"""APScheduler 3's Redis job store: a hash of pickled jobs, and a sorted set of when each that is not paused is due."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from scheduler_service.moving.sources.apscheduler3_jobs import instant_of
from scheduler_service.moving.sources.apscheduler3_store import Apscheduler3Store, Stored
from scheduler_service.moving.sources.pickled_state import with_next_run_time
from scheduler_service.moving.sources.redis_store import RedisStore


class Apscheduler3Redis(Apscheduler3Store):
    """A job store in two keys."""

    def __init__(self, url: str, *, trust_pickle: bool, allow: Collection[str] = ()) -> None:
        super().__init__(trust_pickle=trust_pickle, allow=allow)
        self._store = RedisStore("apscheduler", url, options=frozenset({"jobs_key", "run_times_key"}))
        self._jobs_key = self._store.options.get("jobs_key", "apscheduler.jobs")
        self._due_key = self._store.options.get("run_times_key", "apscheduler.run_times")
        self.label = self._store.label

    def _read(self, ids: Collection[str] | None = None) -> dict[str, Stored]:
        with self._store.client() as client, client.pipeline(transaction=True) as pipe:
            pipe.hgetall(self._jobs_key)
            pipe.zrange(self._due_key, 0, -1, withscores=True)
            states, scores = pipe.execute()
        due = {job_id: instant_of(score) for job_id, score in scores}
        found = {job_id.decode(): Stored(bytes(state), due.get(job_id)) for job_id, state in states.items()}
        return found if ids is None else {job_id: found[job_id] for job_id in ids if job_id in found}

    def _write(self, due: Mapping[str, datetime | None]) -> int:
        return sum(self._write_job(job_id, at) for job_id, at in due.items())

    def _write_job(self, job_id: str, at: datetime | None) -> bool:
        def change(pipe: Any) -> bool:
            state, score = pipe.hget(self._jobs_key, job_id), pipe.zscore(self._due_key, job_id)
            pipe.multi()
            if state is None or (score is None) == (at is None):
                return False
            pipe.hset(self._jobs_key, job_id, with_next_run_time(state, at, label=self.label))
            if at is None:
                pipe.zrem(self._due_key, job_id)
            else:
                pipe.zadd(self._due_key, {job_id: at.timestamp()})
            return True

        return self._store.changed([self._jobs_key, self._due_key], change)
