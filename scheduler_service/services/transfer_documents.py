"""Schedules as a file that people keep: by name, without ids or state, only what differs from the default."""

import json
from collections.abc import Iterable
from typing import Any, Literal

from pydantic import Field

from scheduler_service.errors import Invalid, Malformed
from scheduler_service.services import documents, yaml_documents
from scheduler_service.services.fields import Document
from scheduler_service.services.schedule_documents import (
    FOLLOWERS_OVERLAP,
    REQUIRED,
    ScheduleDocument,
    ScheduleFields,
    document_of,
    kind_of,
)
from scheduler_service.services.timing_documents import FIVE
from scheduler_service.storage.models import PeriodicTask

VERSION: Literal[1] = 1
Format = Literal["yaml", "json"]
MOST_PROBLEMS = 100

#: What a reader looks for first; the other fields follow as the API shows them.
FIRST = ("name", "description", "tags", "task", "kind", "args", "kwargs", "timing", "calendar", "enabled")
ORDER = tuple(dict.fromkeys([*FIRST, *ScheduleFields.model_fields]))
_DEFAULTS = {name: field.get_default(call_default_factory=True) for name, field in ScheduleFields.model_fields.items()}


class TransferDocument(Document):
    """Schedules by name, each as it is posted."""

    version: Literal[1]
    schedules: list[ScheduleDocument] = Field(
        examples=[[{"name": "collect orders", "task": "collect.execute_task", "args": [1],
                    "timing": {"type": "crontab", "expression": "0 9 * * *", "timezone": "Europe/Berlin"}}]]
    )  # fmt: skip


def item_of(task: PeriodicTask) -> dict[str, Any]:
    """The schedule as an entry of the file."""
    document = document_of(task)
    defaults = _DEFAULTS | {"kind": kind_of(task.task)}
    if document["after"]:
        defaults["overlap_policy"] = FOLLOWERS_OVERLAP
    item = {
        name: document[name]
        for name in ORDER
        if name in document and (name in REQUIRED or document[name] != defaults[name])
    }
    if item.get("timing") is not None:
        item["timing"] = _short(item["timing"])
    if (use := item.get("calendar")) is not None and use["mode"] == "exclude":
        item["calendar"] = use["name"]
    return item


def written(items: Iterable[dict[str, Any]], form: Format) -> str:
    """The file, by name in an order that no database's language changes."""
    document = {"version": VERSION, "schedules": sorted(items, key=lambda item: str(item["name"]))}
    if form == "yaml":
        return yaml_documents.written(document)
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def read(content: bytes, form: Format) -> TransferDocument:
    """The file that was sent. Raises: Malformed; Invalid, naming what is wrong in it."""
    try:
        return documents.read(TransferDocument, yaml_documents.read(content) if form == "yaml" else _read_json(content))
    except Invalid as why:
        raise Invalid(why.problems[:MOST_PROBLEMS]) from None


def _read_json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except json.JSONDecodeError as why:
        raise Malformed(f"The body is not JSON, at line {why.lineno}, column {why.colno}: {why.msg}.") from None
    except (ValueError, RecursionError):  # no UTF-8, a number of too many digits, or nested without end
        raise Malformed("The body is not JSON that can be taken.") from None


def _short(timing: dict[str, Any]) -> dict[str, Any]:
    """A crontab as the line that people know, without what it has by default."""
    if timing["type"] != "crontab":
        return timing
    fields = {name: timing[name] for name in FIVE}
    rest = {
        name: timing[name] for name, default in (("timezone", "UTC"), ("day_match", "and")) if timing[name] != default
    }
    if all(field.split() == [field] for field in fields.values()):
        return {"type": "crontab", "expression": " ".join(fields.values()), **rest}
    return {"type": "crontab", **fields, **rest}  # written past us: as it is
