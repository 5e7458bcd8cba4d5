"""Timings that need no calendar: every so often, and once."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler_service.errors import InvalidTiming
from scheduler_service.timing.clocked import Clocked
from scheduler_service.timing.interval import Interval, Period
from scheduler_service.timing.timings import NOTHING, Span

ANCHOR = datetime(2026, 1, 1, 0, 0, 7, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def test_an_interval_keeps_its_second() -> None:
    every_second = Interval(1, "seconds", ANCHOR)
    instant: datetime | None = ANCHOR

    for seconds in range(1, 3601):
        assert instant is not None
        instant = every_second.next_after(instant)
        assert instant == ANCHOR + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("every", "period", "step"),
    [
        pytest.param(30, "seconds", timedelta(seconds=30), id="seconds"),
        pytest.param(7, "minutes", timedelta(minutes=7), id="minutes"),
        pytest.param(5, "hours", timedelta(hours=5), id="hours"),
        pytest.param(2, "days", timedelta(hours=48), id="days of 24 hours"),
        pytest.param(1, "weeks", timedelta(days=7), id="weeks"),
    ],
)
def test_an_interval_is_a_grid_from_its_anchor(every: int, period: Period, step: timedelta) -> None:
    interval = Interval(every, period, ANCHOR)

    assert interval.next_after(ANCHOR - TICK) == ANCHOR
    assert interval.next_after(ANCHOR) == ANCHOR + step
    assert interval.next_after(ANCHOR - 3 * step) == ANCHOR - 2 * step
    assert interval.span(ANCHOR, ANCHOR + 10 * step) == Span(10, ANCHOR + 10 * step)
    assert interval.span(ANCHOR, ANCHOR + step - TICK) == NOTHING
    assert interval.span(ANCHOR, ANCHOR - 5 * step) == NOTHING


@given(
    st.integers(1, 100_000),
    st.integers(-(10**12), 10**12),
    st.integers(0, 50),
)
def test_an_interval_counts_what_a_walk_meets(every: int, start: int, steps: int) -> None:
    interval = Interval(every, "seconds", ANCHOR)
    after = ANCHOR + start * TICK
    instant: datetime | None = after
    for _ in range(steps):
        assert instant is not None
        instant = interval.next_after(instant)

    assert instant is not None
    assert interval.span(after, instant) == (Span(steps, instant) if steps else NOTHING)


def test_an_interval_is_elapsed_time_whatever_zone_the_anchor_came_in() -> None:
    there = Interval(1, "hours", ANCHOR.astimezone(timezone(timedelta(hours=5, minutes=30))))

    assert there == Interval(1, "hours", ANCHOR)
    assert hash(there) == hash(Interval(1, "hours", ANCHOR))
    assert there.anchor.tzinfo is UTC


def test_an_interval_ends_with_the_calendar() -> None:
    assert Interval(100, "days", ANCHOR).next_after(datetime(9999, 12, 30, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("every", "period", "field"),
    [
        pytest.param(0, "seconds", "every", id="nothing"),
        pytest.param(-1, "seconds", "every", id="backwards"),
        pytest.param(True, "seconds", "every", id="a truth value"),
        pytest.param(1.5, "seconds", "every", id="a fraction"),
        pytest.param(5218, "weeks", "every", id="more than a century"),
        pytest.param(10**30, "seconds", "every", id="an overflow"),
        pytest.param(1, "months", "period", id="months are no elapsed time"),
    ],
)
def test_a_bad_interval_is_refused(every: int, period: Period, field: str) -> None:
    with pytest.raises(InvalidTiming) as refused:
        Interval(every, period, ANCHOR)

    assert [problem.field for problem in refused.value.problems] == [field]


def test_a_naive_anchor_is_refused() -> None:
    with pytest.raises(InvalidTiming, match="anchor: has no offset from UTC"):
        Interval(1, "hours", datetime(2026, 1, 1))  # noqa: DTZ001


def test_a_clocked_timing_comes_once() -> None:
    clocked = Clocked(ANCHOR.astimezone(timezone(timedelta(hours=-8))))

    assert clocked == Clocked(ANCHOR)
    assert clocked.next_after(ANCHOR - TICK) == ANCHOR
    assert clocked.next_after(ANCHOR) is None
    assert clocked.span(ANCHOR - TICK, ANCHOR) == Span(1, ANCHOR)
    assert clocked.span(ANCHOR, ANCHOR + TICK) == NOTHING
    assert clocked.span(ANCHOR - 2 * TICK, ANCHOR - TICK) == NOTHING


def test_a_naive_clocked_time_is_refused() -> None:
    with pytest.raises(InvalidTiming, match="clocked_time: has no offset from UTC"):
        Clocked(datetime(2026, 1, 1))  # noqa: DTZ001
