"""What is around every page, in a real browser."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from playwright.sync_api import Page, Route, expect

from scheduler_service.api.access import Access
from scheduler_service.console.site import create_site
from scheduler_service.services.oidc import Provider
from scheduler_service.storage.session import Database
from scheduler_service.workloads.report.places import ReportPlaces
from scheduler_service.workloads.warehouse import Warehouse
from tests.api.serving import KEY, Server
from tests.console.browser.conftest import axe_violations, sideways
from tests.support import oidc_provider
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


def test_one_signs_in_with_their_organisation_and_goes_on_to_where_they_wanted(
    open_browser: Callable[..., Page], server: Server, held_database: Database, tmp_path: Path
) -> None:
    with oidc_provider.running(tmp_path / "provider.log") as issuer:
        provider = Provider(issuer, oidc_provider.CLIENT_ID, oidc_provider.CLIENT_SECRET, {"ops": "operator"})
        places = {"warehouse": Warehouse(tmp_path / "warehouse.duckdb"), "report_places": ReportPlaces(tmp_path)}
        page = open_browser(key=None, beside=urlsplit(issuer).netloc)
        server.app = create_site(held_database, admin_key=KEY, access=Access(provider=provider), **places)
        now = int(held_database.clock.now().timestamp())
        known = {"sub": "4711", "email": "alice@example.org", "roles": ["ops"], "iat": now, "exp": now + 300}
        httpx.post(f"{issuer}/be", json={"claims": known})

        page.goto("/runs?state=failed")
        page.get_by_role("link", name="Sign in with your organisation").click()

        page.wait_for_url("**/runs?state=failed")
        expect(page.locator("header.top")).to_contain_text("alice@example.org")


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
