"""How a reader wants to see things is kept in their browser, and holds on every page."""

import pytest

from tests.console.pages import Browser, Node


def preferences(page: Node) -> Node:
    return page.one("main").one("form", action="/preferences")


def test_what_is_chosen_holds_from_then_on(viewer: Browser) -> None:
    page = viewer.send(
        preferences(viewer.read("/preferences")),
        scheduler_language="zh",
        scheduler_theme="dark",
        scheduler_zone="Asia/Shanghai",
        scheduler_keys="off",
    )

    html = page.one("html")
    assert (html["lang"], html["data-theme"], html["data-zone"], html["data-keys"]) == (
        "zh-Hans", "dark", "Asia/Shanghai", "off",
    )  # fmt: skip
    assert page.one("h1").text == "偏好设置"
    assert page.one("p", cls="clock").text == "3月2日 周一 20:00:00上海，UTC+8"
    assert preferences(page).fields()["scheduler_zone"] == "Asia/Shanghai"


def test_to_choose_none_is_a_choice(viewer: Browser) -> None:
    viewer.send(preferences(viewer.read("/preferences")), scheduler_theme="dark")
    page = viewer.send(preferences(viewer.read("/preferences")), scheduler_theme="")

    assert "data-theme" not in page.one("html").attrs


@pytest.mark.parametrize(
    ("cookie", "value"),
    [("scheduler_zone", "../../etc"), ("scheduler_theme", '"><script>'), ("scheduler_said", "e30=")],
)
def test_what_nobody_could_choose_is_nothing(viewer: Browser, cookie: str, value: str) -> None:
    viewer.http.cookies.set(cookie, value)

    page = viewer.read("/preferences")

    assert (page.one("html")["data-zone"], "data-theme" in page.one("html").attrs) == ("UTC", False)
    assert not page.has("div", cls="toast")


def test_the_language_changes_where_the_reader_is(viewer: Browser) -> None:
    page = viewer.read("/preferences?a=1")

    viewer.send(page.one("form", cls="lang"), scheduler_language="zh")

    assert str(viewer.last.url).endswith("/preferences?a=1")  # type: ignore[union-attr]
