"""What one does to a schedule: run it now with other arguments, pause it and say why, backfill, delete."""

import pytest

from scheduler_service.errors import ScheduleNotFound
from scheduler_service.services import schedules
from scheduler_service.storage.session import Database
from tests.console.pages import Browser
from tests.console.test_schedule import given, given_runs
from tests.console.test_schedule_form import given_task
from tests.support import rows
from tests.support.clock import ManualClock


def test_it_runs_now_with_edited_arguments(operator: Browser, held_database: Database, clock: ManualClock) -> None:
    given_task(held_database, clock)
    made = given(held_database, clock, args=[17], kwargs={"days": 3})
    dialog = operator.read(f"/schedules/{made}").one("dialog", id="run-now")

    operator.send(dialog.one("form"), **{"arg.days": "9"})

    (run,) = rows.runs(held_database)
    assert (run.args, run.kwargs, run.state) == ([17], {"days": 9}, "pending")
    assert run.origin.startswith("manual:")
    assert rows.schedule(held_database, made).kwargs == {"days": 3}
    assert str(operator.last.url).endswith(f"/runs/{run.id}")  # type: ignore[union-attr]


def test_wrong_arguments_come_back_as_they_were_typed(
    operator: Browser, held_database: Database, clock: ManualClock
) -> None:
    given_task(held_database, clock)
    made = given(held_database, clock, args=[17])
    form = operator.read(f"/schedules/{made}/run").one("form", action=f"/schedules/{made}/run")

    page = operator.send(form, status=422, **{"arg.days": "many", "arg.more": "{"})

    assert page.one("p", id="arg-more-error").text == "is not JSON"
    again = page.one("form", action=f"/schedules/{made}/run")
    assert (again.fields()["arg.days"], again.fields()["arg.more"]) == ("many", "{")
    page = operator.send(again, status=422, **{"arg.more": ""})
    assert page.one("p", id="arg-days-error").text == "'many' is not of type 'integer'"
    assert rows.runs(held_database) == []


def test_it_is_paused_with_a_reason_and_the_toast_takes_it_back(
    operator: Browser, held_database: Database, clock: ManualClock
) -> None:
    made = given(held_database, clock)
    dialog = operator.read(f"/schedules/{made}").one("dialog", id="pause")

    page = operator.send(dialog.one("form"), reason="the shop moves")

    assert rows.schedule(held_database, made).paused_reason == "the shop moves"
    assert "Reason: the shop moves" in page.text
    operator.send(page.one("div", cls="toast").one("form"))
    assert rows.schedule(held_database, made).enabled


def test_a_pause_without_a_reason_is_asked_again(
    operator: Browser, held_database: Database, clock: ManualClock
) -> None:
    made = given(held_database, clock)
    dialog = operator.read(f"/schedules/{made}").one("dialog", id="pause")

    page = operator.send(dialog.one("form"), status=422, reason=" ")

    assert page.one("p", id="pause-reason-error").text == "Say why: everyone who finds it paused will ask."
    assert rows.schedule(held_database, made).enabled


def test_a_backfill_is_seen_before_it_starts(operator: Browser, held_database: Database, clock: ManualClock) -> None:
    made = given(held_database, clock)
    given_runs(held_database, clock, made, {"took": 60})
    form = operator.read(f"/schedules/{made}/backfill").one("form", id="backfill")

    seen = operator.send(form, do="preview", mode="all", max_parallel="2")

    assert len(rows.runs(held_database)) == 1  # nothing was made
    assert "14 runs." in seen.text
    assert "One usually takes 1 min 00 s, all together about 7 min 00 s." in seen.text
    operator.send(seen.one("form", id="backfill"), do="start")
    assert len([run for run in rows.runs(held_database) if run.origin == "backfill:1"]) == 14


def test_a_backfill_of_nonsense_is_told_beside_its_fields(
    operator: Browser, held_database: Database, clock: ManualClock
) -> None:
    made = given(held_database, clock)
    form = operator.read(f"/schedules/{made}/backfill").one("form", id="backfill")

    page = operator.send(form, status=422, do="preview", start="soon", end="2099-01-01T00:00", max_parallel="many")

    assert {node["name"] for node in page.all(aria_invalid="true")} >= {"start", "max_parallel"}
    assert page.one("form", id="backfill").fields()["start"] == "soon"


def test_a_deletion_says_what_is_lost(admin: Browser, held_database: Database, clock: ManualClock) -> None:
    made = given(held_database, clock)
    given_runs(
        held_database,
        clock,
        made,
        {"state": "pending", "finished_at": None},
        {"state": "buffered", "finished_at": None},
    )
    dialog = admin.read(f"/schedules/{made}").one("dialog", id="delete")

    assert "2 runs that wait are cancelled." in dialog.text
    admin.send(dialog.one("form"))

    with held_database.reading() as session, pytest.raises(ScheduleNotFound):
        schedules.get(session, made)
    assert {run.state for run in rows.runs(held_database)} == {"cancelled"}


def test_what_others_wait_for_is_not_deleted(admin: Browser, held_database: Database, clock: ManualClock) -> None:
    made = given(held_database, clock, "first")
    given(held_database, clock, "second", timing=None, after=["first"])
    dialog = admin.read(f"/schedules/{made}").one("dialog", id="delete")

    assert "second runs after it, and never would again." in dialog.text
    page = admin.send(dialog.one("form"), status=409)
    assert "run after schedule" in page.one("div", cls="note-bad").text


def test_what_somebody_changed_meanwhile_is_not_deleted_unseen(
    admin: Browser, held_database: Database, clock: ManualClock
) -> None:
    made = given(held_database, clock)
    dialog = admin.read(f"/schedules/{made}").one("dialog", id="delete")
    rows.sql(held_database, "UPDATE periodic_task SET priority = 3 WHERE id = :id", id=made)

    admin.send(dialog.one("form"), status=412)

    assert rows.schedule(held_database, made).priority == 3


@pytest.mark.parametrize("act", ["run", "pause", "resume", "backfill", "delete", "edit"])
def test_who_may_only_read_is_refused(viewer: Browser, held_database: Database, clock: ManualClock, act: str) -> None:
    made = given(held_database, clock)

    answer = viewer.post(f"/schedules/{made}/{act}", {"reason": "x", "name": "x", "task": "t"})

    assert answer.status_code == 403
    assert rows.schedule(held_database, made).enabled
    assert rows.runs(held_database) == []


def test_an_operator_deletes_nothing(operator: Browser, held_database: Database, clock: ManualClock) -> None:
    made = given(held_database, clock)

    assert not operator.read(f"/schedules/{made}").has("dialog", id="delete")
    assert operator.post(f"/schedules/{made}/delete").status_code == 403
