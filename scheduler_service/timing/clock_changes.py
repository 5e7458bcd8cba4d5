"""What a shift of the clocks does to a timing: found by asking the timing, and not by reading its fields."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from scheduler_service.timing import zones
from scheduler_service.timing.crontab import Crontab
from scheduler_service.timing.rrule import Rrule
from scheduler_service.timing.timings import TICK, Timing
from scheduler_service.timing.zones import Shift

#: `moved`: it comes at the first instant after the gap; `left_out`: its times in the gap do not come; `once`, `twice`:
#: of the hour that is shown twice, it comes in one pass or in both.
Effect = Literal["untouched", "moved", "left_out", "once", "twice"]


@dataclass(frozen=True)
class ClockChange:
    """The clocks go from one local time to another, and what a timing makes of it; `times` are concerned."""

    at: datetime
    local: datetime
    becomes: datetime
    effect: Effect
    times: int = 0


def clock_changes(timing: Timing, *, after: datetime, until: datetime) -> list[ClockChange]:
    """Of every shift in (after, until] of the zone that the timing is written in; none where it is in none."""
    unshifted = _unshifted(timing)
    if unshifted is None:
        return []
    zone_name, naive = unshifted
    return [_change(timing, naive, shift) for shift in zones.shifts(zones.load(zone_name), after, until)]


def _unshifted(timing: Timing) -> tuple[str, Timing] | None:
    """The zone, and the same timing on clocks that never shift."""
    match timing:
        case Crontab():
            return timing.timezone, replace(timing, timezone="UTC")
        case Rrule():
            name = timing.text.zone_name
            return name, Rrule(timing.rule.replace(f"TZID={name}", "TZID=UTC"))
        case _:
            return None


def _change(timing: Timing, naive: Timing, shift: Shift) -> ClockChange:
    local, becomes = zones.shown(shift.at, shift.before), zones.shown(shift.at, shift.after)
    if becomes > local:
        times = _count(naive, local, becomes)
        effect: Effect = "untouched"
        if times:
            comes_anyway = _count(naive, becomes, becomes + TICK) > 0
            comes = timing.span(shift.at - TICK, shift.at).count > 0
            effect = "moved" if comes and not comes_anyway else "left_out"
        return ClockChange(shift.at, local, becomes, effect, times)
    times = _count(naive, becomes, local)
    both = timing.span(shift.at - TICK, shift.at + (local - becomes) - TICK).count > 0
    return ClockChange(shift.at, local, becomes, "untouched" if not times else "twice" if both else "once", times)


def _count(naive: Timing, since: datetime, until: datetime) -> int:
    """How many local times there are in [since, until)."""
    return naive.span(since.replace(tzinfo=UTC) - TICK, until.replace(tzinfo=UTC) - TICK).count
