"""When a crontab comes due, in its own time zone.

Two kinds of crontab meet a shift of the clocks differently (Vixie cron's rule, and cronsim's). One whose minute or
hour begins with `*` follows real time: it has nothing in a gap and comes in both passes of a repeated hour. Any other
means times of the day: each comes once, at the first instant after the gap or in the first pass.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Literal, get_args

from scheduler_service.errors import FieldProblem, InvalidTiming
from scheduler_service.timing import crontab_fields, zones
from scheduler_service.timing.crontab_grid import Grid, days_of_months, minutes_of_day, whole_minute_from
from scheduler_service.timing.timings import NOTHING, TICK, Span

DayMatch = Literal["and", "or"]

ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}

_KINDS = (
    crontab_fields.MINUTE,
    crontab_fields.HOUR,
    crontab_fields.DAY_OF_MONTH,
    crontab_fields.MONTH_OF_YEAR,
    crontab_fields.DAY_OF_WEEK,
)
_LONGEST_EXPRESSION = len(_KINDS) * (crontab_fields.LONGEST_FIELD + 1)
_YEARS_SEARCHED = 50


@dataclass(frozen=True)
class Crontab:
    """Five fields in a time zone. `day_match` says whether both day fields must match, or (as in Unix) either."""

    minute: str = "*"
    hour: str = "*"
    day_of_month: str = "*"
    month_of_year: str = "*"
    day_of_week: str = "*"
    timezone: str = "UTC"
    day_match: DayMatch = "and"
    _grid: Grid = field(init=False, repr=False, compare=False)
    _zone: tzinfo = field(init=False, repr=False, compare=False)
    _real_time: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for kind in _KINDS:
            parts = getattr(self, kind.name).split(",")  # Celery reads "1, 5" too, so rows may hold it
            object.__setattr__(self, kind.name, ",".join(part.strip() for part in parts))
        grid, zone, real_time = _compiled(self.fields, self.timezone, self.day_match)
        object.__setattr__(self, "_grid", grid)
        object.__setattr__(self, "_zone", zone)
        object.__setattr__(self, "_real_time", real_time)

    @classmethod
    def parse(cls, expression: str, *, timezone: str = "UTC", day_match: DayMatch = "and") -> "Crontab":
        """The crontab that one expression means: five fields, or an alias such as @daily."""
        minute, hour, day_of_month, month_of_year, day_of_week = _split(expression)
        return cls(minute, hour, day_of_month, month_of_year, day_of_week, timezone, day_match)

    def __reduce__(self) -> tuple[type["Crontab"], tuple[str, ...]]:
        return Crontab, (*self.fields, self.timezone, self.day_match)

    @property
    def fields(self) -> tuple[str, str, str, str, str]:
        """The five fields, in a crontab's order."""
        return self.minute, self.hour, self.day_of_month, self.month_of_year, self.day_of_week

    @property
    def expression(self) -> str:
        """The five fields on one line."""
        return " ".join(self.fields)

    @property
    def grid(self) -> Grid:
        """The local minutes that the fields name."""
        return self._grid

    @property
    def zone(self) -> tzinfo:
        """The zone that they are local to."""
        return self._zone

    @property
    def follows_real_time(self) -> bool:
        """Whether it comes in both passes of a repeated hour, rather than once a local time."""
        return self._real_time

    @property
    def both_days(self) -> bool:
        """Whether a day has to match both day fields, and not just one of them."""
        return self._grid.days.both

    def next_after(self, instant: datetime) -> datetime | None:
        if instant.tzinfo is None:
            raise TypeError("a naive datetime names no instant")
        local = instant.astimezone(self._zone)
        if self._zone is UTC:
            found = self._grid.after(local)
            return found.replace(tzinfo=UTC) if found else None
        return self._next_real(local) if self._real_time else self._next_fixed(local)

    def _next_fixed(self, local: datetime) -> datetime | None:
        """By the local clock: what has been shown by the first pass is over in the second."""
        found = self._grid.after(zones.end_of_repeat(local, self._zone) - TICK if local.fold else local)
        return zones.resolve(found, self._zone) if found else None

    def _next_real(self, local: datetime) -> datetime | None:
        """By real time: from one shift of the clocks to the next, as long as the local time does not exist."""
        offset, since, last_year = local.utcoffset(), local.astimezone(UTC), local.year + _YEARS_SEARCHED
        found = self._grid.after(local)
        while found is not None and offset is not None and found.year <= last_year:
            instant = (found - offset).replace(tzinfo=UTC)
            shift = zones.first_shift(self._zone, since, instant)
            if shift is None:
                return instant
            since, offset = shift.at, shift.after
            found = self._grid.after(zones.shown(shift.at, offset) - TICK)
        return None

    def span(self, after: datetime, until: datetime) -> Span:
        if after.tzinfo is None or until.tzinfo is None:
            raise TypeError("a naive datetime names no instant")
        after, until = after.astimezone(UTC), until.astimezone(UTC)
        if until <= after:
            return NOTHING
        return self._span_real(after, until) if self._real_time else self._span_fixed(after, until)

    def _span_fixed(self, after: datetime, until: datetime) -> Span:
        """Local times are counted as a whole; those that a gap swallowed are one occurrence together."""
        end = self._shown_until(until)
        count = self._grid.count(self._shown_until(after), end)
        for shift in zones.shifts(self._zone, after, until):
            gap_start, gap_end = zones.shown(shift.at, shift.before), zones.shown(shift.at, shift.after)
            swallowed = self._grid.count(whole_minute_from(gap_start), whole_minute_from(gap_end + TICK))
            count -= max(swallowed - 1, 0)
        last = self._grid.before(end) if count else None
        return Span(count, zones.resolve(last, self._zone)) if last else NOTHING

    def _shown_until(self, instant: datetime) -> datetime:
        """The local minute that bounds those whose occurrence has come by this instant."""
        return whole_minute_from(zones.shown_until(instant, self._zone))

    def _span_real(self, after: datetime, until: datetime) -> Span:
        """Between two shifts local time is plain arithmetic."""
        count, last = 0, None
        start, offset = after + TICK, zones.offset_at(after + TICK, self._zone)
        ends = [(shift.at, shift.after) for shift in zones.shifts(self._zone, start, until)]
        for end, next_offset in [*ends, (until + TICK, offset)]:
            local_end = whole_minute_from(zones.shown(end, offset))
            found = self._grid.count(whole_minute_from(zones.shown(start, offset)), local_end)
            if found and (latest := self._grid.before(local_end)):
                count, last = count + found, (latest - offset).replace(tzinfo=UTC)
            start, offset = end, next_offset
        return Span(count, last)


def _split(expression: str) -> list[str]:
    if len(expression) > _LONGEST_EXPRESSION:
        raise InvalidTiming.field("expression", f"is {len(expression)} characters long", "*/5 * * * *")
    text = expression.strip()
    if text.startswith("@"):
        if text.lower() not in ALIASES:
            raise InvalidTiming.field("expression", f"{text[:40]!r} is not one of {', '.join(ALIASES)}", "@daily")
        text = ALIASES[text.lower()]
    parts = text.split()
    if len(parts) != len(_KINDS):
        reason = f"has {len(parts)} fields; five are needed: minute, hour, day of month, month, day of week"
        raise InvalidTiming.field("expression", reason, "*/5 * * * *")
    return parts


@lru_cache(maxsize=8192)
def _compiled(texts: tuple[str, ...], timezone: str, day_match: str) -> tuple[Grid, tzinfo, bool]:
    """The grid, its zone, and whether it follows real time; InvalidTiming names every bad field."""
    problems: list[FieldProblem] = []
    parsed: list[crontab_fields.Field] = []
    for kind, text in zip(_KINDS, texts, strict=True):
        try:
            parsed.append(crontab_fields.parse(kind, text))
        except crontab_fields.BadField as bad:
            problems.append(FieldProblem(kind.name, str(bad), kind.example))
    if day_match not in get_args(DayMatch):
        problems.append(FieldProblem("day_match", f"{day_match!r} is neither 'and' nor 'or'", "and"))
    try:
        zone = zones.load(timezone)
    except InvalidTiming as unknown:
        problems += unknown.problems
    if problems:
        raise InvalidTiming(problems)
    minute, hour, of_month, months, of_week = parsed
    days = days_of_months(of_month, months, of_week, day_match)
    if not days.ever():
        raise InvalidTiming.field("day_of_month", _never(texts), "28")
    return Grid(minutes_of_day(minute, hour), days), zone, minute.star or hour.star


def _never(texts: tuple[str, ...]) -> str:
    _, _, day, month, weekday = texts
    on_weekday = "" if weekday[0] in "*?" else f" on weekday {weekday}"
    return f"never comes: there is no day {day} in month {month}{on_weekday}, in any year"
