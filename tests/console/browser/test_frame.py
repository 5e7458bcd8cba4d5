"""What is around every page, in a real browser."""

from collections.abc import Callable

from playwright.sync_api import Page, Route

from scheduler_service.storage.session import Database
from tests.console.browser.conftest import axe_violations, sideways
from tests.support.rows import given_schedule, runs


def test_the_frame_is_accessible_in_both_themes_at_any_width(
    open_browser: Callable[..., Page], picture: Callable[[Page, str], object]
) -> None:
    for theme in ("light", "dark"):
        page = open_browser(color_scheme=theme)
        for path in ("/", "/preferences"):
            page.goto(path)
            assert axe_violations(page) == []
            picture(page, f"{theme}{path.replace('/', '-')}")
    for width in (320, 390, 768, 1100, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        assert sideways(page) == 0, width


def test_a_second_click_does_nothing_while_the_first_is_on_its_way(browser_page: Page, held_database: Database) -> None:
    schedule_id = given_schedule(held_database, every=1, period="hours")
    browser_page.goto(f"/schedules/{schedule_id}/run")
    held: list[Route] = []
    browser_page.route(f"**/schedules/{schedule_id}/run", lambda route: held.append(route))  # noqa: PLW0108 - Playwright cannot wrap a method of list
    run_now = browser_page.get_by_role("main").get_by_role("button", name="Run now")
    run_now.evaluate("button => new Promise(done => { button.click(); setTimeout(() => done(button.click()), 50) })")

    (only,) = held
    only.continue_()
    browser_page.wait_for_url("**/runs/*")
    assert len(runs(held_database, periodic_task_id=schedule_id)) == 1
