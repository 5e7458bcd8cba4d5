"""A crontab file: a person's and the system's."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from scheduler_service.errors import SourceAway, SourceReadOnly
from scheduler_service.moving.found import FoundCrontab, FoundJob, NoInstants, Source, Unreadable
from scheduler_service.moving.sources.opening import open_source

MINE = """
# m h dom mon dow command
SHELL=/bin/bash
*/15 8-18 * * mon-fri   /opt/shop/count --all
30 2 13 * 5 /opt/shop/close
@daily /opt/shop/sweep
@reboot /opt/shop/start
CRON_TZ = "Asia/Shanghai"
0 9 * * * echo hi%there
0 9 * * * echo hi%there
bad line
"""
SYSTEM = "17 *\t* * *\troot\tcd / && run-parts /etc/cron.hourly\n"


@pytest.fixture
def source(tmp_path: Path) -> Source:
    path = tmp_path / "mine"
    path.write_text(MINE)
    return open_source(f"crontab:{path}", timezone="Europe/Berlin")


def jobs_of(source: Source) -> dict[str, FoundJob]:
    return {job.id: job for job in source.jobs()}


def test_every_line_is_read(source: Source) -> None:
    found = jobs_of(source)

    assert len(found) == 7
    assert found["/opt/shop/count --all"].trigger == FoundCrontab(
        "*/15", "8-18", "*", "*", "mon-fri", "Europe/Berlin", day_match="or"
    )
    assert found["/opt/shop/sweep"].trigger == FoundCrontab("0", "0", "*", "*", "*", "Europe/Berlin", day_match="or")
    assert found["echo hi%there"].trigger == FoundCrontab("0", "9", "*", "*", "*", "Asia/Shanghai", day_match="or")
    assert "echo hi%there#2" in found
    assert "a % in it" in " ".join(found["echo hi%there"].problems).lower()
    assert found["/opt/shop/start"].trigger == Unreadable("@reboot is at no time of the clock")
    assert found["bad line"].trigger == Unreadable("the line has no command")


def test_the_systems_file_names_a_user(tmp_path: Path) -> None:
    path = tmp_path / "system"
    path.write_text(SYSTEM)

    (job,) = open_source(f"crontab:{path}?user=yes", timezone="UTC").jobs()

    assert job.id == "root: cd / && run-parts /etc/cron.hourly"
    assert job.trigger == FoundCrontab("17", "*", "*", "*", "*", "UTC", day_match="or")


def test_a_day_of_the_month_or_of_the_week_is_enough_for_cron(source: Source) -> None:
    job = jobs_of(source)["/opt/shop/close"]

    found = source.instants(job, after=datetime(2026, 11, 1, tzinfo=UTC), count=3)

    assert [at.day for at in found] == [6, 13, 20]


def test_what_starts_with_the_machine_has_no_instants(source: Source) -> None:
    with pytest.raises(NoInstants):
        source.instants(jobs_of(source)["/opt/shop/start"], after=datetime(2026, 1, 1, tzinfo=UTC), count=1)


def test_pausing_is_for_a_person_who_is_told_the_line(source: Source, tmp_path: Path) -> None:
    with pytest.raises(SourceReadOnly, match="put a # before line 5"):
        source.pause(["/opt/shop/close"])

    (tmp_path / "mine").write_text(MINE.replace("30 2 13", "# 30 2 13"))

    assert source.are_paused(["/opt/shop/close", "/opt/shop/sweep"]) == {
        "/opt/shop/close": True,
        "/opt/shop/sweep": False,
    }


def test_a_file_that_is_not_there_is_away(tmp_path: Path) -> None:
    with pytest.raises(SourceAway, match="No such file"):
        open_source(f"crontab:{tmp_path}/none").jobs()
