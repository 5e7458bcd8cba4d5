"""A schedule's document as the fields of its form, and back. A field that is not in the form keeps what was read.

Each type of timing has fields of its own, all in the form at once, so that nothing typed is lost by looking at another.
Times of day are typed in the reader's zone, which travels with the form.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from scheduler_service.errors import FieldProblem, InvalidTiming
from scheduler_service.services.fields import wire_instant
from scheduler_service.services.timing_documents import FIVE
from scheduler_service.timing import zones

Values = Mapping[str, str]

TYPES = ("crontab", "interval", "clocked", "solar", "rrule", "after")
TEXTS = ("name", "task", "description")
OPTIONAL_TEXTS = ("queue", "exchange", "routing_key")
#: Numbers that may be left out; those that have a default are not in the document then.
WHOLE = (
    "priority", "expire_seconds", "max_runs", "jitter_seconds", "misfire_grace_seconds", "catchup_window_seconds",
    "catchup_limit", "buffer_limit", "pause_after_failures", "retry_max", "retry_delay_seconds",
    "soft_time_limit_seconds", "time_limit_seconds", "start_deadline_seconds", "keep_runs_days",
)  # fmt: skip
CHOICES = ("misfire_policy", "overlap_policy")
#: What the form has no field for.
UNASKED = ("kind", "enabled", "paused_reason", "shadow")
#: A form that has a box for whether the schedule is enabled says so: an empty box says nothing by itself.
ASKS_ENABLED = "asks_enabled"
BOXES = ("one_off", "allow_unknown_task")
MOMENTS = ("start_time", "expires")
NONE_WHERE_EMPTY = frozenset(
    {"priority", "expire_seconds", "max_runs", "catchup_window_seconds", "pause_after_failures",
     "soft_time_limit_seconds", "time_limit_seconds", "start_deadline_seconds", "keep_runs_days"}
)  # fmt: skip
_WHOLE_NUMBER = re.compile(r"[+-]?\d{1,18}")
_NUMBER = re.compile(r"[+-]?\d{1,9}(\.\d{1,15})?")
_NAIVE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?")


def values_of(document: Mapping[str, Any], *, zone: ZoneInfo) -> dict[str, str]:
    """What the form holds, without the arguments, given this document."""
    values = {"zone": zone.key}
    values |= {name: str(document.get(name) or "") for name in (*TEXTS, *OPTIONAL_TEXTS, *CHOICES)}
    values |= {name: _text_of(document.get(name)) for name in WHOLE}
    values |= {name: "on" for name in BOXES if document.get(name)}
    values |= {name: local_text(document.get(name), zone) for name in MOMENTS}
    values["tags"] = ", ".join(document.get("tags", ()))
    values["headers"] = json.dumps(document["headers"], ensure_ascii=False) if document.get("headers") else ""
    calendar = document.get("calendar") or {}
    values |= {"calendar": calendar.get("name", ""), "calendar_mode": calendar.get("mode", "exclude")}
    values["after"] = "\n".join(document.get("after", ()))
    return values | _timing_values(document.get("timing"), bool(document.get("after")), zone)


def document_of(values: Values, read: Mapping[str, Any]) -> tuple[dict[str, Any], list[FieldProblem]]:
    """What the form says, without the arguments, and what cannot be read. `read` is what it was opened with."""
    problems: list[FieldProblem] = []
    document = {name: value for name, value in read.items() if name in UNASKED}
    if ASKS_ENABLED in values:
        document["enabled"] = "enabled" in values
    document |= {name: values.get(name, "") for name in TEXTS}
    document |= {name: values.get(name) or None for name in OPTIONAL_TEXTS}
    document |= {name: values[name] for name in CHOICES if values.get(name)}
    document |= {name: name in values for name in BOXES}
    for name in WHOLE:
        if text := values.get(name, "").strip():
            document[name] = int(text) if _WHOLE_NUMBER.fullmatch(text) else text
        elif name in NONE_WHERE_EMPTY:
            document[name] = None
    document["tags"] = [tag for tag in map(str.strip, re.split(r"[,，\n]", values.get("tags", ""))) if tag]
    document["headers"] = _headers(values.get("headers", ""), problems)
    if read.get("kind") and read.get("task") != document["task"]:
        del document["kind"]  # it was the other task's
    return document | when_of(values), problems


def when_of(values: Values) -> dict[str, Any]:
    """The part of the document that says when: a timing with its limits, or whom it follows."""
    kind = values.get("timing.type", "")
    if kind == "after":
        names = [line.strip() for line in values.get("after", "").splitlines()]
        return {"timing": None, "after": [name for name in names if name], "jitter_seconds": 0}
    calendar = values.get("calendar", "").strip()
    use = {"name": calendar, "mode": values.get("calendar_mode") or "exclude"} if calendar else None
    when: dict[str, Any] = {"timing": _timing(kind, values), "after": [], "calendar": use}
    return when | {name: moment(values.get(name, ""), values.get("zone", "UTC")) for name in MOMENTS}


def field_of(problem: str, values: Values, places: list[str] | None = None) -> str:
    """The field of the form beside which a problem of the document is told; `places` are the arguments by place."""
    first, _, rest = problem.partition(".")
    inner = rest.partition(".")[0]
    match first:
        case "timing":
            return f"{values.get('timing.type', '')}.{inner}" if inner and inner != "type" else "timing.type"
        case "kwargs" if inner:
            return f"arg.{inner}"
        case "args" if inner.isdecimal() and places and int(inner) < len(places):
            return f"arg.{places[int(inner)]}"
        case "calendar" if inner == "mode":
            return "calendar_mode"
        case _:
            return first


def local_text(said: str | None, zone: ZoneInfo) -> str:
    """An instant of the wire as the clocks of a zone show it; as it is, where they show it twice."""
    if not said:
        return ""
    local = datetime.fromisoformat(said).astimezone(zone).replace(tzinfo=None)
    text = local.isoformat(timespec="minutes" if not (local.second or local.microsecond) else "auto")
    return text if moment(text, zone.key) == said else said


def moment(text: str, zone: str) -> str | None:
    """An instant of the wire, from one that was typed without an offset; anything else is left as it was typed."""
    text = text.strip()
    if not _NAIVE.fullmatch(text):
        return text or None
    try:
        return wire_instant(zones.resolve(datetime.fromisoformat(text), zones.load(zone)))
    except (ValueError, OverflowError, InvalidTiming):
        return text


def _timing_values(timing: Mapping[str, Any] | None, follows: bool, zone: ZoneInfo) -> dict[str, str]:
    """The fields of the timing that is there, and of the other types what they begin with."""
    values = {f"crontab.{name}": "*" for name in FIVE}
    values |= {"crontab.minute": "0", "crontab.hour": "9", "crontab.timezone": zone.key, "crontab.day_match": "and"}
    values |= {"interval.every": "", "interval.period": "minutes", "clocked.clocked_time": ""}
    values |= {"clocked.timezone": zone.key, "solar.event": "sunrise", "solar.latitude": "", "solar.longitude": ""}
    values |= {"rrule.rule": "", "timing.type": "after" if follows else "crontab"}
    if timing is not None:
        kind = str(timing["type"])
        values |= {f"{kind}.{name}": str(value) for name, value in timing.items() if name != "type"}
        values["timing.type"] = kind
        if kind == "clocked":
            values["clocked.clocked_time"] = local_text(timing["clocked_time"], zone)
    return values


def _timing(kind: str, values: Values) -> dict[str, Any]:
    typed = {
        name.partition(".")[2]: value.strip() for name, value in values.items() if name.startswith(f"{kind}.") and kind
    }
    match kind:
        case "crontab":
            return {"type": kind, **_crontab(typed)}
        case "interval":
            return {"type": kind, **typed, "every": _number(typed.get("every", ""), _WHOLE_NUMBER)}
        case "clocked":
            return _clocked(typed, values)
        case "solar":
            degrees = {name: _number(typed.get(name, ""), _NUMBER) for name in ("latitude", "longitude")}
            return {"type": kind, **typed, **degrees}
        case _:
            return {"type": kind, **typed}


def _crontab(typed: dict[str, str]) -> dict[str, str]:
    """The five fields; or a whole line that was pasted into one of them, in place of all."""
    rest = {name: value for name, value in typed.items() if name not in FIVE and value}
    for name in FIVE:
        if typed.get(name, "").startswith("@") or len(typed.get(name, "").split()) >= len(FIVE):
            return {"expression": typed[name], **rest}
    return {name: typed[name] for name in FIVE if name in typed} | rest


def _clocked(typed: dict[str, str], values: Values) -> dict[str, Any]:
    """An instant with an offset needs no zone."""
    said: dict[str, Any] = {"type": "clocked", "clocked_time": typed.get("clocked_time", "")}
    if _NAIVE.fullmatch(said["clocked_time"]):
        said["timezone"] = typed.get("timezone") or values.get("zone", "UTC")
    if "clocked.allow_past" in values:
        said["allow_past"] = True
    return said


def _headers(text: str, problems: list[FieldProblem]) -> Any:
    try:
        read = json.loads(text) if text.strip() else {}
    except ValueError:
        read = None
    if not isinstance(read, dict):
        problems.append(FieldProblem("headers", 'must be JSON, such as {"name": "value"}', '{"name": "value"}'))
        return {}
    return read


def _number(text: str, form: re.Pattern[str]) -> Any:
    """The number that was typed; anything else is left, and refused in words."""
    if not form.fullmatch(text):
        return text
    return int(text) if form is _WHOLE_NUMBER else float(text)


def _text_of(value: Any) -> str:
    return "" if value is None else str(value)
