"""What is old goes, a little at a time; what still guards against a second run stays."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from scheduler_service.services import idempotency
from scheduler_service.services.idempotency import Keyed
from scheduler_service.storage import trimming
from scheduler_service.storage.models import AuditEvent, PeriodicTask, TaskRun, Worker
from scheduler_service.storage.session import Database
from scheduler_service.tasks.maintenance_tasks import Keep, Trimmed, trim
from tests.support.clock import ManualClock
from tests.support.rows import given_schedule, runs

KEEP = Keep(runs=timedelta(days=30), audit=timedelta(days=60))


def given_run(database: Database, key: int, at: datetime, **fields: Any) -> None:
    with database.transaction() as session:
        values = {"occurrence_at": at, "fire_at": at, "decided_at": at, "finished_at": at, "state": "succeeded"}
        row = {
            "schedule_name": "n", "kind": "other", "task": "t", "args": [], "kwargs": {}, "options": {},
            "revision": 1, "origin": "auto", "decided_by": "b", **values, **fields,
        }  # fmt: skip
        session.add(TaskRun(id=uuid7(), periodic_task_id=key, **row))


@pytest.fixture
def schedule(held_database: Database, clock: ManualClock) -> int:
    key = given_schedule(held_database, every=1, period="days")
    with held_database.transaction() as session:
        row = session.get_one(PeriodicTask, key)
        row.watermark = clock.now() - timedelta(days=40)
        row.last_run_at = clock.now() - timedelta(days=50)
    return key


def test_old_finished_runs_go_in_batches(
    held_database: Database, clock: ManualClock, schedule: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trimming, "BATCH", 3)
    for day in range(60, 70):
        given_run(held_database, schedule, clock.now() - timedelta(days=day))
    given_run(held_database, schedule, clock.now() - timedelta(days=3))

    assert trim(held_database, KEEP) == Trimmed(runs=10, audit=0, workers=0, answers=0)
    assert len(runs(held_database)) == 1


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"state": "running", "finished_at": None}, id="unfinished"),
        pytest.param({"occurrence_at": timedelta(days=35)}, id="beyond what its schedule has passed"),
        pytest.param({"decided_at": timedelta(days=50)}, id="the last of its schedule"),
    ],
)
def test_what_still_guards_stays(
    held_database: Database, clock: ManualClock, schedule: int, fields: dict[str, Any]
) -> None:
    told = {name: clock.now() - value if isinstance(value, timedelta) else value for name, value in fields.items()}
    given_run(held_database, schedule, clock.now() - timedelta(days=60), **told)

    assert trim(held_database, KEEP).runs == 0


@pytest.mark.parametrize(("keep_days", "left"), [(5, [3]), (365, [3, 10, 100]), (None, [3, 10])])
def test_a_schedule_may_say_how_long_its_runs_are_kept(
    held_database: Database, clock: ManualClock, schedule: int, keep_days: int | None, left: list[int]
) -> None:
    with held_database.transaction() as session:
        row = session.get_one(PeriodicTask, schedule)
        row.keep_runs_days, row.watermark = keep_days, clock.now()
    for day in (3, 10, 100, 400):
        given_run(held_database, schedule, clock.now() - timedelta(days=day))

    assert trim(held_database, KEEP).runs == 4 - len(left)

    assert sorted((clock.now() - run.occurrence_at).days for run in runs(held_database)) == left


def test_runs_of_a_deleted_schedule_go_as_well(held_database: Database, clock: ManualClock) -> None:
    given_run(held_database, 4711, clock.now() - timedelta(days=60))

    assert trim(held_database, KEEP).runs == 1


def test_old_audit_events_and_dead_workers_go(held_database: Database, clock: ManualClock) -> None:
    with held_database.transaction() as session:
        for days in (1, 61):
            at = clock.now() - timedelta(days=days)
            event = {"actor": "a", "action": "x", "subject_type": "s", "subject_id": "1", "subject_name": "n"}
            session.add(AuditEvent(at=at, changes={}, **event))
            session.add(Worker(name=f"w{days}", queues=[], concurrency=1, pid=1, started_at=at, last_heartbeat_at=at))

        for key, days in (("old", 2), ("new", 0)):
            idempotency.begin(session, Keyed("ann", key, "f"), now=clock.now() - timedelta(days=days))

    assert trim(held_database, KEEP) == Trimmed(runs=0, audit=1, workers=1, answers=1)
