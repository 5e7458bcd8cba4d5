"""A recurrence rule's text (RFC 5545), read strictly.

dateutil's own reader takes what it should not (parts of no meaning, dates in any format), or fails in its own words.
Here each mistake is named with what a right one looks like. All times become local ones of DTSTART's zone.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from scheduler_service.timing import zones
from scheduler_service.timing.rrule_moments import Form, Line, Moment, read_line, read_moments, refusal
from scheduler_service.timing.rrule_parts import SECONDLY, Recurrence, read_recurrence
from scheduler_service.timing.timings import TICK

LONGEST_RULE = 2000  # characters

_MOST_RRULES = 10
_PROPERTY = re.compile(r"(DTSTART|RRULE|RDATE|EXDATE|EXRULE)[;:]|[A-Z-]{2,}:", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class RuleText:
    """What a text says, in the local time of its zone; excluded stretches are inclusive."""

    start: datetime
    zone_name: str
    recurrences: tuple[Recurrence, ...]
    dates: tuple[datetime, ...]
    excluded: tuple[tuple[datetime, datetime], ...]

    @property
    def earliest(self) -> datetime:
        """The local time before which nothing comes; an RDATE may lie before DTSTART."""
        return min((self.start, *self.dates))


def normalized(text: str) -> str:
    """One property on a line, folded ones joined; equal rules that were wrapped differently become equal."""
    if len(text) > LONGEST_RULE:
        raise refusal(f"is {len(text)} characters long; {LONGEST_RULE} are allowed")
    lines: list[str] = []
    for piece in text.split():
        if not lines or _PROPERTY.match(piece):
            lines.append(piece)
        else:
            lines[-1] += piece
    return "\n".join(lines)


def parse(text: str) -> RuleText:
    """The rule that a normalized text means. Raises: InvalidTiming."""
    lines = [read_line(line) for line in text.split("\n")]
    start, zone_name = _start(lines)
    zone = zones.load(zone_name)
    rules = [read_recurrence(line.value, start) for line in lines if line.name == "RRULE"]
    _check_together(rules)
    dates = [_date(moment, zone, start.form) for moment in _all(lines, "RDATE")]
    if not rules and not dates:
        raise refusal("has neither RRULE nor RDATE")
    if not rules:
        dates.append(start.at)  # RFC 5545: it is the first; with an RRULE it has to match, as everywhere
    excluded = [_excluded(moment, zone) for moment in _all(lines, "EXDATE")]
    return RuleText(
        start.at,
        zone_name,
        tuple(rules),
        tuple(sorted(set(dates))),
        tuple(stretch for stretch in excluded if stretch is not None),
    )


def _check_together(rules: list[Recurrence]) -> None:
    """Several are merged a day at a time, which is quick as long as none has every second of it."""
    if len(rules) > _MOST_RRULES:
        raise refusal(f"has {len(rules)} RRULEs; {_MOST_RRULES} are allowed")
    if len(rules) > 1 and any(rule.freq == SECONDLY or len(rule.by_second) > 1 for rule in rules):
        raise refusal("has several RRULEs, and then none may come more often than once a minute")


def _all(lines: list[Line], name: str) -> list[Moment]:
    return [moment for line in lines if line.name == name for moment in read_moments(line)]


def _start(lines: list[Line]) -> tuple[Moment, str]:
    """DTSTART and the name of its zone."""
    moments = _all(lines, "DTSTART")
    if len(moments) != 1:
        raise refusal(f"has {len(moments) or 'no'} DTSTART; one is needed")
    return moments[0], next(line.parameters.get("TZID", "UTC") for line in lines if line.name == "DTSTART")


def _date(moment: Moment, zone: tzinfo, form: Form) -> datetime:
    """An RDATE in the rule's own local time."""
    if moment.form == "date" and form != "date":
        raise refusal("RDATE is a date, but DTSTART has a time", "RDATE:20260105T090000")
    if moment.zone is None or moment.zone is zone:
        return moment.at
    local = zones.resolve(moment.at, moment.zone).astimezone(zone)
    if local.fold:
        raise refusal("RDATE is in the second pass of an hour that the clocks of DTSTART's zone repeat")
    return local.replace(tzinfo=None)


def _excluded(moment: Moment, zone: tzinfo) -> tuple[datetime, datetime] | None:
    """The local times that an EXDATE takes away: one, a day's, or a gap's with the instant at which all of it comes."""
    if moment.form == "date":
        return moment.at, moment.at + timedelta(days=1) - TICK
    if moment.zone is None or moment.zone is zone:
        return moment.at, moment.at
    instant = zones.resolve(moment.at, moment.zone)
    local = instant.astimezone(zone)
    if local.fold:
        return None  # nothing comes in a second pass
    shift = zones.first_shift(zone, instant - TICK, instant)
    start = zones.shown(instant, shift.before) if shift else local.replace(tzinfo=None)
    return start, local.replace(tzinfo=None)
