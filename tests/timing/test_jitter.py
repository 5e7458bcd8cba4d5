"""A jitter spreads runs, the same way everywhere, without changing their order."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from scheduler_service.timing.jitter import delay, retry_delay

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)

instants = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
durations = st.timedeltas(timedelta(), timedelta(days=2))


@given(st.integers(1, 2**40), instants, durations, st.none() | st.timedeltas(timedelta(seconds=1), timedelta(days=2)))
def test_a_delay_is_within_the_jitter_and_below_the_gap(
    schedule_id: int, at: datetime, jitter: timedelta, gap: timedelta | None
) -> None:
    waited = delay(schedule_id, at, jitter=jitter, gap=gap)

    assert timedelta() <= waited <= jitter
    assert waited % MILLISECOND == timedelta()
    assert gap is None or waited < gap


def test_no_jitter_is_no_delay() -> None:
    assert delay(1, NOON, jitter=timedelta(), gap=None) == timedelta()


def test_schedules_of_the_same_second_are_spread_over_the_whole_jitter() -> None:
    minute = timedelta(minutes=1)

    delays = [delay(schedule_id, NOON, jitter=minute, gap=None) for schedule_id in range(6000)]

    tenths = [sum(1 for waited in delays if waited * 10 // minute == tenth) for tenth in range(10)]
    assert all(480 < count < 720 for count in tenths)


def test_a_delay_is_the_same_in_every_process_and_release() -> None:
    here = delay(42, NOON, jitter=timedelta(hours=1), gap=None)
    code = "from datetime import *; from scheduler_service.timing.jitter import delay, retry_delay; "
    code += "noon = datetime(2026, 1, 1, 20, tzinfo=timezone(timedelta(hours=8))); "
    code += "print(delay(42, noon, jitter=timedelta(hours=1), gap=None) // timedelta(milliseconds=1))"

    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert int(there.stdout) * MILLISECOND == here
    assert here == timedelta(milliseconds=1_370_313)


def test_a_thousand_failures_of_one_instant_are_tried_again_over_a_quarter_of_the_delay() -> None:
    minute = timedelta(minutes=1)

    delays = [retry_delay(UUID(int=number), 1, wanted=minute) for number in range(1000)]

    assert minute <= min(delays) < minute * 1.01
    assert minute * 1.24 < max(delays) <= minute * 1.25
    fifths = [sum(1 for waited in delays if (waited - minute) * 20 // minute == fifth) for fifth in range(5)]
    assert all(150 < count < 250 for count in fifths)


def test_a_retrys_delay_is_the_same_for_whoever_asks_and_another_for_each_attempt() -> None:
    run = UUID("018f2f5e-0000-7000-8000-000000000001")

    delays = [retry_delay(run, attempt, wanted=timedelta(hours=1)) for attempt in (1, 2, 1)]

    assert delays[0] == delays[2] != delays[1]
    assert delays[0] == timedelta(milliseconds=3_678_051)


def test_a_retry_at_once_is_at_once() -> None:
    assert retry_delay(UUID(int=1), 1, wanted=timedelta()) == timedelta()
