"""Definitions in a few words, for lists. A row may have been written past us, so nothing is taken for granted."""

from dataclasses import dataclass
from typing import Any

from scheduler_service.storage.models import Definition


@dataclass(frozen=True)
class Brief:
    """What there is to tell; what is not there is empty."""

    source: str = ""
    dataset: str = ""
    steps: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    recipients: int = 0


def brief(row: Definition) -> Brief:
    """Of a definition of any kind."""
    it = _object(row.definition)
    return Brief(
        source=str(_object(it.get("source")).get("type", "")),
        dataset=str(it.get("dataset", "")),
        steps=tuple(str(_object(step).get("name", "")) for step in _list(it.get("steps"))),
        outputs=tuple(map(str, _list(it.get("outputs")))) or ("html", "pdf"),
        recipients=len(_list(it.get("deliver"))),
    )


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
