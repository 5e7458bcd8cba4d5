"""What a worker records when the database answers badly."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import make_url
from uuid_utils.compat import uuid7

from scheduler_service.storage.models import TaskRun
from scheduler_service.storage.session import Database
from scheduler_service.worker.recording import Attempt, Recorder
from tests.support.link import link_to
from tests.support.rows import runs

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def given_sent_run(database: Database) -> Attempt:
    row = {"occurrence_at": NOON, "fire_at": NOON, "decided_at": NOON, "published_at": NOON, "state": "published"}
    row |= {"schedule_name": "n", "kind": "other", "task": "t", "args": [], "kwargs": {}, "options": {}}
    row |= {"revision": 1, "origin": "auto", "decided_by": "b"}
    with database.transaction() as session:
        run = TaskRun(id=uuid7(), periodic_task_id=1, **row)
        session.add(run)
        return Attempt(run.id, 1)


def test_a_claim_whose_answer_was_lost_is_taken_and_another_workers_copy_is_not(postgres_url: str) -> None:
    database = Database(postgres_url)
    attempt = given_sent_run(database)
    with link_to(postgres_url) as link:
        seen = make_url(postgres_url).set(host="127.0.0.1", port=link.port, query={})
        linked = Database(seen.render_as_string(hide_password=False))
        linked.clock.now()
        link.cut_after(b"UPDATE task_run")

        assert Recorder(linked, worker="w1").claim(attempt)

        assert link.was_cut.is_set()
        linked.close()
    assert not Recorder(database, worker="w1").claim(attempt)
    (run,) = runs(database)
    assert (run.state, run.worker, run.attempt, run.duplicate_deliveries) == ("running", "w1", 1, 1)
    assert run.started_at is not None
    assert abs(run.started_at - database.clock.now()) < timedelta(minutes=1)
    database.close()
