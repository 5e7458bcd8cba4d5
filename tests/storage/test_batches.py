"""Many rows in one statement: whatever a row holds arrives as it was."""

from datetime import timedelta
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from scheduler_service.storage import batches
from scheduler_service.storage.models import PeriodicTask, TaskRun
from scheduler_service.storage.session import Database
from tests.support.clock import ManualClock
from tests.support.rows import given_schedule, runs, schedule

HARD = ['a "quoted" one', "back\\slash", "{braces, commas}", "NULL", "", " ", "two\nlines", "日程 ☕", "%s %(x)s :name"]


def given_run(clock: ManualClock, number: int, **fields: Any) -> dict[str, Any]:
    at = clock.now() + timedelta(seconds=number)
    return {
        "id": uuid7(), "periodic_task_id": number, "schedule_name": f"n {number}", "kind": "other", "task": "t",
        "args": [number], "kwargs": {}, "options": {}, "revision": 1, "origin": "auto", "state": "pending",
        "reason": None, "occurrence_at": at, "fire_at": at, "decided_at": clock.now(), "decided_by": "b", **fields,
    }  # fmt: skip


def test_texts_and_documents_arrive_as_they_were(held_database: Database, clock: ManualClock) -> None:
    reasons = [None if text == "" else text for text in HARD]
    rows = [
        given_run(clock, number, schedule_name=text, args=[text], kwargs={text: None}, reason=reasons[number])
        for number, text in enumerate(HARD)
    ]

    with held_database.transaction() as session:
        inserted = batches.insert_new(session, TaskRun, rows)

    assert inserted == {row["id"] for row in rows}
    assert [(run.schedule_name, run.args, run.kwargs, run.reason) for run in runs(held_database)] == [
        (text, [text], {text: None}, reason) for text, reason in zip(HARD, reasons, strict=True)
    ]
    assert [run.occurrence_at for run in runs(held_database)] == [row["occurrence_at"] for row in rows]


@pytest.mark.parametrize("values", [[None, "x"], ["x", "y"], ["x", "x"]])
def test_an_update_tells_one_value_from_many(held_database: Database, values: list[str | None]) -> None:
    keys = [given_schedule(held_database, name=name, every=10) for name in ("one", "two")]

    with held_database.transaction() as session:
        rows = [{"id": key, "quarantine_reason": value} for key, value in zip(keys, values, strict=True)]
        batches.update_by_id(session, PeriodicTask, rows)

    assert [schedule(held_database, key).quarantine_reason for key in keys] == values
