"""Time zones as this service sees them: where the clocks shift, and which instant a local time is.

The rules are the `tzdata` package's and not the machine's, so that two Beats on different hosts agree. `zoneinfo`
answers with offsets but keeps its list of transitions to itself; crontabs need the transitions, to count what falls
between them, so they are found here once per zone and year.
"""

from datetime import UTC, datetime, timedelta, tzinfo
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib import resources
from typing import NamedTuple
from zoneinfo import ZoneInfo

from scheduler_service.errors import InvalidTiming
from scheduler_service.timing.timings import TICK

_STRIDE = timedelta(days=3)  # no zone has shifted twice within 6 days since 1970
_SECOND = timedelta(seconds=1)


class Shift(NamedTuple):
    """A change of a zone's offset from UTC: forward makes a gap in local time, backward repeats some of it."""

    at: datetime
    before: timedelta
    after: timedelta


@cache
def names() -> frozenset[str]:
    """Every name that `load` accepts."""
    return frozenset(resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())


def load(name: str) -> tzinfo:
    """The zone with this IANA name; an unknown one is refused with the names that are near to it."""
    if name not in names():
        raise InvalidTiming.field("timezone", _unknown(name), "Europe/Berlin")
    return _load(name)


@cache
def _load(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    with resources.files("tzdata.zoneinfo").joinpath(*name.split("/")).open("rb") as rules:
        return ZoneInfo.from_file(rules, key=name)


def _unknown(name: str) -> str:
    near = suggest(name)
    return f"{name[:60]!r} is not a known time zone" + (f"; near to it: {', '.join(near)}" if near else "")


def suggest(name: str) -> list[str]:
    """Up to three zones that somebody who wrote this name may have meant, likeliest first."""
    wanted = name[:60].strip().replace(" ", "_").lower()
    by_lower = {zone.lower(): zone for zone in sorted(names())}
    by_city = {lower.rpartition("/")[2]: zone for lower, zone in by_lower.items()}
    near = [by_lower[match] for match in get_close_matches(wanted, by_lower, n=3, cutoff=0.7)]
    near += [by_city[match] for match in get_close_matches(wanted.rpartition("/")[2], by_city, n=3, cutoff=0.8)]
    return list(dict.fromkeys(near))[:3]


def resolve(local: datetime, zone: tzinfo) -> datetime:
    """The instant of a naive local time: the first after a gap, the first pass of a repeated hour."""
    offset, other = offsets(local, zone)
    if other > offset:  # in a gap, where PEP 495 makes the later pass the one with the larger offset
        shift = first_shift(zone, _utc(local - other), _utc(local - offset))
        if shift is not None:
            return shift.at
    return _utc(local - offset)


def offsets(local: datetime, zone: tzinfo) -> tuple[timedelta, timedelta]:
    """What a zone is ahead of UTC at a local time: by the first pass, and by the second."""
    aware = local.replace(tzinfo=zone, fold=0)
    return aware.utcoffset() or timedelta(), aware.replace(fold=1).utcoffset() or timedelta()


def offset_at(instant: datetime, zone: tzinfo) -> timedelta:
    """What a zone is ahead of UTC at an instant."""
    return instant.astimezone(zone).utcoffset() or timedelta()


def shown(instant: datetime, offset: timedelta) -> datetime:
    """What clocks that are this far ahead of UTC show at an instant, as a naive datetime."""
    return instant.replace(tzinfo=None) + offset


def end_of_repeat(local: datetime, zone: tzinfo) -> datetime:
    """The local time from which nothing is repeated any more, seen from within a second pass."""
    instant = local.astimezone(UTC)
    first_pass, second_pass = offsets(local.replace(tzinfo=None), zone)
    shift = first_shift(zone, instant - (first_pass - second_pass), instant)
    return shown(shift.at, shift.before) if shift else local.replace(tzinfo=None)


def shown_until(instant: datetime, zone: tzinfo) -> datetime:
    """The local time that ends those shown for the first time by an instant; itself it is not one of them."""
    local = instant.astimezone(zone)
    return end_of_repeat(local, zone) if local.fold else local.replace(tzinfo=None) + TICK


def first_shift(zone: tzinfo, after: datetime, until: datetime) -> Shift | None:
    """The first change of the offset in (after, until], both in UTC."""
    for year in range(after.year, until.year + 1):
        for shift in _shifts_of_year(zone, year):
            if shift.at > until:
                return None
            if shift.at > after:
                return shift
    return None


def shifts(zone: tzinfo, after: datetime, until: datetime) -> list[Shift]:
    """Every change of the offset in (after, until], both in UTC, in order."""
    found = []
    while (shift := first_shift(zone, after, until)) is not None:
        found.append(shift)
        after = shift.at
    return found


@lru_cache(maxsize=16_384)
def _shifts_of_year(zone: tzinfo, year: int) -> tuple[Shift, ...]:
    """The changes from one New Year in UTC to the next, found by looking every few days."""
    if zone is UTC or year >= 9999:
        return ()
    found = []
    day, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    before = offset_at(day, zone)
    while day < end:
        later = min(day + _STRIDE, end)
        after = offset_at(later, zone)
        if after != before:
            found.append(Shift(_shift_between(zone, day, later, before), before, after))
        day, before = later, after
    return tuple(found)


def _shift_between(zone: tzinfo, low: datetime, high: datetime, before: timedelta) -> datetime:
    while high - low > _SECOND:
        middle = low + (high - low) // _SECOND // 2 * _SECOND
        low, high = (middle, high) if offset_at(middle, zone) == before else (low, middle)
    return high


def _utc(naive: datetime) -> datetime:
    return naive.replace(tzinfo=UTC)
