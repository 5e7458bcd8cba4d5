"""Whoever writes, the trail tells: plain SQL is audited as `database`, Beat as `beat`, and nobody twice."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update

from scheduler_service.beat import decide
from scheduler_service.services import documents, schedules
from scheduler_service.services.calendars import CalendarDocument, calendars
from scheduler_service.services.schedule_documents import ScheduleDocument
from scheduler_service.storage import adopted, audit, own_writes
from scheduler_service.storage.adopted import StaticSchedule
from scheduler_service.storage.models import AuditEvent, PeriodicTask
from scheduler_service.storage.session import Database
from scheduler_service.timing.interval import Interval
from tests.support.clock import ManualClock
from tests.support.rows import given_schedule, schedule, sql


class Beat:
    name = "test beat"
    number = 1


TIMING = {"type": "crontab", "expression": "0 6 * * *"}
DAYS = documents.read(CalendarDocument, {"name": "days off", "definition": {"weekly": ["sun"]}})


def events(database: Database, **wanted: Any) -> list[AuditEvent]:
    with database.reading() as session:
        return list(session.scalars(select(AuditEvent).filter_by(**wanted).order_by(AuditEvent.id)))


def told(event: AuditEvent) -> tuple[str, str, str, str, dict[str, Any]]:
    return event.actor, event.action, f"{event.subject_type} {event.subject_id}", event.subject_name, event.changes


@pytest.fixture
def one(held_database: Database) -> int:
    """A schedule that the service made, which is audited already."""
    body = documents.read(ScheduleDocument, {"name": "one", "task": "t", "timing": TIMING, "kwargs": {"a": 1}})
    with held_database.transaction() as session:
        return schedules.create(session, body, actor="ann", now=held_database.clock.now()).id


def test_the_life_of_a_row_written_by_sql_can_be_read(held_database: Database) -> None:
    sql(held_database, "INSERT INTO interval_schedule (every, period) VALUES (5, 'minutes')")
    sql(held_database, "INSERT INTO periodic_task (name, task, interval_id, queue) VALUES ('n', 't', 1, 'q')")
    change = (
        """kwargs = '{"x": [null, "y\\"z"]}', enabled = false, queue = NULL, expires = '2026-03-02 12:00:00.000000'"""
    )
    sql(held_database, f"UPDATE periodic_task SET {change.replace(':', chr(92) + ':')}")
    sql(held_database, "DELETE FROM periodic_task")

    made, changed, deleted = events(held_database)

    assert told(made)[:4] == ("database", "create", "schedule 1", "n")
    assert {name: made.changes[name][1] for name in ("task", "interval_id", "enabled", "queue", "args")} == {
        "task": "t", "interval_id": 1, "enabled": True, "queue": "q", "args": [],
    }  # fmt: skip
    assert all(old is None for old, _ in made.changes.values())
    assert not {"crontab_id", "expires", "revision", "next_run_at", "watermark"} & made.changes.keys()
    old, expires = changed.changes.pop("expires")
    assert (old, expires[:19]) == (None, "2026-03-02T12:00:00")
    assert told(changed) == (
        "database", "update", "schedule 1", "n",
        {"kwargs": [{}, {"x": [None, 'y"z']}], "enabled": [True, False], "queue": ["q", None]},
    )  # fmt: skip
    assert told(deleted)[:2] == ("database", "delete")
    assert deleted.changes["task"] == ["t", None]
    assert {event.source for event in (made, changed, deleted)} == (
        {"postgres"} if held_database.dialect == "postgresql" else {""}
    )


def test_what_the_service_writes_is_told_once_and_by_itself(held_database: Database, one: int) -> None:
    now = held_database.clock.now()
    with held_database.transaction() as session:
        schedules.pause(session, one, reason="why", actor="bob")
        schedules.resume(session, one, actor="bob")
        schedules.resume(session, one, actor="bob")
        schedules.patch(session, one, {"timing": {"minute": "5"}}, expected=None, actor="cid", now=now)
        made = calendars.create(session, DAYS, actor="dan")
        calendars.patch(session, made.id, {"name": "other"}, expected=None, actor="eve")
        calendars.delete(session, made.id, expected=None, actor="eve")
        schedules.delete(session, one, expected=None, actor="fay")

    assert [(event.actor, event.action) for event in events(held_database)] == [
        ("ann", "create"), ("bob", "pause"), ("bob", "resume"), ("cid", "patch"),
        ("dan", "create"), ("eve", "patch"), ("eve", "delete"), ("fay", "delete"),
    ]  # fmt: skip


def test_an_edit_by_sql_after_one_of_ours_is_told(held_database: Database, one: int) -> None:
    with held_database.transaction() as session:
        schedules.pause(session, one, reason=None, actor="bob")
    sql(held_database, "UPDATE periodic_task SET enabled = true")
    sql(held_database, "UPDATE periodic_task SET enabled = true")

    *_, last = events(held_database)
    assert told(last) == ("database", "update", f"schedule {one}", "one", {"enabled": [False, True]})
    assert len(events(held_database, actor="database")) == 1
    assert schedule(held_database, one).revision == 3


def test_a_set_based_change_of_ours_says_so(held_database: Database, one: int) -> None:
    with held_database.transaction() as session:
        session.execute(update(PeriodicTask).values({"queue": "q", **own_writes.CHANGED}))
        session.execute(update(PeriodicTask).values({"queue": "r", **own_writes.CHANGED}))
        session.execute(update(PeriodicTask).values(own_writes.DELETED))
        session.execute(delete(PeriodicTask))

    assert events(held_database, actor="database") == []


def test_an_edit_of_a_timing_row_is_told_of_each_schedule_that_uses_it(held_database: Database, one: int) -> None:
    other = given_schedule(held_database, name="other", cron="0 6 * * *")
    given_schedule(held_database, name="third", every=5)

    sql(held_database, "UPDATE crontab_schedule SET hour = '7', minute = minute")
    sql(held_database, "UPDATE interval_schedule SET every = 5")

    assert [told(event) for event in events(held_database, actor="database")] == [
        ("database", "update", f"schedule {key}", name, {"crontab.hour": ["6", "7"]})
        for key, name in ((one, "one"), (other, "other"))
    ]


def test_calendars_written_by_sql_are_told(held_database: Database) -> None:
    sql(held_database, "INSERT INTO calendar (name, definition) VALUES ('c', '{}')")
    sql(held_database, """UPDATE calendar SET definition = '{"weekly": ["sun"]}'""".replace('":', '"\\:'))
    sql(held_database, "DELETE FROM calendar")

    made, changed, deleted = [told(event) for event in events(held_database)]
    assert made[1:3] == ("create", "calendar 1")
    assert changed[1:] == ("update", "calendar 1", "c", {"definition": [{}, {"weekly": ["sun"]}]})
    assert deleted[1:3] == ("delete", "calendar 1")


def test_beats_bookkeeping_leaves_no_event(held_database: Database, clock: ManualClock) -> None:
    key = given_schedule(held_database, every=60)
    decide.plan_unplanned(held_database, limit=10)
    clock.advance(timedelta(days=1))
    decide.decide_due(held_database, Beat(), limit=10)

    assert schedule(held_database, key).total_run_count == 1
    assert events(held_database) == []


def test_beat_tells_what_it_ended_and_what_it_could_not_plan(held_database: Database, clock: ManualClock) -> None:
    key = given_schedule(held_database, name="once", every=60, one_off=True)
    broken = given_schedule(held_database, name="broken", cron="61 * * * *")
    decide.plan_unplanned(held_database, limit=10)
    clock.advance(timedelta(minutes=2))
    decide.decide_due(held_database, Beat(), limit=10)

    quarantined, completed = events(held_database, actor=audit.BEAT)
    assert told(completed) == (
        "beat", "complete", f"schedule {key}", "once", {"completed_reason": [None, "one_off: it has run once"]}
    )  # fmt: skip
    assert told(quarantined)[:4] == ("beat", "quarantine", f"schedule {broken}", "broken")
    assert quarantined.changes["quarantine_reason"][1].startswith("It cannot be planned")


def test_what_an_app_states_in_its_code_is_told_as_adopted(held_database: Database, clock: ManualClock) -> None:
    stated = StaticSchedule("static", Interval(30, "seconds", clock.now()), {"task": "t", "queue": "q"})
    changed = StaticSchedule("static", Interval(30, "seconds", clock.now()), {"task": "t", "queue": "r"})
    for entry in (stated, stated, changed):
        with held_database.transaction() as session:
            adopted.adopt(session, [entry])

    made, edited = [told(event) for event in events(held_database)]
    assert made == ("beat", "adopt", "schedule 1", "static", {"task": [None, "t"], "queue": [None, "q"], "interval_id": [None, 1]})  # fmt: skip  # noqa: E501
    assert edited[4] == {"queue": ["q", "r"]}
    assert {event.source for event in events(held_database)} == {"beat_schedule"}


def test_who_may_write_schedules_need_not_be_able_to_write_the_trail(postgres_url: str) -> None:
    database = Database(postgres_url)
    sql(database, "INSERT INTO periodic_task (name, task) VALUES ('n', 't')")
    with database.transaction() as session:
        session.execute(text("CREATE ROLE clerk"))
        session.execute(text("GRANT SELECT, UPDATE ON periodic_task TO clerk"))
    with database.transaction() as session:
        session.execute(text("SET LOCAL ROLE clerk"))
        session.execute(text("CREATE TEMP TABLE audit_event (changes jsonb) ON COMMIT DROP"))
        session.execute(text("UPDATE periodic_task SET description = 'x'"))

    (*_, last) = events(database)
    database.close()

    assert last.changes == {"description": ["", "x"]}


def test_events_are_found_from_any_place_in_time(held_database: Database) -> None:
    sql(held_database, "INSERT INTO periodic_task (name, task) VALUES ('n', 't')")
    (made,) = events(held_database)
    second = timedelta(seconds=1)

    def found(**wanted: Any) -> int:
        with held_database.reading() as session:
            return audit.count(session, audit.AuditFilter(**wanted))

    assert (found(since=made.at), found(until=made.at), found(since=made.at + second)) == (1, 0, 0)
    assert (found(actor="database", subject_type="schedule", subject_id="1"), found(actor="ann")) == (1, 0)
