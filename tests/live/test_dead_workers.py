"""A worker that is killed in the middle of its tasks and never comes back, with the heartbeat's own settings."""

import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from scheduler_service.storage.models import TaskRun
from tests.support.broker import Broker
from tests.support.endings import Stage, stage
from tests.support.postgres import Postgres
from tests.support.rows import runs, sql
from tests.support.waiting import eventually

NOTICED = timedelta(seconds=75)


@pytest.fixture
def theatre(postgres: Postgres, broker: Broker, tmp_path: Path) -> Iterator[Stage]:
    with stage(postgres, broker, tmp_path) as opened:
        opened.site.beat()
        yield opened


@pytest.mark.takes(80)
def test_what_a_dead_worker_had_is_lost_or_tried_again_and_its_slot_is_free(theatre: Stage) -> None:
    doomed = theatre.site.worker("-c", "3", name="doomed")
    early = theatre.give_schedule("early", "sample.stuck_once", every=5)
    late = theatre.give_schedule("late", "sample.stuck_once_late", every=5)
    retried = theatre.give_schedule("retried", "sample.stuck_once", every=5, retry_max=1, retry_delay_seconds=0)
    for name in ("early", "late", "retried"):
        theatre.started(name)

    killed_at = theatre.database.clock.now()
    os.killpg(doomed.pid, signal.SIGKILL)
    theatre.site.worker("-c", "2", name="heir", SAMPLE_VISIBILITY="20")
    forgotten = _forgotten(theatre)
    ends = {key: _end_of_first(theatre, key) for key in (early, late, retried)}

    assert [(run.state, run.attempt) for run in ends.values()] == [("lost", 1), ("succeeded", 2), ("succeeded", 2)]
    assert ends[early].reason == f"its worker {ends[early].worker} is silent"
    for key, run in ends.items():
        assert run.finished_at is not None
        assert run.finished_at - killed_at < NOTICED
        assert theatre.attempts(run) == list(range(1, run.attempt + 1))
        following = eventually(partial(_next, theatre, key), within=10)
        assert following.worker is not None
        assert following.worker.startswith("heir@")
    assert ends[late].duplicate_deliveries >= 1
    lost = theatre.run(forgotten, "lost", within=45)
    assert lost.reason == "its worker does not know how it ended"


def _forgotten(theatre: Stage) -> str:
    """A run whose outcome could not be recorded: the heir executed it, and it is `running` for ever."""
    theatre.run_once("forgotten", "sample.count")
    run = theatre.run("forgotten", "succeeded")
    sql(theatre.database, "UPDATE task_run SET state = 'running', finished_at = NULL WHERE id = :id", id=run.id)
    return "forgotten"


def _end_of_first(theatre: Stage, key: int) -> TaskRun:
    def ended() -> TaskRun | None:
        first = runs(theatre.database, periodic_task_id=key)[0]
        return first if first.finished_at is not None else None

    return eventually(ended, within=NOTICED.total_seconds(), every=0.2, patience=1)


def _next(theatre: Stage, key: int) -> TaskRun | None:
    """The run that follows the first, and those that were left out because of it."""
    done = runs(theatre.database, periodic_task_id=key, state="succeeded")
    first = runs(theatre.database, periodic_task_id=key)[0]
    return next((run for run in done if run.id != first.id), None)
