"""The process that asks APScheduler 4's own triggers: its package and version 3's cannot be in one process.

Run alone, with the folder of that package first in its path. It hears one document, and answers with instants.
"""

import json
import sys
from datetime import datetime, timedelta
from math import ceil
from typing import Any

TICK = timedelta(microseconds=1)
MOST_STEPS = 100_000


def trigger(said: dict[str, Any], after: datetime) -> Any:
    """The library's own trigger, which starts a little before `after` where its kind allows."""
    from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger
    from apscheduler.triggers.combining import AndTrigger, OrTrigger
    from apscheduler.triggers.cron import CronTrigger
    from apscheduler.triggers.date import DateTrigger
    from apscheduler.triggers.interval import IntervalTrigger

    kind, given = said["kind"], said["given"]
    if kind in ("and", "or"):
        return (AndTrigger if kind == "and" else OrTrigger)([trigger(part, after) for part in given])
    for name in ("start_time", "end_time", "run_time"):
        if given.get(name):
            given[name] = datetime.fromisoformat(given[name])
    if kind == "cron":
        return CronTrigger(**{**given, "start_time": max(given.get("start_time") or after, after)})
    if kind == "interval":
        start, every = given["start_time"], timedelta(seconds=given["seconds"])
        given["start_time"] = start + max(0, ceil((after - start) / every)) * every
        return IntervalTrigger(**given)
    return (CalendarIntervalTrigger if kind == "calendar" else DateTrigger)(**given)


def main() -> None:
    said = json.load(sys.stdin)
    after = datetime.fromisoformat(said["after"])
    asked = trigger(said["trigger"], after)
    found: list[str] = []
    for _ in range(MOST_STEPS):
        instant = asked.next()
        if instant is None or len(found) >= said["count"]:
            break
        if instant > after:
            found.append(instant.isoformat())
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
