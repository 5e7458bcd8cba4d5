"""Beat knows of a change soon, and sleeps when there is none."""

from collections.abc import Iterator
from threading import Event, Thread
from time import monotonic

import pytest

from scheduler_service.beat.wakeup import Wakeup, wakeup_for
from scheduler_service.storage.session import Database
from tests.support.rows import given_schedule, sql

NEW = "INSERT INTO periodic_task (name, task, interval_id) SELECT 'new', 't', id FROM interval_schedule"
WITHIN = {"postgresql": 0.1, "sqlite": 0.5}


@pytest.fixture
def wakeup(database: Database) -> Iterator[Wakeup]:
    made = wakeup_for(database, 1, Event())
    made.mark()
    yield made
    made.close()


def woken_after(database: Database, wakeup: Wakeup, statement: str) -> float:
    """Seconds from another connection's commit to the end of the wait."""
    committed: list[float] = []

    def write() -> None:
        Event().wait(0.2)
        sql(database, statement)
        committed.append(monotonic())

    wakeup.mark()
    writer = Thread(target=write)
    writer.start()
    wakeup.wait(3)
    woken = monotonic()
    writer.join()
    return woken - committed[0]


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("UPDATE periodic_task SET enabled = false", id="pause"),
        pytest.param("UPDATE periodic_task SET next_run_at = NULL", id="next run taken away"),
        pytest.param("UPDATE interval_schedule SET every = every + 1", id="timing edited"),
        pytest.param(NEW, id="new schedule"),
    ],
)
def test_a_change_wakes_beat_soon(database: Database, wakeup: Wakeup, statement: str) -> None:
    given_schedule(database, every=3600)
    sql(database, "UPDATE periodic_task SET next_run_at = created_at")

    assert woken_after(database, wakeup, statement) < WITHIN[database.dialect]


def test_bookkeeping_and_descriptions_wake_nobody_on_postgresql(postgres_url: str) -> None:
    database = Database(postgres_url)
    given_schedule(database, every=3600)
    sql(database, "UPDATE periodic_task SET next_run_at = created_at")
    wakeup = wakeup_for(database, 1, Event())
    wakeup.mark()

    sql(database, "UPDATE periodic_task SET next_run_at = next_run_at + interval '1 hour', total_run_count = 3")
    sql(database, "UPDATE periodic_task SET description = 'new'")
    started = monotonic()
    wakeup.wait(0.5)

    assert monotonic() - started >= 0.5
    wakeup.close()
    database.close()


def test_what_is_committed_between_mark_and_wait_ends_the_wait(database: Database, wakeup: Wakeup) -> None:
    given_schedule(database, every=3600)
    started = monotonic()

    wakeup.wait(3)

    assert monotonic() - started < WITHIN[database.dialect]
