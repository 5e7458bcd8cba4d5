"""Schedules that run after others: each pass through a chain has one origin and one occurrence."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from scheduler_service.beat.chains import follow
from scheduler_service.beat.decide import decide_due, plan_unplanned
from scheduler_service.services import manual_runs
from scheduler_service.storage import attempts, cancelling
from scheduler_service.storage.attempts import Ending
from scheduler_service.storage.models import TaskRun
from scheduler_service.storage.session import Database
from tests.support.clock import ManualClock
from tests.support.rows import given_schedule, runs, schedule, sql


class Beat:
    name = "test beat"
    number = 1


def given_follower(database: Database, *, name: str, after: Sequence[int], **fields: Any) -> int:
    key = given_schedule(database, name=name, overlap_policy="buffer_all", **fields)
    for upstream in after:
        sql(database, "INSERT INTO schedule_after VALUES (:upstream, :key)", upstream=upstream, key=key)
    return key


def comes_due(database: Database, clock: ManualClock) -> None:
    """Every schedule with a timing has its next occurrence."""
    plan_unplanned(database, limit=100)
    clock.advance(timedelta(seconds=10))
    decide_due(database, Beat(), limit=100)


def ends(database: Database, clock: ManualClock, name: str, state: str = "succeeded") -> None:
    """The schedule's newest run ends, and Beat follows whatever that brings about."""
    run = runs_of(database, name)[-1]
    with database.transaction() as session:
        assert attempts.claim(session, run.id, run.attempt, worker="w", now=clock.now())
        assert attempts.finish(session, run.id, run.attempt, Ending(state), now=clock.now())
    follows(database)


def follows(database: Database) -> list[str]:
    """The schedules that are to be sent by it, until nothing is left to follow."""
    sent = []
    while True:
        worked, messages = follow(database, Beat(), limit=100)
        with database.reading() as session:
            names = {run.id: run.schedule_name for run in session.query(TaskRun)}
        sent += [names[message.id] for message in messages]
        if not worked:
            return sent


def runs_of(database: Database, name: str) -> list[TaskRun]:
    return runs(database, schedule_name=name)


def states(database: Database) -> dict[str, str]:
    return {run.schedule_name: run.state for run in runs(database)}


@pytest.fixture
def chain(held_database: Database, clock: ManualClock) -> Database:
    """collect → etl → report, the first of them due."""
    head = given_schedule(held_database, name="collect", every=10)
    etl = given_follower(held_database, name="etl", after=[head])
    given_follower(held_database, name="report", after=[etl])
    comes_due(held_database, clock)
    return held_database


def test_each_runs_when_the_one_before_has_succeeded(chain: Database, clock: ManualClock) -> None:
    assert follows(chain) == []
    ends(chain, clock, "collect")
    assert states(chain) == {"collect": "succeeded", "etl": "pending"}

    ends(chain, clock, "etl")

    assert states(chain) == {"collect": "succeeded", "etl": "succeeded", "report": "pending"}
    passes = {(run.origin, run.occurrence_at) for run in runs(chain)}
    assert len(passes) == 1
    assert schedule(chain, 2).total_run_count == 1


def test_whatever_ends_otherwise_leaves_out_all_that_follow(chain: Database, clock: ManualClock) -> None:
    ends(chain, clock, "collect", "failed")

    assert states(chain) == {"collect": "failed", "etl": "skipped", "report": "skipped"}
    assert [run.reason for run in runs(chain)][1:] == [
        "upstream collect did not succeed: it failed",
        "upstream etl did not succeed: it was skipped",
    ]


@pytest.mark.parametrize("state", ["cancelled by a person", "never sent", "by plain SQL"])
def test_whoever_ends_a_run_its_followers_hear_of_it(chain: Database, clock: ManualClock, state: str) -> None:
    (run,) = runs(chain)
    if state == "cancelled by a person":
        with chain.transaction() as session:
            cancelling.end_unstarted(session, run.id, reason="no more", now=clock.now())
    elif state == "never sent":
        with chain.transaction() as session:
            attempts.end_unstarted(session, run.id, "expired", reason="too late", now=clock.now())
    else:
        sql(chain, "UPDATE task_run SET state = 'lost'")

    follows(chain)

    assert states(chain)["report"] == "skipped"


def test_a_retry_that_succeeds_brings_the_chain_back(chain: Database, clock: ManualClock) -> None:
    ends(chain, clock, "collect", "failed")
    with chain.transaction() as session:
        manual_runs.retry(session, runs_of(chain, "collect")[0].id, actor="somebody", now=clock.now())

    ends(chain, clock, "collect")
    assert states(chain) == {"collect": "succeeded", "etl": "pending", "report": "skipped"}

    ends(chain, clock, "etl")
    assert states(chain) == {"collect": "succeeded", "etl": "succeeded", "report": "pending"}


def test_a_repeated_end_follows_once(chain: Database, clock: ManualClock) -> None:
    ends(chain, clock, "collect")
    (head,) = runs_of(chain, "collect")

    sql(chain, "INSERT INTO chain_link (run_id) SELECT id FROM task_run WHERE schedule_name = 'collect'")
    sql(chain, "UPDATE task_run SET state = 'succeeded' WHERE schedule_name = 'collect'")

    assert follows(chain) == []
    assert len(runs_of(chain, "etl")) == 1
    assert head.state == "succeeded"


def test_a_follower_of_two_waits_for_both(held_database: Database, clock: ManualClock) -> None:
    both = [given_schedule(held_database, name=name, every=10) for name in ("left", "right")]
    given_follower(held_database, name="join", after=both)
    comes_due(held_database, clock)

    ends(held_database, clock, "left")
    assert "join" not in states(held_database)
    ends(held_database, clock, "right")

    assert states(held_database)["join"] == "pending"


def test_one_of_two_that_fails_leaves_it_out_until_it_succeeds(held_database: Database, clock: ManualClock) -> None:
    both = [given_schedule(held_database, name=name, every=10) for name in ("left", "right")]
    given_follower(held_database, name="join", after=both)
    comes_due(held_database, clock)

    ends(held_database, clock, "left", "timed_out")
    assert states(held_database)["join"] == "skipped"
    ends(held_database, clock, "right")
    assert states(held_database)["join"] == "skipped"
    with held_database.transaction() as session:
        manual_runs.retry(session, runs_of(held_database, "left")[0].id, actor="somebody", now=clock.now())
    ends(held_database, clock, "left")

    assert states(held_database)["join"] == "pending"


def test_a_paused_follower_is_left_out_and_what_follows_it_as_well(chain: Database, clock: ManualClock) -> None:
    sql(chain, "UPDATE periodic_task SET enabled = false, paused_reason = 'stocktaking' WHERE name = 'etl'")

    ends(chain, clock, "collect")

    assert states(chain) == {"collect": "succeeded", "etl": "skipped", "report": "skipped"}
    assert runs_of(chain, "etl")[0].reason == "the schedule is paused: stocktaking"


def test_a_run_by_hand_runs_its_own_chain(chain: Database, clock: ManualClock) -> None:
    clock.advance(timedelta(seconds=1))
    with chain.transaction() as session:
        by_hand = manual_runs.trigger(session, 1, actor="somebody", now=clock.now())

    ends(chain, clock, "collect")

    (follower,) = runs_of(chain, "etl")
    assert (follower.origin, follower.occurrence_at) == (by_hand.origin, by_hand.occurrence_at)


def test_a_follower_that_is_busy_lets_the_next_pass_wait(chain: Database, clock: ManualClock) -> None:
    ends(chain, clock, "collect")
    clock.advance(timedelta(seconds=10))
    decide_due(chain, Beat(), limit=100)

    ends(chain, clock, "collect")

    assert [run.state for run in runs_of(chain, "etl")] == ["pending", "buffered"]


def test_a_circle_written_by_plain_sql_ends_where_it_began(chain: Database, clock: ManualClock) -> None:
    sql(chain, "INSERT INTO schedule_after (upstream_id, downstream_id) VALUES (3, 2)")
    sql(chain, "DELETE FROM schedule_after WHERE upstream_id = 1")
    with chain.transaction() as session:
        manual_runs.trigger(session, 2, actor="somebody", now=clock.now())

    ends(chain, clock, "etl")
    ends(chain, clock, "report")

    assert len(runs_of(chain, "etl")) == len(runs_of(chain, "report")) == 1
