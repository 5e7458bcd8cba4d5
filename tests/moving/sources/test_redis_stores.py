"""What other schedulers keep in Redis: APScheduler 3's job store, and RedBeat's entries."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from apscheduler.jobstores.redis import RedisJobStore

from scheduler_service.errors import SourceAway
from scheduler_service.moving.found import FoundCron, FoundCrontab, FoundInterval, FoundJob, FoundRrule, Source
from scheduler_service.moving.sources.opening import open_source
from tests.moving.peers import run_peer
from tests.moving.sources.aps3 import TRIGGERS, fill, scheduler
from tests.support.broker import Broker

NOT_BEFORE = datetime(2089, 1, 1, tzinfo=UTC)
RAN = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)

_REDBEAT = """
import json, sys, warnings
from datetime import datetime, timedelta, timezone
warnings.simplefilter("ignore")
from celery import Celery
from celery.schedules import crontab, schedule
from redbeat import RedBeatSchedulerEntry, RedBeatScheduler
from redbeat.schedules import rrule
from redbeat.schedulers import RedBeatConfig, get_redis
app = Celery("theirs", broker=sys.argv[1], set_as_current=True)
app.conf.update(redbeat_redis_url=sys.argv[1], redbeat_key_prefix="shop:", redbeat_lock_key=None)
"""
_FILL = """
ran = datetime(2026, 11, 1, 9, 30, tzinfo=timezone.utc)
def add(name, when, **more):
    entry = RedBeatSchedulerEntry(name, "shop.count", when, app=app, args=["a"], kwargs={"b": 1}, **more)
    entry.last_run_at = ran
    entry.save()
add("every 90 s", schedule(timedelta(seconds=90)), options={"queue": "heavy", "expires": 30})
add("nightly", crontab(minute=30, hour="2,4", day_of_week="1-5"), enabled=False)
start = datetime(2026, 1, 1, 8, tzinfo=timezone.utc)
add("second fridays", rrule("MONTHLY", dtstart=start, byweekday=4, bysetpos=2))
app.conf.beat_schedule = {"from code": {"task": "shop.code", "schedule": 60.0}}
RedBeatScheduler(app, lazy=True).setup_schedule()
"""
_ASK = """
told = {}
for key in get_redis(app).zrange("shop::schedule", 0, -1, withscores=True):
    entry = RedBeatSchedulerEntry.from_key(key[0], app=app)
    told[entry.name] = [bool(entry.is_due()[0]), entry.enabled, key[1]]
print(json.dumps(told))
"""


def jobs_of(source: Source) -> dict[str, FoundJob]:
    return {job.name: job for job in source.jobs()}


def theirs(broker: Broker) -> dict[str, tuple[bool, bool, float]]:
    """What RedBeat itself sees: due now, enabled, and when it looks at it next."""
    told: dict[str, Any] = json.loads(run_peer("redbeat", _REDBEAT + _ASK, broker.url))
    return {name: (due, enabled, score) for name, (due, enabled, score) in told.items()}


def test_apscheduler_3_in_redis_is_read_paused_and_resumed(broker: Broker) -> None:
    store = RedisJobStore(host="127.0.0.1", port=broker.port, jobs_key="j", run_times_key="r")
    fill(store)
    source = open_source(f"apscheduler+{broker.url}?jobs_key=j&run_times_key=r", trust_pickle=True)
    found = jobs_of(source)
    assert found.keys() == {*TRIGGERS, "paused", "odd args", "method"}
    assert found["nightly"].trigger == FoundCron({"hour": "2", "minute": "30"}, "Europe/Berlin")
    assert [job.name for job in found.values() if job.paused] == ["paused"]

    source.pause(["nightly", "gone"])
    with scheduler(RedisJobStore(host="127.0.0.1", port=broker.port, jobs_key="j", run_times_key="r")) as opened:
        assert opened.get_job("nightly").next_run_time is None
        assert "nightly" not in [job.id for job in opened._jobstores["default"].get_due_jobs(NOT_BEFORE)]
    assert source.are_paused(["nightly", "gone", "once"]) == {"nightly": True, "gone": True, "once": False}

    source.resume(["nightly"], not_before=NOT_BEFORE)
    with scheduler(RedisJobStore(host="127.0.0.1", port=broker.port, jobs_key="j", run_times_key="r")) as opened:
        expected = TRIGGERS["nightly"].get_next_fire_time(None, NOT_BEFORE)
        assert opened.get_job("nightly").next_run_time == expected
        assert opened._jobstores["default"].get_next_run_time() < expected


def test_a_redis_that_is_away_is_said_without_its_password(broker: Broker) -> None:
    source = open_source("apscheduler+redis://me:secret@127.0.0.1:1/0")

    with pytest.raises(SourceAway) as away:
        source.jobs()

    assert "secret" not in str(away.value)
    assert source.label == "apscheduler+redis://127.0.0.1:1/0"


@pytest.mark.takes(5)
def test_redbeat_is_read_paused_and_resumed(broker: Broker) -> None:
    run_peer("redbeat", _REDBEAT + _FILL, broker.url)
    source = open_source(f"redbeat+{broker.url}?prefix=shop:", timezone="Europe/Berlin")

    found = jobs_of(source)
    assert found["every 90 s"].trigger == FoundInterval(timedelta(seconds=90), start=RAN)
    assert found["every 90 s"].fields == {"queue": "heavy", "expire_seconds": 30}
    assert (found["every 90 s"].args, found["every 90 s"].last_run_at) == (["a"], RAN)
    assert found["nightly"].trigger == FoundCrontab("30", "2,4", "*", "*", "1-5", "Europe/Berlin")
    assert [job.name for job in found.values() if job.paused] == ["nightly"]
    assert isinstance(found["second fridays"].trigger, FoundRrule)
    days = source.instants(found["second fridays"], after=RAN, count=2)
    assert days == [datetime(2026, 11, 13, 8, tzinfo=UTC), datetime(2026, 12, 11, 8, tzinfo=UTC)]
    assert "beat_schedule names it" in found["from code"].problems[0]

    source.pause([found["every 90 s"].id])
    assert theirs(broker)["every 90 s"][:2] == (False, False)
    assert source.are_paused([found["every 90 s"].id, "gone"]) == {found["every 90 s"].id: True, "gone": True}

    not_before = datetime.now(UTC) + timedelta(minutes=10)
    source.resume([found["every 90 s"].id, found["nightly"].id], not_before=not_before)
    due, enabled, score = theirs(broker)["every 90 s"]
    assert (due, enabled) == (False, True)
    assert timedelta() <= datetime.fromtimestamp(score + 1, UTC) - not_before <= timedelta(seconds=91)
    assert theirs(broker)["nightly"][:2] == (False, True)
