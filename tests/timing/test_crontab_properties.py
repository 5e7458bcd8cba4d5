"""Crontabs against four references, over random expressions, zones and instants, mostly near a shift of the clocks.

The judge of every zone is a walk over real minutes. cronsim must agree with us where it is right: with fixed times
everywhere; with stars only where clocks shift by an hour at night, since elsewhere it may answer what does not exist,
leave out minutes or never return (`* 1 * * *` on 1996-10-25 in Asia/Colombo). Celery must agree away from shifts.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice, pairwise

from celery.schedules import crontab as celery_crontab
from celery.schedules import crontab_parser
from cronsim import CronSim
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from scheduler_service.timing import zones
from scheduler_service.timing.crontab import Crontab

MINUTE = timedelta(minutes=1)
TICK = timedelta(microseconds=1)
ERA = datetime(1975, 1, 1, tzinfo=UTC), datetime(2037, 1, 1, tzinfo=UTC)
ODD = ["Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Beirut", "Africa/Cairo", "Antarctica/Troll", "Pacific/Apia"]
ODD += ["America/Goose_Bay", "Pacific/Kwajalein", "Asia/Pyongyang", "Africa/Casablanca", "America/Nuuk", "Asia/Colombo"]
HOURLY_AT_NIGHT = ["America/New_York", "America/Los_Angeles", "Europe/Berlin", "Europe/London", "Australia/Sydney"]
ZONES = sorted(zones.names())

bounded = settings(max_examples=150, deadline=None)


@st.composite
def numbers(draw: st.DrawFn, low: int, high: int) -> str:
    number = st.integers(low, high)
    listed = st.lists(number, min_size=1, max_size=3).map(lambda found: ",".join(map(str, found)))
    ranged = st.tuples(number, number).map(lambda ends: f"{min(ends)}-{max(ends)}")
    return draw(listed | ranged | st.just("*") | st.integers(2, high).map(lambda step: f"*/{step}"))


@st.composite
def crontabs(draw: st.DrawFn, zone: st.SearchStrategy[str], day_match: st.SearchStrategy[str]) -> Crontab:
    hour = st.sampled_from(["*", "*/2", "0", "1", "2", "3", "0-3", "22-23", "23", "1,2,3"]) | numbers(0, 23)
    days = st.just("*") | numbers(1, 28)
    weekdays = st.just("*") | numbers(0, 6)
    return Crontab(
        *(draw(numbers(0, 59)), draw(hour), draw(days), draw(st.sampled_from(["*", "*", "1-11"])), draw(weekdays)),
        timezone=draw(zone),
        day_match=draw(day_match),  # type: ignore[arg-type]
    )


@st.composite
def instants_near_shifts(draw: st.DrawFn, zone: str) -> datetime:
    shifts = zones.shifts(zones.load(zone), *ERA)
    base = draw(st.sampled_from(shifts)).at if shifts else draw(st.datetimes(*_naive(ERA))).replace(tzinfo=UTC)
    return base.replace(second=0) + draw(st.integers(-2000, 300)) * MINUTE + draw(st.sampled_from([0, 1, 31])) * TICK


def _naive(era: tuple[datetime, datetime]) -> tuple[datetime, datetime]:
    return era[0].replace(tzinfo=None), era[1].replace(tzinfo=None)


def walk(crontab: Crontab, after: datetime) -> Iterator[datetime]:
    while (following := crontab.next_after(after)) is not None:
        yield (after := following)


# --- the slow walk ------------------------------------------------------------------------------------------------


@cache
def named(text: str, size: int, low: int) -> set[int]:
    found: set[int] = crontab_parser(size, low).parse(text)
    return found


def matches(crontab: Crontab, local: datetime) -> bool:
    by_date = local.day in named(crontab.day_of_month, 31, 1)
    by_weekday = local.isoweekday() % 7 in named(crontab.day_of_week, 7, 0)
    starred = crontab.day_of_month.startswith("*") or crontab.day_of_week.startswith("*")
    both = crontab.day_match == "and" or starred
    return (
        ((by_date and by_weekday) if both else (by_date or by_weekday))
        and local.month in named(crontab.month_of_year, 12, 1)
        and local.hour in named(crontab.hour, 24, 0)
        and local.minute in named(crontab.minute, 60, 0)
    )


def walked(crontab: Crontab, after: datetime, until: datetime) -> list[datetime]:
    """Every occurrence in (after, until], found by looking at each real minute and what its clocks show."""
    zone = zones.load(crontab.timezone)
    follows_real_time = crontab.minute[0] == "*" or crontab.hour[0] == "*"
    minute = (after - timedelta(days=2)).replace(second=0, microsecond=0)
    shown = minute.astimezone(zone).replace(tzinfo=None)  # the latest local minute that has been shown
    found = []
    while minute <= until:
        local = minute.astimezone(zone).replace(tzinfo=None)
        if follows_real_time:
            due = matches(crontab, local)
        else:
            new = [shown + step * MINUTE for step in range(1, (local - shown) // MINUTE + 1)]
            due = any(matches(crontab, skipped) for skipped in new)
        if due and minute > after:
            found.append(minute)
        shown, minute = max(shown, local), minute + MINUTE
    return found


@bounded
@given(st.data(), st.sampled_from(ODD) | st.sampled_from(ZONES))
def test_a_walk_over_real_minutes_finds_the_same(data: st.DataObject, zone: str) -> None:
    crontab = data.draw(crontabs(st.just(zone), st.sampled_from(["and", "or"])))
    after = data.draw(instants_near_shifts(zone))
    until = after + timedelta(hours=40)

    expected = walked(crontab, after, until)

    span = crontab.span(after, until)
    assert list(islice(walk(crontab, after), len(expected))) == expected
    assert span.count == len(expected)
    assert span.last == (expected[-1] if expected else None)


# --- within itself ------------------------------------------------------------------------------------------------


@bounded
@given(st.data(), st.sampled_from(ODD) | st.sampled_from(ZONES))
def test_a_span_counts_what_a_walk_meets(data: st.DataObject, zone: str) -> None:
    crontab = data.draw(crontabs(st.just(zone), st.sampled_from(["and", "or"])))
    after = data.draw(instants_near_shifts(zone))
    met = list(islice(walk(crontab, after), 300))
    assume(met)

    span = crontab.span(after, met[-1])

    assert (span.count, span.last) == (len(met), met[-1])
    assert crontab.span(after, met[-1] - TICK).count == len(met) - 1
    assert all(earlier < later for earlier, later in pairwise(met))


@bounded
@given(st.data(), crontabs(st.sampled_from(ZONES), st.sampled_from(["and", "or"])))
def test_spans_add_up(data: st.DataObject, crontab: Crontab) -> None:
    instants = st.datetimes(*_naive(ERA)).map(lambda naive: naive.replace(tzinfo=UTC))
    start, middle, end = sorted(data.draw(st.tuples(instants, instants, instants)))

    whole, early, late = crontab.span(start, end), crontab.span(start, middle), crontab.span(middle, end)

    assert whole.count == early.count + late.count
    assert whole.last == (late.last or early.last)


# --- others' answers ----------------------------------------------------------------------------------------------


def simulated(crontab: Crontab, after: datetime) -> Iterator[datetime]:
    """cronsim's answers, without those already past that it gives from within a second pass."""
    found = CronSim(crontab.expression, after.astimezone(zones.load(crontab.timezone)))
    return (instant.astimezone(UTC) for instant in found if instant.astimezone(UTC) > after)


@bounded
@given(st.data(), st.sampled_from(ODD) | st.sampled_from(ZONES))
def test_cronsim_agrees_about_fixed_times_in_every_zone(data: st.DataObject, zone: str) -> None:
    crontab = data.draw(crontabs(st.just(zone), st.just("or")))
    assume(not crontab.minute.startswith("*") and not crontab.hour.startswith("*"))
    after = data.draw(instants_near_shifts(zone))

    assert list(islice(walk(crontab, after), 30)) == list(islice(simulated(crontab, after), 30))


@bounded
@given(st.data(), st.sampled_from(HOURLY_AT_NIGHT))
def test_cronsim_agrees_where_clocks_shift_by_an_hour(data: st.DataObject, zone: str) -> None:
    crontab = data.draw(crontabs(st.just(zone), st.just("or")))
    after = data.draw(instants_near_shifts(zone))

    assert list(islice(walk(crontab, after), 60)) == list(islice(simulated(crontab, after), 60))


@bounded
@example(Crontab("0", "9", "29", "2", "*"), datetime(2026, 1, 1))  # noqa: DTZ001
@given(crontabs(st.just("UTC"), st.just("and")), st.datetimes(*_naive(ERA)))
def test_celery_agrees_where_clocks_do_not_shift(crontab: Crontab, naive: datetime) -> None:
    after = naive.replace(second=0, microsecond=0, tzinfo=UTC)
    minute, hour, day_of_month, month_of_year, day_of_week = crontab.fields
    theirs = celery_crontab(minute, hour, day_of_week, day_of_month, month_of_year, nowfun=lambda: after)
    theirs.tz = UTC

    for _ in range(8):
        last, delta, _ = theirs.remaining_delta(after, tz=UTC)
        ours = crontab.next_after(after)
        assert ours == (last + delta).astimezone(UTC)
        assert ours is not None
        after = ours
