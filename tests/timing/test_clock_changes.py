"""What a shift of the clocks makes of a timing."""

from datetime import UTC, datetime

import pytest

from scheduler_service.timing.clock_changes import clock_changes
from scheduler_service.timing.crontab import Crontab
from scheduler_service.timing.interval import Interval
from scheduler_service.timing.rrule import Rrule
from scheduler_service.timing.timings import Timing

SINCE, UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
BERLIN = "Europe/Berlin"
CASES = [
    pytest.param(Crontab("30", "2", timezone=BERLIN), [("moved", 1), ("once", 1)], id="a time in the gap"),
    pytest.param(
        Crontab("0,30", "2,3", timezone=BERLIN), [("left_out", 2), ("once", 2)], id="the gap's end comes anyway"
    ),
    pytest.param(Crontab("*/30", timezone=BERLIN), [("left_out", 2), ("twice", 2)], id="real time"),
    pytest.param(Crontab("30", "5", timezone=BERLIN), [("untouched", 0), ("untouched", 0)], id="another hour"),
    pytest.param(Crontab("30", "2", day_of_week="mon", timezone=BERLIN), [("untouched", 0)] * 2, id="another day"),
    pytest.param(Crontab("30", "2", timezone="Asia/Shanghai"), [], id="a zone without shifts"),
    pytest.param(Interval(1, "hours", SINCE), [], id="no zone"),
    pytest.param(
        Rrule(f"DTSTART;TZID={BERLIN}:20260101T023000\nRRULE:FREQ=DAILY"), [("moved", 1), ("once", 1)], id="a rule"
    ),
]


@pytest.mark.parametrize(("timing", "effects"), CASES)
def test_each_shift_has_its_effect(timing: Timing, effects: list[tuple[str, int]]) -> None:
    found = clock_changes(timing, after=SINCE, until=UNTIL)

    assert [(change.effect, change.times) for change in found] == effects


def test_the_clocks_are_told_as_they_show() -> None:
    spring, autumn = clock_changes(Crontab("0", "0", timezone=BERLIN), after=SINCE, until=UNTIL)

    shown = [(f"{change.local:%d %b %H:%M}", f"{change.becomes:%H:%M}") for change in (spring, autumn)]
    assert shown == [("29 Mar 02:00", "03:00"), ("25 Oct 03:00", "02:00")]
