"""One field of a crontab, from text to the numbers it stands for.

The syntax is Celery's, with the same meaning (a step counts from the start of its range, also of one that wraps);
beyond it, `7` is Sunday as well, `5/15` runs to the end, `?` is `*`, and days may be `L`, `5L` or `fri#2`. What
Celery takes only by not reading on (`1-5-7`, `monkey`, a month's name as a minute) is refused.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

LAST = -1  # the last day of the month; paired with a weekday, the last such day
LONGEST_FIELD = 200  # characters: every minute by name is 169

_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]
_PART = re.compile(r"(?P<start>\*|\?|\w+)(?:-(?P<end>\w+))?(?:/(?P<step>\w*))?", re.ASCII)


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """Which field it is: its bounds, the names it knows and what to show to somebody who got it wrong."""

    name: str
    low: int
    high: int
    example: str
    names: Mapping[str, int]

    @property
    def is_weekday(self) -> bool:
        return self.name == "day_of_week"

    @property
    def is_day(self) -> bool:
        return self.name in {"day_of_month", "day_of_week"}


MINUTE = Kind("minute", 0, 59, "*/15", {})
HOUR = Kind("hour", 0, 23, "9-17", {})
DAY_OF_MONTH = Kind("day_of_month", 1, 31, "1,15", {})
MONTH_OF_YEAR = Kind("month_of_year", 1, 12, "jan-mar", {name: number for number, name in enumerate(_MONTHS, 1)})
DAY_OF_WEEK = Kind("day_of_week", 0, 6, "mon-fri", {name: number for number, name in enumerate(_WEEKDAYS)})


@dataclass(frozen=True, slots=True)
class Field:
    """The numbers a field stands for; `nth` pairs a weekday with its place in the month, 1 to 5 or LAST."""

    values: frozenset[int]
    nth: frozenset[tuple[int, int]]
    star: bool  # whether the text begins with * (or ?)


class BadField(ValueError):
    """Why a field is not understood, in a few words."""


@lru_cache(maxsize=4096)
def parse(kind: Kind, text: str) -> Field:
    """The field that a text means; raises BadField."""
    if len(text) > LONGEST_FIELD:
        raise BadField(f"is {len(text)} characters long; {LONGEST_FIELD} are allowed")
    if not text:
        raise BadField("is empty")
    values: set[int] = set()
    nth: set[tuple[int, int]] = set()
    for part in text.lower().split(","):
        if special := _special(kind, part):
            nth.add(special)
        elif kind is DAY_OF_MONTH and part == "l":
            values.add(LAST)
        else:
            values.update(_numbers(kind, part))
    return Field(frozenset(values), frozenset(nth), text[0] in "*?")


def _special(kind: Kind, part: str) -> tuple[int, int] | None:
    """`fri#2` and `5l`; None when the part is neither."""
    if not kind.is_weekday:
        return None
    weekday, mark, nth = part.partition("#")
    if mark:
        if nth not in {"1", "2", "3", "4", "5"}:
            raise BadField(f"{part!r}: what follows # must be 1 to 5")
        return _number(kind, weekday) % 7, int(nth)
    if len(part) > 1 and part.endswith("l") and part not in {"april", "jul"}:
        return _number(kind, part[:-1]) % 7, LAST
    return None


def _numbers(kind: Kind, part: str) -> list[int]:
    """A number, a range (that may wrap) or a star, each perhaps with a step."""
    match = _PART.fullmatch(part)
    if match is None:
        raise BadField(f"{part!r} is not understood" if part else "has an empty part between commas")
    start, end, step = match["start"], match["end"], match["step"]
    if start in "*?":
        if end is not None or (start == "?" and (step is not None or not kind.is_day)):
            raise BadField(f"{part!r} is not understood")
        numbers = list(range(kind.low, kind.high + 1))
    else:
        numbers = _range(kind, start, end, open_ended=step is not None)
    return [number % 7 if kind.is_weekday else number for number in numbers[:: _step(part, step)]]


def _range(kind: Kind, start: str, end: str | None, *, open_ended: bool) -> list[int]:
    high = 7 if kind.is_weekday else kind.high
    first = _number(kind, start)
    if end is None:
        return list(range(first, high + 1)) if open_ended else [first]
    last = _number(kind, end)
    if last >= first:
        return list(range(first, last + 1))
    return [*range(first, kind.high + 1), *range(kind.low, last + 1)]


def _step(part: str, step: str | None) -> int:
    if step is None:
        return 1
    if not step.isdecimal() or int(step) == 0:
        raise BadField(f"{part!r}: the step after / must be a number, 1 or more")
    return int(step)


def _number(kind: Kind, word: str) -> int:
    if not word.isdecimal():
        return _named(kind, word)
    number, high = int(word), 7 if kind.is_weekday else kind.high
    if not kind.low <= number <= high:
        raise BadField(f"{word} is not within {kind.low}-{high}")
    return number


def _named(kind: Kind, word: str) -> int:
    """`mon`, `tues`, `monday`: three letters of a name, or more of it."""
    for name, number in kind.names.items():
        if len(word) >= 3 and name.startswith(word):
            return number
    raise BadField(f"{word!r} is not a number" + (" or a name" if kind.names else ""))
