"""A Celery `beat_schedule`: of an app, and in the shelve that Beat itself wrote."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scheduler_service.errors import PickleNotTrusted, SourceAway, SourceReadOnly
from scheduler_service.moving.found import FoundCrontab, FoundInterval, FoundJob, Source, Unreadable
from scheduler_service.moving.sources.opening import open_source

APP = "tests.moving.sources.beat_app:app"
_BEAT = """
import sys
from celery.beat import PersistentScheduler
from tests.moving.sources.beat_app import app
scheduler = PersistentScheduler(app=app, schedule_filename=sys.argv[1])
scheduler.sync()
if sys.argv[2:] == ["stays"]:
    print("ready", flush=True)
    sys.stdin.read()
scheduler.close()
"""


def jobs_of(source: Source) -> dict[str, FoundJob]:
    return {job.name: job for job in source.jobs()}


@pytest.fixture
def shelve(tmp_path: Path) -> Path:
    path = tmp_path / "celerybeat-schedule"
    subprocess.run([sys.executable, "-c", _BEAT, str(path)], check=True, timeout=60)
    return path


def test_the_entries_of_an_app_are_read() -> None:
    found = jobs_of(open_source(f"beat-schedule:{APP}"))

    assert found["nightly"].trigger == FoundCrontab("30", "2,4", "*", "*", "1-5", "Europe/Berlin")
    assert (found["nightly"].task, found["nightly"].args, found["nightly"].kwargs) == ("shop.close", [1], {"a": "b"})
    assert found["nightly"].fields == {"queue": "heavy", "expire_seconds": 30}
    assert found["nightly"].problems == ("Its option shadow ('x') is not kept.",)
    assert found["often"].trigger == FoundInterval(timedelta(seconds=90))
    assert isinstance(found["rounded"].trigger, Unreadable)
    assert isinstance(found["odd"].args, Unreadable)


def test_an_app_that_is_not_there_is_away() -> None:
    with pytest.raises(SourceAway, match="cannot be imported"):
        open_source("beat-schedule:nowhere.at_all:app").jobs()


def test_the_file_of_a_beat_says_when_each_last_ran(shelve: Path) -> None:
    source = open_source(f"beat-schedule:{shelve}", trust_pickle=True)

    found = jobs_of(source)

    assert found["nightly"].trigger == FoundCrontab("30", "2,4", "*", "*", "1-5", "Europe/Berlin")
    assert found["nightly"].fields == {"queue": "heavy", "expire_seconds": 30}
    age = datetime.now(UTC) - source.last_runs(["often"])["often"]
    assert timedelta() < age < timedelta(minutes=5)


def test_the_file_is_read_while_its_beat_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "celerybeat-schedule"
    command = [sys.executable, "-c", _BEAT, str(path), "stays"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as beat:
        assert beat.stdout is not None
        beat.stdout.readline()
        found = jobs_of(open_source(f"beat-schedule:{path}", trust_pickle=True))
        beat.communicate(timeout=20)

    assert "nightly" in found


def test_the_file_is_not_opened_without_trust(shelve: Path) -> None:
    with pytest.raises(PickleNotTrusted, match="--trust-pickle"):
        open_source(f"beat-schedule:{shelve}").jobs()


def test_pausing_is_for_a_person() -> None:
    source = open_source(f"beat-schedule:{APP}")

    with pytest.raises(SourceReadOnly, match="take the entry out of beat_schedule"):
        source.pause(["nightly"])
    assert source.are_paused(["nightly", "taken out"]) == {"nightly": False, "taken out": True}
