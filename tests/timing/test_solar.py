"""The sun's events, against an almanac's (computed by PyEphem, with Celery's horizons)."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler_service.errors import InvalidTiming
from scheduler_service.timing.solar import Event, Solar
from scheduler_service.timing.timings import NOTHING

TICK, DAY = timedelta(microseconds=1), timedelta(days=1)
LONDON, NEW_YORK, SINGAPORE = (51.5074, -0.1278), (40.7128, -74.006), (1.3521, 103.8198)
SUVA, APIA, TROMSO = (-18.1416, 178.4419), (-13.8333, -171.7667), (69.6492, 18.9553)  # Suva, Apia: by the date line


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


ALMANAC: list[tuple[Event, tuple[float, float], str]] = [
    ("dawn_astronomical", LONDON, "2026-03-20T04:09:59"),
    ("dawn_nautical", LONDON, "2026-06-21T01:40:40"),
    ("dawn_civil", LONDON, "2026-12-21T07:23:24"),
    ("sunrise", LONDON, "2026-06-21T03:43:08"),
    ("solar_noon", LONDON, "2026-12-21T11:58:34"),
    ("sunset", LONDON, "2026-12-21T15:53:25"),
    ("dusk_civil", LONDON, "2026-06-21T21:09:19"),
    ("dusk_nautical", LONDON, "2026-06-21T22:23:58"),
    ("dusk_astronomical", LONDON, "2026-12-21T17:57:45"),
    ("sunrise", NEW_YORK, "2026-03-20T10:59:17"),
    ("dawn_civil", NEW_YORK, "2026-06-21T08:51:35"),
    ("solar_noon", NEW_YORK, "2026-03-20T17:03:23"),
    ("sunrise", SINGAPORE, "2026-03-20T23:08:40"),
    ("sunset", SINGAPORE, "2026-06-21T11:12:28"),
    ("dusk_astronomical", SINGAPORE, "2026-12-21T12:19:02"),
    ("sunrise", SUVA, "2026-06-21T18:36:56"),
    ("solar_noon", SUVA, "2026-06-21T00:07:56"),
    ("sunset", SUVA, "2026-12-21T06:40:43"),
    ("dawn_civil", APIA, "2026-03-20T17:09:46"),
    ("solar_noon", APIA, "2026-12-21T23:25:22"),
    ("sunset", APIA, "2026-06-21T05:08:02"),
]


@pytest.mark.parametrize(("event", "place", "expected"), ALMANAC)
def test_an_event_comes_when_an_almanac_says(event: Event, place: tuple[float, float], expected: str) -> None:
    found = Solar(event, *place).next_after(at(expected) - timedelta(hours=12))

    assert found is not None
    assert abs(found - at(expected)) < timedelta(minutes=1)


def test_days_without_the_event_are_skipped() -> None:
    sunrise, sunset = Solar("sunrise", *TROMSO), Solar("sunset", *TROMSO)

    first_after_polar_night, last_before = (
        sunrise.next_after(at("2026-12-01")),
        sunrise.span(at("2026-11-01"), at("2026-12-31")).last,
    )
    first_after_polar_day = sunset.next_after(at("2026-05-25"))

    assert first_after_polar_night is not None
    assert first_after_polar_night.date().isoformat() == "2027-01-15"
    assert last_before is not None
    assert last_before.date().isoformat() == "2026-11-27"
    assert first_after_polar_day is not None
    assert first_after_polar_day.date().isoformat() == "2026-07-26"


def test_the_search_ends_after_a_year() -> None:
    assert Solar("dusk_astronomical", 90, 0).next_after(at("2026-05-01")) is not None
    assert Solar("sunset", *TROMSO).next_after(at("9998-01-01")) is None


def test_a_day_of_utc_may_have_two_sunrises_or_none() -> None:
    """Where the sun rises at midnight UTC: no day of its own is left out."""
    sunrise = Solar("sunrise", 45, 90)

    count = sunrise.span(at("2026-01-01") - TICK, at("2027-01-01") - TICK).count

    assert count in (365, 366)


places = st.tuples(st.floats(-90, 90), st.floats(-180, 180) | st.sampled_from([180.0, -180.0]))
instants = st.datetimes(datetime(1990, 1, 1), datetime(2080, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(get_args(Event)), places, instants, st.integers(0, 500))
def test_events_are_counted_as_they_come(event: Event, place: tuple[float, float], after: datetime, days: int) -> None:
    solar, until = Solar(event, *place), after + days * DAY
    met, instant = [], solar.next_after(after)
    while instant is not None and instant <= until:
        met.append(instant)
        instant = solar.next_after(instant)

    span = solar.span(after, until)

    assert (span.count, span.last) == (len(met), met[-1] if met else None)
    assert all(earlier < later for earlier, later in pairwise(met))
    assert solar.span(until, after - DAY) == NOTHING


def test_a_span_of_decades_is_quick_to_count() -> None:
    assert Solar("sunset", *LONDON).span(at("2000-01-01"), at("2100-01-01")).count == 36_525


@pytest.mark.parametrize(
    ("event", "latitude", "longitude", "fields"),
    [
        pytest.param("sun_set", 0, 0, ["event"], id="no such event"),
        pytest.param("sunset", 90.1, 0, ["latitude"], id="beyond the pole"),
        pytest.param("sunset", 0, -180.5, ["longitude"], id="beyond the date line"),
        pytest.param("sunset", float("nan"), "1", ["latitude", "longitude"], id="no numbers"),
        pytest.param("", True, None, ["event", "latitude", "longitude"], id="nothing right"),
    ],
)
def test_a_bad_place_or_event_is_refused(event: Event, latitude: float, longitude: float, fields: list[str]) -> None:
    with pytest.raises(InvalidTiming) as refused:
        Solar(event, latitude, longitude)

    assert [problem.field for problem in refused.value.problems] == fields


def test_an_unknown_event_is_refused_with_near_ones() -> None:
    with pytest.raises(InvalidTiming, match="near to it: sunset"):
        Solar("Sun set", 0, 0)  # type: ignore[arg-type]


def test_equal_places_are_one_value() -> None:
    assert Solar("sunset", 52, 13) == Solar("sunset", 52.0, 13.0)
    assert len({Solar("sunset", 52, 13), Solar("sunset", 52.0, 13.0)}) == 1
