"""When the sun stands somewhere: Celery's nine events.

astral has the sun's position; the days are counted here. An event belongs to the place's own solar day, from one
midnight of the sun to the next, so that there is at most one a day, in order, also near the date line and where an
event drifts across midnight UTC. Instants are whole seconds: the sun is not known better, and hosts whose floating
point differs in the last digit still agree.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from math import degrees, isfinite
from typing import Literal, get_args

from astral import SunDirection
from astral.julian import julianday, julianday_to_juliancentury
from astral.sun import eq_of_time, hour_angle, sun_declination

from scheduler_service.errors import FieldProblem, InvalidTiming
from scheduler_service.timing.timings import NOTHING, Span

Event = Literal[
    "dawn_astronomical",
    "dawn_nautical",
    "dawn_civil",
    "sunrise",
    "solar_noon",
    "sunset",
    "dusk_civil",
    "dusk_nautical",
    "dusk_astronomical",
]

_ZENITHS = {"astronomical": 108.0, "nautical": 102.0, "civil": 96.0}
_HORIZON = 90 + 50 / 60  # almanacs: half of the sun's disk, and 34 minutes of arc of refraction
_TILT = 23.5  # the sun's declination is never beyond it
_NEAREST_TO_POLE = 89.8  # astral's own bound: at the pole itself no hour angle is defined
_ROUNDS = 4  # each puts the sun where it is at the last guess; the fourth changes less than a second
_DAYS_SEARCHED = 366
_FIRST, _LAST = datetime(2, 1, 1, tzinfo=UTC), datetime(9997, 12, 31, tzinfo=UTC)
_DAY, _SECOND = timedelta(days=1), timedelta(seconds=1)


@dataclass(frozen=True)
class Solar:
    """An event of the sun at a place, in degrees; north and east are positive."""

    event: Event
    latitude: float
    longitude: float
    _side: SunDirection | None = field(init=False, repr=False, compare=False)
    _zenith: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        problems = _problems(self.event, self.latitude, self.longitude)
        if problems:
            raise InvalidTiming(problems)
        object.__setattr__(self, "latitude", float(self.latitude))
        object.__setattr__(self, "longitude", float(self.longitude))
        side = SunDirection.SETTING if self.event.startswith(("dusk", "sunset")) else SunDirection.RISING
        object.__setattr__(self, "_side", None if self.event == "solar_noon" else side)
        object.__setattr__(self, "_zenith", _ZENITHS.get(self.event.partition("_")[2], _HORIZON))

    def next_after(self, instant: datetime) -> datetime | None:
        found = self._first_after(instant)
        return found[1] if found else None

    def span(self, after: datetime, until: datetime) -> Span:
        first = self._first_after(max(after, _FIRST))
        if first is None or first[1] > until:
            return NOTHING
        last = self._last_until(min(until, _LAST))
        days = (last[0] - first[0]) // _DAY
        if self._daily:
            return Span(days + 1, last[1])
        return Span(sum(self._on(first[0] + number * _DAY) is not None for number in range(days + 1)), last[1])

    def _first_after(self, instant: datetime) -> tuple[datetime, datetime] | None:
        """The solar day and the instant of the first event after an instant."""
        if not _FIRST <= instant <= _LAST:
            return None
        day = self._day_of(instant)
        for number in range(-1, _DAYS_SEARCHED + 1):  # a day of the real sun is up to 17 minutes off
            at = self._on(day + number * _DAY)
            if at is not None and at > instant:
                return day + number * _DAY, at
        return None

    def _last_until(self, until: datetime) -> tuple[datetime, datetime]:
        """The day and the instant of the last event by an instant, where there is one."""
        day = self._day_of(until) + _DAY
        while True:
            at = self._on(day)
            if at is not None and at <= until:
                return day, at
            day -= _DAY

    @property
    def _daily(self) -> bool:
        """Whether no day of any year lacks the event."""
        return self._side is None or abs(self.latitude) + _TILT < 180 - self._zenith

    def _day_of(self, instant: datetime) -> datetime:
        """Midnight of the date, by the sun's mean time at the place, as the UTC instant of that name."""
        local = instant.astimezone(UTC) + timedelta(minutes=4 * self.longitude)
        return local.replace(hour=0, minute=0, second=0, microsecond=0)

    def _on(self, day: datetime) -> datetime | None:
        """The event of one solar day; None when the sun does not come to that height."""
        start = julianday(day)
        latitude = max(-_NEAREST_TO_POLE, min(self.latitude, _NEAREST_TO_POLE))
        minutes = 720 - 4 * self.longitude
        for _ in range(_ROUNDS):
            century = julianday_to_juliancentury(start + minutes / 1440)
            angle = 0.0
            if self._side is not None:
                try:
                    angle = hour_angle(latitude, sun_declination(century), self._zenith, self._side)
                except ValueError:  # acos's: out of its domain
                    return None
            minutes = 720 - 4 * (self.longitude + degrees(angle)) - eq_of_time(century)
        return day + round(minutes * 60) * _SECOND


def _problems(event: object, latitude: object, longitude: object) -> list[FieldProblem]:
    problems = []
    if event not in get_args(Event):
        near = get_close_matches(str(event)[:60].lower().replace(" ", "_"), get_args(Event), n=3)
        hint = f"near to it: {', '.join(near)}" if near else f"there are {', '.join(get_args(Event))}"
        problems.append(FieldProblem("event", f"{str(event)[:60]!r} is no event of the sun; {hint}", "sunset"))
    for name, value, bound, example in (("latitude", latitude, 90, "52.52"), ("longitude", longitude, 180, "13.405")):
        number = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
        if not number or not -bound <= float(value) <= bound:  # type: ignore[arg-type]
            problems.append(FieldProblem(name, f"must be a number of degrees from -{bound} to {bound}", example))
    return problems
