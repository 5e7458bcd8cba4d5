"""Any writer counts: what plain SQL does to schedules and timings has the effect of an API edit."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError

from scheduler_service.storage.models import EXHAUSTED, PeriodicTask
from scheduler_service.storage.session import Database
from tests.support.clock import ManualClock
from tests.support.rows import given_schedule, schedule, sql


@pytest.fixture
def planned(held_database: Database, clock: ManualClock) -> int:
    """A schedule with a next run, as Beat leaves it."""
    key = given_schedule(held_database, every=10)
    _bookkeeping(held_database, key, next_run_at=clock.now(), next_occurrence_at=clock.now())
    return key


def test_a_row_of_three_columns_is_a_whole_schedule(database: Database) -> None:
    sql(database, "INSERT INTO interval_schedule (every, period) VALUES (5, 'minutes')")
    sql(database, "INSERT INTO periodic_task (name, task, interval_id) VALUES ('n', 't', 1)")

    row = schedule(database, 1)
    assert (row.args, row.kwargs, row.enabled, row.revision, row.next_run_at) == ([], {}, True, 1, None)
    assert abs(row.created_at - database.clock.now()) < timedelta(seconds=10)


@pytest.mark.parametrize("wrong", ["args = '{}'", "kwargs = '[]'", "headers = '1'", "tags = '\"x\"'", "args = 'no'"])
def test_json_of_another_shape_is_refused(held_database: Database, planned: int, wrong: str) -> None:
    with pytest.raises(DBAPIError):
        sql(held_database, f"UPDATE periodic_task SET {wrong}")


@pytest.mark.parametrize(
    ("change", "replans", "bumps"),
    [
        pytest.param("enabled = false", True, 1, id="pause"),
        pytest.param("interval_id = NULL", True, 1, id="timing removed"),
        pytest.param("jitter_seconds = 3, description = 'x'", True, 1, id="two columns, one revision"),
        pytest.param("description = 'x'", False, 1, id="description"),
        pytest.param("queue = 'x'", False, 1, id="queue"),
        pytest.param("description = ''", False, 0, id="no change"),
        pytest.param("enabled = true", False, 0, id="still enabled"),
        pytest.param(
            "last_run_at = NULL, total_run_count = 7, watermark = '2026-01-01 00:00:00.000000'",
            False,
            0,
            id="bookkeeping",
        ),
        pytest.param("description = 'x', revision = 40", False, 39, id="a revision set by the writer"),
    ],
)
def test_an_update_replans_and_counts(
    held_database: Database, planned: int, change: str, replans: bool, bumps: int
) -> None:
    sql(held_database, f"UPDATE periodic_task SET {change} WHERE id = :id", id=planned)

    row = schedule(held_database, planned)
    assert (row.next_run_at is None, row.next_occurrence_at is None) == (replans, replans)
    assert row.revision == 1 + bumps


@pytest.mark.parametrize(("change", "moves"), [("jitter_seconds = 7", True), ("description = 'x'", False)])
def test_what_decides_when_counts_from_the_edit_on(database: Database, change: str, moves: bool) -> None:
    """Not from a later edit of anything else: what came due between the two would be lost."""
    key = given_schedule(database, every=10)
    before = schedule(database, key).watermark

    sql(database, f"UPDATE periodic_task SET {change}")

    assert (schedule(database, key).watermark > before) == moves


def test_a_next_run_set_in_the_same_statement_is_kept(
    held_database: Database, planned: int, clock: ManualClock
) -> None:
    with held_database.transaction() as session:
        row = session.get(PeriodicTask, planned)
        assert row is not None
        row.enabled, row.next_run_at = False, clock.now() + timedelta(days=1)

    assert schedule(held_database, planned).next_run_at == clock.now() + timedelta(days=1)


def test_an_edit_of_a_timing_row_replans_all_that_share_it(held_database: Database, clock: ManualClock) -> None:
    keys = [given_schedule(held_database, name=name, every=10) for name in ("a", "b")]
    other = given_schedule(held_database, name="c", every=60)
    for key in (*keys, other):
        _bookkeeping(held_database, key, next_run_at=clock.now())

    sql(held_database, "UPDATE interval_schedule SET every = 11 WHERE every = 10")

    assert [schedule(held_database, key).next_run_at for key in keys] == [None, None]
    assert [schedule(held_database, key).revision for key in keys] == [2, 2]
    assert schedule(held_database, other).next_run_at == clock.now()


def test_a_new_timing_reopens_what_was_complete_or_broken(held_database: Database, planned: int) -> None:
    _bookkeeping(held_database, planned, completed_reason="done", quarantine_reason="broken")

    sql(held_database, "UPDATE periodic_task SET jitter_seconds = 1")
    assert schedule(held_database, planned).completed_reason == "done"
    assert schedule(held_database, planned).quarantine_reason is None
    sql(held_database, "UPDATE interval_schedule SET every = 11")

    assert schedule(held_database, planned).completed_reason is None


@pytest.mark.parametrize(("reason", "reopened"), [(EXHAUSTED, True), ("one_off: it has run once", False)])
def test_other_days_reopen_only_what_ran_out_of_occurrences(
    held_database: Database, planned: int, reason: str, reopened: bool
) -> None:
    sql(held_database, "INSERT INTO calendar (name, definition) VALUES ('c', '{}')")
    _bookkeeping(held_database, planned, completed_reason=reason)

    sql(held_database, "UPDATE periodic_task SET calendar_id = 1")
    assert (schedule(held_database, planned).completed_reason is None) == reopened
    _bookkeeping(held_database, planned, completed_reason=reason)
    sql(held_database, 'UPDATE calendar SET definition = \'{"weekly": ["sun"]}\'')
    assert (schedule(held_database, planned).completed_reason is None) == reopened
    assert schedule(held_database, planned).next_run_at is None


def test_a_timing_row_in_use_cannot_be_deleted_even_without_foreign_keys(held_database: Database, planned: int) -> None:
    with held_database.engine.connect() as connection:
        if held_database.dialect == "sqlite":
            connection.connection.cursor().execute("PRAGMA foreign_keys = off")
        with pytest.raises(DBAPIError, match=r"in use|violates foreign key"):
            connection.execute(text("DELETE FROM interval_schedule"))

    assert schedule(held_database, planned).interval_id is not None


def test_deleting_a_schedule_ends_what_was_not_sent(held_database: Database, planned: int) -> None:
    insert = (
        "INSERT INTO task_run (id, periodic_task_id, schedule_name, kind, task, args, kwargs, options, revision,"
        " origin, state, occurrence_at, fire_at, decided_at, decided_by)"
        " SELECT :id, id, name, kind, task, args, kwargs, '{}', 1, :state, :state, created_at, created_at, created_at,"
        " 'x' FROM periodic_task"
    )
    for number, state in enumerate(("pending", "running", "succeeded")):
        sql(held_database, insert, id=f"{number:032x}", state=state)

    sql(held_database, "DELETE FROM periodic_task")

    with held_database.reading() as session:
        rows = session.execute(text("SELECT origin, state, reason FROM task_run ORDER BY origin")).all()
    assert [tuple(row) for row in rows] == [
        ("pending", "cancelled", "the schedule was deleted"),
        ("running", "running", None),
        ("succeeded", "succeeded", None),
    ]


def _bookkeeping(database: Database, key: int, **values: Any) -> None:
    with database.transaction() as session:
        session.execute(update(PeriodicTask).where(PeriodicTask.id == key).values(values))
