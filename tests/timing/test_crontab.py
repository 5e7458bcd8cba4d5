"""When a crontab comes due, case by case: the calendar and the clocks' shifts."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from scheduler_service.timing.crontab import Crontab, DayMatch
from scheduler_service.timing.timings import NOTHING, Span

NEW_YORK = "America/New_York"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def occurrences(crontab: Crontab, start: str, end: str) -> list[str]:
    """Those in (start, end], as UTC without the year."""
    found, instant = [], at(start)
    while (following := crontab.next_after(instant)) is not None and following <= at(end):
        assert following > instant
        found.append(f"{following:%m-%d %H:%M}")
        instant = following
    return found


NEW_YORK_CASES = [
    pytest.param(
        "30 2 * * *",
        ("2026-03-07T12:00", "2026-03-09T12:00"),
        ["03-08 07:00", "03-09 06:30"],
        id="in the gap: once, when it ends",
    ),
    pytest.param(
        "0,20,40 2,3 * * *",
        ("2026-03-08T00:00", "2026-03-08T12:00"),
        ["03-08 07:00", "03-08 07:20", "03-08 07:40"],
        id="several in the gap are one, and one with the time that ends it",
    ),
    pytest.param(
        "*/15 2 * * *",
        ("2026-03-08T00:00", "2026-03-08T23:00"),
        [],
        id="a star in the gap: nothing",
    ),
    pytest.param(
        "0 * * * *",
        ("2026-03-08T05:00", "2026-03-08T08:00"),
        ["03-08 06:00", "03-08 07:00", "03-08 08:00"],
        id="hourly goes on over the gap",
    ),
    pytest.param(
        "30 1 * * *",
        ("2026-10-31T12:00", "2026-11-02T12:00"),
        ["11-01 05:30", "11-02 06:30"],
        id="in the repeated hour: once, on the first pass",
    ),
    pytest.param(
        "30 1 * * *",
        ("2026-11-01T06:10", "2026-11-02T12:00"),
        ["11-02 06:30"],
        id="asked from the second pass: tomorrow's",
    ),
    pytest.param(
        "0 * * * *",
        ("2026-11-01T04:00", "2026-11-01T08:00"),
        ["11-01 05:00", "11-01 06:00", "11-01 07:00", "11-01 08:00"],
        id="hourly comes in both passes",
    ),
    pytest.param(
        "*/15 * * * *",
        ("2026-11-01T05:30", "2026-11-01T07:00"),
        ["11-01 05:45", "11-01 06:00", "11-01 06:15", "11-01 06:30", "11-01 06:45", "11-01 07:00"],
        id="every quarter has no hole",
    ),
    pytest.param(
        "*/30 1 1 11 *",
        ("2026-11-01T05:30", "2027-11-01T06:00"),
        ["11-01 06:00", "11-01 06:30", "11-01 05:00", "11-01 05:30"],
        id="a star comes in both passes before next year's",
    ),
]


@pytest.mark.parametrize(("expression", "between", "expected"), NEW_YORK_CASES)
def test_clocks_shift_in_new_york(expression: str, between: tuple[str, str], expected: list[str]) -> None:
    crontab = Crontab.parse(expression, timezone=NEW_YORK)

    assert occurrences(crontab, *between) == expected
    assert crontab.span(at(between[0]), at(between[1])).count == len(expected)


ODD_ZONES = [
    pytest.param(
        "Australia/Lord_Howe",
        "15 2 * * *",
        ("2026-10-03T12:00", "2026-10-05T00:00"),
        ["10-03 15:30", "10-04 15:15"],
        id="half an hour is skipped",
    ),
    pytest.param(
        "Australia/Lord_Howe",
        "*/15 1 * * *",
        ("2026-04-04T13:30", "2026-04-04T16:00"),
        ["04-04 14:00", "04-04 14:15", "04-04 14:30", "04-04 14:45", "04-04 15:00", "04-04 15:15"],
        id="half an hour is repeated",
    ),
    pytest.param(
        "America/Sao_Paulo",
        "0 0 * * *",
        ("2017-10-14T12:00", "2017-10-16T12:00"),
        ["10-15 03:00", "10-16 02:00"],
        id="midnight is skipped in São Paulo",
    ),
    pytest.param(
        "Africa/Cairo",
        "30 0 * * fri",
        ("2026-04-23T12:00", "2026-04-25T12:00"),
        ["04-23 22:00"],
        id="midnight is skipped in Cairo",
    ),
    pytest.param(
        "Asia/Beirut",
        "*/20 0 * * *",
        ("2026-03-28T12:00", "2026-03-29T12:00"),
        [],
        id="a star in Beirut's skipped midnight: nothing",
    ),
    pytest.param(
        "Antarctica/Troll",
        "0 1,2 * * *",
        ("2026-03-28T12:00", "2026-03-29T12:00"),
        ["03-29 01:00"],
        id="two hours are skipped",
    ),
    pytest.param(
        "Antarctica/Troll",
        "0 * * * *",
        ("2026-10-24T23:00", "2026-10-25T04:00"),
        ["10-25 00:00", "10-25 01:00", "10-25 02:00", "10-25 03:00", "10-25 04:00"],
        id="two hours are repeated",
    ),
    pytest.param(
        "Pacific/Apia",
        "0 12 * * *",
        ("2011-12-29T00:00", "2012-01-01T00:00"),
        ["12-29 22:00", "12-30 10:00", "12-30 22:00", "12-31 22:00"],
        id="a day is skipped: once, when it ends",
    ),
    pytest.param(
        "Pacific/Apia",
        "0 */12 30 12 *",
        ("2011-12-01T00:00", "2012-01-31T00:00"),
        [],
        id="a star on the skipped day: nothing",
    ),
]


@pytest.mark.parametrize(("zone", "expression", "between", "expected"), ODD_ZONES)
def test_clocks_shift_elsewhere(zone: str, expression: str, between: tuple[str, str], expected: list[str]) -> None:
    crontab = Crontab.parse(expression, timezone=zone)

    assert occurrences(crontab, *between) == expected
    assert crontab.span(at(between[0]), at(between[1])).count == len(expected)


DAYS = [
    pytest.param("0 9 1,15 * mon", "and", ["06-01", "06-15"], id="both must match by default"),
    pytest.param("0 9 1,9 * mon", "or", ["06-01", "06-08", "06-09", "06-15", "06-22", "06-29"], id="or: either"),
    pytest.param("0 9 */14 * mon", "or", ["06-01", "06-15", "06-29"], id="or: a star must match all the same"),
    pytest.param("0 9 ? * 5#2", "or", ["06-12"], id="the second Friday"),
    pytest.param("0 9 * * tue#5", "and", ["06-30"], id="the fifth Tuesday, in months that have one"),
    pytest.param("0 9 * * 5L", "and", ["06-26"], id="the last Friday"),
    pytest.param("0 9 L * *", "and", ["06-30"], id="the last day"),
    pytest.param("0 9 L,1 * sun", "or", ["06-01", "06-07", "06-14", "06-21", "06-28", "06-30"], id="or: the last day"),
    pytest.param("0 9 31 * *", "and", [], id="June has no 31st"),
]


@pytest.mark.parametrize(("expression", "day_match", "expected"), DAYS)
def test_day_fields_in_june_2026(expression: str, day_match: DayMatch, expected: list[str]) -> None:
    crontab = Crontab.parse(expression, day_match=day_match)

    found = occurrences(crontab, "2026-06-01T00:00", "2026-06-30T23:59")

    assert found == [f"{day} 09:00" for day in expected]


def test_the_last_friday_is_one_day_also_when_the_month_ends_with_it() -> None:
    assert occurrences(Crontab.parse("0 9 * * 5L"), "2026-07-01T00:00", "2026-07-31T23:00") == ["07-31 09:00"]


@pytest.mark.parametrize("weekday", range(7))
def test_a_leap_day_falls_on_every_weekday(weekday: int) -> None:
    assert Crontab.parse(f"0 0 29 2 {weekday}").next_after(at("2001-01-01")) is not None


def test_a_leap_day_that_is_a_monday_is_found_across_2100() -> None:
    crontab = Crontab.parse("0 0 29 2 mon")

    assert crontab.next_after(at("2088-01-01")) == at("2112-02-29")


def test_what_always_falls_into_the_gap_never_comes() -> None:
    crontab = Crontab.parse("*/15 2 * 3 sun#2", timezone=NEW_YORK)

    assert crontab.next_after(at("2026-01-01")) is None
    assert crontab.span(at("2026-01-01"), at("2050-01-01")) == NOTHING


def test_the_calendar_ends() -> None:
    assert Crontab.parse("@yearly").next_after(at("9998-06-01")) is None


def test_an_instant_may_come_in_any_zone_and_leaves_in_utc() -> None:
    asked = datetime(2026, 7, 1, 11, 59, 59, 999_999, tzinfo=ZoneInfo("Asia/Shanghai"))

    found = Crontab.parse("0 6 * * *", timezone="Europe/Berlin").next_after(asked)

    assert found == at("2026-07-01T04:00")
    assert found is not None
    assert found.tzinfo is UTC


def test_a_naive_datetime_is_no_instant() -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001

    with pytest.raises(TypeError, match="naive"):
        Crontab().next_after(naive)
    with pytest.raises(TypeError, match="naive"):
        Crontab().span(naive, at("2026-01-02"))


def test_a_span_excludes_its_start_and_includes_its_end() -> None:
    hourly = Crontab.parse("@hourly", timezone="Asia/Kolkata")
    start = at("2026-01-01T00:30")

    assert hourly.span(start, start + timedelta(hours=2)) == Span(2, start + timedelta(hours=2))
    assert hourly.span(start, start + timedelta(minutes=59)) == NOTHING
    assert hourly.span(start, start) == NOTHING
    assert hourly.span(start, start - timedelta(days=1)) == NOTHING
