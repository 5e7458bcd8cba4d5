"""Somebody's own Celery app, tracked by one call. Its tasks count their own executions, in Redis beside the broker.

SAMPLE_BROKER names the broker; SCHEDULER_DATABASE_URL the service's database; SAMPLE_UNTRACKED leaves tracking out;
SAMPLE_VISIBILITY is after how many seconds the broker delivers again what nobody acknowledged.
"""

import os
import signal
import sys
from threading import Event
from typing import Any

from celery import Celery, Task
from celery.exceptions import Ignore, Reject
from redis import Redis

BROKER = os.environ["SAMPLE_BROKER"]

app = Celery("sample", broker=BROKER, backend=BROKER)
app.conf.update(
    broker_transport_options={
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
        "visibility_timeout": int(os.environ.get("SAMPLE_VISIBILITY", "3600")),
    },
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
    """Count this execution, under a key, the run and its attempt; how many there are under the key now."""
    executions.rpush("executed", task.request.id)
    executions.rpush("attempts", f"{task.request.get('run_id')} {task.request.retries + 1}")
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


@app.task(name="sample.autoretry", bind=True, autoretry_for=(ValueError,), max_retries=5, default_retry_delay=0)
def autoretry(self: Task, key: str, failures: int) -> int:
    """Fail so many times, then succeed; retried by Celery."""
    tried = executed(self, key)
    if tried <= failures:
        raise ValueError(f"try {tried}")
    return tried


@app.task(name="sample.reject", bind=True, acks_late=True)
def reject(self: Task, key: str, *, requeue: bool = False) -> None:
    """Reject its own message."""
    executed(self, key)
    raise Reject("not mine", requeue=requeue)


@app.task(name="sample.ignore", bind=True)
def ignore(self: Task, key: str) -> None:
    """Ask that its result be ignored."""
    executed(self, key)
    raise Ignore("nothing to do")


@app.task(name="sample.replace", bind=True)
def replace(self: Task, key: str) -> None:
    """Put another task in its place."""
    executed(self, key)
    self.replace(app.signature("sample.count", args=[f"{key} replaced"]))


@app.task(name="sample.stuck_once", bind=True)
def stuck_once(self: Task, key: str) -> int:
    """Never end the first time."""
    tried = executed(self, key)
    if tried == 1:
        Event().wait(600)
    return tried


@app.task(name="sample.stuck_once_late", bind=True, acks_late=True)
def stuck_once_late(self: Task, key: str) -> int:
    """Never end the first time, and say that it may be repeated."""
    tried = executed(self, key)
    if tried == 1:
        Event().wait(600)
    return tried


def end_process(how: str) -> None:
    """End the executing process."""
    if how == "exit":
        sys.exit(3)
    os.kill(os.getpid(), signal.Signals[how])


@app.task(name="sample.die", bind=True)
def die(self: Task, key: str, how: str = "SIGKILL") -> None:
    """End the executing process."""
    executed(self, key)
    end_process(how)


@app.task(name="sample.die_late", bind=True, acks_late=True)
def die_late(self: Task, key: str) -> None:
    """End the executing process, acknowledged after."""
    executed(self, key)
    end_process("SIGKILL")


@app.task(name="sample.die_requeued", bind=True, acks_late=True, reject_on_worker_lost=True)
def die_requeued(self: Task, key: str) -> None:
    """End the executing process, to be delivered again by the broker."""
    executed(self, key)
    end_process("SIGKILL")


@app.task(name="sample.die_retried", bind=True, retry_on_worker_lost=True, max_retries=2, default_retry_delay=0)
def die_retried(self: Task, key: str) -> int:
    """End the executing process once, to be retried by Celery."""
    tried = executed(self, key)
    if tried == 1:
        end_process("SIGKILL")
    return tried


class DiesAfterwards(Task):
    """Ends its process when its success is stored."""

    def on_success(self, retval: Any, task_id: str, args: Any, kwargs: dict[str, Any]) -> None:
        end_process(args[1])


@app.task(name="sample.die_afterwards", bind=True, base=DiesAfterwards)
def die_afterwards(self: Task, key: str, how: str) -> str:
    """Succeed, then end the executing process."""
    executed(self, key)
    return "done"


@app.task(name="sample.odd", bind=True, ignore_result=True)
def odd(self: Task, key: str, *, limit: int = 3) -> Any:
    """Return what no JSON can hold."""
    executed(self, key)
    return {1, limit}
