"""Editing a schedule in a real browser: told what it will do as one types, and two people at once."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from scheduler_service.api.auth import COOKIE
from scheduler_service.storage.session import Database
from tests.api.serving import KEY
from tests.console.browser.conftest import axe_violations, sideways
from tests.console.test_schedule import given, given_runs
from tests.console.test_schedule_form import given_task, stored
from tests.support.clock import ManualClock


def given_orders(database: Database, clock: ManualClock) -> int:
    timing = {"type": "crontab", "expression": "30 2 * * *", "timezone": "Europe/Berlin"}
    return given(database, clock, timing=timing, kwargs={"shop": 17})


def test_what_will_happen_is_told_as_one_types(browser_page: Page, held_database: Database, clock: ManualClock) -> None:
    made = given_orders(held_database, clock)
    browser_page.goto(f"/schedules/{made}/edit")
    effect = browser_page.locator("#effect")
    expect(effect.locator(".lede")).to_contain_text("At 02:30")

    browser_page.locator("#crontab-hour").fill("5")
    expect(effect.locator(".lede")).to_contain_text("At 05:30")
    expect(effect.locator(".moves")).to_contain_text("moves from")

    browser_page.locator("#crontab-minute").fill("61")
    expect(effect.locator(".note-bad")).to_be_visible()
    browser_page.get_by_text("Every…").click()
    browser_page.locator("#interval-every").fill("90")
    expect(effect.locator(".lede")).to_contain_text("Every 90 minutes.")
    assert stored(held_database, made)["timing"]["hour"] == "2"

    browser_page.get_by_role("button", name="Save as revision 2").click()
    expect(browser_page.locator("h1")).to_have_text("orders")
    assert stored(held_database, made)["timing"] == {"type": "interval", "every": 90, "period": "minutes"}


def test_a_crontab_line_is_pasted_into_all_its_fields(
    browser_page: Page, held_database: Database, clock: ManualClock
) -> None:
    browser_page.goto("/schedules/new")
    browser_page.locator("#crontab-minute").evaluate(
        "(field) => { const data = new DataTransfer(); data.setData('text', '15 6 * * mon');"
        " field.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, cancelable: true, bubbles: true})); }"
    )

    expect(browser_page.locator("#crontab-day_of_week")).to_have_value("mon")
    expect(browser_page.locator("#effect .lede")).to_contain_text("06:15")


def test_another_task_brings_its_own_arguments(browser_page: Page, held_database: Database, clock: ManualClock) -> None:
    given_task(held_database, clock)
    browser_page.goto("/schedules/new")
    assert browser_page.locator("#arg-shop").count() == 0

    browser_page.locator("#task").fill("shop.collect")
    browser_page.locator("#task").blur()

    expect(browser_page.locator("#arg-shop")).to_be_visible()


def test_two_people_at_once(open_browser: Callable[..., Page], held_database: Database, clock: ManualClock) -> None:
    made = given_orders(held_database, clock)
    lena, omar = open_browser(), open_browser(refused=(412,))
    for page in (lena, omar):
        page.goto(f"/schedules/{made}/edit")
    lena.locator("#crontab-hour").fill("3")
    lena.locator("#priority").fill("7")
    lena.get_by_role("button", name="Save as revision 2").click()
    expect(lena.locator("h1")).to_have_text("orders")

    omar.locator("#crontab-hour").fill("5")
    omar.locator("#description").fill("every night")
    omar.get_by_role("button", name="Save as revision 2").click()

    expect(omar.locator("#h-conflict")).to_contain_text("saved revision 2 while you were editing")
    expect(omar.locator("#crontab-hour")).to_have_value("5")
    assert axe_violations(omar) == []
    omar.locator('[name="keep.timing.hour"][value="theirs"]').check()
    omar.get_by_role("button", name="Save as revision 3").click()
    expect(omar.locator("h1")).to_have_text("orders")
    saved = stored(held_database, made)
    assert (saved["timing"]["hour"], saved["priority"], saved["description"]) == ("3", 7, "every night")


def test_what_was_typed_is_there_again_after_signing_in(
    open_browser: Callable[..., Page], held_database: Database, clock: ManualClock
) -> None:
    made = given_orders(held_database, clock)
    browser_page = open_browser(refused=(401,))
    browser_page.goto(f"/schedules/{made}/edit")
    browser_page.locator("#crontab-hour").fill("7")
    browser_page.context.clear_cookies(name=COOKIE)

    browser_page.get_by_role("button", name="Save as revision 2").click()
    browser_page.locator("#key").fill(KEY)
    browser_page.locator("form[action='/sign-in'] button").click()

    expect(browser_page.locator("#crontab-hour")).to_have_value("7")
    expect(browser_page.locator("#effect .lede")).to_contain_text("07:30")
    browser_page.get_by_role("button", name="Save as revision 2").click()
    expect(browser_page.locator("h1")).to_have_text("orders")
    assert stored(held_database, made)["timing"]["hour"] == "7"


def test_its_pages_are_accessible_in_both_themes_at_any_width(
    open_browser: Callable[..., Page], held_database: Database, clock: ManualClock
) -> None:
    made = given_orders(held_database, clock)
    given_runs(held_database, clock, made, *({"took": 60 + number} for number in range(12)), {"state": "missed"})
    for theme in ("light", "dark"):
        page = open_browser(color_scheme=theme)
        for path in ("", "/edit", "/backfill"):
            page.goto(f"/schedules/{made}{path}")
            assert axe_violations(page) == [], path
            for width in (320, 390, 1100):
                page.set_viewport_size({"width": width, "height": 900})
                assert sideways(page) == 0, (path, width)
