"""APScheduler 3 in a process of its own: jobs that come every second and write down each time, until it is ended."""

import sys
import time
from pathlib import Path

from apscheduler.jobstores.base import BaseJobStore
from apscheduler.jobstores.redis import RedisJobStore
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.blocking import BlockingScheduler

JOBS = ("a", "b", "c")


def note(path: str, name: str) -> None:
    """One line for each run."""
    with Path(path).open("a") as out:
        out.write(f"{name} {time.time():.3f}\n")


def store_at(place: str) -> BaseJobStore:
    if place.startswith("redis"):
        port = int(place.rpartition(":")[2].partition("/")[0])
        return RedisJobStore(host="127.0.0.1", port=port)
    return SQLAlchemyJobStore(url=place)


def main(place: str, path: str) -> None:
    scheduler = BlockingScheduler(jobstores={"default": store_at(place)}, timezone="UTC")
    for name in JOBS:
        scheduler.add_job(note, "cron", second="*", args=[path, name], id=name, replace_existing=True)
    scheduler.start()


if __name__ == "__main__":
    main(*sys.argv[1:])
