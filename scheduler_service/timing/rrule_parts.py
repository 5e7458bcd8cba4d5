"""One RRULE of a recurrence rule's text (RFC 5545), from its parts to numbers."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from scheduler_service.timing import zones
from scheduler_service.timing.rrule_moments import Moment, read_moment, refusal
from scheduler_service.timing.timings import TICK

YEARLY, MONTHLY, WEEKLY, DAILY, HOURLY, MINUTELY, SECONDLY = range(7)  # dateutil's numbers
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

_NUMBER = re.compile(r"[+-]?\d{1,4}", re.ASCII)
_WEEKDAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
_FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY")
_CENTURY = (100, 1200, 5218, 36_525, 876_600, 52_596_000, 3_155_760_000)  # in each of them
_NUMBERS = {  # the bounds of a number, and whether it may count from the end
    "BYSECOND": (0, 59, False),
    "BYMINUTE": (0, 59, False),
    "BYHOUR": (0, 23, False),
    "BYMONTHDAY": (1, 31, True),
    "BYYEARDAY": (1, 366, True),
    "BYWEEKNO": (1, 53, True),
    "BYMONTH": (1, 12, False),
    "BYSETPOS": (1, 366, True),
}
_NAMES = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", *_NUMBERS)


@dataclass(frozen=True, slots=True)
class Recurrence:
    """One RRULE, with what it takes from DTSTART. `until` ends it and is itself outside.

    A weekday is (0 for Monday, its place in the month or year, or 0).
    """

    freq: int
    interval: int = 1
    count: int | None = None
    until: datetime | None = None
    week_start: int = 0
    by_weekday: tuple[tuple[int, int], ...] = ()
    by_second: tuple[int, ...] = ()
    by_minute: tuple[int, ...] = ()
    by_hour: tuple[int, ...] = ()
    by_month_day: tuple[int, ...] = ()
    by_year_day: tuple[int, ...] = ()
    by_week: tuple[int, ...] = ()
    by_month: tuple[int, ...] = ()
    positions: tuple[int, ...] = ()


def _parts(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in text.upper().rstrip(";").split(";"):
        name, equals, value = part.partition("=")
        if not equals or not value or name not in _NAMES:
            raise refusal(f"RRULE has {part[:40]!r}, which is none of {', '.join(_NAMES)}")
        if name in parts:
            raise refusal(f"RRULE has {name} twice")
        parts[name] = value
    if parts.get("FREQ") not in _FREQUENCIES:
        raise refusal(f"RRULE needs a FREQ, one of {', '.join(_FREQUENCIES)}", "RRULE:FREQ=DAILY")
    if "COUNT" in parts and "UNTIL" in parts:
        raise refusal("RRULE has both COUNT and UNTIL; RFC 5545 allows one of them", "RRULE:FREQ=DAILY;COUNT=10")
    return parts


def read_recurrence(text: str, start: Moment) -> Recurrence:
    """What an RRULE says; `start` is the DTSTART that it goes with. Raises: InvalidTiming."""
    parts = _parts(text)
    freq = _FREQUENCIES.index(parts["FREQ"])
    numbers = partial(_numbers, parts)
    found = Recurrence(
        freq,
        interval=_whole("INTERVAL", parts.get("INTERVAL", "1"), most=_CENTURY[freq]),
        count=_whole("COUNT", parts["COUNT"], most=10**9) if "COUNT" in parts else None,
        until=_until(parts["UNTIL"], start) if "UNTIL" in parts else None,
        week_start=_week_start(parts.get("WKST", "MO")),
        by_weekday=_weekdays(parts, freq),
        by_second=numbers("BYSECOND"),
        by_minute=numbers("BYMINUTE"),
        by_hour=numbers("BYHOUR"),
        by_month_day=numbers("BYMONTHDAY"),
        by_year_day=numbers("BYYEARDAY"),
        by_week=numbers("BYWEEKNO"),
        by_month=numbers("BYMONTH"),
        positions=numbers("BYSETPOS"),
    )

    return _filled(found, start.at)


def _filled(rule: Recurrence, start: datetime) -> Recurrence:
    """With what DTSTART says where the rule does not."""
    if not (rule.by_week or rule.by_year_day or rule.by_month_day or rule.by_weekday):
        if rule.freq == YEARLY:
            rule = replace(rule, by_month=rule.by_month or (start.month,))
        if rule.freq in (YEARLY, MONTHLY):
            rule = replace(rule, by_month_day=(start.day,))
        elif rule.freq == WEEKLY:
            rule = replace(rule, by_weekday=((start.weekday(), 0),))
    return replace(
        rule,
        by_hour=rule.by_hour or ((start.hour,) if rule.freq < HOURLY else ()),
        by_minute=rule.by_minute or ((start.minute,) if rule.freq < MINUTELY else ()),
        by_second=rule.by_second or ((start.second,) if rule.freq < SECONDLY else ()),
    )


def _whole(name: str, text: str, *, most: int) -> int:
    if not text.isdecimal() or not 1 <= int(text[:20]) <= most:
        raise refusal(f"{name}={text[:40]} is not a whole number from 1 to {most}", f"{name}=2")
    return int(text)


def _until(text: str, start: Moment) -> datetime:
    """The local time that ends the rule, which RFC 5545 wants in UTC where DTSTART has a zone."""
    until = read_moment("UNTIL", text, None)
    wanted = "utc" if start.zone else start.form
    if until.form != wanted:
        forms = {"utc": "a time in UTC", "local": "a local time", "date": "a date"}
        example = {"utc": "UNTIL=20261231T225959Z", "local": "UNTIL=20261231T235959", "date": "UNTIL=20261231"}
        raise refusal(f"UNTIL={text} must be {forms[wanted]}, to go with DTSTART", example[wanted])
    if until.zone is None or start.zone is None:
        return until.at + TICK
    return zones.shown_until(until.at.replace(tzinfo=until.zone), start.zone)


def _week_start(text: str) -> int:
    if text not in WEEKDAYS:
        raise refusal(f"WKST={text[:20]} is none of {', '.join(WEEKDAYS)}", "WKST=MO")
    return WEEKDAYS.index(text)


def _weekdays(parts: dict[str, str], freq: int) -> tuple[tuple[int, int], ...]:
    found = []
    for item in parts["BYDAY"].split(",") if "BYDAY" in parts else ():
        match = _WEEKDAY.fullmatch(item)
        place = int(match[1] or 0) if match else 0
        if match is None or (match[1] and not 1 <= abs(place) <= 53):
            raise refusal(f"BYDAY has {item[:20]!r}, which is no weekday", "BYDAY=MO,-1FR")
        if place and (freq > MONTHLY or "BYWEEKNO" in parts):
            raise refusal(
                f"BYDAY={item} counts the weekdays of a month or year, which this FREQ does not have", "BYDAY=MO"
            )
        found.append((WEEKDAYS.index(match[2]), place))
    return tuple(found)


def _numbers(parts: dict[str, str], name: str) -> tuple[int, ...]:
    """The numbers of a BY part, in order; from the end they are below nought."""
    low, high, from_end = _NUMBERS[name]
    found = set()
    for item in parts[name].split(",") if name in parts else ():
        number = int(item) if _NUMBER.fullmatch(item) else high + 1
        if not low <= (abs(number) if from_end else number) <= high:
            bounds = f"{low} to {high}" + (f", or -{high} to -{low} from the end" if from_end else "")
            raise refusal(f"{name} has {item[:20]!r}, which is not within {bounds}", f"{name}={max(low, 1)}")
        found.add(number)
    return tuple(sorted(found))
