"""What a report may be."""

from typing import Any

import pytest
from pydantic import ValidationError

from scheduler_service.workloads.report.definitions import ReportDefinition

TABLE = {"type": "table", "sql": "SELECT 1"}
CHART = {"type": "chart", "sql": "SELECT 1", "kind": "line", "x": "a", "y": ["b"]}
EMAIL = {"type": "email", "connection": "mail", "to": ["a@b.example"]}


def report(**fields: Any) -> ReportDefinition:
    return ReportDefinition.model_validate({"title": "t", "sections": [TABLE], **fields})


def test_what_is_left_out_has_a_default() -> None:
    made = report()

    assert (made.outputs, made.language, made.timezone, made.window) == (("html", "pdf"), "en", "UTC", None)


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"sections": []}, ("sections",)),
        ({"outputs": ["pdf", "pdf"]}, ("outputs",)),
        ({"outputs": ["docx"]}, ("outputs", 0)),
        ({"outputs": []}, ("outputs",)),
        ({"title": "a\r\nBcc: x"}, ("title",)),
        ({"outputs": ["csv"], "sections": [{"type": "text", "markdown": "x"}]}, ()),
        ({"timezone": "Mars/Olympus"}, ("timezone",)),
        ({"language": "de"}, ("language",)),
        ({"window_seconds": 0}, ("window_seconds",)),
        ({"sections": [CHART | {"kind": "heatmap"}]}, ("sections", 0, "chart")),
        ({"sections": [CHART | {"value": "v"}]}, ("sections", 0, "chart")),
        ({"sections": [CHART | {"y": ["a", "b"], "series": "s"}]}, ("sections", 0, "chart")),
        ({"sections": [TABLE | {"shown": 5000}]}, ("sections", 0, "table", "shown")),
        ({"sections": [{"type": "pie"}]}, ("sections", 0)),
        ({"deliver": [EMAIL | {"to": []}]}, ("deliver", 0, "email", "to")),
        ({"deliver": [EMAIL | {"to": ["a@b.example, c@d.example"]}]}, ("deliver", 0, "email", "to", 0)),
        ({"deliver": [EMAIL | {"to": ["a@b.example\nBcc: c@d.example"]}]}, ("deliver", 0, "email", "to", 0)),
        ({"deliver": [EMAIL | {"to": ["A <a@b.example>"]}]}, ("deliver", 0, "email", "to", 0)),
        ({"deliver": [EMAIL | {"subject": "a\r\nBcc: x"}]}, ("deliver", 0, "email", "subject")),
        ({"deliver": [EMAIL | {"outputs": ["xlsx"]}]}, ()),
        ({"deliver": [{"type": "folder", "connection": "f", "path": "../x"}]}, ("deliver", 0, "folder", "path")),
        ({"deliver": [{"type": "folder", "connection": "f", "path": "/x"}]}, ("deliver", 0, "folder", "path")),
        ({"deliver": [{"type": "ftp"}]}, ("deliver", 0)),
        ({"surprise": 1}, ("surprise",)),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused_at_its_place(fields: dict[str, Any], place: tuple[Any, ...]) -> None:
    with pytest.raises(ValidationError) as refused:
        report(**fields)

    assert [error["loc"] for error in refused.value.errors()] == [place]
