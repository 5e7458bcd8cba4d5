"""What the fields of documents must be: texts, numbers, instants and free JSON, each rule once.

Every text ends up in a database, in a message and on a page, so what one of them cannot carry is refused for all.
"""

import json
import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from math import isfinite
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from scheduler_service.errors import FieldProblem, Invalid

LARGEST_JSON = 64 * 1024
DEEPEST_JSON = 32
LARGEST_WHOLE = 2**63 - 1
LARGEST_COUNT = 2**31 - 1
MOST_PROBLEMS = 20
LAYOUT = "\t\n\r"
FIRST_YEAR, LAST_YEAR = 1970, 9000

_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)([Zz]|[+-]\d\d:\d\d)?")


class Document(BaseModel):
    """Unknown fields are mistakes."""

    model_config = ConfigDict(extra="forbid")


def nested(problems: list[FieldProblem]) -> PydanticCustomError:
    """Problems inside a field, with paths of their own, on their way through pydantic."""
    found = problems[:MOST_PROBLEMS]
    return PydanticCustomError("nested", "has problems inside", {"problems": found})


def unprintable(text: str, *, allowed: str = "") -> str | None:
    """The first character that no text may hold, in words."""
    for character in text:
        if character not in allowed and unicodedata.category(character) in ("Cc", "Cs"):
            return f"U+{ord(character):04X}"
    return None


def checked_line(text: str) -> str:
    if found := unprintable(text):
        raise PydanticCustomError("unprintable", "must not hold the control character {found}", {"found": found})
    return text


def _prose(text: str) -> str:
    if found := unprintable(text, allowed=LAYOUT):
        raise PydanticCustomError("unprintable", "must not hold the control character {found}", {"found": found})
    return text


def checked_json(value: Any) -> Any:
    """The value itself, when a database and a message can carry it."""
    problems = list(_json_problems(value, "", 1))
    if not problems:
        size = len(json.dumps(value, ensure_ascii=False).encode())
        if size > LARGEST_JSON:
            problems = [FieldProblem("", f"is {size} bytes of JSON; {LARGEST_JSON} are allowed")]
    if problems:
        raise nested(problems)
    return value


def _json_problems(value: Any, path: str, depth: int) -> Iterator[FieldProblem]:
    if isinstance(value, (dict, list)):
        if depth > DEEPEST_JSON:
            yield FieldProblem(path, f"is nested deeper than {DEEPEST_JSON} levels")
            return
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in pairs:
            inner = f"{path}.{key}" if path else str(key)
            if isinstance(key, str) and (found := unprintable(key)):
                yield FieldProblem(inner, f"its name must not hold the control character {found}")
            yield from _json_problems(item, inner, depth + 1)
    elif reason := _scalar_problem(value):
        yield FieldProblem(path, reason)


def _scalar_problem(value: Any) -> str | None:
    if isinstance(value, str):
        found = unprintable(value, allowed=LAYOUT)
        return f"must not hold the control character {found}" if found else None
    if isinstance(value, float) and not isfinite(value):
        return "must be a finite number"
    if isinstance(value, int) and not -LARGEST_WHOLE - 1 <= value <= LARGEST_WHOLE:
        return "must fit into 64 bits"
    return None


def parse_instant(text: Any) -> datetime:
    """An instant of RFC 3339, in UTC. Raises: PydanticCustomError, since it is a field's rule."""
    at = parse_time(text)
    if at.tzinfo is None:
        raise PydanticCustomError("instant", "has no offset from UTC, as in 2026-01-01T09:00:00Z")
    return at


def parse_time(text: Any) -> datetime:
    """An instant in UTC, or a naive local time, from RFC 3339's form."""
    match = _RFC3339.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise PydanticCustomError("instant", "must be a date and time such as 2026-01-01T09:00:00Z")
    date, time, offset = match.groups()
    try:
        at = datetime.fromisoformat(f"{date}T{time}{(offset or '').upper()}")
        at = at.astimezone(UTC) if offset else at
    except (ValueError, OverflowError):
        raise PydanticCustomError("instant", "is no date and time of the calendar") from None
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        limits = {"first": FIRST_YEAR, "last": LAST_YEAR}
        raise PydanticCustomError("instant", "must be in the years {first} to {last}", limits)
    return at


def wire_instant(at: datetime | None) -> str | None:
    """RFC 3339 in Z; microseconds only where there are some."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None


def told(error: Invalid, *, at: str | None = None) -> PydanticCustomError:
    """A refusal of the timing room as a field's problem; `at`: the field that the person wrote."""
    return nested([FieldProblem(at or problem.field, problem.reason, problem.example) for problem in error.problems])


Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(checked_line)
]  # fmt: skip
Word = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(checked_line)]
Prose = Annotated[str, StringConstraints(max_length=10_000), AfterValidator(_prose)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000), AfterValidator(_prose)]
Whole = Annotated[int, Field(strict=True, ge=0, le=LARGEST_COUNT)]
Positive = Annotated[int, Field(strict=True, ge=1, le=LARGEST_COUNT)]
Truth = Annotated[bool, Field(strict=True)]
JsonList = Annotated[list[Any], AfterValidator(checked_json)]
JsonObject = Annotated[dict[str, Any], AfterValidator(checked_json)]
Moment = Annotated[
    datetime,
    BeforeValidator(parse_instant),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-01-01T09:00:00Z"]}),
]
Id = Annotated[int, Field(ge=1, le=LARGEST_WHOLE)]
