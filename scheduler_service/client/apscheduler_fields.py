"""What APScheduler's words mean: the fields of its cron, as the numbers that they match, and its options.

Fields finer than the finest one given have their least value, coarser ones any. In its day field a weekday has a place
in the month; its weekdays begin with Monday, which is 0.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

FIELDS = ("year", "month", "day", "week", "day_of_week", "hour", "minute", "second")
LAST = -1

_LEAST = {"month": "1", "day": "1", "hour": "0", "minute": "0", "second": "0"}
_BOUNDS = {
    "year": (1970, 9999),
    "month": (1, 12),
    "day": (1, 31),
    "week": (1, 53),
    "day_of_week": (0, 6),
    "hour": (0, 23),
    "minute": (0, 59),
    "second": (0, 59),
}
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_PLACES = {"1st": 1, "2nd": 2, "3rd": 3, "4th": 4, "5th": 5, "last": LAST}
_NAMES = {"day_of_week": (WEEKDAYS, 0), "month": (MONTHS, 1)}

_ANY = re.compile(r"\*(?:/(\d+))?$")
_RANGE = re.compile(r"(\d+)(?:-(\d+))?(?:/(\d+))?$")
_NAMED = re.compile(r"([a-z]+)(?:-([a-z]+))?", re.IGNORECASE)
_PLACED = re.compile(rf"({'|'.join(_PLACES)}) +(\w+)", re.IGNORECASE)

Placed = tuple[int, int]  # a weekday, and its place in the month


#: Its grace unless somebody chose one: what is later than a second is left out, as a restart makes everything.
DEFAULT_GRACE = 1
#: What takes its place: a Beat that is restarted, or a hand-over from one scheduler to the other, loses nothing.
MOMENT = 60


def options_of(*, misfire_grace_time: int | None, coalesce: bool, max_instances: int | None) -> dict[str, Any]:
    """The fields of a schedule for what becomes of late runs, and of several at once."""
    return {
        "misfire_policy": "fire_once" if coalesce else "fire_all",
        "misfire_grace_seconds": 1,  # what is later is folded, or made up for
        "catchup_window_seconds": MOMENT if misfire_grace_time == DEFAULT_GRACE else misfire_grace_time,
        "overlap_policy": "skip" if max_instances == 1 else "allow_all",
    }


class NotUnderstood(ValueError):
    """Why a field, or several together, cannot be said here."""


@dataclass(frozen=True)
class CronValues:
    """The numbers of each field. `day` may hold LAST; a day matches by it, or by one of `placed`.

    `texts` are the fields as written, where nothing has been made of them.
    """

    year: frozenset[int]
    month: frozenset[int]
    day: frozenset[int]
    placed: frozenset[Placed]
    week: frozenset[int]
    day_of_week: frozenset[int]
    hour: frozenset[int]
    minute: frozenset[int]
    second: frozenset[int]
    texts: Mapping[str, str] = field(default_factory=dict, compare=False)

    def is_any(self, name: str) -> bool:
        """Whether the field lets everything pass."""
        numbers: frozenset[int] = getattr(self, name)
        return _every(name) <= numbers


def understood(fields: Mapping[str, str]) -> CronValues:
    """What a cron matches. Raises: NotUnderstood."""
    texts = _whole(fields)
    days, placed = _days(texts["day"])
    others = {name: _numbers(name, texts[name]) for name in FIELDS if name != "day"}
    return CronValues(day=days, placed=placed, texts=texts, **others)


def either(crons: list[CronValues]) -> CronValues | None:
    """One that matches what any of them does: where they differ in one field alone."""
    first, *others = crons
    differing = {name for other in others for name in _ALL if getattr(first, name) != getattr(other, name)}
    if differing & _DAYS:
        differing = differing - _DAYS | {"day"}
    if len(differing) > 1:
        return None
    changed = {name: _union(crons, name) for name in (_DAYS if differing == {"day"} else differing)}
    return _changed(first, changed)


def both(crons: list[CronValues]) -> CronValues:
    """One that matches what all of them do. Raises: NotUnderstood, where that cannot be said, or is nothing."""
    return reduce(_intersected, crons)


def _intersected(one: CronValues, other: CronValues) -> CronValues:
    changed = {name: getattr(one, name) & getattr(other, name) for name in _ALL - _DAYS}
    if (one.day, one.placed) != (other.day, other.placed):
        narrow, wide = (one, other) if other.is_any("day") else (other, one)
        if not wide.is_any("day") and (one.placed or other.placed or LAST in one.day | other.day):
            raise NotUnderstood("its day fields cannot be taken together")
        changed |= {"day": narrow.day if wide.is_any("day") else one.day & other.day, "placed": narrow.placed}
    found = _changed(one, changed)
    if not all(getattr(found, name) for name in _ALL - _DAYS) or not (found.day or found.placed):
        raise NotUnderstood("its parts never come at the same instant")
    return found


_DAYS = frozenset({"day", "placed"})
_ALL = frozenset(FIELDS) | _DAYS


def _union(crons: list[CronValues], name: str) -> frozenset[object]:
    return frozenset().union(*(getattr(cron, name) for cron in crons))


def _changed(cron: CronValues, changed: Mapping[str, object]) -> CronValues:
    texts = {
        name: text for name, text in cron.texts.items() if changed.get(name, getattr(cron, name)) == getattr(cron, name)
    }
    return replace(cron, texts=texts, **changed)  # type: ignore[arg-type]


def _whole(fields: Mapping[str, str]) -> dict[str, str]:
    """Every field, with what APScheduler takes for those that are not given."""
    given = [place for place, name in enumerate(FIELDS) if name in fields]
    finest = given[-1] if given else len(FIELDS)
    return {
        name: str(fields[name]).strip().lower() if name in fields else _LEAST.get(name, "*") if place > finest else "*"
        for place, name in enumerate(FIELDS)
    }


def _every(name: str) -> frozenset[int]:
    low, high = _BOUNDS[name]
    return frozenset(range(low, high + 1))


def _days(text: str) -> tuple[frozenset[int], frozenset[Placed]]:
    days: set[int] = set()
    placed: set[Placed] = set()
    for part in re.split(r" *, *", text):
        if match := _PLACED.match(part):
            placed.add((_named("day_of_week", match[2]), _PLACES[match[1]]))
        elif part.startswith("last"):
            days.add(LAST)
        else:
            days |= _numbers_of_part("day", part)
    return frozenset(days), frozenset(placed)


def _numbers(name: str, text: str) -> frozenset[int]:
    return frozenset(number for part in re.split(r" *, *", text) for number in _numbers_of_part(name, part))


def _numbers_of_part(name: str, part: str) -> set[int]:
    low, high = _BOUNDS[name]
    if match := _ANY.match(part):
        return set(range(low, high + 1, int(match[1] or 1)))
    if match := _RANGE.match(part):
        first, last, step = match.groups()
        end = int(last) if last else high if step else int(first)
        if int(first) < low or end > high or end < int(first):
            raise NotUnderstood(f"{name} {part!r} is not within {low}-{high}")
        return set(range(int(first), end + 1, int(step or 1)))
    if name in _NAMES and (match := _NAMED.match(part)):
        return set(range(_named(name, match[1]), _named(name, match[2] or match[1]) + 1))
    raise NotUnderstood(f"{name} {part!r} is not understood")


def _named(name: str, word: str) -> int:
    names, first = _NAMES[name]
    if word not in names:
        raise NotUnderstood(f"{name} {word!r} is no name of one")
    return names.index(word) + first
