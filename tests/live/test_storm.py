"""Beats are killed again and again, beside two others, while people edit: nothing lost, nothing twice, no deadlock."""

import random
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from threading import Event, Thread
from time import monotonic

import pytest
from sqlalchemy.exc import DBAPIError

from scheduler_service.storage.models import TaskRun
from scheduler_service.storage.session import Database
from tests.support.accounts import unfinished
from tests.support.processes import Site
from tests.support.rows import given_schedule, runs, sql
from tests.support.waiting import eventually

Executions = Callable[[], list[str]]

STORM = 60  # seconds
SEED = 20261124


@pytest.mark.takes(110)
def test_nothing_is_lost_or_doubled_in_a_storm(
    postgres_site: Site, postgres_database: Database, executions: Executions
) -> None:
    steady = [
        given_schedule(postgres_database, name=f"steady {n}", every=1, overlap_policy="allow_all") for n in range(8)
    ]
    restless = [given_schedule(postgres_database, name=f"restless {n}", every=1) for n in range(30)]
    postgres_site.worker("-c", "4", "-P", "threads")
    eventually(lambda: "sample.count" in _tracked(postgres_database), within=10)
    over, troubles = Event(), list[str]()
    editors = [Thread(target=_edit, args=(postgres_database, restless, n, over, troubles)) for n in range(2)]
    for editor in editors:
        editor.start()

    try:
        kills = _kill_beats(postgres_site)
    finally:
        over.set()
        for editor in editors:
            editor.join()
    sql(postgres_database, "UPDATE periodic_task SET enabled = false")
    eventually(lambda: not unfinished(postgres_database), within=60, every=0.3)

    assert kills >= 10
    assert troubles == []
    assert set(Counter(executions()).values()) == {1}
    assert sorted(executions()) == sorted(str(run.id) for run in runs(postgres_database, state="succeeded"))
    for key in steady:
        done = runs(postgres_database, periodic_task_id=key)
        assert {run.state for run in done} == {"succeeded"}
        assert {b.occurrence_at - a.occurrence_at for a, b in pairwise(done)} == {timedelta(seconds=1)}
        assert len(done) >= STORM
    postgres_site.examine()


def _kill_beats(site: Site) -> int:
    """Two Beats stay; a third is killed at random moments, and started anew; how often."""
    dice, pause = random.Random(SEED), Event()
    survivors = [site.beat(), site.beat()]
    kills, until = 0, monotonic() + STORM
    while monotonic() < until:
        victim = site.beat()
        pause.wait(dice.uniform(0.2, 2.0))
        victim.kill()
        kills += 1
    assert all(survivor.alive for survivor in survivors)
    return kills


def _edit(database: Database, schedules: list[int], number: int, over: Event, troubles: list[str]) -> None:
    """Somebody who does what people do, as fast as a program, but leaves the others some of the machine."""
    dice = random.Random(SEED + number)
    while not over.wait(0.02):
        key = dice.choice(schedules)
        statement = dice.choice(EDITS)
        try:
            sql(database, statement, id=key)
            if "enabled = false" in statement:
                _stays_quiet(database, key, troubles)
        except DBAPIError as why:
            troubles.append(f"{statement}: {why}")


EDITS = (
    "UPDATE periodic_task SET enabled = false WHERE id = :id",
    "UPDATE periodic_task SET enabled = true WHERE id = :id",
    "UPDATE periodic_task SET enabled = true WHERE id = :id",
    "UPDATE periodic_task SET description = description || 'x' WHERE id = :id",
    "UPDATE periodic_task SET jitter_seconds = 1 - jitter_seconds WHERE id = :id",
    "UPDATE periodic_task SET next_run_at = clock_timestamp() WHERE id = :id AND enabled",
    "DELETE FROM periodic_task WHERE id = :id AND id % 5 = 0",
)


def _stays_quiet(database: Database, key: int, troubles: list[str]) -> None:
    """Once a pause was answered, nothing is decided until somebody resumes."""
    answered = database.clock.now()
    with database.reading() as session:
        row = (
            session.connection()
            .exec_driver_sql("SELECT enabled, revision FROM periodic_task WHERE id = %s", (key,))
            .one_or_none()
        )
        late = session.query(TaskRun).filter(TaskRun.periodic_task_id == key, TaskRun.decided_at > answered).count()
        after = (
            session.connection()
            .exec_driver_sql("SELECT revision FROM periodic_task WHERE id = %s", (key,))
            .scalar_one_or_none()
        )
    if row is not None and not row.enabled and row.revision == after and late:
        troubles.append(f"{late} runs of schedule {key} were decided after its pause was answered")


def _tracked(database: Database) -> set[str]:
    with database.reading() as session:
        return set(session.connection().exec_driver_sql("SELECT task FROM worker_task").scalars())
