"""A document as files. Loads what renders when it is first needed; see `producing` for where that may be."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scheduler_service.workloads.report import fonts

if TYPE_CHECKING:
    from scheduler_service.workloads.report.pages import Page

#: HTML for the bodies of e-mails, with pictures that mail programs show.
MAIL = "mail"


class Renderer:
    """One document; what several outputs show is made once. `root` is an empty folder."""

    def __init__(self, document: dict[str, Any], *, more_fonts: Sequence[Path], root: Path) -> None:
        self._document, self._root = document, root
        self._fonts = [*fonts.folders(), *more_fonts]

    def files(self, output: str) -> Iterator[tuple[str, bytes]]:
        """A (title, content) for each file of an output: a CSV has its table's title, the others have none."""
        from scheduler_service.workloads.report import pages_html, pages_pdf, sheets

        if output == "pdf":
            yield "", pages_pdf.pdf(self._page, fonts=self._fonts, root=self._root)
        elif output in ("html", MAIL):
            yield "", pages_html.html(self._page, for_mail=output == MAIL)
        elif output == "xlsx":
            yield "", sheets.xlsx(self._document)
        else:
            yield from sheets.csv_files(self._document)

    @cached_property
    def _page(self) -> "Page":
        from scheduler_service.workloads.report.pages import Page

        return Page(self._document, fonts=self._fonts)
