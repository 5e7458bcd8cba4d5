"""APScheduler 3's SQLAlchemy job store: read as it is, asked when it would run, paused and resumed under its eyes."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from apscheduler.triggers.interval import IntervalTrigger

from scheduler_service.errors import PickleNotTrusted, SourceAway, SourceNotUnderstood
from scheduler_service.moving.found import FoundCron, FoundInterval, FoundJob, NoInstants, Source, Unreadable
from scheduler_service.moving.sources.apscheduler3_triggers import real_trigger
from scheduler_service.moving.sources.opening import open_source
from tests.moving.sources.aps3 import TRIGGERS, fill, scheduler, sql_store
from tests.support.postgres import Postgres

AFTER = datetime(2026, 3, 20, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A store that the library made."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('aps3')}/jobs.db"
        fill(sql_store(url))
        yield url
        return
    server: Postgres = request.getfixturevalue("postgres")
    url = server.create(template="template1")
    fill(sql_store(url))
    yield url
    server.drop(url)


@pytest.fixture
def source(store_url: str) -> Source:
    return open_source(f"apscheduler+{store_url}", trust_pickle=True)


def jobs_of(source: Source) -> dict[str, FoundJob]:
    return {job.id: job for job in source.jobs()}


def state_of(trigger: Any) -> dict[str, Any]:
    """What makes a trigger, but for its jitter."""
    state: dict[str, Any] = {**trigger.__getstate__(), "jitter": None}
    if "triggers" in state:
        return {**state, "triggers": [state_of(part) for part in trigger.triggers]}
    return {**state, "timezone": str(state.get("timezone"))}


def test_every_job_is_read(source: Source) -> None:
    found = jobs_of(source)

    assert found.keys() == {*TRIGGERS, "paused", "odd args", "method"}
    assert found["nightly"].function == "tests.moving.sources.aps3:work"
    assert (found["nightly"].args, found["nightly"].kwargs) == (["x", 1, [None]], {"deep": {"a": 1.5}})
    assert found["nightly"].trigger == FoundCron({"hour": "2", "minute": "30"}, "Europe/Berlin")
    assert found["crontab"].trigger == FoundCron(
        {"minute": "*/15", "hour": "8-17/3", "day": "*", "month": "jan-mar,9", "day_of_week": "mon-fri"}, "UTC"
    )
    assert [job.id for job in found.values() if job.paused] == ["paused"]


def test_every_trigger_is_made_again_as_it_was(source: Source) -> None:
    found = jobs_of(source)

    for name, trigger in TRIGGERS.items():
        if name != "own":
            assert state_of(real_trigger(found[name].trigger)) == state_of(trigger), name


def test_what_cannot_be_read_is_said_in_its_place(source: Source) -> None:
    found = jobs_of(source)

    assert found["own"].trigger == Unreadable(
        "its trigger is a tests.moving.sources.aps3.OwnTrigger, which is none of APScheduler's own"
    )
    assert found["odd args"].args == Unreadable(
        "among its arguments is a tests.moving.sources.aps3.OwnUrl, which JSON cannot hold"
    )
    assert (found["odd args"].misfire_grace_seconds, found["odd args"].max_instances) == (None, 3)
    assert not found["odd args"].coalesce
    assert isinstance(found["method"].args, Unreadable)
    assert isinstance(found["method"].trigger, FoundCron)


def test_without_trust_only_the_columns_are_read(store_url: str) -> None:
    found = jobs_of(open_source(f"apscheduler+{store_url}"))

    assert "--trust-pickle" in found["nightly"].trigger.why  # type: ignore[union-attr]
    assert found["once"].next_run_at == datetime(2090, 5, 4, 3, 2, 1, tzinfo=UTC)
    assert [job.id for job in found.values() if job.paused] == ["paused"]


def test_its_instants_are_those_of_a_scheduler_that_steps_them(source: Source, store_url: str) -> None:
    found = jobs_of(source)
    with scheduler(sql_store(store_url)) as opened:
        jobs = [opened.get_job(name) for name in ("nightly", "crontab", "odd days", "yearly", "either", "quarterly")]

    for job in jobs:
        expected: list[datetime] = []
        at = job.next_run_time
        while len(expected) < 50 and at is not None:
            expected.append(at.astimezone(UTC))
            at = job.trigger.get_next_fire_time(at, at + timedelta(milliseconds=3))
        assert source.instants(found[job.id], after=expected[0] - timedelta(seconds=1), count=50) == expected, job.id


def test_an_interval_goes_on_from_its_next_run_and_not_from_its_start(source: Source) -> None:
    job = jobs_of(source)["every 90 s"]
    moved = FoundJob("x", "x", job.trigger, next_run_at=AFTER + timedelta(seconds=7))

    assert source.instants(moved, after=AFTER, count=2) == [AFTER + timedelta(seconds=after) for after in (7, 97)]


def test_both_of_two_crons_are_asked_though_the_library_hangs(source: Source) -> None:
    job = jobs_of(source)["both"]

    found = source.instants(job, after=AFTER, count=4)

    assert {at.astimezone(ZoneInfo("Europe/Berlin")).hour for at in found} == {0, 6, 12, 18}


def test_what_is_unreadable_has_no_instants(source: Source) -> None:
    with pytest.raises(NoInstants, match="none of APScheduler's own"):
        source.instants(jobs_of(source)["own"], after=AFTER, count=1)


def test_a_paused_job_is_paused_for_the_library_and_resumes_where_it_would(source: Source, store_url: str) -> None:
    ids = [name for name in TRIGGERS if name != "own"]
    before = jobs_of(source)
    not_before = datetime(2089, 1, 1, tzinfo=UTC)

    source.pause([*ids, "gone"])
    with scheduler(sql_store(store_url)) as opened:
        assert {job.id for job in opened.get_jobs() if job.next_run_time is None} == {*ids, "paused"}
    assert source.are_paused([*ids, "gone", "own"]) == {**dict.fromkeys([*ids, "gone"], True), "own": False}

    source.resume(ids, not_before=not_before)
    with scheduler(sql_store(store_url)) as opened:
        resumed = {job.id: job for job in opened.get_jobs() if job.id in ids}
    for name, trigger in TRIGGERS.items():
        if name in ids and name not in ("bounded", "quarterly"):
            assert resumed[name].next_run_time == trigger.get_next_fire_time(None, not_before), name
        if name in ids:
            assert resumed[name].next_run_time >= not_before
            assert state_of(resumed[name].trigger) == state_of(trigger)
            assert (resumed[name].name, resumed[name].kwargs) == (name, before[name].kwargs)
    assert jobs_of(source).keys() == before.keys()


def test_only_what_is_paused_is_resumed(source: Source) -> None:
    before = jobs_of(source)["nightly"].next_run_at

    source.resume(["nightly"], not_before=datetime(2080, 1, 1, tzinfo=UTC))

    assert jobs_of(source)["nightly"].next_run_at == before


def test_a_job_without_one_more_instant_stays_paused(source: Source) -> None:
    source.pause(["once"])

    source.resume(["once"], not_before=datetime(2095, 1, 1, tzinfo=UTC))

    assert source.are_paused(["once"]) == {"once": True}


def test_pausing_needs_no_trust_and_resuming_does(store_url: str) -> None:
    untrusting = open_source(f"apscheduler+{store_url}")

    untrusting.pause(["nightly"])

    assert untrusting.are_paused(["nightly"]) == {"nightly": True}
    with pytest.raises(PickleNotTrusted, match="--trust-pickle"):
        untrusting.resume(["nightly"], not_before=AFTER)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
def test_older_protocols_are_read_and_paused(tmp_path_factory: pytest.TempPathFactory, protocol: int) -> None:
    url = f"sqlite:///{tmp_path_factory.mktemp('aps3')}/jobs.db"
    fill(sql_store(url, pickle_protocol=protocol))
    source = open_source(f"apscheduler+{url}", trust_pickle=True)

    assert isinstance(jobs_of(source)["every 1.5 h"].trigger, FoundInterval)
    source.pause(["every 1.5 h"])
    source.resume(["every 1.5 h"], not_before=AFTER)

    with scheduler(sql_store(url)) as opened:
        expected = TRIGGERS["every 1.5 h"].get_next_fire_time(None, AFTER)
        assert opened.get_job("every 1.5 h").next_run_time == expected


def test_a_table_of_another_name(tmp_path_factory: pytest.TempPathFactory) -> None:
    url = f"sqlite:///{tmp_path_factory.mktemp('aps3')}/jobs.db"
    with scheduler(sql_store(url, tablename="shop_jobs")) as opened:
        opened.add_job("tests.moving.sources.aps3:work", IntervalTrigger(hours=1), id="a")

    assert jobs_of(open_source(f"apscheduler+{url}?table=shop_jobs")).keys() == {"a"}
    with pytest.raises(SourceNotUnderstood, match="no table apscheduler_jobs"):
        open_source(f"apscheduler+{url}").jobs()


def test_a_store_that_is_not_there_is_away_and_is_not_made(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("aps3")

    with pytest.raises(SourceAway):
        open_source(f"apscheduler+sqlite:///{folder}/none.db").jobs()

    assert not list(folder.iterdir())


def test_a_label_has_no_secrets_and_no_driver() -> None:
    for driver in ("postgresql", "postgres", "postgresql+psycopg2"):
        source = open_source(f"apscheduler+{driver}://me:secret@db.shop:5433/jobs?table=x&sslmode=require")

        assert source.label == "apscheduler+postgresql://db.shop:5433/jobs?table=x"


def test_an_unknown_kind_is_refused_without_its_password() -> None:
    with pytest.raises(SourceNotUnderstood) as refused:
        open_source("quartz+postgresql://me:secret@host/db")

    assert "secret" not in str(refused.value)
    assert "apscheduler" in str(refused.value)
