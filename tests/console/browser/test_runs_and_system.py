"""Runs and the system in a real browser: accessible, of any width, and a year that is drawn as one types."""

from collections.abc import Callable
from datetime import timedelta

from playwright.sync_api import Page, expect

from scheduler_service.storage.session import Database
from tests.console.browser.conftest import axe_violations, sideways
from tests.console.scene import given_run, given_worker
from tests.support.rows import given_calendar, given_schedule

MINUTE = timedelta(minutes=1)


def test_runs_and_the_system_are_accessible_at_any_width(
    open_browser: Callable[..., Page], held_database: Database
) -> None:
    orders = given_schedule(held_database, name="orders", every=3600)
    run_id = given_run(held_database, orders, "orders", ago=MINUTE, state="failed", error="no", traceback="Error: no")
    given_worker(held_database, "celery@one")
    calendar = given_calendar(held_database, name="China", weekly=["sun"], holidays={"country": "CN"})
    paths = ("/runs", f"/runs/{run_id}", "/system", f"/system/calendars/{calendar}", "/system/keys", "/system/audit")

    for theme, width in (("light", 1440), ("dark", 390)):
        page = open_browser(color_scheme=theme, viewport={"width": width, "height": 900})
        for path in paths:
            page.goto(path)
            assert axe_violations(page) == [], path
            assert sideways(page) == 0, path


def test_the_year_is_drawn_as_one_types(browser_page: Page) -> None:
    browser_page.goto("/system/calendars/new")
    browser_page.get_by_label("Sa", exact=True).uncheck()
    browser_page.get_by_label("Su", exact=True).uncheck()
    expect(browser_page.locator("#preview")).to_contain_text("Name some days")

    browser_page.get_by_label("Dates").fill(f"{browser_page.locator('input[name=year]').input_value()}-12-24")

    expect(browser_page.locator("#preview")).to_contain_text("1 day is named.")


def test_a_run_is_cancelled_by_keyboard_alone(browser_page: Page, held_database: Database) -> None:
    orders = given_schedule(held_database, name="orders", every=3600)
    run_id = given_run(held_database, orders, "orders", ago=MINUTE, state="pending")
    browser_page.goto(f"/runs/{run_id}")

    browser_page.get_by_role("button", name="Cancel this run…").press("Enter")
    browser_page.get_by_role("dialog").get_by_role("button", name="Cancel this run").press("Enter")

    expect(browser_page.get_by_role("status")).to_contain_text("Cancelled.")
