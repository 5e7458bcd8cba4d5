"""How runs ended, ten minutes at a time: counted once, whoever counts, and live until then."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import text

from scheduler_service.storage import tallies
from scheduler_service.storage.models import RunTally
from scheduler_service.storage.session import Database
from tests.support.clock import ManualClock
from tests.support.rows import ended_run

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def given_ended(database: Database, *ends: tuple[float, str]) -> None:
    with database.transaction() as session:
        for minutes, state in ends:
            at = NOON + minutes * MINUTE
            session.add(ended_run(at, state=state, origin=uuid4().hex))


def past(database: Database, minutes: float) -> dict[int, dict[str, int]]:
    """By the minute after noon at which the ten minutes begin."""
    with database.reading() as session:
        found = tallies.past(session, NOON, NOON + minutes * MINUTE)
    return {round((at - NOON) / MINUTE): states for at, states in found.items()}


def test_what_is_counted_is_the_same_before_and_after(held_database: Database, clock: ManualClock) -> None:
    given_ended(held_database, (0, "succeeded"), (9.99, "failed"), (10, "succeeded"), (15, "succeeded"), (31, "lost"))
    clock.set(NOON + 35 * MINUTE)
    wanted = {0: {"succeeded": 1, "failed": 1}, 10: {"succeeded": 2}, 30: {"lost": 1}}

    live = past(held_database, 40)
    tallies.tally(held_database)
    tallies.tally(held_database)

    assert live == past(held_database, 40) == wanted
    with held_database.reading() as session:
        assert session.query(RunTally).count() == 3


def test_what_was_counted_outlives_its_runs(held_database: Database, clock: ManualClock) -> None:
    given_ended(held_database, (1, "succeeded"), (12, "failed"))
    clock.set(NOON + 30 * MINUTE)
    tallies.tally(held_database)

    with held_database.transaction() as session:
        session.execute(text("DELETE FROM task_run"))

    assert past(held_database, 20) == {0: {"succeeded": 1}, 10: {"failed": 1}}


def test_a_dead_beat_leaves_no_hole(held_database: Database, clock: ManualClock) -> None:
    given_ended(held_database, (1, "succeeded"))
    clock.set(NOON + 30 * MINUTE)
    tallies.tally(held_database)
    given_ended(held_database, (35, "failed"), (600, "succeeded"))

    found = past(held_database, 610)

    assert (found[0], found[30], found[600]) == ({"succeeded": 1}, {"failed": 1}, {"succeeded": 1})
    clock.set(NOON + 660 * MINUTE)
    tallies.tally(held_database)
    assert past(held_database, 610) == found
