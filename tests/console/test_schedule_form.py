"""Making and editing a schedule: a form of the task's own arguments, told what it would do, and never losing a word."""

from collections.abc import Iterator
from typing import Any

import pytest

from scheduler_service.errors import ScheduleNotFound
from scheduler_service.services import schedules
from scheduler_service.services.schedule_documents import document_of
from scheduler_service.storage import workers
from scheduler_service.storage.models import Worker
from scheduler_service.storage.session import Database
from scheduler_service.storage.workers import KnownTask
from tests.api.serving import KEY, Server
from tests.console.pages import Browser, Node, read
from tests.console.test_schedule import HOSTILE, given
from tests.support import rows
from tests.support.clock import ManualClock

ARGUMENTS = {
    "type": "object",
    "properties": {
        "shop": {"type": "integer"},
        "days": {"type": "integer", "default": 3, "description": "How far to look back"},
        "mode": {"enum": ["fast", "whole"], "type": "string", "default": "fast"},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        "deep": {"type": "boolean", "default": False},
        "more": {},
    },
    "additionalProperties": False,
    "x-positional": ["shop", "days", "mode", "note", "deep", "more"],
    "required": ["shop"],
}


@pytest.fixture
def sqlite_admin(server: Server, sqlite_site: Database) -> Iterator[Browser]:
    with Browser(server.url) as browser:
        yield browser.signed_in(KEY)


def given_task(database: Database, clock: ManualClock, name: str = "shop.collect") -> None:
    """A worker that knows the task."""
    with database.transaction() as session:
        now = clock.now()
        worker = Worker(
            name="one@host",
            queues=["shop"],
            concurrency=1,
            pid=1,
            started_at=now,
            last_heartbeat_at=now,
            stopped_at=None,
        )
        workers.register(session, worker, [KnownTask(name, "Brings in.", True, ARGUMENTS, "shop")], now=now, first=True)


def stored(database: Database, schedule_id: int) -> dict[str, Any]:
    with database.reading() as session:
        return document_of(schedules.get(session, schedule_id))


def form_at(browser: Browser, path: str) -> Node:
    return browser.read(path).one("form", id="edit")


def test_a_new_one_is_made_from_the_arguments_of_its_task(
    admin: Browser, held_database: Database, clock: ManualClock
) -> None:
    given_task(held_database, clock)
    form = form_at(admin, "/schedules/new?task=shop.collect")

    page = admin.send(
        form,
        **{"name": "orders", "arg.shop": "17", "arg.mode": "whole", "arg.deep": "true", "arg.more": "[1, null]"},
        **{"crontab.minute": "30", "crontab.hour": "2", "crontab.timezone": "Europe/Berlin", "tags": "a, b"},
    )

    assert page.one("h1").text == "orders"
    made = stored(held_database, 1)
    assert made["kwargs"] == {"shop": 17, "mode": "whole", "deep": True, "more": [1, None]}
    assert (made["timing"]["minute"], made["timing"]["timezone"], made["tags"]) == ("30", "Europe/Berlin", ["a", "b"])


def test_each_argument_has_the_input_of_its_type(admin: Browser, held_database: Database, clock: ManualClock) -> None:
    given_task(held_database, clock)

    form = form_at(admin, "/schedules/new?task=shop.collect")

    inputs = {node["name"]: node for node in form.all() if node.attrs.get("name", "").startswith("arg.")}
    assert inputs["arg.shop"]["inputmode"] == "numeric"
    assert [option["value"] for option in inputs["arg.mode"].all("option")] == ["", "fast", "whole"]
    assert [option["value"] for option in inputs["arg.deep"].all("option")] == ["", "true", "false"]
    assert inputs["arg.more"].tag == "textarea"
    assert "How far to look back" in form.text


def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(
    admin: Browser, held_database: Database, clock: ManualClock
) -> None:
    given_task(held_database, clock)
    form = form_at(admin, "/schedules/new?task=shop.collect")

    page = admin.send(
        form,
        status=422,
        **{
            "name": "orders",
            "arg.days": "many",
            "crontab.minute": "61",
            "jitter_seconds": "-1",
            "description": HOSTILE,
        },
        **{"headers": "{oh", "interval.every": "7", "rrule.rule": "DTSTART:20260101T000000Z\nRRULE:FREQ=DAILY"},
    )

    wrong = {node["name"] for node in page.all() if node.attrs.get("aria-invalid") == "true"}
    assert {"crontab.minute", "jitter_seconds", "headers"} <= wrong
    kept = page.one("form", id="edit").fields()
    assert (kept["arg.days"], kept["crontab.minute"], kept["headers"]) == ("many", "61", "{oh")
    assert (kept["description"], kept["interval.every"]) == (HOSTILE, "7")
    assert kept["rrule.rule"] == "DTSTART:20260101T000000Z\nRRULE:FREQ=DAILY"
    assert not page.has("img")


def test_arguments_are_refused_beside_themselves(admin: Browser, held_database: Database, clock: ManualClock) -> None:
    given_task(held_database, clock)

    page = admin.send(
        form_at(admin, "/schedules/new?task=shop.collect"), status=422, **{"name": "orders", "arg.days": "many"}
    )

    assert page.one("p", id="arg-days-error").text == "'many' is not of type 'integer'"
    assert page.one("p", id="arg-shop-error").text == "is required by the task"


def test_an_unknown_task_is_taken_when_one_says_so(admin: Browser, held_database: Database, clock: ManualClock) -> None:
    given_task(held_database, clock)
    form = form_at(admin, "/schedules/new")

    page = admin.send(form, status=422, name="later", task="shop.collekt")
    assert "near to it: shop.collect" in page.one("p", id="task-error").text
    admin.send(page.one("form", id="edit"), allow_unknown_task="on", kwargs='{"a": 1}')

    assert (stored(held_database, 1)["task"], stored(held_database, 1)["kwargs"]) == ("shop.collekt", {"a": 1})


TIMINGS: list[tuple[dict[str, str], dict[str, Any]]] = [
    ({"timing.type": "crontab", "crontab.day_of_month": "@daily"}, {"minute": "0", "hour": "0"}),
    ({"timing.type": "crontab", "crontab.minute": "30 5 * * 1-6"}, {"minute": "30", "day_of_week": "1-6"}),
    ({"timing.type": "interval", "interval.every": "90"}, {"every": 90, "period": "minutes"}),
    (
        {"timing.type": "clocked", "clocked.clocked_time": "2031-07-01T09:00", "clocked.timezone": "Europe/Berlin"},
        {"clocked_time": "2031-07-01T07:00:00Z"},
    ),
    (
        {"timing.type": "solar", "solar.event": "sunset", "solar.latitude": "52.52", "solar.longitude": "-13"},
        {"event": "sunset", "latitude": 52.52, "longitude": -13.0},
    ),
    (
        {"timing.type": "rrule", "rrule.rule": "DTSTART:20260101T000000Z\r\nRRULE:FREQ=DAILY"},
        {"rule": "DTSTART:20260101T000000Z\nRRULE:FREQ=DAILY"},
    ),
]


@pytest.mark.parametrize(("typed", "expected"), TIMINGS)
def test_every_timing_can_be_typed(
    sqlite_admin: Browser, sqlite_site: Database, typed: dict[str, str], expected: dict[str, Any]
) -> None:
    sqlite_admin.send(form_at(sqlite_admin, "/schedules/new"), name="orders", task="shop.collect", **typed)

    timing = stored(sqlite_site, 1)["timing"]
    assert timing["type"] == typed["timing.type"]
    assert expected.items() <= timing.items()


def test_what_is_opened_and_saved_is_not_changed(admin: Browser, held_database: Database, clock: ManualClock) -> None:
    given_task(held_database, clock)
    made = given(
        held_database,
        clock,
        args=[17],
        kwargs={"note": "", "more": {"a": [1]}, "deep": True},
        start_time="2026-10-25T01:30:00Z",
        expires="2036-01-01T00:00:00.123456Z",
        headers={"x": "ü"},
        retry_max=2,
        keep_runs_days=9,
        paused_reason="moving",
        enabled=False,
    )
    before = stored(held_database, made)
    admin.http.cookies.set("scheduler_zone", "Europe/Berlin")

    admin.send(form_at(admin, f"/schedules/{made}/edit"))

    assert stored(held_database, made) == before
    assert rows.schedule(held_database, made).revision == 1


def test_it_follows_others(admin: Browser, held_database: Database, clock: ManualClock) -> None:
    given(held_database, clock, "first")

    admin.send(
        form_at(admin, "/schedules/new"), name="second", task="t", **{"timing.type": "after", "after": "first\n"}
    )

    made = stored(held_database, 2)
    assert (made["timing"], made["after"], made["overlap_policy"]) == (None, ["first"], "buffer_all")


def test_a_copy_begins_paused(admin: Browser, held_database: Database, clock: ManualClock) -> None:
    made = given(held_database, clock, kwargs={"a": 1})

    admin.send(form_at(admin, f"/schedules/{made}/duplicate"))

    copy, source = stored(held_database, made + 1), stored(held_database, made)
    assert (copy["name"], copy["enabled"]) == ("Copy of orders", False)
    assert {name for name in copy if copy[name] != source[name]} == {"name", "enabled"}


def test_a_shadow_stays_one_and_says_so(admin: Browser, held_database: Database, clock: ManualClock) -> None:
    """It would be sent from here, while another scheduler still runs the job."""
    made = given(held_database, clock, shadow=True)

    admin.send(form_at(admin, f"/schedules/{made}/edit"), description="edited")

    saved = stored(held_database, made)
    assert (saved["description"], saved["shadow"]) == ("edited", True)
    assert "It is a shadow, and sends nothing." in admin.read(f"/schedules/{made}").one("div", id="schedule").text


def test_two_people_at_once_lose_nothing(admin: Browser, held_database: Database, clock: ManualClock) -> None:
    made = given(held_database, clock, priority=5, description="old")
    form = form_at(admin, f"/schedules/{made}/edit")
    with held_database.transaction() as session:
        theirs = {"timing": {"hour": "3"}, "priority": 7}
        schedules.patch(session, made, theirs, expected=None, actor="key:lena", now=clock.now())

    page = admin.send(form, status=412, description="new", **{"crontab.hour": "5"})

    assert page.one("h2", id="h-conflict").text.startswith("lena saved revision 2 while you were editing")
    told = {row[0]: row[1:] for row in page.one("section", cls="note-warn").one("table").rows()}
    assert told == {
        "description": ["old", "not changed", "new kept"],
        "priority": ["5", "7 taken", "not changed"],
        "timing.hour": ["2", "3", "5"],
    }
    assert stored(held_database, made)["description"] == "old"

    admin.send(page.one("form", id="edit"))
    saved = stored(held_database, made)
    assert (saved["description"], saved["priority"], saved["timing"]["hour"]) == ("new", 7, "5")


def test_theirs_can_be_kept_field_by_field(admin: Browser, held_database: Database, clock: ManualClock) -> None:
    made = given(held_database, clock, description="old")
    form = form_at(admin, f"/schedules/{made}/edit")
    with held_database.transaction() as session:
        theirs = {"timing": {"hour": "3"}, "description": "theirs"}
        schedules.patch(session, made, theirs, expected=None, actor="key:lena", now=clock.now())
    page = admin.send(form, status=412, description="mine", **{"crontab.hour": "5"})

    admin.send(page.one("form", id="edit"), **{"keep.timing.hour": "theirs", "keep.description": "mine"})

    saved = stored(held_database, made)
    assert (saved["description"], saved["timing"]["hour"]) == ("mine", "3")


def test_a_name_that_is_taken_is_told_beside_it(admin: Browser, held_database: Database, clock: ManualClock) -> None:
    given(held_database, clock)

    page = admin.send(form_at(admin, "/schedules/new"), status=422, name="orders", task="t")

    assert "exists already" in page.one("p", id="name-error").text


def test_the_preview_tells_what_an_edit_moves_and_stores_nothing(
    admin: Browser, held_database: Database, clock: ManualClock
) -> None:
    made = given(
        held_database, clock, timing={"type": "crontab", "expression": "30 2 * * *", "timezone": "Europe/Berlin"}
    )
    before = stored(held_database, made)
    form = form_at(admin, f"/schedules/{made}/edit")

    answer = admin.post("/schedules/preview", {**form.fields(), "crontab.hour": "5", "crontab.day_of_week": "1-6"})
    part = read(answer.text)

    moves = part.one("dl", cls="moves").text
    assert "moves from" in moves
    assert "02:30" not in part.one("p", cls="lede").text
    assert part.one("p", cls="lede").text.startswith("At 05:30, ")
    assert "When the clocks change" in part.text
    assert len(part.one("ol", cls="next").all("li")) == 10
    assert stored(held_database, made) == before


CLOCKS = [
    ("30 2 * * *", "Its time in between does not exist: it runs at 03:00, once."),
    ("*/30 * * * *", "2 times in between do not exist, and are left out."),
    ("30 5 * * *", "Its times are not touched."),
]


@pytest.mark.parametrize(("line", "said"), CLOCKS)
def test_the_preview_tells_of_the_clocks(sqlite_admin: Browser, sqlite_site: Database, line: str, said: str) -> None:
    fields = form_at(sqlite_admin, "/schedules/new").fields()

    answer = sqlite_admin.post(
        "/schedules/preview", {**fields, "crontab.minute": line, "crontab.timezone": "Europe/Berlin"}
    )

    assert said in read(answer.text).text


NEVER = [
    ({"crontab.minute": "0 0 31 2 *"}, "31"),
    ({"timing.type": "clocked", "clocked.clocked_time": "2001-01-01T00:00"}, "is in the past"),
    ({"expires": "2001-01-01T00:00"}, "is before the first occurrence from now on"),
    ({"timing.type": "interval", "interval.every": "0"}, "1"),
    ({"timing.type": "after", "after": "nobody"}, "no schedule is named 'nobody'"),
    ({"crontab.timezone": "Europe/Berlyn"}, "near to it: Europe/Berlin"),
]


@pytest.mark.parametrize(("typed", "said"), NEVER)
def test_what_never_comes_is_refused_in_words(
    sqlite_admin: Browser, sqlite_site: Database, typed: dict[str, str], said: str
) -> None:
    fields = form_at(sqlite_admin, "/schedules/new").fields()

    answer = sqlite_admin.post("/schedules/preview", {**fields, **typed})

    assert answer.status_code == 200
    assert said in read(answer.text).one("div", cls="note-bad").text


def test_without_script_a_button_previews_and_keeps_what_is_typed(
    admin: Browser, held_database: Database, clock: ManualClock
) -> None:
    given_task(held_database, clock)

    page = admin.send(
        form_at(admin, "/schedules/new"), do="preview", name="x", task="shop.collect", **{"crontab.hour": "4"}
    )

    assert page.one("p", cls="lede").text.startswith("At 04:00")
    assert page.one("form", id="edit").fields()["name"] == "x"
    assert page.has("input", name="arg.shop")
    assert not page.all(aria_invalid="true")


@pytest.mark.parametrize("path", ["/schedules/new", "/schedules/1/edit", "/schedules/1/duplicate"])
def test_only_admins_write(operator: Browser, held_database: Database, clock: ManualClock, path: str) -> None:
    given(held_database, clock)

    assert operator.read(path, status=403).one("h1").text == "Permission denied"
    if not path.endswith("duplicate"):
        assert operator.post(path, {"name": "x", "task": "t"}).status_code == 403


def test_without_the_token_nothing_is_made(admin: Browser, held_database: Database) -> None:
    answer = admin.post("/schedules/new", {"name": "x", "task": "t", "timing.type": "crontab", "csrf_token": "no"})

    assert answer.status_code == 403
    with held_database.reading() as session, pytest.raises(ScheduleNotFound):
        schedules.get(session, 1)
