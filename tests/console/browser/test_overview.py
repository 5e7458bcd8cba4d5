"""The overview in a browser: no complaints of axe, nothing too wide, and what changes is shown without a reload."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from scheduler_service.storage.session import Database
from tests.console.browser.conftest import axe_violations, sideways
from tests.console.scene import given_day, given_run

WIDTHS = (320, 390, 768, 1100, 1440, 1920)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_accessible_and_fits(
    theme: str,
    open_browser: Callable[..., Page],
    held_database: Database,
    picture: Callable[[Page, str], object],
) -> None:
    given_day(held_database)
    page = open_browser(color_scheme=theme, locale="zh-CN" if theme == "dark" else "en")
    page.goto("/")

    picture(page, theme)
    assert axe_violations(page) == []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert sideways(page) == 0, width
        if width == 390:
            picture(page, f"{theme}-{width}")


def test_a_run_that_fails_shows_by_itself(browser_page: Page, held_database: Database) -> None:
    made = given_day(held_database)
    browser_page.goto("/")
    expect(browser_page.locator("#live")).to_have_text("Live")

    given_run(
        held_database, made["weather-stations"], "weather-stations", ago=timedelta(seconds=10), state="failed",
        error="the station is offline",
    )  # fmt: skip

    expect(browser_page.locator("section", has_text="Failed lately")).to_contain_text("the station is offline")


def test_the_reader_is_told_when_it_is_not_live_any_more(browser_page: Page, held_database: Database) -> None:
    browser_page.goto("/")
    expect(browser_page.locator("#live")).to_have_text("Live")

    browser_page.route("**/api/v1/events*", lambda route: route.fulfill(status=204))
    browser_page.reload()

    expect(browser_page.locator("#live")).to_contain_text("Not live since")


def test_times_are_in_the_readers_zone_and_in_utc_by_a_key(browser_page: Page, held_database: Database) -> None:
    given_day(held_database)
    browser_page.goto("/")
    clock = browser_page.locator(".clock")
    expect(clock).to_contain_text("Berlin, UTC+1")
    time = browser_page.locator("section", has_text="Next").locator("time").first
    assert time.inner_text() == "13:00:30"

    browser_page.keyboard.press("u")

    assert time.inner_text() == "2026-03-02 12:00:30 UTC"


def test_the_keyboard_goes_everywhere(browser_page: Page, held_database: Database) -> None:
    given_day(held_database)
    browser_page.goto("/")
    browser_page.keyboard.press("/")
    assert browser_page.evaluate("document.activeElement.id") == "find"
    browser_page.keyboard.press("Escape")
    browser_page.keyboard.press("?")
    expect(browser_page.locator("#keys")).to_be_visible()
    browser_page.keyboard.press("Escape")
    expect(browser_page.locator("#keys")).to_be_hidden()
    browser_page.keyboard.press("j")
    expect(browser_page.locator("tr.cursor")).to_contain_text("orders-hourly")
    browser_page.keyboard.press("g")
    browser_page.keyboard.press("s")
    browser_page.wait_for_url("**/schedules")
