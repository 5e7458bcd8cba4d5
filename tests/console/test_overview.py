"""The overview: what needs the reader first, then how it goes; live parts, both languages, and nothing hostile."""

from datetime import timedelta

import pytest

from scheduler_service.storage.session import Database
from tests.console.pages import Browser, Node
from tests.console.scene import given_day, given_run, given_worker
from tests.support.clock import ManualClock
from tests.support.rows import given_schedule, given_schedules
from tests.support.waiting import eventually

HOSTILE = '"><script>alert(1)</script><b>'


def needs(page: Node) -> list[str]:
    return [item.one("p").text for item in page.one("ul", cls="needs").all("li")]


def vitals(page: Node) -> dict[str, list[str]]:
    return {
        box.one("dt").text: [part.text for part in box.all("dd")] for box in page.one("dl", cls="vitals").all("div")
    }


def section(page: Node, heading: str) -> Node:
    return next(part for part in page.all("section", cls="sec") if part.one("h2").text == heading)


def test_what_needs_somebody_comes_first_with_where_to_go(admin: Browser, held_database: Database) -> None:
    given_day(held_database)

    page = admin.read("/")

    said = needs(page)
    number = {"sqlite": "Four", "postgresql": "Five"}[held_database.dialect]  # there a Beat would hold a lock
    assert page.one("h1").text == f"{number} things need you"
    assert "backup-1 is silent: what it had is lost, or handed to others." in said
    assert "legacy-sync is quarantined: its row could not be understood." in said
    assert "partner-sftp paused itself after failures in a row." in said
    failing = next(one for one in said if one.startswith("orders-hourly"))
    assert failing == (
        "orders-hourly went wrong 2 times in a row since 10:00:00: ApiError: the orders API answered 503"
    )
    assert page.one("header", cls="top").one("a", cls="state").text == f"{len(said)} need you"


def test_a_schedule_that_went_well_since_needs_nobody(admin: Browser, held_database: Database) -> None:
    made = given_day(held_database)
    given_run(held_database, made["orders-hourly"], "orders-hourly", ago=timedelta(minutes=1), state="succeeded")

    assert not any("orders-hourly" in one for one in needs(admin.read("/")))


def test_the_figures_say_how_it_goes(admin: Browser, held_database: Database) -> None:
    given_day(held_database)

    found = vitals(admin.read("/"))

    assert found["Lateness now, p95"] == ["84 ms", "goal under 250 ms"]
    assert found["Runs today"] == ["15", "2 failed, none missed"]
    assert found["Workers"] == ["2of 3", "1 of 8 slots busy"]
    assert found["Broker"] == ["–", "not looked at"]


def test_the_lateness_of_the_past_hour_is_a_line(admin: Browser, held_database: Database) -> None:
    made = given_day(held_database)
    for minutes, late in ((13, 1), (14, 2), (33, 4)):
        ago = timedelta(minutes=minutes)
        began = held_database.clock.now() - ago + timedelta(seconds=late)
        given_run(held_database, made["customer-360"], "x", ago=ago, state="succeeded", started_at=began)

    line = admin.read("/").one("dl", cls="vitals").all("div")[0].one("svg", cls="spark")

    assert line["aria-label"].startswith("Lateness of the past hour")
    drawn = line.one("path")["d"]
    assert [step[:1] for step in drawn.replace("M", " M").replace("L", " L").split()[::2]] == ["M", "M", "M", "L", "L"]


def test_a_day_begins_at_the_readers_midnight(admin: Browser, held_database: Database) -> None:
    given_day(held_database)
    admin.http.cookies.set("scheduler_zone", "Asia/Shanghai")  # 20:00 there: since 16:00 UTC the day before

    assert vitals(admin.read("/"))["Runs today"][0] == "23"


def test_what_failed_runs_and_comes_is_listed(admin: Browser, held_database: Database) -> None:
    given_day(held_database)

    page = admin.read("/")

    assert section(page, "Failed lately").rows()[0] == [
        "failed 11:00", "orders-hourly", "ApiError: the orders API answered 503",
    ]  # fmt: skip
    assert section(page, "Running now").one("progress")["value"] == "5"
    assert section(page, "Running now").rows()[0][-1] == "30 s"
    first = section(page, "Next").rows()[0]
    assert (first[0], first[1]) == ("12:00:30", "iot-gateway-health")


def test_the_weeks_are_drawn_and_said(admin: Browser, held_database: Database) -> None:
    given_day(held_database)

    eventually(lambda: "The fullest hour" in admin.read("/").text, within=10)
    page = admin.read("/")

    captions = page.texts("figcaption")
    assert captions[0] == "75 runs, 97.3% succeeded. The worst hour was today at 11:00: 1 of 3 failed."
    assert captions[1].startswith("19,8")
    label = page.one("div", cls="ruler").one("svg")["aria-label"]
    assert label.startswith("Last 12 hours: 15 runs, 2 failed. Next 12 hours: 1,")


def test_without_a_beat_that_is_what_is_said(admin: Browser) -> None:
    page = admin.read("/")

    assert needs(page) == ["No Beat lives: nothing is decided or sent until one runs."]
    assert page.one("h1").text == "One thing needs you"
    assert page.one("div", cls="empty").one("a").text == "Make the first schedule"


def test_without_a_worker_that_is_said_once_something_is_to_come(admin: Browser, held_database: Database) -> None:
    due = held_database.clock.now() + timedelta(hours=1)
    given_schedule(held_database, name="orders", every=60, next_run_at=due, next_occurrence_at=due)
    given_worker(held_database, "gone", stopped_at=held_database.clock.now())

    page = admin.read("/")

    assert any(one.startswith("No worker is known: what is sent waits, and nothing runs.") for one in needs(page))
    assert page.one("ul", cls="needs").one("code").text == "scheduler-service worker"


def test_a_viewer_is_not_asked_to_make_a_schedule(viewer: Browser) -> None:
    assert not viewer.read("/").one("div", cls="empty").has("a")


def test_names_and_errors_are_text(admin: Browser, held_database: Database) -> None:
    schedule = given_schedule(held_database, name=HOSTILE, every=60, next_run_at=held_database.clock.now())
    given_run(held_database, schedule, HOSTILE, ago=timedelta(minutes=1), state="failed", error=HOSTILE)
    given_worker(held_database, HOSTILE, seen=timedelta(minutes=5))

    page = admin.read("/")

    assert not any("alert" in script.text for script in page.all("script"))
    assert "<script>alert" not in admin.last.text  # type: ignore[union-attr]
    assert sum(HOSTILE in one for one in needs(page)) == 2


@pytest.mark.parametrize("part", ["standing", "now", "weeks", "ruler"])
def test_a_live_part_is_that_part_alone(admin: Browser, held_database: Database, part: str) -> None:
    given_day(held_database)

    page = admin.read(f"/overview/{part}")

    assert not page.has("html")
    assert page.all("div")[0]["hx-get"] == f"/overview/{part}"


def test_it_can_be_read_in_chinese(admin: Browser, held_database: Database) -> None:
    given_day(held_database)

    page = admin.read("/", language="zh-CN")

    assert page.one("html")["lang"] == "zh-Hans"
    assert "orders-hourly 自 10:00:00 起已连续失败 2 次：ApiError: the orders API answered 503" in needs(page)
    assert vitals(page)["当前延迟 p95"] == ["84 毫秒", "目标低于 250 毫秒"]


def test_what_a_run_was_late_is_not_said_for_long(admin: Browser, held_database: Database, clock: ManualClock) -> None:
    given_day(held_database)
    clock.advance(timedelta(hours=1))

    assert vitals(admin.read("/"))["Lateness now, p95"][0] == "–"


@pytest.mark.takes(10)
def test_the_plan_of_many_schedules_is_made_apart(admin: Browser, held_database: Database) -> None:
    """Pages go on meanwhile, and say that it is not there yet."""
    due = held_database.clock.now() + timedelta(minutes=5)
    given_schedules(held_database, 2500, created_at=due, next_run_at=due, next_occurrence_at=due)

    assert "The plan of the week is being worked out." in admin.read("/").text
    eventually(lambda: "The fullest hour" in admin.read("/").text, within=60, every=0.5)
