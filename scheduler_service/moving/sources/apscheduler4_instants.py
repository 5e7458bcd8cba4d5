"""When APScheduler 4 would run a schedule, by its own triggers in a process of their own."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scheduler_service.moving.found import (
    FoundCalendarInterval,
    FoundCombination,
    FoundCron,
    FoundDate,
    FoundInterval,
    FoundTrigger,
    NoInstants,
    Unreadable,
)
from scheduler_service.moving.sources import apscheduler4_asking
from scheduler_service.timing import zones

SECONDS = 30
_ABSENT = (
    "APScheduler 4 cannot be installed beside 3: pip install --target FOLDER 'apscheduler==4.0.0a6',"
    " and name the folder with --library-path"
)


def instants(found: FoundTrigger, *, after: datetime, count: int, library: Path | None) -> list[datetime]:
    """The next so many, in UTC, without jitter. Raises: NoInstants."""
    if library is None:
        raise NoInstants(_ABSENT)
    said = {"trigger": _said(found), "after": after.astimezone(UTC).isoformat(), "count": count}
    try:
        done = subprocess.run(
            [sys.executable, str(apscheduler4_asking.__file__)],
            input=json.dumps(said),
            env={**os.environ, "PYTHONPATH": str(library)},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=True,
        )
    except subprocess.TimeoutExpired:
        raise NoInstants(f"APScheduler 4 does not answer within {SECONDS} seconds") from None
    except subprocess.CalledProcessError as why:
        raise NoInstants(f"APScheduler 4 does not say: {why.stderr.strip().splitlines()[-1]}") from why
    return [datetime.fromisoformat(text).astimezone(UTC) for text in json.loads(done.stdout)]


def _said(found: FoundTrigger) -> dict[str, Any]:
    if isinstance(found, FoundCron):
        fields = {**found.fields, "timezone": found.timezone}
        return {"kind": "cron", "given": {**fields, **_bounds(found)}}
    if isinstance(found, FoundInterval):
        return {"kind": "interval", "given": {"seconds": found.every.total_seconds(), **_bounds(found)}}
    if isinstance(found, FoundDate):
        return {"kind": "date", "given": {"run_time": found.at.isoformat()}}
    if isinstance(found, FoundCalendarInterval):
        return {"kind": "calendar", "given": _calendar(found)}
    if isinstance(found, FoundCombination):
        return {"kind": found.how, "given": [_said(part) for part in found.parts]}
    raise NoInstants(found.why if isinstance(found, Unreadable) else "it is none of APScheduler's triggers")


def _bounds(found: FoundCron | FoundInterval) -> dict[str, str]:
    bounds = {"start_time": found.start, "end_time": found.end}
    return {name: at.isoformat() for name, at in bounds.items() if at is not None}


def _calendar(found: FoundCalendarInterval) -> dict[str, Any]:
    hour, minute, second = found.at
    every = {"years": found.years, "months": found.months, "weeks": found.weeks, "days": found.days}
    zone = zones.load(found.timezone)
    bounds = {"start_date": found.start, "end_date": found.end}
    days = {name: at.astimezone(zone).date().isoformat() for name, at in bounds.items() if at is not None}
    return {**every, **days, "hour": hour, "minute": minute, "second": second, "timezone": found.timezone}
