"""Somebody's own Celery app, tracked by one call. Its tasks count their own executions, in Redis beside the broker.

SAMPLE_BROKER names the broker; SCHEDULER_DATABASE_URL the service's database; SAMPLE_UNTRACKED leaves tracking out.
"""

import os
import signal
from threading import Event
from typing import Any

from celery import Celery, Task
from redis import Redis

BROKER = os.environ["SAMPLE_BROKER"]

app = Celery("sample", broker=BROKER, backend=BROKER)
app.conf.update(
    broker_transport_options={"unacked_restore_interval": 1, "unacked_restore_throttle": 1},
    broker_connection_retry_on_startup=True,
    worker_prefetch_multiplier=1,
    task_default_queue="sample",
    timezone="Europe/Berlin",
    beat_schedule={"from code": {"task": "sample.count", "schedule": 3600.0, "args": ["static"]}},
)
if "SAMPLE_UNTRACKED" not in os.environ:
    from scheduler_service.worker import track

    track(app)

executions = Redis.from_url(BROKER)


def executed(task: Task, key: str) -> int:
    """Count this execution, under a key and under the run; how many there are under the key now."""
    executions.rpush("executed", task.request.id)
    count: int = executions.incr(f"executed:{key}")
    return count


@app.task(name="sample.count", bind=True)
def count(self: Task, key: str) -> int:
    """Count an execution."""
    return executed(self, key)


@app.task(name="sample.sleep", bind=True, acks_late=True)
def sleep(self: Task, key: str, seconds: float = 1.0) -> str:
    """Take a while."""
    executed(self, key)
    Event().wait(seconds)
    executions.incr(f"finished:{key}")
    return "slept"


@app.task(name="sample.sleep_early", bind=True)
def sleep_early(self: Task, key: str, seconds: float = 1.0) -> str:
    """Take a while, acknowledged before."""
    executed(self, key)
    Event().wait(seconds)
    return "slept"


@app.task(name="sample.flaky", bind=True, max_retries=5)
def flaky(self: Task, key: str, failures: int) -> int:
    """Fail so many times, then succeed; retried at once, which is the hardest case."""
    tried = executed(self, key)
    if tried <= failures:
        raise self.retry(countdown=0, exc=ValueError(f"try {tried}"))
    return tried


@app.task(name="sample.fail", bind=True)
def fail(self: Task, key: str) -> None:
    """Fail."""
    executed(self, key)
    raise ValueError("it \x00 failed")


@app.task(name="sample.die", bind=True)
def die(self: Task, key: str) -> None:
    """Kill the executing process."""
    executed(self, key)
    os.kill(os.getpid(), signal.SIGKILL)


@app.task(name="sample.odd", bind=True, ignore_result=True)
def odd(self: Task, key: str, *, limit: int = 3) -> Any:
    """Return what no JSON can hold."""
    executed(self, key)
    return {1, limit}
