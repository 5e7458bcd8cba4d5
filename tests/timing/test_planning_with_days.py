"""Plans that a calendar has a say in, against leaving the days out one occurrence at a time."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice
from time import perf_counter

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler_service.timing import zones
from scheduler_service.timing.calendar_definitions import parse_calendar
from scheduler_service.timing.calendars import Calendar, Days
from scheduler_service.timing.clocked import Clocked
from scheduler_service.timing.crontab import Crontab
from scheduler_service.timing.interval import Interval
from scheduler_service.timing.planning import Misfire, Occurrence, Terms, first, plan, upcoming
from scheduler_service.timing.restricted import Restricted
from scheduler_service.timing.timings import NOTHING, Timing

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TICK = timedelta(microseconds=1)
FRIDAY = datetime(2026, 9, 25, tzinfo=UTC)
WORKDAYS = Days(parse_calendar({"weekly": ["sat", "sun"], "holidays": {"country": "CN"}}), timezone="Asia/Shanghai")

# Midnights that are skipped, repeated, or repeated only for a minute of the date before; a whole date that is skipped.
ZONES = ["UTC", "Africa/Cairo", "America/Sao_Paulo", "America/St_Johns", "Asia/Beirut", "Pacific/Apia", "Europe/Berlin"]
SHIFTS = [
    shift.at
    for zone in ZONES
    for shift in zones.shifts(zones.load(zone), datetime(2006, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
]
TIMINGS: list[Timing] = [
    Interval(40, "minutes", FRIDAY),
    Interval(31, "hours", FRIDAY),
    Crontab.parse("*/30 * * * *", timezone="America/St_Johns"),
    Crontab.parse("15 0 * * *", timezone="Africa/Cairo"),
    Crontab.parse("0 0,23 * * *", timezone="America/Sao_Paulo"),
]


def terms(timing: Timing, days: Days, *, jitter: timedelta = timedelta()) -> Terms:
    return Terms(timing, None, None, jitter, 7, days)


def filtered(timing: Timing, days: Days, after: datetime, until: datetime) -> list[datetime]:
    zone, found = zones.load(days.timezone), []
    at = timing.next_after(after)
    while at is not None and at <= until:
        if days.calendar.covers(at.astimezone(zone).date()) is days.keep:
            found.append(at)
        at = timing.next_after(at)
    return found


@st.composite
def some_days(draw: st.DrawFn, near: date) -> Days:
    shifts = st.lists(st.integers(-3, 12), max_size=4).map(lambda found: [near + n * DAY for n in found])
    calendar = Calendar(frozenset(draw(shifts)), (), frozenset(draw(st.sets(st.integers(0, 6), max_size=6))))
    return Days(calendar, draw(st.booleans()), draw(st.sampled_from(ZONES)))


@settings(max_examples=250, deadline=None)
@given(st.data(), st.sampled_from(TIMINGS), st.sampled_from(SHIFTS), st.integers(-3000, 2000), st.integers(0, 15_000))
def test_days_are_left_out_one_by_one(
    data: st.DataObject, timing: Timing, shift: datetime, before: int, length: int
) -> None:
    after = shift + before * MINUTE
    until, days = after + length * MINUTE, data.draw(some_days(shift.date()))
    restricted = Restricted(timing, days)

    expected = filtered(timing, days, after, until)

    span = restricted.span(after, until)
    assert (span.count, span.last) == (len(expected), expected[-1] if expected else None)
    found = [run.occurrence_at for run in islice(upcoming(terms(timing, days), after=after, count=len(expected)), 100)]
    assert found == expected[:100]
    if not expected:
        following = restricted.next_after(after)
        assert following is None or following > until


def test_a_plan_leaves_out_the_weekend() -> None:
    """Friday, 25 September 2026 is a holiday in China, as are the two days after; from 1 to 7 October too."""
    daily = terms(Crontab.parse("0 9 * * *", timezone="Asia/Shanghai"), WORKDAYS)
    thursday = datetime(2026, 9, 24, 1, tzinfo=UTC)

    decided = plan(daily, due=thursday, now=thursday + 5 * DAY + HOUR, misfire=Misfire("fire_all", MINUTE, None))

    assert [run.occurrence_at for run in decided.runs] == [thursday, thursday + 4 * DAY, thursday + 5 * DAY]
    assert decided.following == Occurrence(thursday + 6 * DAY, thursday + 6 * DAY)
    assert first(daily, after=datetime(2026, 9, 30, 1, tzinfo=UTC)) == Occurrence(
        datetime(2026, 10, 8, 1, tzinfo=UTC), datetime(2026, 10, 8, 1, tzinfo=UTC)
    )


def test_a_make_up_saturday_is_a_workday() -> None:
    daily = terms(Crontab.parse("0 9 * * *", timezone="Asia/Shanghai"), WORKDAYS)

    found = [run.occurrence_at.day for run in upcoming(daily, after=datetime(2026, 10, 8, 2, tzinfo=UTC), count=3)]

    assert found == [9, 10, 12]


def test_a_jitter_may_reach_over_days_that_are_left_out() -> None:
    sundays = Days(Calendar(weekly=frozenset({6})), keep=True)
    daily = Crontab.parse("0 9 * * *")

    delays = [
        run.fire_at - run.occurrence_at
        for schedule in range(50)
        for run in upcoming(Terms(daily, None, None, 6 * DAY, schedule, sundays), after=FRIDAY, count=1)
    ]

    assert max(delays) > 2 * DAY
    assert max(delays) <= 6 * DAY


def test_a_year_away_with_a_calendar_is_decided_at_once() -> None:
    minutely = terms(Crontab(timezone="Asia/Shanghai"), WORKDAYS, jitter=30 * SECOND)
    away = FRIDAY + 365 * DAY

    began = perf_counter()
    decided = plan(minutely, due=FRIDAY, now=away, misfire=Misfire("fire_once", MINUTE, None))

    assert perf_counter() - began < 0.1
    expected = minutely.rule.span(FRIDAY - TICK, away).count
    assert 240 * 1440 < expected < 255 * 1440
    assert abs(decided.coalesced + len(decided.runs) - expected) <= 1  # the last may fire only after now


def test_what_a_calendar_leaves_nothing_of_never_comes() -> None:
    every_day = Days(Calendar(weekly=frozenset(range(7))))
    weekends = Days(Calendar(weekly=frozenset({5, 6})), timezone="Asia/Shanghai")

    began = perf_counter()
    nothing = [
        first(terms(Crontab(), every_day), after=FRIDAY),
        first(terms(Interval(1, "seconds", FRIDAY), every_day), after=FRIDAY),
        first(terms(Crontab.parse("0 9 * * sat,sun", timezone="Asia/Shanghai"), weekends), after=FRIDAY),
        first(terms(Crontab(), Days(Calendar(dates=frozenset({date(2026, 9, 24)})), keep=True)), after=FRIDAY),
        first(terms(Clocked(FRIDAY + DAY), weekends), after=FRIDAY),
    ]

    assert perf_counter() - began < 0.25
    assert nothing == [None] * 5
    assert Restricted(Crontab(), every_day).span(FRIDAY, FRIDAY + 3650 * DAY) == NOTHING


def test_a_rare_timing_is_searched_for_beyond_ten_years() -> None:
    """29 February on a weekday: 2032 is a Sunday, 2036 a Friday."""
    leap_days = terms(Crontab.parse("0 9 29 2 *"), Days(Calendar(weekly=frozenset({5, 6}))))

    found = [run.occurrence_at.year for run in upcoming(leap_days, after=datetime(2028, 3, 1, tzinfo=UTC), count=2)]

    assert found == [2036, 2040]
