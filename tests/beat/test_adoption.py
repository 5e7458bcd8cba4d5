"""What an app states in its code, in the terms of the table."""

import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest
from celery import Celery
from celery.beat import ScheduleEntry
from celery.schedules import crontab, solar

from scheduler_service.beat.adoption import static_schedules
from scheduler_service.storage import adopted
from scheduler_service.storage.session import Database
from scheduler_service.timing.solar import Solar
from tests.support.clock import ManualClock
from tests.support.rows import schedule

FINGERPRINT = """
from datetime import UTC, datetime
from celery import Celery
from celery.beat import ScheduleEntry
from celery.schedules import crontab
from scheduler_service.beat.adoption import static_schedules
entry = ScheduleEntry("n", "t", schedule=crontab(minute="5"), app=Celery(set_as_current=False))
print(static_schedules([entry], now=datetime.now(UTC))[0].fingerprint)
"""


def entry(name: str, stated: Any) -> ScheduleEntry:
    return ScheduleEntry(name, "sample.count", schedule=stated, app=Celery(set_as_current=False))


@pytest.fixture
def ephem(monkeypatch: pytest.MonkeyPatch) -> None:
    """Celery's own solar schedules compute with this package, which we have no need of."""
    package: Any = ModuleType("ephem")
    package.Observer = package.Sun = lambda: ModuleType("part of it")
    monkeypatch.setitem(sys.modules, "ephem", package)


def test_an_event_of_the_sun_is_taken_in(ephem: None, held_database: Database, clock: ManualClock) -> None:
    entries = static_schedules([entry("at dusk", solar("dusk_civil", -37.8, 144.9))], now=clock.now())

    with held_database.transaction() as session:
        taken = adopted.adopt(session, entries)

    row = schedule(held_database, 1)
    assert taken == ["at dusk"]
    assert entries[0].timing == Solar("dusk_civil", -37.8, 144.9)
    assert (row.name, row.task, row.solar_id, row.crontab_id) == ("at dusk", "sample.count", 1, None)


def test_what_was_taken_in_is_not_taken_in_again(held_database: Database, clock: ManualClock) -> None:
    stated = [entry("every hour", crontab(minute="0"))]

    with held_database.transaction() as session:
        first = adopted.adopt(session, static_schedules(stated, now=clock.now()))
    with held_database.transaction() as session:
        second = adopted.adopt(session, static_schedules(stated, now=clock.now()))

    assert (first, second) == (["every hour"], [])


def test_an_entry_looks_alike_to_every_process() -> None:
    seen = {
        subprocess.run([sys.executable, "-c", FINGERPRINT], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }

    assert len(seen) == 1
