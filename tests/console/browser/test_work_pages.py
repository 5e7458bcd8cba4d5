"""Work in a browser: the report in its sandbox, the look while typing, and pages that everybody can read."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from scheduler_service.storage.session import Database
from scheduler_service.workloads.warehouse import Warehouse
from tests.console.browser.conftest import axe_violations, sideways
from tests.console.test_work import given_run, given_use
from tests.console.test_work_data import BUILT, given_line, given_table
from tests.services.reporting import Office

Pictured = Callable[[Page, str], Path]


@pytest.fixture
def pages(held_database: Database, warehouse: Warehouse, tmp_path: Path) -> dict[str, str]:
    """One of each page, with something on it."""
    office = Office(held_database, tmp_path)
    pipeline = given_line(held_database)
    nightly = given_use(held_database, "pipelines", pipeline)
    given_run(held_database, nightly, result=BUILT)
    given_run(held_database, nightly, state="failed", error="ChecksFailed: daily: row_count(1..) found 0.")
    given_run(held_database, given_use(held_database, "collect-tasks", 1, "hourly"), result={"rows_written": 1204})
    weekly = office.report("weekly", outputs=["html", "pdf"], deliver=[{"type": "folder", "connection": "share"}])
    office.run(weekly)
    given_table(warehouse)
    html = next(one for one in office.artifacts() if one.output == "html")
    return {
        "glance": "/work",
        "list": "/work/pipelines",
        "pipeline": f"/work/pipelines/{pipeline}",
        "editor": f"/work/pipelines/{pipeline}/edit",
        "collect": "/work/collect-tasks/1",
        "report": f"/work/reports/{weekly}",
        "artifacts": "/work/artifacts",
        "artifact": f"/work/artifacts/{html.id}",
        "datasets": "/work/datasets",
        "dataset": "/work/datasets/orders",
        "connections": "/work/connections",
    }


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"color_scheme": "light"}, id="light"),
        pytest.param(
            {"color_scheme": "dark", "locale": "zh-CN", "viewport": {"width": 390, "height": 844}}, id="dark phone zh"
        ),
    ],
)
def test_every_page_of_work_is_readable_for_everybody(
    open_browser: Callable[..., Page], pages: dict[str, str], picture: Pictured, settings: dict[str, object]
) -> None:
    page = open_browser(**settings)
    found: dict[str, object] = {}

    for name, path in pages.items():
        page.goto(path)
        picture(page, f"{name}-{settings['color_scheme']}")
        if wrong := (axe_violations(page), sideways(page)) if sideways(page) else axe_violations(page):
            found[name] = wrong

    assert found == {}


def test_the_editor_looks_while_one_types_and_a_fault_leads_to_its_line(
    browser_page: Page, pages: dict[str, str]
) -> None:
    browser_page.goto(pages["editor"])

    browser_page.locator("#definition").fill("steps:\n- name: daily\n  sql: DROP TABLE orders\n")
    browser_page.locator("#looked .faults a").click()

    selected = (
        "document.activeElement.value.slice(document.activeElement.selectionStart, document.activeElement.selectionEnd)"
    )
    assert browser_page.evaluate(selected) == "  sql: DROP TABLE orders"


def test_a_report_is_shown_in_a_frame_and_a_preview_takes_its_place(browser_page: Page, pages: dict[str, str]) -> None:
    browser_page.goto(pages["report"])
    frame = browser_page.frame_locator("iframe[name='shown']")
    frame.get_by_text("2026-03-01 12:00 to 2026-03-02 12:00").wait_for()

    browser_page.locator("#at").fill("2026-01-10T09:00")
    browser_page.get_by_role("button", name="Preview").click()

    frame.get_by_text("2026-01-09 08:00 to 2026-01-10 08:00").wait_for()
