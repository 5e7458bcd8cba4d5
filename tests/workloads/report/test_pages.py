"""Pages: HTML and PDF say the same, in Chinese too, and nothing in them is anything but text."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

from scheduler_service.workloads.report import prose
from tests.workloads.report.press import HOSTILE, Press, fonts_of, text_of

METRICS = {
    "type": "metrics",
    "title": "Sums",
    "sql": "SELECT count(*) AS n, sum(amount) AS amount FROM orders"
    " WHERE ordered_at >= {{ window_start }} AND ordered_at < {{ window_end }}",
    "items": [
        {"column": "n", "title": "Orders", "good": "up"},
        {"column": "amount", "title": "Amount", "format": "number", "good": "down"},
    ],
}
TABLE = {"type": "table", "title": "Latest", "sql": "SELECT * FROM orders ORDER BY id DESC", "shown": 3}
CHART = {
    "type": "chart", "title": "By hour", "kind": "line", "x": "ordered_at", "y": ["amount"], "series": "city",
    "sql": "SELECT ordered_at, city, amount FROM orders ORDER BY ordered_at",
}  # fmt: skip
EMPTY = {"type": "table", "title": "None", "sql": "SELECT * FROM orders WHERE id < 0"}
HOSTILE_SQL = "SELECT '" + HOSTILE.replace("'", "''").replace("{{ x }}", "{ x }") + "' AS said"


class Tags(HTMLParser):
    """Every tag of a page, with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def names(self) -> set[str]:
        return {tag for tag, _ in self.found}


def test_both_say_what_the_queries_found(press: Press) -> None:
    html = re.sub(r"<[^>]*>|\s+", " ", press.html(METRICS, TABLE, EMPTY))
    text = text_of(press.pdf(METRICS, TABLE, EMPTY))

    for said in ("Orders 24", "+0.0 % before: 24", "The first 3 of 48 rows.", "2026-03-02 23:00", "北京", "No rows."):
        assert said in " ".join(html.split()), said
        assert said in text, said
    assert "before: 414" in text
    assert "Page 1 of 1" in text


def test_a_report_in_chinese_speaks_chinese(press: Press) -> None:
    text = text_of(press.pdf(METRICS, TABLE, language="zh", timezone="Asia/Shanghai", title="订单日报"))

    assert "订单日报 2026-03-02 08:00 至 2026-03-03 08:00（Asia/Shanghai）" in text
    assert "前 3 行，共 48 行。" in text
    assert "上期：24" in text


def test_chinese_is_set_in_a_font_that_has_it(press: Press) -> None:
    """A missing glyph is silent: a character that no font has stays in the first one, as a box."""
    fonts = fonts_of(press.pdf({"type": "text", "markdown": "x 中國日한 \U000f0000"}, title="x"))

    assert {letter for letter, font in fonts.items() if "CJK" in font} == set("中國日한")


@pytest.mark.parametrize("kind", ["html", "pdf"])
def test_two_processes_make_the_same_bytes(press: Press, kind: str) -> None:
    first, second = (press.make(METRICS, TABLE, CHART, outputs=(kind, "xlsx")) for _ in range(2))

    assert [made.sha256 for made in first] == [made.sha256 for made in second]


def test_in_html_nothing_is_anything_but_text(press: Press) -> None:
    hostile: list[dict[str, Any]] = [
        {"type": "text", "title": HOSTILE, "markdown": HOSTILE},
        {"type": "table", "title": "t", "sql": HOSTILE_SQL, "columns": [{"column": "said", "title": HOSTILE}]},
        {"type": "chart", "title": HOSTILE, "kind": "bar", "x": "said", "y": ["n"],
         "sql": f"SELECT said, 1 AS n FROM ({HOSTILE_SQL})"},
    ]  # fmt: skip

    html = press.html(*hostile, title=HOSTILE)

    tags = Tags(html)
    assert not tags.names() & {"script", "b", "iframe", "object", "form", "link", "base"}
    assert not [href for _, found in tags.found if (href := found.get("href")) is not None]
    assert all(str(found["src"]).startswith("data:image/svg+xml;base64,") for _, found in tags.found if "src" in found)
    assert not [name for _, found in tags.found for name in found if name.startswith("on")]
    (policy,) = (found["content"] for _, found in tags.found if found.get("http-equiv"))
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_in_pdf_nothing_is_read_as_the_typesetters_language(press: Press) -> None:
    text = text_of(
        press.pdf(
            {"type": "text", "title": HOSTILE, "markdown": HOSTILE.replace("[a]", "")},
            {"type": "table", "title": "t", "sql": HOSTILE_SQL},
            title=HOSTILE,
        )
    )

    assert text.count('#eval("1") #read("/etc/passwd") =1+1 <b>x</b>') == 3
    assert text.replace(" ", "").count('#eval("1")#read("/etc/passwd")=1+1<b>x</b><script>alert(1)</script>$x$') == 4


LINKS = {
    "[a](https://a.example/x?y=1)": "https://a.example/x?y=1",
    "[a](mailto:a@b.example)": "mailto:a@b.example",
    "<https://a.example>": "https://a.example",
    "[a](javascript:alert(1))": None,
    "[a](JavaScript&colon;alert(1))": None,
    "[a](data:text/html,x)": None,
    "[a](file:///etc/passwd)": None,
    "[a](//a.example)": None,
    "[a][x]\n\n[x]: javascript:alert(1)": None,
    "![a](https://a.example/x.png)": "https://a.example/x.png",  # a link, and no picture: nothing is fetched
    "<img src=x onerror=alert(1)>": None,
}


@pytest.mark.parametrize(("markdown", "href"), LINKS.items())
def test_links_lead_to_pages_and_mail_only(markdown: str, href: str | None) -> None:
    tags = Tags(prose.html_of(markdown))

    assert [found["href"] for tag, found in tags.found if tag == "a"] == ([href] if href else [])
    assert "img" not in tags.names()


def test_markdown_is_set_in_the_pdf(press: Press) -> None:
    markdown = (
        "# Head\n\nsome *em* **strong** ~~no~~ `code`\n\n1. one\n2. two\n   - in\n\n> said\n\n```\n#x\n```\n\n---\n\n"
    )
    markdown += "| a | b |\n|---|---|\n| 1 | 中 |\n\nline  \nbreak [link](https://a.example)"

    text = text_of(press.pdf({"type": "text", "markdown": markdown}))

    for said in ("Head", "some em strong no code", "1. one", "2. two", "• in", "said", "#x", "1 中", "break link"):
        assert said in text, said


def test_mail_has_its_pictures_as_png(press: Press) -> None:
    (made,) = press.make(CHART, outputs=("mail",))

    assert re.findall(r'src="(data:image/\w+)', made.path.read_text()) == ["data:image/png"]


def test_a_large_table_takes_few_pages(press: Press) -> None:
    table = {"type": "table", "sql": "SELECT i, repeat('x', 300) AS long FROM range(5000) AS n(i)", "shown": 50}

    pdf: Path = press.pdf(table)

    with pypdfium2.PdfDocument(pdf) as document:
        assert len(document) < 15
    assert "The first 50 of 5,000 rows." in text_of(pdf)
