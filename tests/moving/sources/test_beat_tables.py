"""The tables of django-celery-beat and its kin, made and read again by those packages themselves."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scheduler_service.moving.found import (
    FoundCrontab,
    FoundDate,
    FoundInterval,
    FoundJob,
    FoundSolar,
    NoInstants,
    Source,
    Unreadable,
)
from scheduler_service.moving.sources.opening import open_source
from tests.moving.peers import run_peer

RAN = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)
END = datetime(2090, 1, 1, tzinfo=UTC)

_DJANGO = """
import json, os, sys, urllib.parse
from datetime import datetime, timezone
import django
from django.conf import settings
url = urllib.parse.urlsplit(sys.argv[1].replace("+psycopg", ""))
database = {"ENGINE": "django.db.backends.sqlite3", "NAME": url.path[1:]}
if url.scheme == "postgresql":
    host = url.hostname or dict(urllib.parse.parse_qsl(url.query)).get("host", "")
    database = {"ENGINE": "django.db.backends.postgresql", "NAME": url.path[1:], "USER": url.username,
                "PASSWORD": url.password or "", "HOST": host, "PORT": url.port or ""}
settings.configure(DATABASES={"default": database}, INSTALLED_APPS=["django_celery_beat"], USE_TZ=True,
                   DEFAULT_AUTO_FIELD="django.db.models.AutoField", CELERY_TIMEZONE="UTC")
django.setup()
from celery import Celery
from django_celery_beat.models import *
from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry
app = Celery("theirs", set_as_current=True)
app.conf.update(timezone="UTC", enable_utc=True)
"""
_SQLALCHEMY = """
import json, sys
from datetime import datetime, timezone
from celery import Celery
import {0}.models as models
from {0}.models import *
from {0}.session import SessionManager
from {0}.schedulers import DatabaseScheduler, ModelEntry
app = Celery("theirs", set_as_current=True)
app.conf.update(timezone="UTC", enable_utc=True, beat_dburi=sys.argv[1])
"""
_FILL = """
interval, crontab, solar, more = kinds()
add(name="every 90 s", task="shop.count", interval=interval, args='["a", 1]', kwargs='{"b": [2]}', queue="heavy",
    priority=3, expires=datetime(2090, 1, 1, tzinfo=timezone.utc))
add(name="nightly", task="shop.close", crontab=crontab, enabled=False)
add(name="sunset", task="shop.lights", solar=solar)
for name, task, fields in more:
    add(name=name, task=task, **fields)
add(name="broken", task="shop.count", interval=interval, args='[nope')
ran("every 90 s", datetime(2026, 11, 1, 9, 30, tzinfo=timezone.utc), 7)
ran("nightly", datetime(2026, 11, 1, 9, 30, tzinfo=timezone.utc), 7)
"""
_DJANGO_FILL = (
    """
from django.core.management import call_command
call_command("migrate", verbosity=0)
def kinds():
    when = ClockedSchedule.objects.create(clocked_time=datetime(2090, 5, 4, 3, 2, 1, tzinfo=timezone.utc))
    return (IntervalSchedule.objects.create(every=90, period="seconds"),
            CrontabSchedule.objects.create(minute="30", hour="2,4", day_of_week="1-5", timezone="Europe/Berlin"),
            SolarSchedule.objects.create(event="sunset", latitude=52.52, longitude=13.4),
            [("once", "shop.once", {"clocked": when, "one_off": True, "headers": '{"h": 1}', "expire_seconds": 60})])
add = PeriodicTask.objects.create
def ran(name, at, count):
    PeriodicTask.objects.filter(name=name).update(last_run_at=at, total_run_count=count)
"""
    + _FILL
)
_CSS_FILL = (
    """
engine, Session = SessionManager().create_session(sys.argv[1])
SessionManager().prepare_models(engine)
session = Session()
session.add(PeriodicTaskChanged(id=1, last_update=datetime.now()))
def made(row):
    session.add(row); session.commit(); return row
def kinds():
    return (made(IntervalSchedule(every=90, period="seconds")),
            made(CrontabSchedule(minute="30", hour="2,4", day_of_week="1-5", timezone="Europe/Berlin")),
            made(SolarSchedule(event="sunset", latitude=52.52, longitude=13.4)), [])
def add(**fields):
    made(PeriodicTask(**fields))
def ran(name, at, count):
    row = session.query(PeriodicTask).filter_by(name=name).one()
    row.last_run_at, row.total_run_count = at, count
    session.commit()
"""
    + _FILL
)
_SCB_FILL = (
    """
manager = SessionManager()
engine, Session = manager.create_session(sys.argv[1], schema=SCHEMA)
manager.prepare_models(engine, schema=SCHEMA)
session = Session()
def made(row):
    session.add(row); session.commit(); return row
def kinds():
    when = made(ClockedSchedule(clocked_time=datetime(2090, 5, 4, 3, 2, 1, tzinfo=timezone.utc)))
    return (made(IntervalSchedule(every=90, period=Period.SECONDS)),
            made(CrontabSchedule(minute="30", hour="2,4", day_of_week="1-5", timezone="Europe/Berlin")),
            made(SolarSchedule(event="sunset", latitude=52.52, longitude=13.4)),
            [("once", "shop.once", {"clocked": when, "one_off": True, "headers": '{"h": 1}', "expire_seconds": 60})])
def add(**fields):
    (when,) = [fields.pop(kind) for kind in ("interval", "crontab", "solar", "clocked") if kind in fields]
    made(PeriodicTask(schedule_model=when, **fields))
def ran(name, at, count):
    row = session.query(PeriodicTask).filter_by(name=name).one()
    row.last_run_at, row.total_run_count = at, count
    session.commit()
"""
    + _FILL
)
#: What their Beat would do with each enabled entry now: whether it is due, and in how many seconds to look again.
_ASK = """
told = {name: entry.is_due() for name, entry in DatabaseScheduler(app=app, lazy=True).all_as_schedule().items()}
print(json.dumps({name: [bool(due), wait] for name, (due, wait) in told.items()}))
"""
#: Its own entries cannot be asked: they lose their session. So their rows are.
_CSS_ASK = """
rows = SessionManager().create_session(sys.argv[1])[1]().query(PeriodicTask).filter_by(enabled=True)
ran = [(row.name, row.schedule, row.last_run_at.replace(tzinfo=timezone.utc)) for row in rows if row.last_run_at]
print(json.dumps({name: list(schedule.is_due(at)) for name, schedule, at in ran}))
"""


@dataclass(frozen=True)
class Peer:
    """One of the packages, with a database that it made."""

    name: str
    url: str
    opening: str

    def fill(self, program: str) -> None:
        run_peer(self.name, self.opening + program, self.url)

    def beat(self) -> dict[str, tuple[bool, float]]:
        """What its Beat sees of the entries of this test; none of its own default entries."""
        asking = _CSS_ASK if self.name == "celery-sqlalchemy-scheduler" else _ASK
        printed = run_peer(self.name, self.opening + asking, self.url)
        told: dict[str, Any] = json.loads(printed.splitlines()[-1])
        return {name: (due, wait) for name, (due, wait) in told.items() if not name.startswith("celery.")}


PEERS = {
    "django-celery-beat": (_DJANGO, _DJANGO_FILL),
    "celery-sqlalchemy-scheduler": (_SQLALCHEMY.format("celery_sqlalchemy_scheduler"), _CSS_FILL),
    "sqlalchemy-celery-beat": (
        "SCHEMA = None\n" + _SQLALCHEMY.format("sqlalchemy_celery_beat"),
        _SCB_FILL,
    ),
}


@pytest.fixture(params=["django-celery-beat", "celery-sqlalchemy-scheduler", "sqlalchemy-celery-beat"])
def peer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Peer:
    opening, fill = PEERS[request.param]
    made = Peer(request.param, f"sqlite:///{tmp_path_factory.mktemp('beat')}/beat.db", opening)
    made.fill(fill)
    return made


@pytest.fixture
def source(peer: Peer) -> Source:
    return open_source(f"{peer.name}+{peer.url}")


@pytest.fixture
def django_on_postgresql(request: pytest.FixtureRequest) -> Iterator[Peer]:
    server = request.getfixturevalue("postgres")
    url = server.create(template="template1")
    made = Peer("django-celery-beat", url, _DJANGO)
    made.fill(_DJANGO_FILL)
    yield made
    server.drop(url)


def named(source: Source) -> dict[str, FoundJob]:
    return {job.name: job for job in source.jobs()}


@pytest.mark.takes(6)
def test_every_entry_is_read(peer: Peer, source: Source) -> None:
    found = named(source)

    assert found["every 90 s"].trigger == FoundInterval(timedelta(seconds=90), start=RAN)
    assert (found["every 90 s"].args, found["every 90 s"].kwargs) == (["a", 1], {"b": [2]})
    assert found["every 90 s"].fields == {"queue": "heavy", "priority": 3, "expires": END}
    assert (found["every 90 s"].last_run_at, found["every 90 s"].total_run_count) == (RAN, 7)
    assert found["nightly"].trigger == FoundCrontab("30", "2,4", "*", "*", "1-5", "Europe/Berlin")
    assert [name for name, job in found.items() if job.paused] == ["nightly"]
    assert found["sunset"].trigger == FoundSolar("sunset", 52.52, 13.4)
    assert isinstance(found["broken"].args, Unreadable)
    assert not any(job.problems for job in found.values())
    if peer.name != "celery-sqlalchemy-scheduler":
        assert found["once"].trigger == FoundDate(datetime(2090, 5, 4, 3, 2, 1, tzinfo=UTC))
        assert found["once"].fields == {"one_off": True, "headers": {"h": 1}, "expire_seconds": 60}


@pytest.mark.takes(9)
def test_its_beat_sees_a_pause_and_resumes_without_catching_up(peer: Peer, source: Source) -> None:
    jobs = named(source)
    ids = [jobs[name].id for name in ("every 90 s", "sunset")]

    source.pause([*ids, "999"])

    assert not {"every 90 s", "sunset"} & peer.beat().keys()
    assert source.are_paused([*ids, "999"]) == dict.fromkeys([*ids, "999"], True)
    assert jobs.keys() == named(source).keys()

    not_before = datetime.now(UTC) + timedelta(minutes=10)
    source.resume([*ids, jobs["nightly"].id], not_before=not_before)

    phase = (not_before - RAN) // timedelta(seconds=90) + 1
    first = RAN + phase * timedelta(seconds=90)
    due, wait = peer.beat()["every 90 s"]
    assert not due
    assert datetime.now(UTC) + timedelta(seconds=wait) == pytest.approx(first, abs=timedelta(seconds=20))
    assert not peer.beat()["nightly"][0]


@pytest.mark.parametrize("peer", ["celery-sqlalchemy-scheduler"], indirect=True)
def test_a_column_of_a_later_version_is_told_where_it_has_a_value(peer: Peer, source: Source) -> None:
    with closing(sqlite3.connect(peer.url.removeprefix("sqlite:///"))) as database:
        database.execute("ALTER TABLE celery_periodic_task ADD COLUMN colour TEXT")
        database.execute("UPDATE celery_periodic_task SET colour = 'red' WHERE name = 'nightly'")
        database.commit()

    found = named(source)

    assert found["nightly"].problems == ("The column colour ('red') is not known here, and is not kept.",)
    assert found["every 90 s"].problems == ()


@pytest.mark.takes(6)
def test_django_celery_beat_on_postgresql(django_on_postgresql: Peer) -> None:
    source = open_source(f"django-celery-beat+{django_on_postgresql.url}")
    job = named(source)["every 90 s"]
    assert (job.last_run_at, job.fields["expires"]) == (RAN, END)

    source.pause([job.id])

    assert "every 90 s" not in django_on_postgresql.beat()
    assert source.last_runs([job.id]) == {job.id: RAN}


def test_a_crontab_is_asked_of_celery_through_a_change_of_the_clocks() -> None:
    job = FoundJob("1", "x", FoundCrontab("30", "2", "*", "*", "*", "Europe/Berlin"))
    source = open_source("django-celery-beat+sqlite:///x.db")

    found = source.instants(job, after=datetime(2026, 3, 27, 12, tzinfo=UTC), count=3)

    assert found[0] == datetime(2026, 3, 28, 1, 30, tzinfo=UTC)
    assert found[-1].hour == 0  # 02:30 in summer time


def test_an_interval_is_counted_from_its_last_run() -> None:
    job = FoundJob("1", "x", FoundInterval(timedelta(hours=1), start=RAN), fields={"expires": RAN + timedelta(hours=3)})
    source = open_source("django-celery-beat+sqlite:///x.db")

    found = source.instants(job, after=RAN + timedelta(minutes=90), count=5)

    assert found == [RAN + timedelta(hours=2), RAN + timedelta(hours=3)]


def test_the_sun_is_asked_only_where_celery_can() -> None:
    job = FoundJob("1", "x", FoundSolar("sunset", 52.5, 13.4))

    with pytest.raises(NoInstants, match="pip install ephem"):
        open_source("django-celery-beat+sqlite:///x.db").instants(job, after=RAN, count=1)
