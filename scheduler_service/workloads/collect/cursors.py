"""How far an incremental read has come, and which records are new.

A cursor is a number or a text. Texts that are instants are ordered as instants and texts of digits as numbers, for
"9" comes before "10"; other texts by their characters. Two kinds in one field cannot be ordered and are refused.
"""

from datetime import datetime, timedelta
from typing import Any

from scheduler_service.errors import CursorUnusable
from scheduler_service.workloads.collect.definitions import Incremental
from scheduler_service.workloads.collect.instants import instant, rfc3339


def rank(field: str, value: Any) -> tuple[str, Any]:
    """What to order a cursor by: its kind and the value in that kind; raises CursorUnusable."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise CursorUnusable(field, f"{type(value).__name__} values have no order to go on from")
    if not isinstance(value, str):
        return "number", value
    if value.isascii() and value.isdigit():
        return "number", int(value)
    moment = instant(value)
    return ("instant", moment) if moment else ("text", value)


def later(field: str, one: Any, other: Any) -> bool:
    """Whether `one` comes after `other`; None comes before all. Raises CursorUnusable for two kinds."""
    if one is None or other is None:
        return one is not None
    (kind, mine), (other_kind, theirs) = rank(field, one), rank(field, other)
    if kind != other_kind:
        raise CursorUnusable(field, f"it holds both {other_kind} and {kind} values")
    return bool(mine > theirs)


class Progress:
    """An incremental read on its way: what to ask for, what to take, what has been reached."""

    def __init__(self, incremental: Incremental, *, began: Any, appending: bool, now: datetime) -> None:
        self._field = incremental.cursor_field
        self._path = incremental.cursor_field.split(".")
        self._initial = incremental.initial
        self._lag = timedelta(seconds=incremental.lag_seconds)
        self._appending = appending
        self._newest = now - self._lag
        self.began = self.reached = began

    def asks_from(self) -> Any:
        """The value to send; None: send nothing."""
        if self.began is None:
            return self._initial
        if self._appending or not self._lag:
            return self.began
        return rfc3339(self._instant(self.began) - self._lag)

    def takes(self, record: Any) -> bool:
        """Whether a record is to be loaded; notes how far it reaches."""
        value = self._value(record)
        rank(self._field, value)
        if self._appending and not self._is_due(value):
            return False
        if later(self._field, value, self.reached):
            self.reached = value
        return True

    def _is_due(self, value: Any) -> bool:
        """Strictly after the last run's, and old enough that no record of the same instant is still to come."""
        if not later(self._field, value, self.began):
            return False
        return not self._lag or self._instant(value) <= self._newest

    def _value(self, record: Any) -> Any:
        value = record
        for name in self._path:
            value = value.get(name) if isinstance(value, dict) else None
        if value is None:
            raise CursorUnusable(self._field, "a record has no value in it")
        return value

    def _instant(self, value: Any) -> datetime:
        kind, moment = rank(self._field, value)
        if kind != "instant":
            raise CursorUnusable(self._field, "lag_seconds needs instants in RFC 3339")
        assert isinstance(moment, datetime)
        return moment
