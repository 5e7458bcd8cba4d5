"""One schedule's runs beside each other: what each overlap policy makes of an occurrence that comes too soon."""

from datetime import timedelta
from typing import Any

import pytest

from scheduler_service.beat.decide import decide_due, plan_unplanned
from scheduler_service.storage import attempts, due, pausing, publishing
from scheduler_service.storage.attempts import Ending
from scheduler_service.storage.models import TaskRun
from scheduler_service.storage.session import Database
from tests.support.clock import ManualClock
from tests.support.rows import given_schedule, runs, schedule, sql


class Beat:
    name = "test beat"
    number = 1


def occurs(database: Database, clock: ManualClock, times: int = 1) -> None:
    """So many occurrences come, each ten seconds after the last."""
    plan_unplanned(database, limit=100)
    for _ in range(times):
        clock.advance(timedelta(seconds=10))
        decide_due(database, Beat(), limit=100)


def starts(database: Database, clock: ManualClock, run: TaskRun) -> None:
    with database.transaction() as session:
        assert attempts.claim(session, run.id, run.attempt, worker="w", now=clock.now())


def ends(database: Database, clock: ManualClock, run: TaskRun, state: str = "succeeded") -> None:
    with database.transaction() as session:
        assert attempts.finish(session, run.id, run.attempt, Ending(state), now=clock.now())


def promotes(database: Database, clock: ManualClock) -> int:
    """What a Beat that sees something to promote does."""
    with database.reading() as session:
        seen = due.look(session, clock.now()).promotable
    with database.transaction() as session:
        promoted = publishing.promote(session, limit=100)
    assert seen == (promoted > 0)
    return promoted


@pytest.mark.parametrize(
    ("policy", "states"),
    [
        pytest.param("skip", ["running", "skipped", "skipped", "skipped"], id="skip"),
        pytest.param("buffer_one", ["running", "buffered", "skipped", "skipped"], id="buffer_one"),
        pytest.param("buffer_all", ["running", "buffered", "buffered", "buffered"], id="buffer_all"),
        pytest.param("allow_all", ["running", "pending", "pending", "pending"], id="allow_all"),
        pytest.param("cancel_other", ["running", "cancelled", "cancelled", "buffered"], id="cancel_other"),
        pytest.param("terminate_other", ["running", "cancelled", "cancelled", "buffered"], id="terminate_other"),
    ],
)
def test_what_becomes_of_occurrences_during_a_long_run(
    held_database: Database, clock: ManualClock, policy: str, states: list[str]
) -> None:
    given_schedule(held_database, every=10, overlap_policy=policy)
    occurs(held_database, clock)
    starts(held_database, clock, runs(held_database)[0])

    occurs(held_database, clock, times=3)

    assert [run.state for run in runs(held_database)] == states
    assert promotes(held_database, clock) == 0


def test_buffered_runs_go_one_after_another_oldest_first(held_database: Database, clock: ManualClock) -> None:
    given_schedule(held_database, every=10, overlap_policy="buffer_all")
    occurs(held_database, clock, times=3)
    first, second, third = runs(held_database)

    starts(held_database, clock, first)
    ends(held_database, clock, first, "failed")
    assert promotes(held_database, clock) == 1
    assert promotes(held_database, clock) == 0
    assert [run.state for run in runs(held_database)] == ["failed", "pending", "buffered"]
    assert runs(held_database)[1].reason is None

    starts(held_database, clock, second)
    ends(held_database, clock, second)
    assert promotes(held_database, clock) == 1
    assert runs(held_database, id=third.id)[0].state == "pending"


@pytest.mark.parametrize(("policy", "mode"), [("cancel_other", "ask"), ("terminate_other", "terminate")])
def test_the_running_one_is_asked_to_end(held_database: Database, clock: ManualClock, policy: str, mode: str) -> None:
    given_schedule(held_database, every=10, overlap_policy=policy)
    occurs(held_database, clock)
    starts(held_database, clock, runs(held_database)[0])
    occurs(held_database, clock)

    running, waiting = runs(held_database)
    assert (running.cancel_mode, running.cancel_requested_at) == (mode, clock.now())
    assert running.reason == f"ended by run {waiting.id}, which came while it was not finished"
    assert _to_terminate(held_database, clock) is False
    clock.advance(timedelta(seconds=11))
    assert _to_terminate(held_database, clock) is (mode == "terminate")


def test_one_that_has_not_started_is_ended_at_once_and_its_message_refused(
    held_database: Database, clock: ManualClock
) -> None:
    given_schedule(held_database, every=10, overlap_policy="cancel_other")
    occurs(held_database, clock, times=2)

    first, _second = runs(held_database)
    assert first.state == "cancelled"
    with held_database.transaction() as session:
        assert not attempts.claim(session, first.id, 1, worker="w", now=clock.now())
    assert promotes(held_database, clock) == 1


def test_too_many_waiting_runs_are_dropped(held_database: Database, clock: ManualClock) -> None:
    given_schedule(held_database, every=10, overlap_policy="buffer_all", buffer_limit=2)

    occurs(held_database, clock, times=5)

    assert [run.state for run in runs(held_database)] == ["pending", "buffered", "buffered", "dropped", "dropped"]
    assert runs(held_database)[-1].reason == "2 runs of this schedule wait already (buffer_limit)"


def test_a_policy_edited_while_runs_wait_leaves_none_behind(held_database: Database, clock: ManualClock) -> None:
    given_schedule(held_database, every=10, overlap_policy="buffer_one")
    occurs(held_database, clock, times=2)

    sql(held_database, "UPDATE periodic_task SET overlap_policy = 'skip'")
    starts(held_database, clock, runs(held_database)[0])
    ends(held_database, clock, runs(held_database)[0])

    assert promotes(held_database, clock) == 1


def test_failures_in_a_row_pause_the_schedule(held_database: Database, clock: ManualClock) -> None:
    key = given_schedule(held_database, every=10, pause_after_failures=2, overlap_policy="allow_all")
    occurs(held_database, clock, times=4)
    one, two, three, four = runs(held_database)

    for run, state, paused in [(one, "failed", False), (two, "succeeded", False), (three, "timed_out", False), (four, "lost", True)]:  # fmt: skip  # noqa: E501
        starts(held_database, clock, run)
        ends(held_database, clock, run, state)
        assert _pauses(held_database, run) is paused

    assert schedule(held_database, key).enabled is False
    assert schedule(held_database, key).paused_reason == "2 failures in a row"


def test_one_who_resumes_starts_anew(held_database: Database, clock: ManualClock) -> None:
    given_schedule(held_database, every=10, pause_after_failures=1)
    occurs(held_database, clock)
    (run,) = runs(held_database)
    starts(held_database, clock, run)
    ends(held_database, clock, run, "failed")
    assert _pauses(held_database, run)

    sql(held_database, "UPDATE periodic_task SET enabled = true, paused_reason = NULL")

    assert _pauses(held_database, run) is False


def _pauses(database: Database, run: TaskRun) -> bool:
    with database.transaction() as session:
        return pausing.pause_failing(session, [run.id]) != []


def _to_terminate(database: Database, clock: ManualClock) -> bool:
    with database.reading() as session:
        answer: Any = due.look(session, clock.now()).to_terminate
        return bool(answer)
