"""Documents that people write: `--set`, files, and an editor that loses nothing typed into it."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import click

from scheduler_service.client.documents import ScheduleFields
from scheduler_service.errors import Malformed
from scheduler_service.services import yaml_documents

PERIODS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
NULLS = ("null", "~", "")
TIMING_TEXTS = (
    "minute", "hour", "day_of_month", "month_of_year", "day_of_week", "expression", "clocked_time", "rule",
)  # fmt: skip
TEXTS = {name for name, field in ScheduleFields.model_fields.items() if field.annotation in (str, str | None)}
TEXTS |= {f"timing.{name}" for name in TIMING_TEXTS}


class Draft:
    """A document in a file of its own, readable by its owner alone; it stays until it is discarded."""

    def __init__(self, text: str) -> None:
        handle, name = tempfile.mkstemp(prefix="schedule-", suffix=".yaml")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        self._before, self.path = text, Path(name)

    @classmethod
    def of(cls, document: Mapping[str, Any], heading: Sequence[str]) -> Self:
        """A document to go on from, under lines that say what it is."""
        return cls("".join(f"# {line}\n" for line in heading) + yaml_documents.written(dict(document)))

    def edit(self) -> dict[str, Any]:
        """Open the person's editor on it; the document as it was left. Raises: Malformed."""
        click.edit(filename=str(self.path))
        return self.read()

    def read(self) -> dict[str, Any]:
        """The document. Raises: Malformed."""
        return read_document(self.path.read_text(encoding="utf-8"))

    @property
    def is_typed_in(self) -> bool:
        """Whether somebody would lose something with it."""
        return self.path.read_text(encoding="utf-8") != self._before

    def discard(self) -> None:
        self.path.unlink()


def read_document(text: str) -> dict[str, Any]:
    """A document of YAML, or of JSON, which is YAML too. Raises: Malformed."""
    found = yaml_documents.read(text.encode())
    if not isinstance(found, dict):
        raise Malformed("A document is a mapping: lines such as `name: orders`.")
    return found


def assigned(settings: Sequence[str]) -> dict[str, Any]:
    """What `--set field=value` says, values being YAML; dots lead into objects. Raises: BadParameter, Malformed."""
    document: dict[str, Any] = {}
    for setting in settings:
        path, equals, value = setting.partition("=")
        if not equals or not all(path.split(".")):
            raise click.BadParameter(f"{setting!r} is not field=value.", param_hint="--set")
        *outer, last = path.split(".")
        place = document
        for name in outer:
            inner = place.setdefault(name, {})
            if not isinstance(inner, dict):
                raise click.BadParameter(f"{name} is set twice.", param_hint="--set")
            place = inner
        place[last] = _value(path, value)
    return document


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """The one document with the other's values in it."""
    whole = dict(under)
    for name, value in over.items():
        inner = whole.get(name)
        whole[name] = merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return whole


def interval_of(text: str) -> dict[str, Any]:
    """The timing of `--every`: `30s`, `5m`, `2h`, `1d`. Raises: BadParameter."""
    every, period = _periods(text, "--every")
    return {"type": "interval", "every": every, "period": period}


def span_of(text: str, *, option: str) -> timedelta:
    """How long that is. Raises: BadParameter."""
    number, period = _periods(text, option)
    return timedelta(**{period: number})


def _periods(text: str, option: str) -> tuple[int, str]:
    number, period = text[:-1], PERIODS.get(text[-1:])
    if period is None or not number.isdecimal():
        raise click.BadParameter("is a number with s, m, h or d, such as 30s.", param_hint=option)
    return int(number), period


def _value(path: str, text: str) -> Any:
    """A field that is a text takes it as it is: `name=2026`, `timing.minute=5`."""
    if path in TEXTS:
        return None if text in NULLS else text
    return yaml_documents.read(text.encode())
