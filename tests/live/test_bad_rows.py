"""Rows that make planning, serialising or publishing raise: each is set aside or fails alone, and all else goes on."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

from scheduler_service.storage.session import Database
from tests.support.processes import Site
from tests.support.rows import given_calendar, given_schedule, runs, schedule, sql
from tests.support.waiting import eventually

Executions = Callable[[], list[str]]

#: What cannot be planned, and what the reason names.
UNPLANNABLE: tuple[tuple[dict[str, Any], str], ...] = (
    ({"cron": "0 9 * * *", "timezone": "Nowhere/City"}, "Nowhere/City"),
    ({"cron": "99 9 * * *"}, "99"),
    ({"rrule": "whenever"}, "DTSTART"),
    ({"solar": ("sunsett", 52.5, 13.4)}, "sunset"),
    ({"every": 2**31 - 1, "period": "weeks"}, ""),
    ({"cron": "* * * * *", "calendar_id": 1}, "calendar"),
)
#: What is planned, and of which no message can be made.
UNSENDABLE: tuple[tuple[dict[str, Any], str], ...] = (
    ({"exchange": "nothing is bound to it"}, "ValueError"),
    ({"task": "odd.routed", "args": []}, "KeyError"),
    ({"task": "odd.serialized", "args": []}, "SerializerNotInstalled"),
)


def test_a_row_that_raises_harms_no_other(
    postgres_site: Site, postgres_database: Database, executions: Executions
) -> None:
    beat = postgres_site.beat(app="tests.support.odd_app")
    postgres_site.worker("-c", "2")
    good = given_schedule(postgres_database, name="good", every=1, overlap_policy="allow_all")
    eventually(lambda: len(executions()) >= 2, within=15)

    given_calendar(postgres_database, dates=["christmas"])
    unplannable = [
        given_schedule(postgres_database, name=f"unplannable {number}", **fields)
        for number, (fields, _) in enumerate(UNPLANNABLE)
    ]
    unsendable = [
        given_schedule(postgres_database, name=f"unsendable {number}", every=1, one_off=True, **fields)
        for number, (fields, _) in enumerate(UNSENDABLE)
    ]
    eventually(lambda: all(schedule(postgres_database, key).quarantine_reason for key in unplannable), within=10)
    eventually(lambda: len(runs(postgres_database, state="failed")) == len(unsendable), within=15)
    so_far = len(executions())
    eventually(lambda: len(executions()) >= so_far + 3, within=15)

    for key, (_, named) in zip(unplannable, UNPLANNABLE, strict=True):
        assert named in (schedule(postgres_database, key).quarantine_reason or "")
    for key, (_, named) in zip(unsendable, UNSENDABLE, strict=True):
        (run,) = runs(postgres_database, periodic_task_id=key)
        assert (run.state, run.reason) == ("failed", "the message could not be made")
        assert (run.error or "").startswith(named)
    assert beat.alive
    postgres_site.examine(but=["quarantined"])

    sql(postgres_database, "DELETE FROM periodic_task WHERE quarantine_reason IS NOT NULL")
    sql(postgres_database, "UPDATE periodic_task SET enabled = false WHERE id = :id", id=good)
    eventually(lambda: {run.state for run in runs(postgres_database, periodic_task_id=good)} == {"succeeded"}, within=9)
    done = runs(postgres_database, periodic_task_id=good)
    assert {b.occurrence_at - a.occurrence_at for a, b in pairwise(done)} == {timedelta(seconds=1)}
    assert Counter(executions()) == Counter(str(run.id) for run in done)
    postgres_site.examine()
