"""What a task tells of its run, and hears."""

from types import SimpleNamespace
from typing import Any
from uuid import UUID

from sqlalchemy import text
from uuid_utils.compat import uuid7

from scheduler_service.storage.models import TaskRun
from scheduler_service.storage.session import Database
from scheduler_service.tasks.running import Running
from tests.support.waiting import eventually


def given_running(database: Database) -> Running:
    """A run that is running, as its task sees it."""
    run_id, now = uuid7(), database.clock.now()
    with database.transaction() as session:
        session.add(
            TaskRun(
                id=run_id,
                periodic_task_id=1,
                schedule_name="one",
                kind="other",
                task="sample.count",
                args=[],
                kwargs={},
                origin="auto",
                occurrence_at=now,
                fire_at=now,
                state="running",
                revision=1,
                options={},
                decided_at=now,
                decided_by="test",
            )
        )
    request = SimpleNamespace(id=str(run_id), headers={"occurrence_at": now.isoformat(), "attempt": 1}, retries=0)
    return Running.of(request, database)


def progress_of(running: Running) -> Any:
    with running.database.reading() as session:
        return session.get_one(TaskRun, UUID(running.run_id)).progress


def test_what_is_told_too_soon_is_not_lost(database: Database) -> None:
    running = given_running(database)

    running.tell(step=1, of=2, text="first")
    running.tell(step=2, of=2, text="second")

    assert progress_of(running) == {"step": 1, "of": 2, "text": "first"}
    assert running.asked_to_end() is False
    eventually(lambda: not running.asked_to_end() and progress_of(running)["step"] == 2, within=3)


def test_a_request_to_end_is_heard(database: Database) -> None:
    running = given_running(database)
    with database.transaction() as session:
        session.execute(text("UPDATE task_run SET cancel_mode = 'ask', cancel_requested_at = occurrence_at"))

    assert eventually(running.asked_to_end, within=3)
