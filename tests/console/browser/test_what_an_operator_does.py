"""The ten things that an operator does, in a real browser, with a real Beat, a real worker and a real broker."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from scheduler_service.console.site import create_site
from scheduler_service.storage.models import PeriodicTask
from scheduler_service.storage.session import Database
from scheduler_service.workloads.report.places import ReportPlaces
from scheduler_service.workloads.warehouse import Warehouse
from tests.api.serving import KEY, Server
from tests.support import processes
from tests.support.broker import Broker, broker_server
from tests.support.postgres import Postgres
from tests.support.processes import Process
from tests.support.rows import given_schedule, given_schedules, runs, schedule
from tests.support.waiting import eventually

pytestmark = [pytest.mark.takes(90), pytest.mark.xdist_group("what an operator does")]

SOON = 20_000  # milliseconds, on a machine that is busy
HOURLY = "7 * * * *"


@dataclass(frozen=True)
class Service:
    """What runs, for all tests of this file."""

    database: Database
    broker: Broker
    beat: Process


@pytest.fixture(scope="module")
def service(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    home = tmp_path_factory.mktemp("operator")
    url = postgres.create()
    with ExitStack() as opened:
        opened.callback(postgres.drop, url)
        broker = opened.enter_context(broker_server(home))
        parts = opened.enter_context(processes.site(url, broker.url, home))
        database = Database(url)
        opened.callback(database.close)
        beat = parts.beat()
        parts.worker("-Q", "sample", "-c", "2")
        yield Service(database, broker, beat)


@pytest.fixture
def site(server: Server, service: Service, tmp_path: Path) -> Server:
    """The console of that service."""
    server.app = create_site(
        service.database,
        admin_key=KEY,
        warehouse=Warehouse(tmp_path / "warehouse.duckdb"),
        report_places=ReportPlaces(tmp_path),
        broker_url=service.broker.url,
    )
    return server


@pytest.fixture
def database(service: Service) -> Database:
    return service.database


def test_one_signs_in_finds_a_schedule_pauses_it_and_undoes_that_by_keyboard(
    open_browser: Callable[..., Page], database: Database
) -> None:
    made = given_schedule(database, name="orders-nightly", cron="30 2 * * *")
    page = open_browser(key=None)
    page.goto("/schedules")
    page.keyboard.type(KEY)
    page.keyboard.press("Enter")
    page.wait_for_url("**/schedules")

    page.keyboard.press("/")
    page.keyboard.type("nightly")
    expect(page.locator("tr[data-row]")).to_have_count(1)
    for key in ("Escape", "j", "p"):
        page.keyboard.press(key)
    expect(page.locator("#ask h2")).to_have_text("Pause 1 schedule?")
    page.keyboard.type("the vendor moves")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("1 schedule is paused.")
    assert schedule(database, made).paused_reason == "the vendor moves"

    page.locator(".toast button").press("Enter")

    expect(page.locator(".toast")).to_contain_text("1 schedule goes on.")
    assert schedule(database, made).enabled


def test_a_timing_is_edited_with_a_look_at_what_it_does(browser_page: Page, database: Database) -> None:
    made = given_schedule(database, name="edited", cron="30 2 * * *")
    browser_page.goto(f"/schedules/{made}")
    browser_page.keyboard.press("e")
    browser_page.wait_for_url("**/edit")

    browser_page.locator("#crontab-hour").fill("5")
    expect(browser_page.locator("#effect .moves")).to_contain_text("moves from")
    browser_page.keyboard.press("Control+Enter")

    expect(browser_page.locator("#schedule .lede")).to_contain_text("At 05:30", timeout=SOON)
    eventually(lambda: _comes_at(database, made) == (5, 30), within=20)


def test_a_schedule_is_made_from_the_arguments_that_its_task_takes(
    open_browser: Callable[..., Page], database: Database
) -> None:
    browser_page = open_browser(refused=(422,))
    browser_page.goto("/schedules/new")
    browser_page.locator("#name").fill("made-here")
    browser_page.locator("#task").fill("sample.sleep")
    browser_page.locator("#task").blur()
    browser_page.locator("#arg-key").fill("made")
    browser_page.locator("#arg-seconds").fill("soon")
    browser_page.get_by_text("Every…").click()
    browser_page.locator("#interval-every").fill("2")
    browser_page.locator("#interval-period").select_option("hours")
    browser_page.get_by_role("button", name="Make the schedule").click()
    expect(browser_page.locator("#arg-seconds-error")).to_be_visible()
    browser_page.locator("#arg-seconds").fill("0.5")
    browser_page.get_by_role("button", name="Make the schedule").click()

    expect(browser_page.locator("h1")).to_have_text("made-here")
    (made,) = _named(database, "made-here")
    assert made.kwargs == {"key": "made", "seconds": 0.5}
    eventually(lambda: schedule(database, made.id).next_run_at, within=20)


def test_one_is_run_now_with_other_arguments_and_watched_to_its_end(browser_page: Page, database: Database) -> None:
    made = given_schedule(database, name="watched", cron=HOURLY, task="sample.sleep", args=["watched", 60.0])
    browser_page.goto(f"/schedules/{made}")
    browser_page.keyboard.press("r")
    browser_page.locator("#run-now #arg-seconds").fill("3")
    browser_page.locator("#run-now .btn-primary").click()

    expect(browser_page.locator("#run .badge")).to_have_text("running", timeout=SOON)
    expect(browser_page.locator("#run .badge")).to_have_text("succeeded", timeout=SOON)
    expect(browser_page.locator("section", has_text="Result").last).to_contain_text("slept")
    (run,) = runs(database, periodic_task_id=made)
    assert run.args == ["watched", 3]


def test_a_running_one_is_cancelled(browser_page: Page, database: Database) -> None:
    made = given_schedule(database, name="endless", cron=HOURLY, task="sample.sleep", args=["endless", 600.0])
    _run_now(browser_page, made)
    expect(browser_page.locator("#run .badge")).to_have_text("running", timeout=SOON)

    browser_page.get_by_role("button", name="Cancel this run…").click()
    browser_page.get_by_label("Terminate its process").check()
    browser_page.get_by_role("dialog").get_by_role("button", name="Cancel this run").click()

    expect(browser_page.locator("#run .badge")).to_have_text("cancelled", timeout=2 * SOON)


def test_a_failed_one_is_tried_again(browser_page: Page, database: Database) -> None:
    made = given_schedule(database, name="failing", cron=HOURLY, task="sample.fail", args=["failing"])
    _run_now(browser_page, made)
    expect(browser_page.locator("#run .badge")).to_have_text("failed", timeout=SOON)
    expect(browser_page.locator("pre mark")).to_contain_text("ValueError")

    browser_page.get_by_role("button", name="Try again…").click()
    browser_page.get_by_role("dialog").get_by_role("button", name="Try again").click()

    expect(browser_page.locator("#run .head")).to_contain_text("attempt 2", timeout=SOON)
    expect(browser_page.locator("#run .badge")).to_have_text("failed", timeout=SOON)


def test_the_past_is_run_after_it_was_seen_what_would_run(browser_page: Page, database: Database) -> None:
    made = given_schedule(database, name="past", cron=HOURLY)
    now = database.clock.now()
    browser_page.goto(f"/schedules/{made}/backfill")
    for name, ago in (("start", timedelta(hours=4)), ("end", timedelta(hours=1))):
        browser_page.locator(f"#{name}").evaluate("(field) => { field.type = 'text'; }")
        browser_page.locator(f"#{name}").fill((now - ago).isoformat())
    browser_page.get_by_role("button", name="Show what would run").click()
    expect(browser_page.locator("ol.next li")).to_have_count(3)
    assert runs(database, periodic_task_id=made) == []

    browser_page.get_by_role("button", name="Backfill 3 runs").click()

    expect(browser_page.locator("main")).to_contain_text("3 of 3", timeout=2 * SOON)
    eventually(lambda: [run.state for run in runs(database, periodic_task_id=made)] == ["succeeded"] * 3, within=20)


def test_all_that_match_are_paused(browser_page: Page, database: Database) -> None:
    given_schedules(database, 150, tags='["bulk"]')
    page = browser_page
    page.goto("/schedules?tag=bulk")
    page.locator(".pick-all").check()
    page.get_by_label("all 150 that match").check()
    page.locator(".selection").get_by_role("button", name="Pause…").click()
    expect(page.locator("#ask h2")).to_have_text("Pause 150 schedules?")
    page.keyboard.type("inventory")
    page.keyboard.press("Enter")

    expect(page.locator("main, .toast").filter(has_text="150 schedules are paused.").first).to_be_visible(timeout=SOON)
    assert {task.enabled for task in _named(database, "many %")} == {False}
    assert schedule(database, given_schedule(database, name="other", cron=HOURLY)).enabled


def test_what_is_down_is_said_and_pages_go_on(browser_page: Page, service: Service) -> None:
    browser_page.goto("/")
    expect(browser_page.locator("#standing")).not_to_contain_text("No Beat lives")

    with service.broker.stopped():
        expect(browser_page.locator("#standing")).to_contain_text("The broker does not answer.", timeout=SOON)
        for path in ("/schedules", "/runs", "/system", "/work"):
            answer = browser_page.goto(path)
            assert answer is not None
            assert answer.status == 200
    service.beat.stop()
    browser_page.goto("/")

    expect(browser_page.locator("#standing")).to_contain_text("No Beat lives", timeout=SOON)


def _run_now(page: Page, schedule_id: int) -> None:
    page.goto(f"/schedules/{schedule_id}")
    page.keyboard.press("r")
    page.locator("#run-now .btn-primary").click()
    page.wait_for_url(re.compile("/runs/"))


def _named(database: Database, pattern: str) -> list[PeriodicTask]:
    with database.reading() as session:
        return session.query(PeriodicTask).filter(PeriodicTask.name.like(pattern)).all()


def _comes_at(database: Database, schedule_id: int) -> tuple[int, int] | None:
    at = schedule(database, schedule_id).next_occurrence_at
    return (at.hour, at.minute) if at is not None else None
