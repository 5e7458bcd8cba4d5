"""Every page, in both languages, both themes, on a desk and on a phone: readable for everybody, nothing too wide."""

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Response

from scheduler_service.console.site import create_site
from scheduler_service.storage.models import Move
from scheduler_service.storage.session import Database
from scheduler_service.workloads.report.places import ReportPlaces
from scheduler_service.workloads.warehouse import Warehouse
from tests.api.serving import KEY, Server
from tests.console.browser.conftest import WINDOW, axe_violations, sideways
from tests.console.scene import given_day, given_run
from tests.console.test_work import given_use
from tests.console.test_work_data import given_line, given_table
from tests.services.reporting import Office
from tests.support.clock import ManualClock
from tests.support.rows import given_calendar

pytestmark = [pytest.mark.takes(60), pytest.mark.xdist_group("every page")]

NARROWEST = 320
LARGEST_FIRST_LOAD = 150_000  # bytes, as they are sent
DESK: dict[str, Any] = {"color_scheme": "light"}
PHONE: dict[str, Any] = {"color_scheme": "dark", "locale": "zh-CN", "viewport": {"width": 390, "height": 844}}
#: Of a page whose query or number says nothing, its name in a picture.
NAMES = {"/": "overview", "/nowhere": "no such page"}


@dataclass(frozen=True)
class Furnished:
    """A console with something on each of its pages."""

    app: Any
    paths: tuple[str, ...]


@pytest.fixture(scope="module")
def furnished(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Furnished]:
    home = tmp_path_factory.mktemp("every-page")
    shutil.copy(sqlite_template, home / "scheduler.db")
    database = Database(f"sqlite:///{home / 'scheduler.db'}", clock=ManualClock())
    warehouse = Warehouse(home / "warehouse.duckdb")
    paths = _furnish(database, warehouse, home)
    app = create_site(database, admin_key=KEY, warehouse=warehouse, report_places=ReportPlaces(home))
    yield Furnished(app, paths)
    database.close()


@pytest.fixture
def site(server: Server, furnished: Furnished) -> Server:
    server.app = furnished.app
    return server


@pytest.mark.parametrize("settings", [pytest.param(DESK, id="desk light"), pytest.param(PHONE, id="phone dark zh")])
def test_it_is_readable_for_everybody_and_fits(
    open_browser: Callable[..., Page], furnished: Furnished, picture: Callable[[Page, str], Path], settings: Any
) -> None:
    page = open_browser(refused=(404,), **settings)
    wrong: dict[str, object] = {}

    for path in furnished.paths:
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == (404 if path == "/nowhere" else 200), path
        picture(page, f"{_name(path)}-{settings['color_scheme']}")
        found: list[object] = [*axe_violations(page)]
        found += [f"{width} px: {wider} px too wide" for width, wider in _too_wide(page)]
        if found:
            wrong[path] = found

    assert wrong == {}


def test_the_first_load_is_small(
    open_browser: Callable[..., Page], record_property: Callable[[str, int], None]
) -> None:
    signed_in = open_browser()
    cold = signed_in.context.browser.new_context(  # type: ignore[union-attr]
        **WINDOW, base_url=signed_in.url, storage_state=signed_in.context.storage_state()
    )
    sizes = _sizes_of("/", cold)
    took = cold.pages[0].evaluate("Math.round(performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd)")
    cold.close()

    record_property("bytes of the first load", sum(sizes.values()))
    record_property("milliseconds until it is usable", took)
    print(f"\nFirst load: {sum(sizes.values()):,} bytes, usable after {took} ms: {sizes}")  # noqa: T201
    assert len(sizes) > 3
    assert sum(sizes.values()) < LARGEST_FIRST_LOAD


def _furnish(database: Database, warehouse: Warehouse, home: Path) -> tuple[str, ...]:
    """Put something on each page; where they are."""
    made = given_day(database)
    orders = made["orders-hourly"]
    failed = given_run(
        database, orders, "orders-hourly", ago=timedelta(minutes=9), state="failed",
        error="ApiError: the orders API answered 503", traceback='File "orders.py", line 1\nApiError: 503',
    )  # fmt: skip
    office = Office(database, home)
    pipeline = given_line(database)
    given_use(database, "pipelines", pipeline)
    report = office.report("weekly", outputs=["html"])
    office.run(report)
    given_table(warehouse)
    calendar = given_calendar(database, name="China", weekly=["sun"], holidays={"country": "CN"})
    with database.transaction() as session:
        for name, state in (("orders", "live"), ("prices", "shadow"), ("monthly report", "doubtful")):
            source = {"source": "apscheduler+postgresql://jobs@db/platform", "source_kind": "apscheduler3"}
            session.add(Move(**source, source_id=name, name=name, state=state, note="look there"))
    of_schedules = ("", "/new", "/import", f"/{orders}", f"/{orders}/edit", f"/{orders}/backfill", f"/{orders}/run")
    of_work = ("", "/collect-tasks", "/collect-tasks/1", "/pipelines", f"/pipelines/{pipeline}",
               f"/pipelines/{pipeline}/edit", "/reports", f"/reports/{report}", "/artifacts",
               f"/artifacts/{office.artifacts()[0].id}", "/datasets", "/datasets/orders", "/connections")  # fmt: skip
    of_system = ("", "/calendars", "/calendars/new", f"/calendars/{calendar}", "/keys", "/keys/new", "/audit",
                 "/doctor?look=1", "/moves")  # fmt: skip
    return (
        "/",
        *(f"/schedules{part}" for part in of_schedules),
        *("/runs", f"/runs/{failed}", "/backfills"),
        *(f"/work{part}" for part in of_work),
        *(f"/system{part}" for part in of_system),
        *("/preferences", "/nowhere"),
    )


def _name(path: str) -> str:
    return NAMES.get(path) or re.sub(r"[0-9a-f-]{36}", "one", path.strip("/").partition("?")[0]).replace("/", " ")


def _too_wide(page: Page) -> Iterator[tuple[int, int]]:
    """In the window as it is, and in the narrowest."""
    size = page.viewport_size
    assert size is not None
    for width in (size["width"], NARROWEST):
        page.set_viewport_size({"width": width, "height": size["height"]})
        if wider := sideways(page):
            yield width, wider
    page.set_viewport_size(size)


def _sizes_of(path: str, context: BrowserContext) -> dict[str, int]:
    """What comes over the wire for a page, in bytes, head and body, by address; the stream that never ends left out."""
    page = context.new_page()
    answers: list[Response] = []

    def hear(answer: Response) -> None:
        answers.append(answer)

    page.on("response", hear)
    page.goto(path)
    page.wait_for_function("document.getElementById('live').textContent === 'Live'")
    sizes = {}
    for answer in answers:
        if "/events" not in answer.url:
            size = answer.request.sizes()
            sizes[answer.url.partition("//")[2].partition("/")[2]] = (
                size["responseBodySize"] + size["responseHeadersSize"]
            )
    return sizes
