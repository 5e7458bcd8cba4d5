"""What a report says: the answers to its queries, as one document that JSON can carry.

Renderers know this document alone. A query's columns come with their kind and look; cells are `values.cell`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from scheduler_service.errors import QueryFailed
from scheduler_service.timing import zones
from scheduler_service.workloads.etl.definitions import PARAMETERS
from scheduler_service.workloads.report.definitions import (
    ChartSection,
    MetricsSection,
    ReportDefinition,
    Shown,
    TableSection,
)
from scheduler_service.workloads.report.values import cell, kind_of
from scheduler_service.workloads.report.words import WORDS
from scheduler_service.workloads.sql_guard import Dialect, checked
from scheduler_service.workloads.sql_running import Answer, Asked

DEFAULT_WINDOW = timedelta(days=1)
MOST_MARKS = 2000
Querying = MetricsSection | TableSection | ChartSection
Ask = Callable[[Asked], Answer]


@dataclass(frozen=True)
class Span:
    """What a report is about: from `start` until `end`; `occurrence_at` is when it was due."""

    start: datetime
    end: datetime
    occurrence_at: datetime

    @classmethod
    def until(cls, end: datetime, *, length: timedelta) -> "Span":
        """The span that ends with an occurrence."""
        return cls(end - length, end, end)

    def before(self) -> "Span":
        """The span of the same length that ends where this one begins."""
        length: timedelta = self.end - self.start
        return Span(self.start - length, self.start, self.occurrence_at - length)

    def values(self) -> dict[str, Any]:
        """For a query's parameters."""
        return {"occurrence_at": self.occurrence_at, "window_start": self.start, "window_end": self.end}


def questions(definition: ReportDefinition, dialect: Dialect) -> Iterator[tuple[int, Querying, Asked]]:
    """Each query, with its section and the place of that; its values are the asker's. Raises: SqlRefused."""
    for place, section in enumerate(definition.sections):
        if section.type != "text":
            query = checked(section.sql, dialect, parameters=PARAMETERS)
            yield place, section, Asked(section.title or f"section {place + 1}", query, {}, _limit(section))


def _limit(section: Querying) -> int:
    if section.type == "metrics":
        return 1
    return section.max_rows if section.type == "table" else MOST_MARKS // len(section.y)


def document(definition: ReportDefinition, description: str, span: Span, answers: dict[int, list[Answer]]) -> Any:
    """The whole document. `answers`: by the section's place; of metrics also that for the span before."""
    return {
        "title": definition.title,
        "description": description,
        "period": period(definition, span),
        "zone": definition.timezone,
        "language": definition.language,
        "created": cell(span.occurrence_at, "instant"),
        "sections": [_section(section, answers.get(at, [])) for at, section in enumerate(definition.sections)],
    }


def period(definition: ReportDefinition, span: Span) -> str:
    """The span in words, by the clocks of the report's time zone."""
    zone = zones.load(definition.timezone)
    start, end = (f"{at.astimezone(zone):%Y-%m-%d %H:%M}" for at in (span.start, span.end))
    return WORDS[definition.language]["period"].format(start=start, end=end, zone=definition.timezone)


def _section(section: Any, answers: Sequence[Answer]) -> dict[str, Any]:
    base = {"type": section.type, "title": section.title}
    if section.type == "text":
        return base | {"markdown": section.markdown}
    if section.type == "metrics":
        return base | {"items": _metrics(section, answers)}
    if section.type == "table":
        return base | _rows(answers[0], section.columns, section.title) | {"shown": section.shown}
    used = [section.x, *section.y, *(name for name in (section.series, section.value) if name)]
    looks = [
        Shown(column=name, format=section.format if name in section.y else "plain") for name in dict.fromkeys(used)
    ]
    picture = {"chart": section.kind, "x": section.x, "y": list(section.y), "series": section.series}
    return base | _rows(answers[0], looks, section.title) | picture | {"value": section.value, "format": section.format}


def _metrics(section: MetricsSection, answers: Sequence[Answer]) -> list[dict[str, Any]]:
    now = _rows(answers[0], section.items, section.title)
    before = _rows(answers[1], section.items, section.title) if len(answers) > 1 else {"rows": []}
    good = {item.column: item.good for item in section.items}
    first, earlier = (found["rows"][0] if found["rows"] else [None] * len(now["columns"]) for found in (now, before))
    return [
        {**column, "value": value, "before": was, "good": good.get(column["name"])}
        for column, value, was in zip(now["columns"], first, earlier, strict=True)
    ]


def _rows(answer: Answer, looks: Sequence[Shown], title: str) -> dict[str, Any]:
    """The wanted columns of an answer: all, if none is named. Raises: QueryFailed, when one is not there."""
    wanted = looks or [Shown(column=name) for name in answer.columns]
    if missing := [look.column for look in wanted if look.column not in answer.columns]:
        raise QueryFailed(title, f"has no column {', '.join(missing)}; it has {', '.join(answer.columns)}")
    columns, cells = [], []
    for look in wanted:
        place = answer.columns.index(look.column)
        values = [row[place] for row in answer.rows]
        kind = kind_of(values)
        look_of = {"title": look.title or look.column, "format": look.format, "digits": look.digits}
        columns.append({"name": look.column, "kind": kind, **look_of})
        cells.append([cell(value, kind) for value in values])
    rows = [list(row) for row in zip(*cells, strict=True)]
    return {"columns": columns, "rows": rows, "more": not answer.complete}
