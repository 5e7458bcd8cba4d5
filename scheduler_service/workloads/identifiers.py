"""Names and texts on their way into SQL: validated where we choose them, always quoted."""

import re

DATASET_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


def quoted(name: str) -> str:
    """A column or table name, for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: object) -> str:
    """A text, for the places of SQL that take no bound parameter."""
    return "'" + str(text).replace("'", "''") + "'"
