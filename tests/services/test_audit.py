"""Every change is written down with the change itself."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from scheduler_service.errors import RevisionMismatch
from scheduler_service.services import documents, manual_runs, schedules
from scheduler_service.services.collect_tasks import CollectTaskDocument, collect_tasks
from scheduler_service.services.schedule_documents import ScheduleDocument
from scheduler_service.storage.models import AuditEvent
from scheduler_service.storage.session import Database, Session

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TIMING = {"type": "interval", "every": 30, "period": "seconds"}
SCHEDULE = documents.read(ScheduleDocument, {"name": "orders", "task": "shop.collect", "timing": TIMING})
FILE = {"type": "file", "path": "orders.csv"}
COLLECT = documents.read(CollectTaskDocument, {"name": "orders", "definition": {"dataset": "orders", "source": FILE}})


def events(session: Session) -> list[tuple[str, str, str, dict[str, Any]]]:
    found = session.scalars(select(AuditEvent).order_by(AuditEvent.id))
    return [(event.actor, event.action, f"{event.subject_type} {event.subject_id}", event.changes) for event in found]


def test_the_life_of_a_schedule_can_be_read_from_its_events(database: Database) -> None:
    with database.transaction() as session:
        made = schedules.create(session, SCHEDULE, actor="ann", now=NOW)
        patch = {"queue": "heavy", "timing": {"every": 5}}
        schedules.patch(session, made.id, patch, expected=None, actor="bob", now=NOW)
        schedules.pause(session, made.id, reason="holidays", actor="cid")
        schedules.resume(session, made.id, actor="dan")
        run = manual_runs.trigger(session, made.id, actor="eve", now=NOW)
        schedules.delete(session, made.id, expected=None, actor="fay")

        created, *changed, deleted = events(session)

    assert created[:3] == ("ann", "create", "schedule 1")
    assert created[3]["task"] == [None, "shop.collect"]
    assert changed == [
        ("bob", "patch", "schedule 1", {"queue": [None, "heavy"], "timing": [TIMING, TIMING | {"every": 5}]}),
        ("cid", "pause", "schedule 1", {"enabled": [True, False], "paused_reason": [None, "holidays"]}),
        ("dan", "resume", "schedule 1", {"enabled": [False, True], "paused_reason": ["holidays", None]}),
        ("eve", "trigger", "schedule 1", {"run": [None, str(run.id)]}),
    ]
    assert deleted[:3] == ("fay", "delete", "schedule 1")
    assert deleted[3]["task"] == ["shop.collect", None]


def test_what_changes_nothing_is_not_an_event(database: Database) -> None:
    with database.transaction() as session:
        made = schedules.create(session, SCHEDULE, actor="ann", now=NOW)
        task = collect_tasks.create(session, COLLECT, actor="ann")

        schedules.replace(session, made.id, SCHEDULE, expected=None, actor="bob", now=NOW)
        schedules.resume(session, made.id, actor="bob")
        collect_tasks.replace(session, task.id, COLLECT, expected=None, actor="bob")

        assert [event[:3] for event in events(session)] == [
            ("ann", "create", "schedule 1"),
            ("ann", "create", "collect_task 1"),
        ]


def test_a_refused_change_leaves_no_event(database: Database) -> None:
    with database.transaction() as session:
        made = schedules.create(session, SCHEDULE, actor="ann", now=NOW)

    with pytest.raises(RevisionMismatch), database.transaction() as session:
        schedules.delete(session, made.id, expected=[7], actor="bob")

    with database.reading() as session:
        assert [event[0] for event in events(session)] == ["ann"]


def test_the_life_of_a_collect_task_can_be_read_from_its_events(database: Database) -> None:
    with database.transaction() as session:
        task = collect_tasks.create(session, COLLECT, actor="ann")
        collect_tasks.patch(session, task.id, {"name": "renamed"}, expected=[1], actor="bob")
        collect_tasks.delete(session, task.id, expected=[2], actor="cid")

        found = events(session)

    assert [event[:3] for event in found] == [
        ("ann", "create", "collect_task 1"),
        ("bob", "patch", "collect_task 1"),
        ("cid", "delete", "collect_task 1"),
    ]
    assert found[1][3] == {"name": ["orders", "renamed"]}
