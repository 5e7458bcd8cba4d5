"""A backfill with a real Beat and worker: all of it, once, and never more at once than it may."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from scheduler_service.services import backfills
from scheduler_service.services.backfills import BackfillDocument
from scheduler_service.storage.models import Backfill
from scheduler_service.storage.session import Database
from tests.support.broker import Broker
from tests.support.processes import Site
from tests.support.rows import given_schedule, runs
from tests.support.waiting import eventually

Executions = Callable[[], list[str]]

OCCURRENCES, AT_ONCE = 20, 3


def test_twenty_occurrences_run_three_at_once(
    postgres_site: Site, postgres_database: Database, broker: Broker, executions: Executions
) -> None:
    postgres_site.worker("-c", "8")
    postgres_site.beat(), postgres_site.beat()
    now = postgres_database.clock.now()
    options: dict[str, Any] = {"task": "sample.sleep", "args": ["past", 0.4], "created_at": now, "enabled": False}
    key = given_schedule(postgres_database, every=60, **options)

    made = given_backfill(postgres_database, key)
    at_once: list[int] = []

    def is_done() -> bool:
        at_once.append(going_on(broker))
        with postgres_database.reading() as session:
            return session.get_one(Backfill, made).state == "done"

    eventually(is_done, within=90, every=0.005)

    done = runs(postgres_database, origin=f"backfill:{made}")
    assert [run.state for run in done] == ["succeeded"] * OCCURRENCES
    assert [run.attempt for run in done] == [1] * OCCURRENCES
    assert max(at_once) == AT_ONCE
    assert Counter(executions()) == Counter(str(run.id) for run in done)
    assert len(done) == OCCURRENCES


def given_backfill(database: Database, schedule_id: int) -> int:
    """Of the occurrences before the schedule was made; its id."""
    with database.transaction() as session:
        now = database.clock.now()
        end = now - timedelta(minutes=1)
        start = end - timedelta(minutes=OCCURRENCES)
        document = {"start": start.isoformat(), "end": end.isoformat(), "max_parallel": AT_ONCE}
        wanted = BackfillDocument.model_validate(document)
        return backfills.create(session, schedule_id, wanted, actor="test", now=now).backfill.id


def going_on(broker: Broker) -> int:
    """How many tasks have begun and not ended, as they count themselves."""
    with broker.client() as client:
        begun, ended = client.mget("executed:past", "finished:past")
        return int(begun or 0) - int(ended or 0)
