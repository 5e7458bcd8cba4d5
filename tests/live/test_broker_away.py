"""A broker that is away, frozen, slow or silent costs no run, executes none twice, and never holds a Beat up."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from threading import Event

import pytest

from scheduler_service.storage.models import TaskRun
from scheduler_service.storage.session import Database
from tests.support.accounts import nothing_lost_or_doubled
from tests.support.broker import Broker
from tests.support.link import Link, link_to
from tests.support.processes import Site
from tests.support.rows import given_schedule, runs
from tests.support.waiting import eventually

Executions = Callable[[], list[str]]

AWAY = 60
SILENT = 8


@pytest.fixture
def link(broker: Broker) -> Iterator[Link]:
    with link_to(broker.url) as opened:
        yield opened


@pytest.fixture
def beat_url(link: Link) -> str:
    """The broker, seen over the link."""
    return f"redis://127.0.0.1:{link.port}/0"


@pytest.mark.takes(90)
def test_what_came_due_while_the_broker_was_away_for_a_minute_is_sent_when_it_is_back(
    postgres_site: Site, postgres_database: Database, broker: Broker, executions: Executions
) -> None:
    beat, worker = postgres_site.beat(), postgres_site.worker("-c", "2")
    key = given_schedule(postgres_database, every=2, overlap_policy="allow_all")
    eventually(lambda: len(executions()) >= 2 and _all_succeeded(postgres_database), within=20)

    with broker.stopped():
        Event().wait(AWAY)
        waiting = runs(postgres_database, periodic_task_id=key, state="pending")
        assert len(waiting) >= AWAY / 2 - 2
        assert beat.alive
    eventually(lambda: {run.id for run in waiting} <= _succeeded(postgres_database), within=75, every=0.5, patience=1)

    nothing_lost_or_doubled(postgres_database, executions, every=2)
    assert beat.alive
    assert worker.alive
    postgres_site.examine()


@pytest.mark.parametrize("way", ["frozen", "unheard"])
def test_a_broker_that_does_not_answer_holds_no_deciding_up(
    postgres_site: Site,
    postgres_database: Database,
    broker: Broker,
    link: Link,
    beat_url: str,
    executions: Executions,
    way: str,
) -> None:
    postgres_site.beat(SAMPLE_BROKER=beat_url), postgres_site.worker("-c", "2")
    given_schedule(postgres_database, every=1, overlap_policy="allow_all")
    eventually(lambda: len(executions()) >= 2 and _all_succeeded(postgres_database), within=20)

    with broker.frozen() if way == "frozen" else link.silent():
        silent_at = postgres_database.clock.now()
        Event().wait(SILENT)
        heard_at = postgres_database.clock.now()
    eventually(lambda: len(_decided_since(postgres_database, heard_at)) >= 2, within=20)

    during = [run for run in _decided_since(postgres_database, silent_at) if run.decided_at < heard_at]
    assert len(during) >= SILENT - 4
    assert max(run.decided_at - run.fire_at for run in during) < timedelta(seconds=4)
    nothing_lost_or_doubled(postgres_database, executions, every=1)
    postgres_site.examine()


def test_a_slow_broker_is_slow_and_no_more(
    postgres_site: Site, postgres_database: Database, link: Link, beat_url: str, executions: Executions
) -> None:
    postgres_site.beat(SAMPLE_BROKER=beat_url), postgres_site.worker("-c", "2")
    given_schedule(postgres_database, every=1, overlap_policy="allow_all")
    link.delay = 0.4

    eventually(lambda: len(_succeeded(postgres_database)) >= 8, within=40)

    nothing_lost_or_doubled(postgres_database, executions, every=1)
    assert sum(run.duplicate_deliveries for run in runs(postgres_database)) == 0
    postgres_site.examine()


def test_what_was_delivered_without_an_answer_is_sent_again_and_executed_once(
    postgres_site: Site,
    postgres_database: Database,
    broker: Broker,
    link: Link,
    beat_url: str,
    executions: Executions,
) -> None:
    postgres_site.beat(SAMPLE_BROKER=beat_url)
    link.cut_after(b"LPUSH")
    given_schedule(postgres_database, every=1, one_off=True)

    eventually(lambda: broker.queued("sample") == 2, within=15)
    postgres_site.worker("-c", "2")
    eventually(lambda: [run.duplicate_deliveries for run in runs(postgres_database)] == [1], within=20)

    assert link.was_cut.is_set()
    eventually(lambda: _all_succeeded(postgres_database), within=10)
    assert executions() == [str(run.id) for run in runs(postgres_database)]
    postgres_site.examine()


def _decided_since(database: Database, since: object) -> list[TaskRun]:
    with database.reading() as session:
        return session.query(TaskRun).filter(TaskRun.decided_at > since).all()


def _succeeded(database: Database) -> set[object]:
    return {run.id for run in runs(database, state="succeeded")}


def _all_succeeded(database: Database) -> bool:
    return {run.state for run in runs(database)} == {"succeeded"}
