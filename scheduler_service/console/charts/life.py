"""A run's life: its stations from the occurrence to the end, and its attempts to scale.

Pure: a run and an instant in, what is to be drawn out. x is in per cent, so that type keeps its size at any width.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Literal

from scheduler_service.api.run_schemas import AttemptOut
from scheduler_service.storage.models import FINISHED_STATES, NEVER_SENT_STATES, TaskRun

Name = Literal["occurrence", "fire", "decided", "published", "started", "finished"]
#: Whose time the way to the next station is: the timing's plan, Beat's, the broker's, the worker's; none: it ends here.
Way = Literal["plan", "wait", "work", "none"]

LEFT, RIGHT = 3.0, 82.0  # per cent; the rest is for what is written beside the last bar
TICK_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)
MOST_TICKS = 5
MOST_ATTEMPTS = 10
_TO_COME: tuple[Name, ...] = ("published", "started")
NARROWEST = 0.4  # per cent, or nobody would see it


@dataclass(frozen=True)
class Station:
    """One of them: when it was (None: it is to come), and how long it was to the next, where that is known."""

    name: Name
    at: datetime | None
    way: Way = "none"
    gap: timedelta | None = None
    is_now: bool = False


@dataclass(frozen=True)
class Tick:
    """A line of the time axis."""

    x: float
    at: datetime


@dataclass(frozen=True)
class Bar:
    """An attempt: when it ran, and how long it waited before that."""

    attempt: AttemptOut
    x: float
    width: float
    waited_x: float
    waited_width: float
    waited: timedelta | None
    took: timedelta


@dataclass(frozen=True)
class Attempts:
    """The last attempts on one axis, oldest first; `now_x`: where now is, while one goes on."""

    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    now_x: float | None


def stations(run: TaskRun, attempts: Sequence[AttemptOut], *, now: datetime) -> list[Station]:
    """Those that were, in the order of time, then those to come. What was never sent has none in between."""
    started = attempts[0].started_at if attempts else run.started_at
    reached = _reached(run, started)
    to_come: list[Name] = [] if started else [name for name in _TO_COME if name not in dict(reached)]
    is_over = run.state in FINISHED_STATES
    found = [_station(run, reached, place, now=now) for place in range(len(reached))]
    if not is_over:
        found += [Station(name, None) for name in to_come]
        found.append(Station("finished", None, is_now=run.state == "running"))
    return found


def chart(attempts: Sequence[AttemptOut], *, now: datetime, zone: tzinfo) -> Attempts | None:
    """The attempts to scale; None for fewer than two, which a sentence tells as well."""
    shown = [one for one in attempts if one.started_at is not None][-MOST_ATTEMPTS:]
    if len(shown) < 2:
        return None
    goes_on = shown[-1].ended_at is None
    begin = _started(shown[0])
    end = max(shown[-1].ended_at or now, begin + timedelta(milliseconds=1))
    scale = _Scale(begin, end)
    previous: AttemptOut | None = None
    bars = []
    for one in shown:
        bars.append(_bar(one, previous, scale, now))
        previous = one
    return Attempts(tuple(bars), tuple(_ticks(scale, zone)), scale.x(now) if goes_on else None)


@dataclass(frozen=True)
class _Scale:
    begin: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        return (self.end - self.begin).total_seconds()

    def x(self, at: datetime) -> float:
        part = (at - self.begin).total_seconds() / self.seconds
        return round(LEFT + (RIGHT - LEFT) * min(max(part, 0.0), 1.0), 2)


def _reached(run: TaskRun, started: datetime | None) -> list[tuple[Name, datetime]]:
    known: list[tuple[Name, datetime | None]] = [
        ("occurrence", run.occurrence_at),
        ("fire", run.fire_at),
        ("decided", run.decided_at),
        ("published", None if run.state in NEVER_SENT_STATES else run.published_at),
        ("started", started),
        ("finished", run.finished_at),
    ]
    there = [(name, at) for name, at in known if at is not None]
    return [there[0], *sorted(there[1:], key=lambda one: one[1])]  # tried again, it is to be sent after it was decided


def _station(run: TaskRun, reached: list[tuple[Name, datetime]], place: int, *, now: datetime) -> Station:
    name, at = reached[place]
    if place + 1 < len(reached):
        then = reached[place + 1][1]
        return Station(name, at, _way(name), then - at)
    if run.state in FINISHED_STATES:
        return Station(name, at)
    return Station(name, at, _way(name), now - at)


def _way(name: Name) -> Way:
    if name == "occurrence":
        return "plan"
    return "work" if name == "started" else "wait"


def _bar(one: AttemptOut, previous: AttemptOut | None, scale: _Scale, now: datetime) -> Bar:
    start, end = _started(one), one.ended_at or now
    x = scale.x(start)
    waited_from = previous.ended_at if previous else None
    waited = start - waited_from if waited_from else None
    waited_x = scale.x(waited_from) if waited_from else x
    width = max(scale.x(end) - x, NARROWEST)
    return Bar(one, x, round(width, 2), waited_x, round(max(x - waited_x, 0.0), 2), waited, end - start)


def _started(attempt: AttemptOut) -> datetime:
    assert attempt.started_at is not None
    return attempt.started_at


def _ticks(scale: _Scale, zone: tzinfo) -> list[Tick]:
    """Round instants by the reader's clock, a few of them."""
    step = next((one for one in TICK_STEPS if scale.seconds / one <= MOST_TICKS), None)
    if step is None:
        step = 86_400 * (int(scale.seconds // (86_400 * MOST_TICKS)) + 1)
    midnight = scale.begin.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    passed = (scale.begin - midnight).total_seconds()
    at = midnight + timedelta(seconds=step * -(-passed // step))
    found = []
    while at <= scale.end:
        found.append(Tick(scale.x(at), at))
        at += timedelta(seconds=step)
    return found
