"""Runs on pages: the list, one from its occurrence to its end, and what a person does to one."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from scheduler_service.storage.models import Backfill, TaskRun
from scheduler_service.storage.session import Database
from tests.console.pages import Browser
from tests.console.scene import given_run
from tests.support.rows import given_schedule, runs, sql

MINUTES = timedelta(minutes=1)
HOSTILE = "<script>alert(1)</script>\"'"
TRACEBACK = """Traceback (most recent call last):
  File "/venv/lib/python3.11/site-packages/celery/app/trace.py", line 479, in trace_task
    R = retval = fun(*args, **kwargs)
  File "/app/shop/orders.py", line 41, in collect
    raise SourceUnavailable(url)
shop.SourceUnavailable: the orders API answered 503"""


@pytest.fixture
def orders(held_database: Database) -> int:
    return given_schedule(held_database, name="orders", every=3600)


def attempt(number: int, state: str, began: str, ended: str, error: str = "") -> dict[str, Any]:
    times = {"started_at": began, "ended_at": ended}
    return {"attempt": number, "state": state, "worker": "celery@one", "error": error, "traceback": None, **times}


def run_of(database: Database, run_id: UUID) -> TaskRun:
    (found,) = runs(database, id=run_id)
    return found


def names(page: Any) -> list[str]:
    """The states in the table of runs."""
    return [row[2] for row in page.one("div", id="rows").rows()]


def test_the_list_says_what_became_of_each_run(viewer: Browser, held_database: Database, orders: int) -> None:
    given_run(held_database, orders, "orders", ago=5 * MINUTES, state="succeeded", worker="celery@one")
    given_run(held_database, orders, "orders", ago=3 * MINUTES, state="failed", error="the API answered 503\nmore")
    given_run(held_database, orders, "orders", ago=2 * MINUTES, state="skipped", reason="the schedule is paused")
    given_run(held_database, orders, "orders", ago=1 * MINUTES, state="running")

    page = viewer.read("/runs")

    rows = page.one("div", id="rows").rows()
    assert [row[2] for row in rows] == ["running", "skipped", "failed", "succeeded"]
    assert rows[2][3:7] == ["84 ms", "8.9 s", "1", "the API answered 503"]
    assert rows[1][6] == "The schedule is paused."
    said = page.one("p", id="standing")
    assert said.text == "Running: 1. Waiting: 0. 1 failed in the last hour."
    assert viewer.read(said["hx-get"]).one("p", id="standing").text == said.text


def test_an_empty_list_teaches(viewer: Browser) -> None:
    page = viewer.read("/runs")

    assert page.one("div", cls="empty").one("h2").text == "Nothing has run yet"
    assert viewer.read("/runs?worker=nobody").one("div", cls="empty").one("a")["href"] == "/runs"


def test_filters_live_in_the_address(viewer: Browser, held_database: Database, orders: int) -> None:
    invoices = given_schedule(held_database, name="invoices", every=60)
    given_run(held_database, orders, "orders", ago=9 * MINUTES, state="failed")
    given_run(held_database, orders, "orders", ago=8 * MINUTES, state="lost", origin="manual:1")
    given_run(held_database, invoices, "invoices", ago=7 * MINUTES, state="succeeded", kind="etl", worker="w")
    given_run(held_database, invoices, "invoices", ago=90 * MINUTES, state="succeeded")

    failed = viewer.read("/runs").one("nav", aria_label="State").all("a")[3]["href"]

    assert names(viewer.read(failed)) == ["lost", "failed"]
    assert len(names(viewer.read("/runs?q=invoices"))) == 2
    assert names(viewer.read("/runs?q=orders&origin=manual")) == ["lost"]
    assert names(viewer.read("/runs?kind=etl&worker=w")) == ["succeeded"]
    assert len(names(viewer.read(f"/runs?schedule_id={orders}"))) == 2
    chips = viewer.read("/runs?q=invoices&kind=etl").all("span", cls="chip")
    assert [one.one("a")["href"] for one in chips] == ["/runs?kind=etl", "/runs?q=invoices"]


def test_a_time_is_as_the_readers_clocks_show_it(viewer: Browser, held_database: Database, orders: int) -> None:
    now = held_database.clock.now()
    given_run(held_database, orders, "orders", ago=30 * MINUTES, state="failed")
    given_run(held_database, orders, "orders", ago=90 * MINUTES, state="succeeded")
    viewer.http.cookies.set("scheduler_zone", "Asia/Shanghai")
    local = (now + timedelta(hours=7)).strftime("%Y-%m-%dT%H:%M")

    assert names(viewer.read(f"/runs?decided_after={local}")) == ["failed"]
    wrong = viewer.read("/runs?decided_after=soon")
    assert "It was “soon”." in wrong.one("div", cls="note-bad").text
    assert len(names(wrong)) == 2


def test_pages_go_on_where_the_last_ended(viewer: Browser, held_database: Database, orders: int) -> None:
    for number in range(52):
        given_run(held_database, orders, "orders", ago=number * MINUTES, state="succeeded")

    first = viewer.read("/runs?q=orders")
    second = viewer.read(first.one("a", rel="next")["href"])

    assert (len(names(first)), len(names(second))) == (50, 2)
    assert not second.has("a", rel="next")


def test_a_rare_run_is_looked_for_so_far_back_and_then_further(
    viewer: Browser, held_database: Database, orders: int
) -> None:
    given_run(held_database, orders, "orders", ago=timedelta(days=9), state="lost")

    page = viewer.read("/runs?state=lost")

    assert not page.one("div", id="rows").has("table")
    (further,) = [link for link in page.all("a") if link.text == "Look further back"]
    assert names(viewer.read(further["href"])) == ["lost"]


def test_new_runs_wait_until_they_are_asked_for(viewer: Browser, held_database: Database, orders: int) -> None:
    given_run(held_database, orders, "orders", ago=5 * MINUTES, state="succeeded")
    region = viewer.read("/runs?q=orders").one("div", id="fresh")
    assert (region.text, region["data-live"]) == ("", "runs")

    given_run(held_database, orders, "orders", ago=1 * MINUTES, state="running")

    assert viewer.read(region["hx-get"]).one("a", cls="fresh").text == "1 new run: show"
    assert viewer.read("/runs?follow=1").one("div", id="rows")["hx-get"] == "/runs?follow=1"


def test_one_run_from_its_occurrence_to_its_end(viewer: Browser, held_database: Database, orders: int) -> None:
    run_id = given_run(held_database, orders, "orders", ago=5 * MINUTES, state="succeeded", result={"rows": 12})

    page = viewer.read(f"/runs/{run_id}")

    stations = [item.one("b").text for item in page.one("ol", cls="life").all("li")]
    assert stations == ["Occurrence", "To be sent", "Decided", "Started", "Finished"]
    assert "8.9 s" in [gap.text for gap in page.all("span", cls="gap")]
    assert "It succeeded in 8.9 s." in page.one("p", cls="lede").text
    assert '"rows": 12' in page.one("pre", aria_label="Result").text


def test_attempts_are_drawn_to_scale_and_their_error_is_read_from_the_top(
    viewer: Browser, held_database: Database, orders: int
) -> None:
    now = held_database.clock.now()
    began, ended = ((now - minutes * MINUTES).isoformat() for minutes in (20, 10))
    run_id = given_run(
        held_database,
        orders,
        "orders",
        ago=25 * MINUTES,
        state="failed",
        attempt=2,
        past_attempts=[attempt(1, "failed", began, ended, "the API answered 503")],
        started_at=now - 5 * MINUTES,
        finished_at=now,
        error="SourceUnavailable",
        traceback=TRACEBACK,
    )

    page = viewer.read(f"/runs/{run_id}")

    drawn = page.one("section", aria_labelledby="h-att")
    assert [row[0] for row in drawn.rows()] == ["2", "1"]
    bars = drawn.all("rect", cls="v-bad")
    assert float(bars[0]["width"][:-1]) == pytest.approx(2 * float(bars[1]["width"][:-1]), abs=0.1)
    code = page.one("pre", aria_label="Traceback")
    assert code.one("mark").text == "shop.SourceUnavailable: the orders API answered 503"
    assert "shop/orders.py" not in code.one("span", cls="lib").text
    assert "trace.py" in code.one("span", cls="lib").text


def test_hostile_texts_are_only_texts(viewer: Browser, held_database: Database) -> None:
    schedule = given_schedule(held_database, name=HOSTILE, every=60)
    hostile = {"error": HOSTILE, "traceback": HOSTILE, "reason": HOSTILE, "worker": HOSTILE, "origin": HOSTILE}
    run_id = given_run(
        held_database, schedule, HOSTILE, ago=MINUTES, state="failed", **hostile, args=[HOSTILE], result=HOSTILE
    )

    for path in (f"/runs/{run_id}", "/runs", "/runs?q=%3Cscript%3Ealert(1)"):
        page = viewer.read(path)
        assert all("src" in script.attrs for script in page.all("script")), path
        assert viewer.last is not None
        assert "<script>alert" not in viewer.last.text
    assert HOSTILE in viewer.read(f"/runs/{run_id}").one("h1").text


def test_a_running_run_tells_how_far_it_is_and_keeps_itself_up_to_date(
    viewer: Browser, held_database: Database, orders: int
) -> None:
    progress = {"step": 3, "of": 4, "rows": 1200, "text": "page 3 of 4"}
    run_id = given_run(held_database, orders, "orders", ago=MINUTES, state="running", progress=progress)

    page = viewer.read(f"/runs/{run_id}")

    assert page.one("progress", aria_label="Progress").text == "75 %"
    region = page.one("div", id="run")
    assert (region["data-live"], region["hx-get"]) == ("runs", f"/runs/{run_id}")
    part = viewer.http.get(f"/runs/{run_id}", headers={"HX-Request": "true"}).text
    assert part.lstrip().startswith('<div id="run"')


def test_an_operator_cancels_what_waits(operator: Browser, held_database: Database, orders: int) -> None:
    run_id = given_run(held_database, orders, "orders", ago=MINUTES, state="pending")

    page = operator.send(operator.read(f"/runs/{run_id}").one("form", action=f"/runs/{run_id}/cancel"))

    assert page.one("div", cls="toast").text == "Cancelled."
    assert run_of(held_database, run_id).state == "cancelled"
    assert "Cancelled by key:operator's key." in page.one("p", cls="lede").text


def test_what_runs_is_asked_to_end_and_terminated_if_so_wished(
    operator: Browser, held_database: Database, orders: int
) -> None:
    run_id = given_run(held_database, orders, "orders", ago=MINUTES, state="running")

    form = operator.read(f"/runs/{run_id}").one("form", action=f"/runs/{run_id}/cancel")
    page = operator.send(form, terminate="on")

    assert page.one("div", cls="toast").text == "It was asked to end."
    assert run_of(held_database, run_id).cancel_mode == "terminate"


def test_an_operator_tries_a_run_again(operator: Browser, held_database: Database, orders: int) -> None:
    run_id = given_run(held_database, orders, "orders", ago=MINUTES, state="failed", error="no")

    form = operator.read(f"/runs/{run_id}").one("form", action=f"/runs/{run_id}/retry")
    operator.send(form)

    again = run_of(held_database, run_id)
    assert (again.state, again.attempt) == ("pending", 2)
    answer = operator.post(f"/runs/{run_id}/retry")
    assert answer.status_code == 409


def test_a_viewer_is_shown_no_buttons_and_refused(viewer: Browser, held_database: Database, orders: int) -> None:
    run_id = given_run(held_database, orders, "orders", ago=MINUTES, state="pending")

    page = viewer.read(f"/runs/{run_id}")

    assert not page.has("form", action=f"/runs/{run_id}/cancel")
    assert viewer.post(f"/runs/{run_id}/cancel").status_code == 403
    assert run_of(held_database, run_id).state == "pending"


def test_reasons_are_told_in_chinese(viewer: Browser, held_database: Database, orders: int) -> None:
    why = "an earlier run of this schedule is not finished (overlap policy: skip)"
    run_id = given_run(held_database, orders, "orders", ago=MINUTES, state="skipped", reason=why)
    paused = given_run(
        held_database, orders, "orders", ago=2 * MINUTES, state="skipped", reason="the schedule is paused: 维护"
    )

    said = viewer.read(f"/runs/{run_id}", language="zh").one("p", cls="lede").text

    assert said == "从未发送。 这个调度较早的一次运行尚未结束（重叠策略：skip）。"
    assert "调度已暂停：维护。" in viewer.read(f"/runs/{paused}", language="zh").one("p", cls="lede").text


def test_a_run_that_is_not_there_is_a_page_in_words(viewer: Browser) -> None:
    page = viewer.read("/runs/01890a5d-ac96-774b-bcce-b302099a8057", status=404)

    assert page.one("h1").text == "Page not found"


def given_backfill(database: Database, schedule_id: int, **fields: Any) -> int:
    now = database.clock.now()
    given = {
        "start_at": now - timedelta(days=2),
        "end_at": now,
        "mode": "missing",
        "total": 3,
        "created_by": "key:anna",
    }
    with database.transaction() as session:
        made = Backfill(periodic_task_id=schedule_id, created_at=now, **given | fields)
        session.add(made)
        session.flush()
        return made.id


def test_a_backfill_tells_how_far_it_is_and_is_cancelled(
    operator: Browser, held_database: Database, orders: int
) -> None:
    backfill = given_backfill(held_database, orders)
    for number, state in enumerate(("succeeded", "failed", "buffered")):
        given_run(held_database, orders, "orders", ago=number * MINUTES, state=state, origin=f"backfill:{backfill}")

    page = operator.read(f"/backfills/{backfill}")

    assert page.one("p", cls="lede").text.startswith("2 of 3 runs have ended. 1 did not succeed.")
    assert page.one("progress").text == "67 %"
    assert operator.read("/backfills").rows()[0][:3] == [f"Backfill {backfill}", "orders", "going on"]
    page = operator.send(page.one("form", action=f"/backfills/{backfill}/cancel"))
    assert page.one("span", cls="badge").text == "cancelled"
    assert [run.state for run in runs(held_database, state="cancelled")] == ["cancelled"]
    assert operator.post(f"/backfills/{backfill}/cancel").status_code == 303


def test_a_backfill_of_a_schedule_that_is_gone_is_still_told(
    viewer: Browser, held_database: Database, orders: int
) -> None:
    backfill = given_backfill(held_database, orders, state="done", total=0)
    sql(held_database, "DELETE FROM periodic_task")

    assert viewer.read(f"/backfills/{backfill}").one("h1").text == "Backfill of a deleted schedule"
    assert viewer.read("/backfills").rows()[0][1] == "deleted"
    assert viewer.post(f"/backfills/{backfill}/cancel").status_code == 403
    assert viewer.read("/backfills?state=running").one("div", cls="empty").one("a")["href"] == "/backfills"
