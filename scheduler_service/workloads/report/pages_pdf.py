"""The page as PDF, set by typst from a template of ours. Data goes in as data, never as typst's language."""

import json
from pathlib import Path
from typing import Any

from scheduler_service.workloads.report import charts
from scheduler_service.workloads.report.pages import Page

TEMPLATE = Path(__file__).parent / "templates" / "report.typ"


def pdf(page: Page, *, fonts: list[Path], root: Path) -> bytes:
    """The file, alike for alike pages. `root` is an empty folder: typst may read what is below it."""
    import typst

    compile_template: Any = typst.compile  # its stubs want one type for the source and the folders

    data = {"head": page.head(), "words": page.words, "sections": [_section(section) for section in page.sections]}
    made: bytes = compile_template(
        TEMPLATE.read_bytes(),
        root=str(root),
        sys_inputs={"data": json.dumps(data)},
        font_paths=[str(folder) for folder in fonts],
        ignore_system_fonts=True,
        format="pdf",
    )
    return made


def _section(section: dict[str, Any]) -> dict[str, Any]:
    if section["type"] == "chart" and section["svg"]:
        return section | {"svg": charts.inked(section["svg"])}
    return {name: value for name, value in section.items() if name != "html"}
