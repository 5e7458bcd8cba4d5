"""How far an incremental read has come, and which records are new.

A cursor is a number or a text. Texts that are instants are ordered as instants and texts of digits as numbers, for
"9" comes before "10"; other texts by their characters. Two kinds in one field cannot be ordered and are refused.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from scheduler_service.errors import CursorUnusable
from scheduler_service.workloads.collect.definitions import Incremental
from scheduler_service.workloads.collect.instants import instant, rfc3339
from scheduler_service.workloads.collect.staging import Cursor, Work


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


def plain(value: Any) -> Any:
    """A value as JSON keeps it and `rank` orders it; times without a zone are taken for UTC."""
    if isinstance(value, datetime):
        return rfc3339(value if value.tzinfo else value.replace(tzinfo=UTC))
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def progress_of(incremental: Incremental | None, work: Work, began: Any) -> "Progress | None":
    """What keeps an incremental read of this work; None for one that reads everything."""
    if incremental is None:
        return None
    appending = work.task.definition.mode == "append"
    return Progress(incremental, began=began, appending=appending, now=work.clock.now())


class Progress:
    """An incremental read on its way: what to ask for, what to take, what has been reached."""

    def __init__(self, incremental: Incremental, *, began: Any, appending: bool, now: datetime) -> None:
        self._field = incremental.cursor_field
        self._path = incremental.cursor_field.split(".")
        self._initial = incremental.initial
        self._lag = timedelta(seconds=incremental.lag_seconds)
        self._newest = now - self._lag
        self.appending = appending
        self.began = self.reached = began

    def asks_from(self) -> Any:
        """The value to send; None: send nothing."""
        if self.began is None:
            return self._initial
        if self.appending or not self._lag:
            return self.began
        return rfc3339(self._instant(self.began) - self._lag)

    def cursor(self) -> Cursor:
        """What the next run is to know."""
        return Cursor(self.began, self.reached)

    def takes(self, record: Any) -> bool:
        """Whether a record is to be loaded; notes how far it reaches."""
        value = record
        for name in self._path:
            value = value.get(name) if isinstance(value, Mapping) else None
        return self.takes_value(value)

    def takes_value(self, value: Any) -> bool:
        """The same, by the cursor's value alone."""
        if value is None:
            raise CursorUnusable(self._field, "a record has no value in it")
        value = plain(value)
        rank(self._field, value)
        if self.appending and not self._is_due(value):
            return False
        if later(self._field, value, self.reached):
            self.reached = value
        return True

    def _is_due(self, value: Any) -> bool:
        """Strictly after the last run's, and old enough that no record of the same instant is still to come."""
        if not later(self._field, value, self.began):
            return False
        return not self._lag or self._instant(value) <= self._newest

    def _instant(self, value: Any) -> datetime:
        kind, moment = rank(self._field, value)
        if kind != "instant":
            raise CursorUnusable(self._field, "lag_seconds needs instants in RFC 3339")
        assert isinstance(moment, datetime)
        return moment
