"""Edits, pauses and deletes at the very instant of firing, thousands of times: no deadlock, no lost update, no fire."""

import random
from collections import Counter
from collections.abc import Callable
from threading import Thread

import pytest
from sqlalchemy import text

from scheduler_service.storage.session import Database
from tests.support.accounts import unfinished
from tests.support.editors import EVERY, Editor, given_restless
from tests.support.processes import Site
from tests.support.rows import runs, sql
from tests.support.waiting import eventually

Executions = Callable[[], list[str]]

SCHEDULES, EDITORS, EDITS = 120, 6, 340
SEED = 20261125


@pytest.mark.takes(100)
def test_what_was_answered_holds_however_near_the_firing(
    postgres_site: Site, postgres_database: Database, executions: Executions
) -> None:
    postgres_site.worker("-c", "4", "-P", "threads")
    postgres_site.beat(), postgres_site.beat()
    keys = [given_restless(postgres_database, f"restless {n}", before=EVERY * n / SCHEDULES) for n in range(SCHEDULES)]
    editors = [Editor(postgres_database, keys[n::EDITORS], keys, random.Random(SEED + n)) for n in range(EDITORS)]

    threads = [Thread(target=editor.edit, args=(EDITS,)) for editor in editors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sql(postgres_database, "UPDATE periodic_task SET enabled = false")
    eventually(lambda: not unfinished(postgres_database), within=60, every=0.3)

    for editor in editors:
        editor.require_quiet()
        assert editor.troubles == []
    described = sum((editor.described for editor in editors), Counter[int]())
    kept = _described(postgres_database, keys)
    assert kept.keys() == set(keys).difference(*(editor.deleted for editor in editors))
    assert sum(kept.values()) > 0
    assert kept == {key: described[key] for key in kept}
    assert _deadlocks(postgres_database) == 0
    assert Counter(executions()) == Counter(str(run.id) for run in runs(postgres_database, state="succeeded"))
    postgres_site.examine()


def _described(database: Database, keys: list[int]) -> dict[int, int]:
    statement = "SELECT id, length(description) FROM periodic_task WHERE id = ANY(:keys)"
    with database.reading() as session:
        return {row.id: row.length for row in session.execute(text(statement), {"keys": keys})}


def _deadlocks(database: Database) -> int:
    """As PostgreSQL counts them, those of Beats and workers included."""
    with database.reading() as session:
        session.execute(text("SELECT pg_stat_force_next_flush()"))
        statement = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        return int(session.execute(text(statement)).scalar_one())
