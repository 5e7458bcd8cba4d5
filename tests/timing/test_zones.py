"""Where the clocks shift, and which instant a local time is."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from scheduler_service.errors import InvalidTiming
from scheduler_service.timing import zones
from scheduler_service.timing.clocked import resolve_local


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


RESOLVED = [
    pytest.param("2026-07-01T09:00", "UTC", "2026-07-01T09:00", id="UTC"),
    pytest.param("2026-07-01T09:00", "Asia/Kathmandu", "2026-07-01T03:15", id="an offset of quarters"),
    pytest.param("2026-03-08T02:30", "America/New_York", "2026-03-08T07:00", id="in a gap: the first instant after it"),
    pytest.param("2026-03-08T03:00", "America/New_York", "2026-03-08T07:00", id="the end of a gap"),
    pytest.param("2026-11-01T01:30", "America/New_York", "2026-11-01T05:30", id="repeated: the first pass"),
    pytest.param("2026-10-04T02:10", "Australia/Lord_Howe", "2026-10-03T15:30", id="in a gap of half an hour"),
    pytest.param("2026-04-24T00:00", "Africa/Cairo", "2026-04-23T22:00", id="a midnight that is skipped"),
    pytest.param("2011-12-30T12:00", "Pacific/Apia", "2011-12-30T10:00", id="a day that is skipped"),
    pytest.param("1972-01-07T00:10", "Africa/Monrovia", "1972-01-07T00:44:30", id="a gap with seconds"),
]


@pytest.mark.parametrize(("local", "zone", "instant"), RESOLVED)
def test_a_local_time_is_an_instant(local: str, zone: str, instant: str) -> None:
    assert resolve_local(datetime.fromisoformat(local), zone) == at(instant)


def test_a_local_time_has_no_offset_of_its_own() -> None:
    with pytest.raises(InvalidTiming, match="an offset and a time zone"):
        resolve_local(at("2026-01-01"), "Europe/Berlin")


def test_a_local_time_beyond_the_calendar_is_refused() -> None:
    with pytest.raises(InvalidTiming, match="out of the calendar"):
        resolve_local(datetime.max, "America/New_York")  # noqa: DTZ901


def test_every_shift_is_found_to_the_second() -> None:
    found = zones.shifts(zones.load("Europe/Berlin"), at("2026-03-29T01:00") - timedelta(seconds=1), at("2027-01-01"))

    hour = timedelta(hours=1)
    assert found == [(at("2026-03-29T01:00"), hour, 2 * hour), (at("2026-10-25T01:00"), 2 * hour, hour)]


def test_a_shift_belongs_to_the_stretch_that_ends_with_it() -> None:
    berlin, shift = zones.load("Europe/Berlin"), at("2026-03-29T01:00")

    assert zones.shifts(berlin, shift, shift + timedelta(days=1)) == []
    assert [found.at for found in zones.shifts(berlin, shift - timedelta(days=1), shift)] == [shift]


def test_a_shift_at_new_year_is_found_once() -> None:
    singapore = zones.shifts(zones.load("Asia/Singapore"), at("1975-01-01"), at("2000-01-01"))

    assert [shift.at for shift in singapore] == [at("1981-12-31T16:00")]


@pytest.mark.parametrize("name", ["Pacific/Apia", "America/Recife", "Africa/Casablanca", "America/Argentina/Tucuman"])
def test_between_shifts_the_offset_stays(name: str) -> None:
    zone, start, end = zones.load(name), at("1990-01-01"), at("2030-01-01")
    known = [start, *(shift.at for shift in zones.shifts(zone, start, end)), end]

    for begin, until in pairwise(known):
        offset, probe = zones.offset_at(begin, zone), begin
        while probe < until:
            assert zones.offset_at(probe, zone) == offset
            probe += timedelta(hours=37)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        pytest.param("Europe/Berln", "Europe/Berlin", id="a typing error"),
        pytest.param("america/new york", "America/New_York", id="case and a space"),
        pytest.param("Shanghai", "Asia/Shanghai", id="the city alone"),
        pytest.param("China/Shanghai", "Asia/Shanghai", id="the wrong continent"),
    ],
)
def test_an_unknown_zone_is_refused_with_near_ones(name: str, meant: str) -> None:
    with pytest.raises(InvalidTiming, match="is not a known time zone") as refused:
        zones.load(name)

    assert meant in refused.value.problems[0].reason
    assert zones.suggest(name)[0] == meant


@pytest.mark.parametrize("name", ["", "America", "../etc/passwd", "/etc/localtime", "\0", "ü" * 5000])
def test_what_is_no_zone_at_all_is_refused(name: str) -> None:
    with pytest.raises(InvalidTiming) as refused:
        zones.load(name)

    assert refused.value.problems[0].field == "timezone"


def test_every_listed_zone_loads() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)

    assert all(abs(zones.offset_at(moment, zones.load(name))) <= timedelta(hours=14) for name in zones.names())
    assert "UTC" in zones.names()
