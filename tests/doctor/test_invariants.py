"""Each thing that must not be is made by plain SQL, and is told in words; a healthy database has nothing to tell."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from scheduler_service.beat.decide import decide_due, plan_unplanned
from scheduler_service.storage import invariants
from scheduler_service.storage.findings import MOST_LISTED, Found
from scheduler_service.storage.models import Move, ObservedRun, TaskRun, Worker, WorkerTask
from scheduler_service.storage.session import Database
from tests.support.clock import ManualClock
from tests.support.rows import given_calendar, given_schedule, given_schedules, sql


class Beat:
    name = "test beat"
    number = 1


def examined(database: Database) -> dict[str, Found]:
    """What is found, by code; but not that no Beat and no worker run here, nor notes of that."""
    with database.reading() as session:
        found = invariants.examine(session, database.clock.now())
    return {one.code: one for one in found if one.code not in ("no_beat", "task_untracked")}


def sentence(database: Database, code: str) -> str:
    found = examined(database)
    assert list(found) == [code]
    return found[code].findings[0].sentence


def works(database: Database, clock: ManualClock, **by: float) -> None:
    """Time passes, and a Beat plans and decides."""
    clock.advance(timedelta(**by))
    plan_unplanned(database, limit=100)
    decide_due(database, Beat(), limit=100)


def given_run(database: Database, **fields: Any) -> None:
    now = database.clock.now()
    row: dict[str, Any] = {
        "id": uuid4(),
        "periodic_task_id": 1,
        "schedule_name": "one",
        "kind": "other",
        "task": "sample.count",
        "args": [],
        "kwargs": {},
        "options": {},
        "revision": 1,
        "origin": "auto",
        "state": "pending",
        "occurrence_at": now,
        "fire_at": now,
        "decided_at": now,
        "decided_by": "test",
    }
    with database.transaction() as session:
        session.add(TaskRun(**row | fields))


def given_worker(database: Database, *, name: str = "w", heartbeat_at: datetime, queues: tuple[str, ...] = ()) -> None:
    """A worker that knows `sample.count`."""
    with database.transaction() as session:
        session.add(
            Worker(
                name=name,
                queues=list(queues),
                concurrency=1,
                pid=1,
                started_at=heartbeat_at,
                last_heartbeat_at=heartbeat_at,
            )
        )
        session.flush()
        session.add(WorkerTask(worker=name, task="sample.count", doc="", acks_late=False, arguments={}))


def test_a_database_that_was_served_well_has_nothing_to_tell(held_database: Database, clock: ManualClock) -> None:
    given_schedule(held_database, name="interval", every=10, overlap_policy="allow_all")
    given_schedule(held_database, name="crontab", cron="*/5 9-17 * * mon-fri", timezone="Europe/Berlin")
    given_schedule(held_database, name="spread", every=1, period="minutes", jitter_seconds=50)
    given_schedule(held_database, name="skips", every=1, period="minutes", misfire_policy="skip")
    given_schedule(held_database, name="off", every=7, calendar_id=given_calendar(held_database, dates=["2026-03-02"]))
    given_schedule(held_database, name="over", every=1, one_off=True)
    works(held_database, clock)

    for _ in range(20):
        works(held_database, clock, seconds=10)
    works(held_database, clock, hours=3)
    works(held_database, clock)
    sql(held_database, "UPDATE task_run SET state = 'succeeded', finished_at = decided_at WHERE finished_at IS NULL")

    assert examined(held_database) == {}


def test_a_due_schedule_that_nobody_decides(held_database: Database, clock: ManualClock) -> None:
    given_schedule(held_database, every=10)
    works(held_database, clock)
    clock.advance(timedelta(seconds=71))

    assert sentence(held_database, "overdue") == "It was due at 2026-03-02 12:00:10.000Z, and no Beat has decided it."


def test_a_schedule_that_nobody_plans(held_database: Database, clock: ManualClock) -> None:
    given_schedule(held_database, every=10)
    clock.advance(timedelta(seconds=61))

    assert "no Beat has planned its next run" in sentence(held_database, "unplanned")


def test_a_quarantined_schedule_and_its_reason(held_database: Database, clock: ManualClock) -> None:
    given_schedule(held_database, cron="61 * * * *")
    works(held_database, clock)

    assert "minute" in sentence(held_database, "quarantined")


def test_a_paused_or_completed_schedule_is_no_matter(held_database: Database, clock: ManualClock) -> None:
    given_schedule(held_database, name="paused", every=10, enabled=False)
    given_schedule(held_database, name="completed", every=10, completed_reason="over")
    clock.advance(timedelta(days=1))

    assert examined(held_database) == {}


def test_an_occurrence_that_is_passed_over(held_database: Database, clock: ManualClock) -> None:
    given_schedule(held_database, every=10)
    works(held_database, clock)
    later = _stored(held_database, clock.now() + timedelta(seconds=30))
    sql(held_database, "UPDATE periodic_task SET next_run_at = :at, next_occurrence_at = :at", at=later)

    assert "passes over 2026-03-02 12:00:10.000Z" in sentence(held_database, "next_run_disagrees")


def test_a_next_run_set_by_hand_is_told_and_is_nothing_wrong(held_database: Database, clock: ManualClock) -> None:
    given_schedule(held_database, every=10)
    works(held_database, clock)
    soon = clock.now() + timedelta(seconds=5)
    sql(held_database, "UPDATE periodic_task SET next_run_at = :at", at=_stored(held_database, soon))

    assert examined(held_database)["next_run_by_hand"].is_note
    works(held_database, clock, seconds=10)
    works(held_database, clock, seconds=10)
    assert examined(held_database) == {}


@pytest.mark.parametrize("policy", ["fire_once", "fire_all", "skip"])
@pytest.mark.parametrize("deleted", ["12:00:20", "12:00:10"], ids=["one between", "the first"])
def test_a_run_that_is_gone_is_missed(held_database: Database, clock: ManualClock, policy: str, deleted: str) -> None:
    given_schedule(held_database, every=10, overlap_policy="allow_all", misfire_policy=policy)
    works(held_database, clock)
    for _ in range(4):
        works(held_database, clock, seconds=10)
    assert examined(held_database) == {}

    at = clock.now().replace(second=int(deleted[-2:]))
    sql(held_database, "DELETE FROM task_run WHERE occurrence_at = :at", at=_stored(held_database, at))

    assert "yields 4 occurrences" in sentence(held_database, "unaccounted")
    assert "its runs account for 3" in sentence(held_database, "unaccounted")


def test_what_retention_took_is_not_missed(held_database: Database, clock: ManualClock) -> None:
    given_schedule(held_database, every=1, period="hours", overlap_policy="allow_all")
    works(held_database, clock)
    for _ in range(30):
        works(held_database, clock, hours=1)
    sql(held_database, "UPDATE task_run SET state = 'succeeded', finished_at = decided_at")

    old = _stored(held_database, clock.now() - timedelta(hours=24))
    sql(held_database, "DELETE FROM task_run WHERE occurrence_at <= :old", old=old)

    assert examined(held_database) == {}


def test_a_schedule_whose_timing_is_gone(sqlite_url: str, clock: ManualClock) -> None:
    database = Database(sqlite_url, clock=clock)
    given_schedule(database, every=10)
    works(database, clock)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")
        for statement in (
            "PRAGMA foreign_keys=off",
            "DROP TRIGGER interval_schedule_in_use",
            "DELETE FROM interval_schedule",
        ):
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql("PRAGMA foreign_keys=on")
        connection.exec_driver_sql("BEGIN")

    found = examined(database)
    database.close()
    assert found["timing_missing"].findings[0].sentence == "Its interval_id names a row that is not there."
    assert set(found) == {"timing_missing", "timing_unreadable"}


WAITS = [
    pytest.param(
        {"state": "pending"}, {"minutes": 5, "seconds": 1}, "pending_unsent", "no Beat has taken it", id="pending"
    ),
    pytest.param(
        {"state": "published", "published_at": timedelta()}, {"minutes": 60, "seconds": 1}, "published_unclaimed",
        "no worker has taken it", id="published",
    ),
    pytest.param(
        {"state": "running", "started_at": timedelta(), "worker": "w"}, {"seconds": 76}, "running_abandoned",
        "which is silent since 2026-03-02 12:00:00.000Z", id="running on a silent worker",
    ),
    pytest.param(
        {"state": "running", "started_at": timedelta(), "worker": "nobody"}, {"seconds": 76}, "running_abandoned",
        "which is not known", id="running on an unknown worker",
    ),
    pytest.param(
        {"state": "retrying", "retry_at": timedelta(minutes=1)}, {"minutes": 11, "seconds": 1}, "retry_overdue",
        "was to be tried again at 2026-03-02 12:01:00.000Z", id="retrying",
    ),
    pytest.param({"state": "buffered"}, {"seconds": 61}, "buffered_idle", "none goes on", id="buffered"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "after", "code", "told"), WAITS)
def test_a_run_that_waits_without_a_cause(
    held_database: Database, clock: ManualClock, fields: dict[str, Any], after: dict[str, float], code: str, told: str
) -> None:
    given_worker(held_database, heartbeat_at=clock.now())
    moments = {name: clock.now() + value if isinstance(value, timedelta) else value for name, value in fields.items()}
    given_run(held_database, **moments)

    clock.advance(timedelta(**after) - timedelta(seconds=2))
    assert examined(held_database) == {}
    clock.advance(timedelta(seconds=2))
    assert told in sentence(held_database, code)


def test_a_buffered_run_whose_schedule_works_is_no_matter(held_database: Database, clock: ManualClock) -> None:
    given_run(held_database, state="buffered")
    clock.advance(timedelta(minutes=5))
    given_run(held_database, state="retrying", retry_at=clock.now() + timedelta(hours=1))

    assert examined(held_database) == {}


def test_a_run_that_ended_and_whose_followers_nobody_decides(held_database: Database, clock: ManualClock) -> None:
    given_run(held_database, state="succeeded", finished_at=clock.now())
    sql(held_database, "INSERT INTO chain_link (run_id) SELECT id FROM task_run")

    clock.advance(timedelta(seconds=59))
    assert examined(held_database) == {}
    clock.advance(timedelta(seconds=2))
    assert "run after it" in sentence(held_database, "followers_idle")


def test_a_run_before_its_time(held_database: Database, clock: ManualClock) -> None:
    early = {"published_at": clock.now(), "started_at": clock.now(), "finished_at": clock.now()}
    given_run(held_database, state="succeeded", fire_at=clock.now() + timedelta(seconds=1), **early)

    assert "was to be sent at 2026-03-02 12:00:01.000Z" in sentence(held_database, "before_fire_at")


@pytest.mark.parametrize(
    ("state", "finished"),
    [
        pytest.param("succeeded", False, id="ended"),
        pytest.param("running", True, id="going on"),
        pytest.param("buffered", True, id="waiting for another"),
    ],
)
def test_a_run_whose_end_is_half_told(held_database: Database, clock: ManualClock, state: str, finished: bool) -> None:
    given_run(held_database, state=state, finished_at=clock.now() if finished else None)

    assert f"It is {state}" in sentence(held_database, "finish_disagrees")


def test_only_the_first_of_many_are_listed_and_all_are_counted(held_database: Database, clock: ManualClock) -> None:
    now = _stored(held_database, clock.now())
    given_schedules(held_database, MOST_LISTED + 5, date_changed=now, created_at=now)
    clock.advance(timedelta(minutes=2))

    found = examined(held_database)["unplanned"]

    assert (found.total, len(found.findings)) == (MOST_LISTED + 5, MOST_LISTED)


def test_queues_and_tasks_that_nobody_serves(held_database: Database, clock: ManualClock) -> None:
    given_worker(held_database, name="gone", heartbeat_at=clock.now() - timedelta(minutes=2), queues=("heavy",))
    given_worker(held_database, name="here", heartbeat_at=clock.now(), queues=("default",))
    given_schedule(held_database, name="served", every=10, queue="default")
    given_schedule(held_database, name="unserved", every=10, queue="heavy")
    given_schedule(held_database, name="paused", every=10, queue="other", enabled=False)

    found = examined(held_database)
    assert [finding.subject for finding in found["queue_unserved"].findings] == ["queue heavy"]

    given_schedule(held_database, name="by its task", every=10)
    assert "task_unserved" not in examined(held_database)
    sql(held_database, "DELETE FROM worker_task WHERE worker = 'here'")
    assert examined(held_database)["task_unserved"].findings[0].subject == "task sample.count"


def test_a_task_that_no_worker_ever_told_of_is_only_noted(held_database: Database, clock: ManualClock) -> None:
    given_schedule(held_database, every=10, task="theirs.own")
    with held_database.reading() as session:
        noted = [one for one in invariants.examine(session, clock.now()) if one.code == "task_untracked"]

    assert [one.is_note for one in noted] == [True]


def test_a_job_that_was_handed_over_and_goes_on_there(held_database: Database, clock: ManualClock) -> None:
    key, now = given_schedule(held_database, every=3600), clock.now()
    with held_database.transaction() as session:
        place = {"source": "apscheduler+sqlite:///jobs.db", "source_id": "a"}
        handed_over = {"state": "live", "boundary_at": now, "changed_at": now}
        session.add(Move(periodic_task_id=key, source_kind="apscheduler3", name="one", **place, **handed_over))
        for seconds, outcome in ((-1, "executed"), (1, "missed")):
            session.add(ObservedRun(scheduled_at=now + timedelta(seconds=seconds), outcome=outcome, **place))
    assert examined(held_database) == {}

    with held_database.transaction() as session:
        session.add(ObservedRun(scheduled_at=now + timedelta(seconds=2), outcome="executed", **place))
    told = sentence(held_database, "runs_twice")
    with held_database.transaction() as session:
        session.query(Move).one().changed_at = now + timedelta(seconds=3)

    assert "apscheduler+sqlite:///jobs.db has run it since" in told
    assert examined(held_database) == {}


def test_no_beat_is_seen_by_its_lock(postgres_url: str, clock: ManualClock) -> None:
    database = Database(postgres_url, clock=clock)
    given_schedule(database, every=10)
    with database.reading() as session:
        codes = [one.code for one in invariants.examine(session, clock.now())]
    database.close()

    assert "no_beat" in codes


def test_a_lost_unique_constraint(postgres_url: str, clock: ManualClock) -> None:
    database = Database(postgres_url, clock=clock)
    with database.reading() as session:
        name = session.scalar(
            text("SELECT conname FROM pg_constraint WHERE conrelid = 'task_run'::regclass AND contype = 'u'")
        )
    sql(database, f"ALTER TABLE task_run DROP CONSTRAINT {name}")

    told = sentence(database, "occurrence_not_unique")
    database.close()
    assert told.startswith("Nothing keeps an occurrence from having two runs")


def test_another_version_is_all_that_is_told(held_database: Database) -> None:
    given_schedule(held_database, cron="61 * * * *", quarantine_reason="broken")
    sql(held_database, "UPDATE alembic_version SET version_num = 'ffff'")

    assert "made by a newer version" in sentence(held_database, "migrations")


def _stored(database: Database, at: datetime) -> object:
    """An instant as plain SQL writes it."""
    return at if database.dialect == "postgresql" else at.strftime("%Y-%m-%d %H:%M:%S.%f")
