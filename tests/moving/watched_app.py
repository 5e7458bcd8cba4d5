"""A Celery with a `beat_schedule` of its own, as it runs before it is moved; WATCHED_BROKER is its broker."""

import os

from celery import Celery
from celery.schedules import crontab

app = Celery("watched", broker=os.environ.get("WATCHED_BROKER", "redis://"), set_as_current=False)
app.conf.update(
    task_ignore_result=True,
    beat_schedule={
        "each second": {"task": "watched.count", "schedule": 1.0, "args": ("a",)},
        "each two seconds": {"task": "watched.count", "schedule": 2.0, "kwargs": {"key": "b"}},
        "nightly": {"task": "watched.count", "schedule": crontab(minute=0, hour=3), "args": ("night",)},
        "twin": {"task": "watched.count", "schedule": 2.0, "args": ("twin",)},
        "other twin": {"task": "watched.count", "schedule": 3.0, "args": ("twin",)},
    },
)


@app.task(name="watched.count")  # type: ignore[untyped-decorator]
def count(key: str) -> str:
    """Do nothing."""
    return key
