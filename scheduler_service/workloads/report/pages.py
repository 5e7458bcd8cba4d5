"""A document as texts, ready to be set: what HTML, mail and PDF show alike."""

from datetime import tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any

from scheduler_service.timing import zones
from scheduler_service.workloads.report import charts, prose
from scheduler_service.workloads.report.values import NUMERIC, number, shown
from scheduler_service.workloads.report.words import WORDS


class Page:
    """The document's sections as texts, trees and pictures; each is made once."""

    def __init__(self, document: dict[str, Any], *, fonts: list[Path]) -> None:
        self._document, self._fonts = document, fonts
        self._zone: tzinfo = zones.load(document["zone"])
        self.words = WORDS[document["language"]]
        self.sections = [getattr(self, f"_{section['type']}")(section) for section in document["sections"]]

    def head(self) -> dict[str, Any]:
        """Title, description, period and language."""
        return {name: self._document[name] for name in ("title", "description", "period", "language")}

    def _text(self, section: dict[str, Any]) -> dict[str, Any]:
        markdown = section["markdown"]
        return _titled(section) | {"html": prose.html_of(markdown), "tree": prose.tree_of(markdown)}

    def _metrics(self, section: dict[str, Any]) -> dict[str, Any]:
        return _titled(section) | {"items": [self._metric(item) for item in section["items"]]}

    def _metric(self, item: dict[str, Any]) -> dict[str, Any]:
        value, before = item["value"], item["before"]
        change, tone = _change(value, before, item["good"]) if item["kind"] in NUMERIC else ("", "")
        said = self.words["before"].format(value=self._shown(before, item)) if before is not None else ""
        return {"title": item["title"], "value": self._shown(value, item), "before": said, "change": change,
                "tone": tone}  # fmt: skip

    def _table(self, section: dict[str, Any]) -> dict[str, Any]:
        columns, rows = section["columns"], section["rows"][: section["shown"]]
        made = {
            "head": [{"title": column["title"], "right": column["kind"] in NUMERIC} for column in columns],
            "rows": [[self._shown(cell, column) for cell, column in zip(row, columns, strict=True)] for row in rows],
            "note": self._note(len(rows), len(section["rows"]), section["more"]),
        }
        return _titled(section) | made

    def _chart(self, section: dict[str, Any]) -> dict[str, Any]:
        count = len(section["rows"])
        svg = None
        if count:
            svg = charts.draw(section, zone=self._zone, language=self._document["language"], fonts=self._fonts)
        return _titled(section) | {"svg": svg, "note": self._note(count, count, section["more"])}

    def _shown(self, cell: Any, column: dict[str, Any]) -> str:
        return shown(cell, column, zone=self._zone, truth=(self.words["no"], self.words["yes"]))

    def _note(self, here: int, count: int, more: bool) -> str:
        if count == 0:
            return self.words["no_rows"]
        if more:
            return self.words["first_of_more"].format(shown=f"{here:,}", count=f"{count:,}")
        return self.words["first"].format(shown=f"{here:,}", count=f"{count:,}") if here < count else ""


def _titled(section: dict[str, Any]) -> dict[str, Any]:
    return {"type": section["type"], "title": section["title"], "note": ""}


def _change(value: Any, before: Any, good: str | None) -> tuple[str, str]:
    """How it changed, in per cent of what it was before, and whether that is `good` or `bad`."""
    if value is None or before is None or number(before) == 0:
        return "", ""
    by = (number(value) - number(before)) / abs(number(before)) * 100
    text = f"{by:+,.1f} %".replace("-", "−")
    if good is None or abs(by) < Decimal("0.05"):
        return text, ""
    return text, "good" if (by > 0) == (good == "up") else "bad"
