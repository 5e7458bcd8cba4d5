"""How many runs come in each hour, against counting them one by one."""

from datetime import UTC, datetime, timedelta
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler_service.timing.calendars import Calendar, Days
from scheduler_service.timing.clocked import Clocked
from scheduler_service.timing.crontab import Crontab
from scheduler_service.timing.forecast import counts
from scheduler_service.timing.interval import Interval
from scheduler_service.timing.planning import Terms, first
from scheduler_service.timing.rrule import Rrule
from scheduler_service.timing.solar import Solar
from scheduler_service.timing.timings import Timing

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TICK = timedelta(microseconds=1)

ZONES = ["UTC", "Asia/Kolkata", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo"]
EXPRESSIONS = ["*/20 * * * *", "7 * * * *", "30 2 * * *", "0,10,30 1-3 * * *", "0 0 * * *", "*/15 2 * * sat,sun"]
STARTS = ["2026-03-07T12:00", "2026-10-31T18:00", "2026-03-28T00:30", "2026-04-23T12:00", "2026-04-04T00:00"]

bounded = settings(max_examples=100, deadline=None)


def terms(timing: Timing, *, jitter: timedelta = timedelta(), schedule_id: int = 1, days: Days | None = None) -> Terms:
    return Terms(timing, None, None, jitter, schedule_id, days)


def one_by_one(schedules: list[Terms], start: datetime, end: datetime, bucket: timedelta) -> list[int]:
    found = [0] * -((start - end) // bucket)
    for one in schedules:
        run = first(one, after=start - one.jitter - TICK)
        while run is not None and run.occurrence_at < end:
            if start <= run.fire_at < end:
                found[(run.fire_at - start) // bucket] += 1
            run = first(one, after=run.occurrence_at)
    return found


timings: st.SearchStrategy[Timing] = st.one_of(
    st.builds(Crontab.parse, st.sampled_from(EXPRESSIONS), timezone=st.sampled_from(ZONES)),
    st.builds(
        Interval,
        st.integers(300, 9_000),
        st.just("seconds"),
        st.integers(0, 9_000).map(lambda late: MONDAY + late * SECOND),
    ),
    st.just(Rrule("DTSTART;TZID=Europe/Berlin:20250101T021500\nRRULE:FREQ=DAILY")),
    st.just(Rrule("DTSTART;TZID=Europe/Berlin:20250101T021500\nRRULE:FREQ=MINUTELY;INTERVAL=3;BYDAY=SU")),
    st.just(Solar("sunset", 52.5, 13.4)),
    st.just(Clocked(datetime(2026, 3, 8, 5, tzinfo=UTC))),
)


@st.composite
def schedules(draw: st.DrawFn, start: datetime) -> Terms:
    limits = st.none() | st.integers(-20, 60).map(lambda hours: start + hours * HOUR)
    calendar = Calendar(weekly=frozenset({5}), dates=frozenset({start.date() + DAY}))
    days = st.builds(Days, st.just(calendar), st.booleans(), st.sampled_from(ZONES))
    return Terms(
        draw(timings),
        start_time=draw(limits),
        expires=draw(limits),
        jitter=draw(st.integers(0, 8_000) | st.just(0)) * SECOND,
        schedule_id=draw(st.integers(1, 50)),
        days=draw(st.none() | days),
    )


@bounded
@given(st.data(), st.sampled_from(STARTS), st.sampled_from([HOUR, 25 * MINUTE, DAY, 7 * HOUR + SECOND]))
def test_a_forecast_is_what_will_be_sent(data: st.DataObject, begin: str, bucket: timedelta) -> None:
    start = datetime.fromisoformat(begin).replace(tzinfo=UTC)
    end = start + 40 * HOUR
    planned = data.draw(st.lists(schedules(start), min_size=1, max_size=4))

    assert counts(planned, start=start, end=end, bucket=bucket) == one_by_one(planned, start, end, bucket)


def test_the_last_bucket_may_be_short() -> None:
    found = counts([terms(Crontab())], start=MONDAY, end=MONDAY + 150 * MINUTE, bucket=HOUR)

    assert found == [60, 60, 30]


def test_a_jitter_brings_in_what_came_before_the_start() -> None:
    jittered = [terms(Crontab.parse("59 23 * * *"), jitter=HOUR, schedule_id=number) for number in range(100)]

    found = counts(jittered, start=MONDAY, end=MONDAY + DAY, bucket=12 * HOUR)

    assert found == one_by_one(jittered, MONDAY, MONDAY + DAY, 12 * HOUR)
    assert found[0] > 80


@pytest.mark.parametrize("bucket", [timedelta(), -HOUR, SECOND])
def test_what_cannot_be_cut_into_buckets_is_refused(bucket: timedelta) -> None:
    with pytest.raises(ValueError, match="buckets"):
        counts([], start=MONDAY, end=MONDAY + DAY, bucket=bucket)


def test_ten_thousand_schedules_over_a_week_take_less_than_two_seconds() -> None:
    zones = ["UTC", "Asia/Shanghai", "America/New_York", "Europe/Berlin"]
    many = [Crontab.parse(f"{n % 60} {n // 60 % 24} * * *", timezone=zones[n % 4]) for n in range(3000)]
    many += [Crontab.parse(f"*/{n % 29 + 1} {n % 12}-{12 + n % 11} * * {n % 7}") for n in range(3000)]
    intervals = [Interval(30 + n, "seconds", MONDAY + n * SECOND) for n in range(3950)]
    rules = [Rrule(f"DTSTART:20200101T{n % 24:02}0000\nRRULE:FREQ=HOURLY;INTERVAL={n + 1}") for n in range(50)]
    every: list[Timing] = [*many, *intervals, *rules]
    planned = [terms(timing) for timing in every]

    began = perf_counter()
    found = counts(planned, start=MONDAY, end=MONDAY + 7 * DAY, bucket=HOUR)

    assert perf_counter() - began < 2
    assert sum(found) == sum(one.timing.span(MONDAY - TICK, MONDAY + 7 * DAY - TICK).count for one in planned)
