"""The dates and times in a recurrence rule's text (RFC 5545), and the lines that hold them.

A time is a local one in the zone that its line names, or in UTC; without either it is taken in the zone of DTSTART,
and that, without a zone, is UTC.
"""

import re
from datetime import UTC, datetime, tzinfo
from typing import Literal, NamedTuple

from scheduler_service.errors import FieldProblem, InvalidTiming
from scheduler_service.timing import zones

EXAMPLE = "DTSTART;TZID=Europe/Berlin:20260105T090000\nRRULE:FREQ=WEEKLY;BYDAY=MO,FR"

Form = Literal["date", "local", "utc"]

_YEARS = range(1900, 2201)
_TIME = re.compile(r"(\d{8})(?:T(\d{6})(Z?))?", re.ASCII)


class Line(NamedTuple):
    """A property of the text: DTSTART, RRULE, RDATE or EXDATE."""

    name: str
    parameters: dict[str, str]
    value: str


class Moment(NamedTuple):
    """A date (at its midnight) or time as written; `zone` is None when its line does not say."""

    at: datetime
    form: Form
    zone: tzinfo | None


def refusal(reason: str, example: str = EXAMPLE) -> InvalidTiming:
    """The error that names the rule as the bad field."""
    return InvalidTiming([FieldProblem("rule", reason, example)])


def read_line(text: str) -> Line:
    """The property on a line."""
    head, colon, value = text.partition(":")
    name, *parameters = head.split(";")
    name = name.upper()
    if name == "EXRULE":
        raise refusal("has an EXRULE, which RFC 5545 has withdrawn: name the days by EXDATE, or attach a calendar")
    if not colon or name not in ("DTSTART", "RRULE", "RDATE", "EXDATE"):
        raise refusal(f"{text[:40]!r} is none of DTSTART, RRULE, RDATE, EXDATE")
    found = {}
    for parameter in parameters:
        key, _, setting = parameter.partition("=")
        known = ("TZID", "VALUE") if name != "RRULE" else ()
        if key.upper() not in known or not setting:
            raise refusal(f"{name} has the parameter {parameter[:40]!r}, which is not known here")
        found[key.upper()] = setting.strip('"')
    return Line(name, found, value)


def read_moments(line: Line) -> list[Moment]:
    """The times on a line, separated by commas."""
    zone = None
    if name := line.parameters.get("TZID"):
        try:
            zone = zones.load(name)
        except InvalidTiming as unknown:
            raise refusal(f"TZID {unknown.problems[0].reason}") from None
    kind = line.parameters.get("VALUE", "").upper()
    if kind not in ("", "DATE", "DATE-TIME"):
        raise refusal(f"{line.name} has VALUE={kind[:20]}; DATE and DATE-TIME are understood")
    found = [read_moment(line.name, text, zone) for text in line.value.split(",")]
    for moment in found:
        if kind and (kind == "DATE") != (moment.form == "date"):
            raise refusal(f"{line.name} does not have the form that its VALUE={kind} says")
    return found


def read_moment(name: str, text: str, zone: tzinfo | None) -> Moment:
    """One date or time; `name` says whose it is when it is refused."""
    match = _TIME.fullmatch(text.upper())
    if match is None:
        raise refusal(f"{name} has {text[:40]!r}, which is no date or time", f"{name}:20260105T090000")
    day, clock, utc = match.groups()
    form: Form = "date" if clock is None else "utc" if utc else "local"
    if zone and form != "local":
        raise refusal(f"{name} has a TZID, so {text} must be a local time", f"{name};TZID=Asia/Tokyo:20260105T090000")
    try:
        at = datetime.strptime(day + (clock or "000000"), "%Y%m%d%H%M%S")  # noqa: DTZ007 - local, on purpose
    except ValueError:
        raise refusal(f"{name} has {text}, which is no date of the calendar", f"{name}:20260105T090000") from None
    if at.year not in _YEARS:
        raise refusal(f"{name} is not within the years {_YEARS[0]} to {_YEARS[-1]}")
    return Moment(at, form, UTC if form == "utc" else zone)
