"""Calendars: which days they cover, and how a definition is read."""

from datetime import UTC, date, datetime

import pytest

from scheduler_service.errors import FieldProblem, InvalidTiming
from scheduler_service.timing.calendar_definitions import parse_calendar
from scheduler_service.timing.calendars import Calendar, Days, Holidays


def day(text: str) -> date:
    return date.fromisoformat(text)


CHINA = {"weekly": ["sat", "sun"], "holidays": {"country": "CN"}}

COVERED = [
    pytest.param({"dates": ["2026-12-24"]}, ["2026-12-24"], ["2026-12-23", "2027-12-24"], id="a date"),
    pytest.param(
        {"ranges": [{"start": "2026-12-24", "end": "2027-01-02"}]},
        ["2026-12-24", "2026-12-31", "2027-01-01", "2027-01-02"],
        ["2026-12-23", "2027-01-03"],
        id="a range, both ends included, over New Year",
    ),
    pytest.param(
        {"weekly": ["Saturday", "sun"]}, ["2026-06-06", "2026-06-07"], ["2026-06-05", "2026-06-08"], id="weekends"
    ),
    pytest.param(
        CHINA, ["2026-10-01", "2026-10-03", "2026-02-17"], ["2026-09-30", "2026-10-09"], id="China's holidays"
    ),
    pytest.param(CHINA, ["2026-10-11"], ["2026-10-10", "2026-09-20", "2026-02-14"], id="its make-up workdays"),
    pytest.param(
        {"weekly": ["sat", "sun"], "holidays": {"country": "CN", "workdays": False}},
        ["2026-10-10", "2026-09-20", "2026-10-01"],
        ["2026-10-09"],
        id="without the make-up workdays",
    ),
    pytest.param({**CHINA, "dates": ["2026-10-10"]}, ["2026-10-10"], ["2026-09-20"], id="a date that is written wins"),
    pytest.param({"holidays": {"country": "de"}}, ["2026-10-03"], ["2026-01-06"], id="a country"),
    pytest.param(
        {"holidays": {"country": "DE", "subdivision": "BY"}},
        ["2026-10-03", "2026-01-06"],
        ["2026-10-31"],
        id="a part of it",
    ),
    pytest.param(
        {"holidays": {"country": "IN"}}, ["1970-01-26"], ["1970-01-27"], id="years of which the library warns"
    ),
]


@pytest.mark.parametrize(("definition", "covered", "free"), COVERED)
def test_a_calendar_covers_days(definition: object, covered: list[str], free: list[str]) -> None:
    calendar = parse_calendar(definition)

    assert [text for text in covered if not calendar.covers(day(text))] == []
    assert [text for text in free if calendar.covers(day(text))] == []


def test_a_make_up_workday_before_new_year_is_known() -> None:
    assert not parse_calendar(CHINA).covers(day("2005-12-31"))  # a Saturday, for 3 January 2006


def test_beyond_the_years_that_are_looked_up_there_are_no_holidays() -> None:
    calendar = parse_calendar({"weekly": ["sun"], "holidays": {"country": "DE"}})

    assert calendar.covers(day("2100-10-03"))
    assert not calendar.covers(day("2102-10-03"))
    assert calendar.covers(day("2102-10-01"))


def test_equal_definitions_are_one_value() -> None:
    written = parse_calendar(
        {"dates": ["2026-01-02", "2026-01-01"], "weekly": ["SUN"], "ranges": None, "holidays": None}
    )

    assert written == Calendar(dates=frozenset({day("2026-01-01"), day("2026-01-02")}), weekly=frozenset({6}))
    assert hash(written) == hash(parse_calendar({"weekly": ["sunday"], "dates": ["2026-01-01", "2026-01-02"]}))
    assert parse_calendar({"holidays": {"country": "CN", "workdays": True}}).holidays == Holidays("CN")


WRONG: list[tuple[object, list[str]]] = [
    (None, ["definition"]),
    ({}, ["definition"]),
    ({"dates": [], "weekly": None}, ["definition"]),
    ({"date": ["2026-01-01"]}, ["date"]),
    ({"dates": "2026-01-01"}, ["dates"]),
    ({"dates": ["2026-01-01", "2026-02-30", 7, "2026-1-1", "1969-12-31", None]}, [f"dates.{n}" for n in range(1, 6)]),
    ({"dates": ["2026-01-01"] * 1001}, ["dates"]),
    (
        {"ranges": [{"start": "2026-01-02", "end": "2026-01-01"}, {"start": "x"}, 3, {"from": 1}]},
        [
            "ranges.0.end",
            "ranges.1.start",
            "ranges.1.end",
            "ranges.2",
            "ranges.3.from",
            "ranges.3.start",
            "ranges.3.end",
        ],
    ),
    ({"weekly": ["sat", "sa", "satrday", 6]}, ["weekly.1", "weekly.2", "weekly.3"]),
    ({"holidays": "CN"}, ["holidays"]),
    ({"holidays": {}}, ["holidays.country"]),
    (
        {"holidays": {"country": "XX", "region": 1, "workdays": 1}},
        ["holidays.region", "holidays.workdays", "holidays.country"],
    ),
    ({"holidays": {"country": "DE", "subdivision": "Bavaria"}}, ["holidays.subdivision"]),
    ({"holidays": {"country": "DE", "subdivision": ["BY"]}}, ["holidays.subdivision"]),
    ({"holidays": {"country": "CN", "subdivision": ""}}, ["holidays.subdivision"]),
]


@pytest.mark.parametrize(("definition", "fields"), WRONG)
def test_every_bad_field_is_named(definition: object, fields: list[str]) -> None:
    with pytest.raises(InvalidTiming) as refused:
        parse_calendar(definition)

    assert [problem.field for problem in refused.value.problems] == fields


@pytest.mark.parametrize(
    ("definition", "hint"),
    [
        pytest.param({"holidays": {"country": "China"}}, "near to it: CN", id="a country's name"),
        pytest.param({"holidays": {"country": "CHN"}}, "near to it: CN", id="its three letters"),
        pytest.param({"holidays": {"country": "germny"}}, "near to it: DE", id="a typing error"),
        pytest.param({"holidays": {"country": "DE", "subdivision": "BAY"}}, "near to it: BY", id="a part"),
        pytest.param({"holidays": {"country": "CN", "subdivision": "BJ"}}, "it has none", id="no parts"),
        pytest.param({"weekly": ["satrday"]}, "near to it: saturday", id="a day of the week"),
        pytest.param({"date": []}, "did you mean dates?", id="a part of the definition"),
    ],
)
def test_what_was_meant_is_suggested(definition: object, hint: str) -> None:
    with pytest.raises(InvalidTiming) as refused:
        parse_calendar(definition)

    assert any(hint in problem.reason for problem in refused.value.problems)
    assert isinstance(refused.value.problems[0], FieldProblem)


def test_days_are_judged_in_their_zone() -> None:
    sundays = parse_calendar({"weekly": ["sun"]})
    sunday_in_tokyo = datetime(2026, 6, 6, 20, tzinfo=UTC)

    assert Days(sundays, keep=True, timezone="Asia/Tokyo").allows(sunday_in_tokyo)
    assert not Days(sundays, keep=True, timezone="UTC").allows(sunday_in_tokyo)
    assert not Days(sundays, keep=False, timezone="Asia/Tokyo").allows(sunday_in_tokyo)


def test_days_of_an_unknown_zone_are_refused() -> None:
    with pytest.raises(InvalidTiming, match="Asia/Tokyo"):
        Days(Calendar(weekly=frozenset({6})), keep=False, timezone="Asia/Tokio")
