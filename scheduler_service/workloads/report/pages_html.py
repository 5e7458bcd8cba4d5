"""The page as HTML: one file that needs no other, runs no script and asks no server for anything."""

from base64 import b64encode
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from scheduler_service.workloads.report import charts
from scheduler_service.workloads.report.pages import Page

TEMPLATES = Path(__file__).parent / "templates"


def html(page: Page, *, for_mail: bool = False) -> bytes:
    """The file. For mail the pictures are PNG, and the layout is what mail programs understand."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,  # Jinja's own default is off
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sections = [_section(section, for_mail=for_mail) for section in page.sections]
    template = environment.get_template("report.html")
    return template.render(head=page.head(), words=page.words, sections=sections, for_mail=for_mail).encode()


def _section(section: dict[str, Any], *, for_mail: bool) -> dict[str, Any]:
    if section["type"] == "text":
        return section | {"html": Markup(section["html"])}
    if section["type"] == "chart":
        return section | {"picture": section["svg"] and _picture(section["svg"], for_mail=for_mail)}
    return section


def _picture(svg: str, *, for_mail: bool) -> str:
    """An image that is in the page itself; as an image, an SVG runs nothing."""
    kind, data = ("png", charts.as_png(svg)) if for_mail else ("svg+xml", svg.encode())
    return f"data:image/{kind};base64,{b64encode(data).decode()}"
