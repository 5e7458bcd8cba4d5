"""A warehouse with something in it, and short ways to make reports of it."""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pypdfium2

from scheduler_service.workloads.report.content import Span
from scheduler_service.workloads.report.definitions import ReportDefinition
from scheduler_service.workloads.report.producing import Job, Made, produce
from scheduler_service.workloads.stopping import Stop, never
from scheduler_service.workloads.warehouses import AnyWarehouse

DUE = datetime(2026, 3, 3, tzinfo=UTC)
SPAN = Span(DUE - timedelta(days=1), DUE, DUE)
#: What every language would do something with.
HOSTILE = '#eval("1") #read("/etc/passwd") =1+1 <b>x</b><script>alert(1)</script> $x$ [a](javascript:alert(1)) {{ x }}'


@dataclass
class Press:
    """Makes reports in a folder."""

    warehouse: AnyWarehouse
    folder: Path
    told: list[dict[str, Any]] = field(default_factory=list)
    count: int = 0

    def make(
        self,
        *sections: dict[str, Any],
        outputs: tuple[str, ...] = ("html",),
        span: Span = SPAN,
        cancelled: Callable[[], bool] = never,
        seconds: float = 60,
        most_rows: int | None = None,
        **fields: Any,
    ) -> list[Made]:
        """The files of a report of these sections."""
        self.count += 1
        (folder := self.folder / f"report-{self.count}").mkdir(parents=True)
        definition = ReportDefinition.model_validate({"title": "Orders", "sections": list(sections)} | fields)
        job = Job(definition, "", span, outputs, folder, (), most_rows)
        stop = Stop(cancelled, seconds)
        return produce(job, self.warehouse, stop=stop, told=lambda **progress: self.told.append(progress))

    def html(self, *sections: dict[str, Any], **fields: Any) -> str:
        """The report as a page."""
        (made,) = self.make(*sections, **fields)
        return made.path.read_text()

    def csv(self, sql: str, **section: Any) -> list[str]:
        """The lines of the one table of a report."""
        (made,) = self.make({"type": "table", "sql": sql, **section}, outputs=("csv",))
        return made.path.read_text("utf-8-sig").splitlines()

    def pdf(self, *sections: dict[str, Any], **fields: Any) -> Path:
        """The report as a document."""
        (made,) = self.make(*sections, outputs=("pdf",), **fields)
        return made.path


def text_of(pdf: Path) -> str:
    """What a reader of the document could select, on one line a page; where a word may break is left out."""
    with pypdfium2.PdfDocument(pdf) as document:
        pages = [page.get_textpage().get_text_range() for page in document]
    return "\n".join(" ".join(page.replace("\u200b", "").split()) for page in pages)


def fonts_of(pdf: Path) -> dict[str, str]:
    """The characters of the first page, each with the name of the font it is set in."""
    name = ctypes.create_string_buffer(200)
    with pypdfium2.PdfDocument(pdf) as document:
        page = document[0].get_textpage()
        found = {}
        for place, letter in enumerate(page.get_text_range()):
            if pypdfium2.raw.FPDFText_GetFontInfo(page, place, name, len(name), None):
                found[letter] = name.value.decode()
        return found
