"""APScheduler 4's data store, made and read again by its own alpha."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scheduler_service.errors import SourceReadOnly
from scheduler_service.moving.found import (
    FoundCalendarInterval,
    FoundCombination,
    FoundCron,
    FoundDate,
    FoundInterval,
    FoundJob,
    NoInstants,
    Source,
    Unreadable,
)
from scheduler_service.moving.sources.opening import open_source
from tests.moving.peers import peer, run_peer

START = datetime(2026, 1, 1, 12, 30, tzinfo=UTC)

_OPENING = """
import asyncio, json, sys
from datetime import date, datetime, timedelta, timezone
from sqlalchemy import create_engine
from apscheduler import AsyncScheduler, CoalescePolicy
from apscheduler.datastores.sqlalchemy import SQLAlchemyDataStore
from apscheduler.serializers.json import JSONSerializer
from apscheduler.serializers.pickle import PickleSerializer
from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger
def store():
    serializer = {"pickle": PickleSerializer, "json": JSONSerializer}[sys.argv[2]]()
    return SQLAlchemyDataStore(create_engine(sys.argv[1]), serializer=serializer)
"""
_FILL = """
start = datetime(2026, 1, 1, 12, 30, tzinfo=timezone.utc)
cron = CronTrigger(hour="2", minute="30", day_of_week="1-5,0", start_time=start, timezone="Europe/Berlin")
interval = IntervalTrigger(hours=1, minutes=30, start_time=start)
triggers = {
    "cron": cron, "interval": interval, "either": OrTrigger([cron, IntervalTrigger(days=1, start_time=start)]),
    "once": DateTrigger(datetime(2090, 5, 4, 3, 2, 1, tzinfo=timezone.utc)),
    "quarterly": CalendarIntervalTrigger(months=3, hour=2, start_date=date(2026, 1, 31), timezone="Europe/Berlin"),
}
async def main():
    async with AsyncScheduler(store()) as scheduler:
        for name, trigger in triggers.items():
            more = {"misfire_grace_time": timedelta(seconds=9), "max_jitter": timedelta(seconds=5)}
            await scheduler.add_schedule(print, trigger, id=name, args=["x"], kwargs={"end": ""}, **more)
        await scheduler.pause_schedule("interval")
asyncio.run(main())
"""
_ASK = """
async def main():
    async with AsyncScheduler(store()) as scheduler:
        found = await scheduler.get_schedules()
        print(json.dumps({one.id: [one.paused, one.next_fire_time.isoformat()] for one in found}))
asyncio.run(main())
"""


@pytest.fixture
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('aps4')}/data.db"


def made(url: str, serializer: str) -> Source:
    run_peer("apscheduler4", _OPENING + _FILL, url, serializer)
    return open_source(f"apscheduler4+{url}", trust_pickle=serializer == "pickle")


def jobs_of(source: Source) -> dict[str, FoundJob]:
    return {job.id: job for job in source.jobs()}


@pytest.mark.takes(3)
@pytest.mark.parametrize("serializer", ["pickle", "json"])
def test_every_schedule_is_read(url: str, serializer: str) -> None:
    found = jobs_of(made(url, serializer))

    cron = found["cron"].trigger
    assert isinstance(cron, FoundCron)
    assert (cron.timezone, cron.jitter_seconds) == ("Europe/Berlin", 5)
    assert (cron.fields["hour"], cron.fields["minute"], cron.fields["second"]) == ("2", "30", "0")
    assert cron.fields["day_of_week"] == "mon-fri,sun"
    assert found["interval"].trigger == FoundInterval(timedelta(minutes=90), start=START, jitter_seconds=5)
    assert found["once"].trigger == FoundDate(datetime(2090, 5, 4, 3, 2, 1, tzinfo=UTC))
    assert isinstance(found["quarterly"].trigger, FoundCalendarInterval)
    assert isinstance(found["either"].trigger, FoundCombination)
    assert (found["cron"].function, found["cron"].args, found["cron"].kwargs) == ("builtins:print", ["x"], {"end": ""})
    assert found["cron"].misfire_grace_seconds == 9
    assert [job.id for job in found.values() if job.paused] == ["interval"]


def test_without_trust_the_columns_are_read(url: str) -> None:
    made(url, "pickle")

    found = jobs_of(open_source(f"apscheduler4+{url}"))

    assert isinstance(found["cron"].trigger, Unreadable)
    assert found["once"].next_run_at == datetime(2090, 5, 4, 3, 2, 1, tzinfo=UTC)


@pytest.mark.takes(3)
def test_it_sees_a_pause_and_a_resumption_and_passes_over_runs_itself(url: str) -> None:
    source = made(url, "pickle")

    source.pause(["once", "cron"])
    told: dict[str, Any] = json.loads(run_peer("apscheduler4", _OPENING + _ASK, url, "pickle"))
    assert (told["once"][0], told["cron"][0], told["quarterly"][0]) == (True, True, False)
    assert source.are_paused(["once", "quarterly", "gone"]) == {"once": True, "quarterly": False, "gone": True}
    due = {job.id: job.next_run_at for job in source.jobs()}
    assert source.waits(["once", "quarterly", "gone"]) == {"quarterly": due["quarterly"]}

    source.resume(["once"], not_before=datetime.now(UTC))
    assert source.are_paused(["once"]) == {"once": False}
    with pytest.raises(SourceReadOnly, match=r"unpause_schedule\('cron'"):
        source.resume(["cron"], not_before=datetime.now(UTC) + timedelta(days=30))


@pytest.mark.takes(3)
def test_its_own_triggers_are_asked_where_its_package_is(url: str) -> None:
    made(url, "pickle")
    source = open_source(f"apscheduler4+{url}", trust_pickle=True, library_path=peer("apscheduler4"))
    found, after = jobs_of(source), datetime(2026, 3, 27, 12, tzinfo=UTC)

    assert source.instants(found["interval"], after=after, count=2) == [
        after + timedelta(minutes=minutes) for minutes in (30, 120)
    ]
    # A Saturday is left out; on the Sunday the clocks skip 02:30, and it comes an hour later.
    assert source.instants(found["cron"], after=after, count=1) == [datetime(2026, 3, 29, 1, 30, tzinfo=UTC)]
    assert source.instants(found["once"], after=after, count=2) == [datetime(2090, 5, 4, 3, 2, 1, tzinfo=UTC)]
    assert source.instants(found["quarterly"], after=after, count=1) == [datetime(2026, 7, 31, 0, tzinfo=UTC)]
    assert len(source.instants(found["either"], after=after, count=50)) == 50


def test_without_its_package_it_is_not_asked(url: str) -> None:
    source = open_source(f"apscheduler4+{url}")

    with pytest.raises(NoInstants, match="--library-path"):
        source.instants(FoundJob("x", "x", FoundDate(START)), after=START, count=1)
