"""The table of schedules in a real browser: by keyboard alone, asked in a dialog, kept up to date where it stands."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from random import Random

from playwright.sync_api import Page, expect

from scheduler_service.storage.session import Database
from tests.console.browser.conftest import axe_violations, sideways
from tests.console.scene import given_run
from tests.support.clock import ManualClock
from tests.support.rows import given_schedule, schedule, sql

SCHEDULES = (
    ("iot-gateway-health", {"every": 30}, "collect", ["iot"]),
    ("fraud-scores", {"every": 2, "period": "minutes"}, "etl", ["risk"]),
    ("crm-contacts", {"every": 15, "period": "minutes"}, "collect", ["sales"]),
    ("kpi-snapshot", {"cron": "55 * * * *"}, "report", ["board"]),
    ("orders-daily", {"cron": "30 2 * * *", "timezone": "Europe/Berlin"}, "etl", ["finance", "nightly"]),
    ("morning-brief", {"cron": "0 7 * * mon-fri", "timezone": "Europe/Berlin"}, "report", ["board"]),
    ("supplier-prices-of-every-wholesaler-in-the-region", {"cron": "0 11 * * tue,thu"}, "collect", ["shop"]),
)


def given_table(database: Database, clock: ManualClock) -> None:
    chance = Random(7)
    for number, (name, timing, kind, tags) in enumerate(SCHEDULES, 1):
        due = clock.now() + timedelta(seconds=23 * 5**number)
        fields = {"next_run_at": due, "next_occurrence_at": due, "queue": "heavy" if kind == "etl" else "default"}
        key = given_schedule(database, name=name, kind=kind, tags=tags, **timing, **fields)  # type: ignore[arg-type]
        for back in range(1, 19):
            states, weights = ("succeeded", "failed", "missed", "skipped"), (30, 2, 1, 1)
            given_run(database, key, name, ago=timedelta(hours=back), state=chance.choices(states, weights)[0])
    given_schedule(database, name="invoice-archive", every=1, enabled=False, paused_reason="vendor moves")
    broken = "no time zone is named Europe/Berln"
    given_schedule(database, name="payroll-export", every=1, quarantine_reason=broken)


def test_the_table_is_accessible_and_fits_any_window(
    open_browser: Callable[..., Page],
    picture: Callable[[Page, str], object],
    held_database: Database,
    clock: ManualClock,
) -> None:
    given_table(held_database, clock)
    for theme, locale in (("light", "en"), ("dark", "zh-CN")):
        page = open_browser(color_scheme=theme, locale=locale)
        page.goto("/schedules?tag=board&tag=board&sort=name")
        page.goto("/schedules")
        page.locator(".pick").nth(1).check()
        assert axe_violations(page) == []
        picture(page, f"{theme}-{locale}")
        for width in (320, 390, 768, 1100, 1920):
            page.set_viewport_size({"width": width, "height": 900})
            assert sideways(page) == 0, width
            if width == 390:
                picture(page, f"{theme}-{locale}-390")


def test_rows_are_paused_by_keyboard_alone(
    browser_page: Page, picture: Callable[[Page, str], object], held_database: Database, clock: ManualClock
) -> None:
    given_table(held_database, clock)
    page = browser_page
    page.goto("/schedules?sort=name")
    for key in ("j", "x", "j", "j", "Shift+X"):
        page.keyboard.press(key)
    expect(page.locator(".selection")).to_contain_text("3 selected")
    page.keyboard.press("Escape")
    expect(page.locator(".selection")).to_be_hidden()

    page.keyboard.press("k")
    page.keyboard.press("p")
    expect(page.locator("#ask h2")).to_have_text("Pause 1 schedule?")
    picture(page, "dialog")
    assert axe_violations(page) == []
    page.keyboard.type("the vendor moves")
    page.keyboard.press("Enter")

    expect(page.locator(".toast")).to_contain_text("1 schedule is paused.")
    assert schedule(held_database, 2).paused_reason == "the vendor moves"
    page.locator(".toast button").click()
    expect(page.locator(".toast")).to_contain_text("1 schedule goes on.")
    assert schedule(held_database, 2).enabled


def test_words_narrow_the_table_as_they_are_typed(
    browser_page: Page, held_database: Database, clock: ManualClock
) -> None:
    given_table(held_database, clock)
    page = browser_page
    page.goto("/schedules")
    page.keyboard.press("/")
    page.keyboard.type("nightly")

    expect(page.locator("tr[data-row]")).to_have_count(1)
    expect(page.locator("#states a").first).to_have_text("All 1")
    expect(page).to_have_url(re.compile(r"/schedules\?q=nightly$"))


def test_a_change_elsewhere_shows_where_it_stands_and_moves_no_row(
    browser_page: Page, held_database: Database, clock: ManualClock
) -> None:
    given_table(held_database, clock)
    page = browser_page
    page.goto("/schedules")
    before = page.locator("tr[data-row] th a").all_text_contents()
    sql(held_database, "UPDATE periodic_task SET queue = 'backup', audited_writes = audited_writes + 1 WHERE id = 1")
    page.evaluate("htmx.trigger('#list', 'live')")

    expect(page.locator("tr[data-row='1'] [data-cell=queue]")).to_have_text("backup")
    assert page.locator("tr[data-row] th a").all_text_contents() == before


def test_a_file_is_read_into_the_form_and_its_plan_shown(
    open_browser: Callable[..., Page],
    picture: Callable[[Page, str], object],
    held_database: Database,
    clock: ManualClock,
) -> None:
    given_table(held_database, clock)
    moved = {"name": "orders-daily", "task": "sample.count", "args": ["orders-daily"], "queue": "backup"}
    added = {"name": "orders-weekly", "task": "sample.count"}
    when = {"timing": {"type": "crontab", "expression": "30 2 * * *", "timezone": "Europe/Berlin"}}
    content = json.dumps({"version": 1, "schedules": [moved | when, added | when]}).encode()
    page = open_browser(color_scheme="light")
    page.goto("/schedules/import")
    page.locator("#file").set_input_files({"name": "s.json", "mimeType": "application/json", "buffer": content})
    expect(page.locator("#document")).to_have_value(content.decode())
    page.get_by_role("button", name="Show what it would do").click()

    expect(page.locator(".lede")).to_contain_text("This file would make 1, change 1")
    assert axe_violations(page) == []
    picture(page, "import")
    page.set_viewport_size({"width": 390, "height": 900})
    assert sideways(page) == 0
    page.get_by_role("button", name="Import 2 schedules").click()
    expect(page.locator(".toast")).to_contain_text("Imported: 1 new, 1 changed.")
