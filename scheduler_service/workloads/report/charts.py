"""Charts as SVG: a Vega-Lite specification of ours, with nothing in it but values.

A user's own specification could fetch (`data.url`); and a column's name is no field's name, since `a.b` is read as
nested. So the fields are called x, y, s and v, whatever the columns are called.
"""

import re
from datetime import tzinfo
from pathlib import Path
from typing import Any

from scheduler_service.workloads.report.values import NUMERIC, moment, number, shown

FONT = "Noto Sans, Noto Sans CJK SC, sans-serif"
COLOURS = ["#4649d6", "#2b9189", "#c98a1b", "#c8452b", "#7b8090", "#8a5fc0", "#5aa5d6", "#9a7b4f", "#c46a9d", "#3b434d"]
WIDTH, HEIGHT = 680, 260
TALLEST_ROWS = 30
INK, LINES = "#3b434d", "#e3e6ea"
CJK_TEXT = re.compile(r"<text( [^>]*>[^<]*[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef])")
LABELS = {
    "percent": "format(datum.value, '.1~%')",
    "bytes": "format(datum.value, '.3~s') + 'B'",
    "seconds": (
        "datum.value >= 3600 ? format(datum.value / 3600, '.1~f') + ' h' : "
        "datum.value >= 60 ? format(datum.value / 60, '.1~f') + ' min' : "
        "datum.value >= 1 || datum.value == 0 ? format(datum.value, '.1~f') + ' s' : "
        "format(datum.value * 1000, '.0~f') + ' ms'"
    ),
}
CONFIG: dict[str, Any] = {
    "font": FONT,
    "background": "transparent",
    "view": {"stroke": None},
    "range": {"category": COLOURS, "heatmap": ["#eeedf0", "#9a9ca8", "#33353f"]},
    "axis": {"gridColor": LINES, "domainColor": LINES, "tickColor": LINES, "labelColor": INK, "titleColor": INK,
             "labelFontSize": 11, "titleFontSize": 11, "titleFontWeight": "normal", "labelLimit": 160},
    "legend": {"orient": "bottom", "title": None, "labelColor": INK, "labelFontSize": 11, "labelLimit": 200},
}  # fmt: skip


def draw(section: dict[str, Any], *, zone: tzinfo, language: str, fonts: list[Path]) -> str:
    """The section's rows as an SVG."""
    import vl_convert

    for folder in fonts:
        vl_convert.register_font_directory(str(folder))
    locale: Any = {"zh": "zh-CN"}.get(language, "en-US")
    spec = specification(section, zone=zone)
    svg: str = vl_convert.vegalite_to_svg(spec, vl_version="6.4", allowed_base_urls=[], time_format_locale=locale)
    return svg


def as_png(svg: str) -> bytes:
    """For mail, whose readers drop SVG."""
    import vl_convert

    png: bytes = vl_convert.svg_to_png(inked(svg), scale=2)
    return png


def inked(svg: str) -> str:
    """For those who draw it with our fonts: of the variable CJK font they know the thinnest weight only."""
    return CJK_TEXT.sub(rf'<text stroke="{INK}" stroke-width="0.5"\1', svg)


def specification(section: dict[str, Any], *, zone: tzinfo) -> dict[str, Any]:
    """What Vega-Lite is to draw."""
    columns = {column["name"]: column for column in section["columns"]}
    x, ys = columns[section["x"]], [columns[name] for name in section["y"]]
    continuous = section["chart"] in ("line", "area", "scatter")
    encoding: dict[str, Any] = {"x": _axis("x", x, continuous)}
    if section["chart"] == "heatmap":
        encoding["y"] = _axis("y", ys[0], False)
        encoding["color"] = {"field": "v", "type": "quantitative", "legend": _legend(section)}
    else:
        encoding["y"] = _values_axis(ys, section)
    if section["series"] is not None or len(ys) > 1:
        encoding["color"] = {"field": "s", "type": "nominal", "sort": None}
    values = list(_values(section, zone, continuous))
    rows = len({value["y"] for value in values}) if section["chart"] == "heatmap" else 0
    return {
        "width": WIDTH,
        "height": max(HEIGHT, min(rows, TALLEST_ROWS) * 18),
        "config": CONFIG,
        "data": {"values": values},
        "mark": _mark(section["chart"], len(values)),
        "encoding": encoding,
    }


def _values(section: dict[str, Any], zone: tzinfo, continuous: bool) -> Any:
    """One for each row and y."""
    columns = section["columns"]
    place = {column["name"]: index for index, column in enumerate(columns)}
    by_series, value = section["series"], section["value"]
    kept = not continuous, section["chart"] == "heatmap"
    for row in section["rows"]:
        for name in section["y"]:
            yield {
                "x": _point(row[place[section["x"]]], columns[place[section["x"]]], zone, as_text=kept[0]),
                "y": _point(row[place[name]], columns[place[name]], zone, as_text=kept[1]),
                "s": _named(row[place[by_series]], columns[place[by_series]], zone) if by_series else name,
                "v": _point(row[place[value]], columns[place[value]], zone, as_text=False) if value else None,
            }


def _point(cell: Any, column: dict[str, Any], zone: tzinfo, *, as_text: bool) -> Any:
    if as_text or cell is None:
        return _named(cell, column, zone) if as_text else None
    if column["kind"] in ("instant", "local"):
        return moment(cell, zone).isoformat()
    if column["kind"] == "date":
        return f"{cell}T00:00:00"  # a bare date would be midnight in UTC, and perhaps another day here
    return float(number(cell)) if column["kind"] in NUMERIC else cell


def _named(cell: Any, column: dict[str, Any], zone: tzinfo) -> str:
    return shown(cell, column, zone=zone, truth=("false", "true"))


def _axis(field: str, column: dict[str, Any], continuous: bool) -> dict[str, Any]:
    temporal = column["kind"] in ("instant", "local", "date")
    if continuous and (temporal or column["kind"] in NUMERIC):
        kind = "temporal" if temporal else "quantitative"
        return {"field": field, "type": kind, "title": column["title"], "axis": {"grid": False, "labelOverlap": True}}
    axis = {"labelOverlap": "greedy", "labelSeparation": 12, "labelAngle": 0} if field == "x" else {}
    return {"field": field, "type": "ordinal", "sort": None, "title": column["title"], "axis": axis}


def _values_axis(ys: list[dict[str, Any]], section: dict[str, Any]) -> dict[str, Any]:
    axis: dict[str, Any] = {"tickCount": 6}
    if section["format"] in LABELS:
        axis["labelExpr"] = LABELS[section["format"]]
    if all(column["kind"] == "integer" for column in ys):
        axis["tickMinStep"] = 1
    title = ys[0]["title"] if len(ys) == 1 else None
    return {"field": "y", "type": "quantitative", "title": title, "axis": axis}


def _legend(section: dict[str, Any]) -> dict[str, Any]:
    legend: dict[str, Any] = {"title": section["value"], "gradientLength": 200}
    return legend | ({"labelExpr": LABELS[section["format"]]} if section["format"] in LABELS else {})


def _mark(chart: str, count: int) -> dict[str, Any]:
    marks: dict[str, dict[str, Any]] = {
        "line": {"type": "line", "strokeWidth": 2, "point": {"size": 25} if count <= 100 else False},
        "area": {"type": "area", "opacity": 0.75, "line": False},
        "bar": {"type": "bar"},
        "scatter": {"type": "point", "filled": True, "size": 30, "opacity": 0.7},
        "heatmap": {"type": "rect"},
    }
    return marks[chart]
