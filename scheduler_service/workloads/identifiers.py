"""Names and texts on their way into SQL: validated where we choose them, always quoted."""

import re

from scheduler_service.errors import Invalid

DATASET_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


def checked_dataset(name: str) -> str:
    """The name itself, if a dataset may be called so; raises Invalid. A leading `_` is the service's own."""
    if not DATASET_NAME.fullmatch(name):
        reason = "must be a lower-case letter, then up to 62 lower-case letters, digits or _"
        raise Invalid.field("dataset", reason, example="daily_orders")
    return name


def quoted(name: str) -> str:
    """A column or table name, for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: object) -> str:
    """A text, for the places of SQL that take no bound parameter."""
    return "'" + str(text).replace("'", "''") + "'"
