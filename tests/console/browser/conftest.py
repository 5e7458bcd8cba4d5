"""A real browser before a running console. What it complains about fails the test: errors, requests off the host."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import gettempdir
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, expect, sync_playwright

from tests.api.serving import KEY, Server

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WINDOW: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}, "timezone_id": "Europe/Berlin"}
#: What htmx says of a request that was under way when the page was left.
LEFT_BEHIND = ("htmx:afterRequest", "htmx:sendAbort")
expect.set_options(timeout=20_000)  # the machine may be busy with the other tests
NAMES = ("chromium", "chromium-browser", "google-chrome")
PICTURES = Path("var/screenshots")
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One database: what a browser does is the same on each."""
    return sqlite_url


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """Debian's."""
    started = playwright.chromium.launch(executable_path=path_of_chromium(), args=FLAGS)
    yield started
    started.close()


@pytest.fixture
def open_browser(chromium: Browser, site: Server) -> Iterator[Callable[..., Page]]:
    """A page with settings of its own, such as `color_scheme="dark"` or `locale="zh-CN"`; signed in, unless it says.

    `refused` are statuses that the test itself brings about: browsers complain of each. `beside` is another host that a
    reader is sent to.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def opened(*, key: str | None = KEY, refused: tuple[int, ...] = (), beside: str = "", **settings: Any) -> Page:
        context = chromium.new_context(base_url=site.url, **WINDOW | settings)
        contexts.append(context)
        context.set_default_timeout(20_000)
        page = context.new_page()
        _listen(page, complaints, hosts=(urlsplit(site.url).netloc, beside), refused=refused)
        if key is not None:
            _sign_in(page, key)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def browser_page(open_browser: Callable[..., Page]) -> Page:
    """The admin's page, 1440 px wide, in the light."""
    return open_browser(color_scheme="light")


@pytest.fixture
def picture(request: pytest.FixtureRequest) -> Callable[[Page, str], Path]:
    """Keep how a page looks, for a person to see."""

    def taken(page: Page, name: str) -> Path:
        PICTURES.mkdir(parents=True, exist_ok=True)
        path = PICTURES / f"{request.node.module.__name__.rpartition('.')[2]}-{name}.png"
        page.screenshot(path=path, full_page=True, caret="initial")  # to hide it is a style that our policy forbids
        return path

    return taken


def axe_violations(page: Page) -> list[str]:
    """What axe finds wrong with the page as it is, WCAG 2.2 A and AA and best practice: rule, and where."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [f"{rule['id']}: {node['html'][:200]}" for rule in found for node in rule["nodes"]]


def sideways(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    wider: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wider


def path_of_chromium() -> str:
    """Where it is; as root on Debian it is installed where it is missing."""
    with (Path(gettempdir()) / "scheduler-tests-chromium.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several processes of one suite
        if os.geteuid() == 0 and not _found() and shutil.which("apt-get"):
            for words in (("update", "-qq"), ("install", "-y", "-qq", "--no-install-recommends", "chromium")):
                subprocess.run(["apt-get", *words], check=True, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
    path = _found()
    if path is None:
        pytest.fail("The browser tests need Chromium: apt-get install chromium (or deselect tests/console/browser).")
    return path


def _found() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def _sign_in(page: Page, key: str) -> None:
    page.goto("/sign-in")
    page.locator("#key").fill(key)
    page.locator("form[action='/sign-in'] button").click()
    page.wait_for_url("**/")


def _listen(page: Page, complaints: list[str], *, hosts: tuple[str, ...], refused: tuple[int, ...]) -> None:
    expected = tuple(f"the server responded with a status of {status} " for status in refused)

    def hear(said: ConsoleMessage) -> None:
        if said.type == "error" and said.text not in LEFT_BEHIND and not any(text in said.text for text in expected):
            complaints.append(f"console: {said.text}")

    page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    page.on("console", hear)
    page.on("request", lambda asked: _must_be(hosts, asked.url, complaints))


def _must_be(hosts: tuple[str, ...], url: str, complaints: list[str]) -> None:
    if urlsplit(url).scheme in ("http", "https", "ws", "wss") and urlsplit(url).netloc not in hosts:
        complaints.append(f"off the host: {url}")
