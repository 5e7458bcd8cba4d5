"""The table of schedules: what it says, how it is narrowed, sorted, turned, and who may touch what."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from uuid_utils.compat import uuid7

from scheduler_service.storage.models import TaskRun
from scheduler_service.storage.session import Database
from tests.api.serving import KEY, Server
from tests.console.pages import Browser, Node, read
from tests.support.clock import ManualClock
from tests.support.rows import given_schedule, given_schedules

HOSTILE = "<script>alert(1)</script>\"'&"


def names(page: Node) -> list[str]:
    return [node.text for row in page.all("tr") for node in row.all("th", cls="name") for node in node.all("a")]


@pytest.fixture
def three(held_database: Database, clock: ManualClock) -> Database:
    """Due in a minute, an hour and a day; the second paused."""
    for number, (name, after) in enumerate((("orders", 1), ("invoices", 60), ("closing", 1440)), 1):
        due = clock.now() + timedelta(minutes=after)
        paused: dict[str, Any] = {"enabled": False, "paused_reason": "the vendor moves"} if number == 2 else {}
        fields: dict[str, Any] = {
            "next_run_at": due,
            "next_occurrence_at": due,
            "tags": [f"t{number}"],
            "queue": "heavy",
        }
        given_schedule(held_database, name=name, every=30, period="minutes", **fields, **paused)
    return held_database


def test_rows_say_what_runs_and_when_soonest_first(three: Database, viewer: Browser) -> None:
    page = viewer.read("/schedules")

    assert names(page) == ["orders", "closing", "invoices"]
    [first, _, last] = [" ".join(cells) for cells in page.one("table", cls="grid").rows()]
    assert "every 30 minutes" in first.lower()
    assert "in 1 min" in first
    assert "Paused: the vendor moves" in last
    assert "All 3" in page.one(id="states").text
    assert "Paused 1" in page.one(id="states").text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param("q=order", ["orders"], id="words"),
        pytest.param("state=paused", ["invoices"], id="state"),
        pytest.param("tag=t3", ["closing"], id="tag"),
        pytest.param("tag=t3&tag=t1", [], id="every tag"),
        pytest.param("next=hour", ["orders"], id="within the hour"),
        pytest.param("next=tomorrow", ["closing"], id="tomorrow"),
        pytest.param("next_run_before=2026-03-02T12:30", ["orders"], id="a time of the reader's clock"),
        pytest.param("sort=-name", ["orders", "invoices", "closing"], id="by name, backwards"),
        pytest.param("queue=heavy&timing=interval&sort=name", ["closing", "invoices", "orders"], id="together"),
    ],
)
def test_an_address_narrows_and_sorts(three: Database, viewer: Browser, query: str, found: list[str]) -> None:
    assert names(viewer.read(f"/schedules?{query}")) == found


def test_a_time_is_read_in_the_readers_zone(three: Database, viewer: Browser) -> None:
    viewer.http.cookies.set("scheduler_zone", "Asia/Shanghai")

    assert names(viewer.read("/schedules?next_run_before=2026-03-02T20:30")) == ["orders"]


def test_each_filter_is_a_chip_that_takes_it_away(three: Database, viewer: Browser) -> None:
    page = viewer.read("/schedules?tag=t1&tag=t2&kind=other&sort=name")

    assert [chip.text for chip in page.all(cls="chip")] == ["Tagt1", "Tagt2", "Kindother"]
    ways_out = [chip.one("a")["href"] for chip in page.all(cls="chip")]
    assert ways_out[0] == "/schedules?tag=t2&kind=other&sort=name"
    assert ways_out[2] == "/schedules?tag=t1&tag=t2&sort=name"


def test_what_is_not_understood_is_left_out_and_told(three: Database, viewer: Browser) -> None:
    page = viewer.read("/schedules?state=asleep&next_run_before=soon&q=orders")

    assert names(page) == ["orders"]
    told = page.one(role="alert").text
    assert "State" in told
    assert "Next run before must be a date and time" in told


def test_a_forms_empty_fields_are_not_in_the_address(three: Database, viewer: Browser) -> None:
    viewer.read("/schedules?q=orders&kind=&queue=&tag=")

    assert viewer.last is not None
    assert str(viewer.last.url).endswith("/schedules?q=orders")


def test_pages_turn_forward_and_back(held_database: Database, viewer: Browser, clock: ManualClock) -> None:
    for number in range(120):
        due = clock.now() + timedelta(minutes=number) if number % 3 else None
        given_schedule(held_database, name=f"n{number:03}", every=1, period="hours", next_run_at=due)
    first = viewer.read("/schedules")
    second = viewer.read(first.one("a", rel="next")["href"])
    third = viewer.read(second.one("a", rel="next")["href"])
    back = viewer.read(third.one("a", rel="prev")["href"])
    front = viewer.read(back.one("a", rel="prev")["href"])

    assert [len(names(page)) for page in (first, second, third)] == [50, 50, 20]
    assert len({*names(first), *names(second), *names(third)}) == 120
    assert names(back) == names(second)
    assert names(front) == names(first)
    assert not third.has("a", rel="next")
    assert not front.has("a", rel="prev")
    assert "50 shown of 120 that match" in first.one("nav", cls="pages").text


def test_those_that_fail_are_a_part_of_the_list(three: Database, operator: Browser) -> None:
    def given(schedule_id: int, *states: str) -> None:
        for ago, state in enumerate(reversed(states), 1):
            given_run(three, schedule_id, state, at=three.clock.now() - timedelta(minutes=ago), late=0, took=1)

    given(1, "succeeded", "failed", "skipped")
    given(2, "lost", "timed_out")
    given(3, "failed", "succeeded", "running")

    page = operator.read("/schedules?failing=true&sort=name")

    assert names(page) == ["invoices", "orders"]
    assert page.one("nav", id="states").one("a", aria_current="true").text == "Failing 2"
    assert page.one("nav", id="states").text.startswith("All 3 Active 2 Failing 2 Paused 1")
    assert not page.has("span", cls="chip")
    assert names(operator.read("/schedules?failing=true&q=order")) == ["orders"]
    assert names(operator.read("/schedules?failing=true&state=paused")) == ["invoices"]
    assert names(operator.read("/schedules?failing=false")) == ["closing"]
    asked = operator.post("/schedules/bulk/trigger/ask", {"all": "1", "query": "?failing=true", "id": "1"})
    assert read(asked.text).one("main").one("h2").text == "Run 2 schedules now?"


def test_counts_stop_at_a_thousand(held_database: Database, viewer: Browser) -> None:
    given_schedules(held_database, 1001)

    assert "All 1,000+" in viewer.read("/schedules").one(id="states").text


def test_those_that_have_no_next_run_are_by_name(held_database: Database, viewer: Browser) -> None:
    for name in ("b", "a", "c"):
        given_schedule(held_database, name=name, every=1, enabled=False)

    assert names(viewer.read("/schedules?state=paused")) == ["a", "b", "c"]
    assert names(viewer.read("/schedules?state=paused&sort=next_run_at")) == ["b", "a", "c"]


def test_the_last_runs_are_drawn_and_measured(three: Database, viewer: Browser, clock: ManualClock) -> None:
    for number, state in enumerate(("succeeded", "succeeded", "failed", "missed")):
        given_run(three, 1, state, at=clock.now() - timedelta(hours=4 - number), late=2, took=30)
    page = viewer.read("/schedules?q=orders")

    assert page.one("svg", cls="strip")["aria-label"] == "4 runs, 1 failed, 1 missed"
    row = page.one("tr", data_row="1")
    assert row.one("td", data_cell="late").text == "2.0 s"
    assert row.one("td", data_cell="takes").text == "30 s"


def test_columns_are_the_readers_choice(three: Database, viewer: Browser) -> None:
    viewer.post("/schedules/columns", {"column": ["next", "revision", "no such"], "next": "/schedules?q=orders"})

    assert viewer.last is not None
    assert viewer.last.headers["location"] == "/schedules?q=orders"
    page = viewer.read("/schedules")
    assert page.one("thead").texts("th")[2:] == ["Name", "Next run ↑", "Revision"]
    viewer.post("/schedules/columns", {"usual": "1"})
    assert "Queue" in viewer.read("/schedules").one("thead").text


def test_hostile_texts_are_only_texts(held_database: Database, viewer: Browser) -> None:
    fields: dict[str, Any] = {"tags": [HOSTILE], "queue": HOSTILE, "description": HOSTILE}
    given_schedule(held_database, name=HOSTILE, every=1, **fields, enabled=False, paused_reason=HOSTILE)
    page = viewer.read("/schedules")

    assert names(page) == [HOSTILE]
    assert f"Paused: {HOSTILE}" in page.one("table", cls="grid").text
    assert all(script["src"].startswith("/static/") and not script.text for script in page.all("script"))
    again = viewer.read("/schedules?" + urlencode({"q": HOSTILE}))
    assert again.one("input", id="q")["value"] == HOSTILE


def test_what_a_role_may_not_do_is_not_shown(
    three: Database, viewer: Browser, operator: Browser, admin: Browser
) -> None:
    seen = {who: viewer_page.read("/schedules") for who, viewer_page in (("v", viewer), ("o", operator), ("a", admin))}

    assert [seen[who].has(cls="switch") for who in "voa"] == [False, True, True]
    deeds = {who: page.one(cls="selection").texts("button") for who, page in seen.items()}
    assert deeds["v"] == ["Export"]
    assert deeds["o"] == ["Pause…", "Resume…", "Run now…", "Export"]
    assert deeds["a"] == ["Pause…", "Resume…", "Run now…", "Tag…", "Untag…", "Export", "Delete…"]
    assert [seen[who].has("a", href="/schedules/import") for who in "voa"] == [False, False, True]


def test_an_empty_table_says_what_would_be_there(sqlite_site: Database, server: Server) -> None:
    with Browser(server.url).signed_in(KEY) as admin:
        page = admin.read("/schedules")
        nothing = admin.read("/schedules?q=nowhere")

    assert "every 5 minutes" in page.one(cls="empty").text
    assert page.one(cls="empty").one("a")["href"] == "/schedules/new"
    assert nothing.one(cls="empty").one("a").text == "Show all schedules"


def test_the_table_speaks_chinese(three: Database, viewer: Browser) -> None:
    page = viewer.read("/schedules", language="zh-CN")

    assert page.one("h1").text == "调度"
    assert "已暂停：the vendor moves" in page.text
    assert "每 30 分钟" in page.text


def test_a_place_from_another_order_is_the_first_page(three: Database, viewer: Browser) -> None:
    page = viewer.read("/schedules?cursor=bm90aGluZw&sort=name")

    assert names(page) == ["closing", "invoices", "orders"]


def given_run(database: Database, schedule_id: int, state: str, *, at: datetime, late: int, took: int) -> None:
    began, sent = at + timedelta(seconds=late), state != "missed"
    times = {"published_at": at, "started_at": began, "finished_at": began + timedelta(seconds=took)} if sent else {}
    with database.transaction() as session:
        row = {
            "periodic_task_id": schedule_id,
            "schedule_name": "",
            "kind": "other",
            "task": "",
            "args": [],
            "kwargs": {},
        }
        fixed = {"options": {}, "revision": 1, "origin": "auto", "decided_by": "test", "attempt": 1}
        when = {"occurrence_at": at, "fire_at": at, "decided_at": at}
        session.add(TaskRun(id=uuid7(), state=state, **row, **fixed, **when, **times))
