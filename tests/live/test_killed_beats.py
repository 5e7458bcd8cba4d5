"""A Beat that is killed where it hurts most loses nothing, and nothing is executed twice because of it."""

from collections import Counter
from collections.abc import Callable

import pytest

from scheduler_service.storage.session import Database
from tests.support.accounts import copies
from tests.support.broker import Broker
from tests.support.processes import Site
from tests.support.rows import given_schedules, runs, sql
from tests.support.waiting import eventually

Executions = Callable[[], list[str]]

DYING = "tests.support.dying_beat:DyingScheduler"
COUNT = 20
DUE_NOW = "UPDATE periodic_task SET next_run_at = statement_timestamp() WHERE name LIKE 'many %'"


@pytest.mark.parametrize(("dies", "sent"), [("before", 0), ("after", COUNT)], ids=["decided", "sent but not marked"])
def test_what_a_killed_beat_left_is_finished_by_the_next(
    postgres_site: Site, postgres_database: Database, broker: Broker, executions: Executions, dies: str, sent: int
) -> None:
    killed = postgres_site.beat(scheduler=DYING, DIES=dies)
    given_schedules(postgres_database, COUNT)
    sql(postgres_database, DUE_NOW)
    eventually(lambda: not killed.alive, within=10)
    assert len(runs(postgres_database, state="pending")) == COUNT
    assert broker.queued("sample") == sent

    postgres_site.beat()
    postgres_site.worker("-c", "2")
    eventually(lambda: len(runs(postgres_database, state="succeeded")) == COUNT, within=30)
    eventually(lambda: copies(postgres_database) == sent, within=10)

    done = runs(postgres_database)
    assert len(done) == COUNT
    assert Counter(executions()) == Counter(str(run.id) for run in done)
    assert {run.publish_count for run in done} == {1}
    postgres_site.examine()
