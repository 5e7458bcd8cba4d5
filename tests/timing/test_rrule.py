"""Recurrence rules: what they say, and what is refused."""

import pickle
from datetime import UTC, datetime, timedelta
from time import perf_counter

import pytest

from scheduler_service.errors import InvalidTiming
from scheduler_service.timing.rrule import Rrule
from scheduler_service.timing.timings import NOTHING, Span

DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
BERLIN = "DTSTART;TZID=Europe/Berlin:20260105T090000\n"
NEW_YORK = "DTSTART;TZID=America/New_York:"
UTC_START = "DTSTART:20260105T090000Z\n"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def first(rule: Rrule, count: int, after: str = "2026-01-01") -> list[str]:
    found: list[str] = []
    instant: datetime | None = at(after)
    while len(found) < count and instant is not None and (instant := rule.next_after(instant)) is not None:
        found.append(instant.strftime("%m-%d %H:%M"))
    return found


NAMED = [
    pytest.param(BERLIN + "RRULE:FREQ=WEEKLY;BYDAY=MO,FR", ["01-05 08:00", "01-09 08:00", "01-12 08:00"], id="a zone"),
    pytest.param(UTC_START + "RRULE:FREQ=DAILY", ["01-05 09:00", "01-06 09:00", "01-07 09:00"], id="UTC"),
    pytest.param(
        "DTSTART:20260105T090000\nRRULE:FREQ=DAILY;COUNT=2", ["01-05 09:00", "01-06 09:00"], id="floating: UTC"
    ),
    pytest.param(
        "DTSTART;VALUE=DATE:20260105\nRRULE:FREQ=DAILY;UNTIL=20260106", ["01-05 00:00", "01-06 00:00"], id="dates"
    ),
    pytest.param(
        BERLIN + "RRULE:FREQ=DAILY;UNTIL=20260106T080000Z", ["01-05 08:00", "01-06 08:00"], id="UNTIL is inclusive"
    ),
    pytest.param(BERLIN + "RRULE:FREQ=DAILY;UNTIL=20260106T075959Z", ["01-05 08:00"], id="UNTIL just before"),
    pytest.param(
        BERLIN + "RRULE:FREQ=DAILY;COUNT=4\nEXDATE;TZID=Europe/Berlin:20260106T090000,20260107T090000",
        ["01-05 08:00", "01-08 08:00"],
        id="EXDATE: counted, but left out",
    ),
    pytest.param(BERLIN + "RRULE:FREQ=DAILY;COUNT=2\nEXDATE:20260106T080000Z", ["01-05 08:00"], id="EXDATE in UTC"),
    pytest.param(
        BERLIN + "RRULE:FREQ=DAILY;COUNT=2\nEXDATE;VALUE=DATE:20260106", ["01-05 08:00"], id="EXDATE of a day"
    ),
    pytest.param(
        BERLIN + "RRULE:FREQ=DAILY;COUNT=1\nRDATE;TZID=Asia/Tokyo:20260201T090000",
        ["01-05 08:00", "02-01 00:00"],
        id="RDATE in another zone",
    ),
    pytest.param(
        UTC_START + "RDATE:20260203T090000Z", ["01-05 09:00", "02-03 09:00"], id="without RRULE, DTSTART is one"
    ),
    pytest.param(
        "DTSTART:20260131T090000Z\nRRULE:FREQ=MONTHLY;COUNT=3", ["01-31 09:00", "03-31 09:00", "05-31 09:00"], id="31st"
    ),
    pytest.param(
        UTC_START + "RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=2",
        ["01-30 09:00", "02-27 09:00"],
        id="the last working day",
    ),
    pytest.param(
        UTC_START + "RRULE:FREQ=WEEKLY;COUNT=2\nRRULE:FREQ=DAILY;COUNT=2;BYHOUR=9",
        ["01-05 09:00", "01-06 09:00", "01-12 09:00"],
        id="two rules: what both name comes once",
    ),
    pytest.param(
        NEW_YORK + "20260307T023000\nRRULE:FREQ=DAILY;COUNT=3",
        ["03-07 07:30", "03-08 07:00", "03-09 06:30"],
        id="in a gap",
    ),
    pytest.param(
        NEW_YORK + "20260308T013000\nRRULE:FREQ=MINUTELY;INTERVAL=30;COUNT=5",
        ["03-08 06:30", "03-08 07:00", "03-08 07:30"],
        id="what a gap swallowed is one",
    ),
    pytest.param(
        NEW_YORK + "20261101T003000\nRRULE:FREQ=HOURLY;COUNT=3",
        ["11-01 04:30", "11-01 05:30", "11-01 07:30"],
        id="a repeated hour: the first pass",
    ),
]


@pytest.mark.parametrize(("text", "expected"), NAMED)
def test_a_rule_names_instants(text: str, expected: list[str]) -> None:
    assert first(Rrule(text), len(expected) + (0 if "COUNT" not in text else 1)) == expected


def test_a_utc_exdate_takes_away_what_a_gap_moved_there() -> None:
    daily = NEW_YORK + "20260307T023000\nRRULE:FREQ=DAILY;COUNT=3\n"

    assert first(Rrule(daily + "EXDATE:20260308T070000Z"), 3) == ["03-07 07:30", "03-09 06:30"]
    assert first(Rrule(daily + "EXDATE;TZID=America/New_York:20260308T023000"), 3) == ["03-07 07:30", "03-09 06:30"]


def test_folded_and_indented_lines_are_one_value() -> None:
    folded = Rrule("DTSTART;TZID=Europe/Berlin:20260105T0\r\n 90000\r\nRRULE:FREQ=WEEKLY;BY\r\n DAY=MO\r\n")

    assert folded == Rrule("  " + BERLIN + "   RRULE:FREQ=WEEKLY;BYDAY=MO ")
    assert hash(folded) == hash(pickle.loads(pickle.dumps(folded)))


def test_a_rule_that_is_over_names_nothing_more() -> None:
    rule = Rrule(BERLIN + "RRULE:FREQ=DAILY;COUNT=3")

    assert rule.next_after(at("2026-01-07T08:00")) is None
    assert rule.span(at("2026-01-01"), at("2036-01-01")) == Span(3, at("2026-01-07T08:00"))
    assert rule.span(at("2026-02-01"), at("2036-01-01")) == NOTHING
    assert rule.span(at("2020-01-01"), at("2026-01-01")) == NOTHING


@pytest.mark.parametrize(
    "line", ["FREQ=SECONDLY", "FREQ=MINUTELY", "FREQ=SECONDLY;INTERVAL=7", "FREQ=MINUTELY;COUNT=99999999"]
)
def test_far_from_its_start_a_dense_rule_is_quick(line: str) -> None:
    rule = Rrule(f"DTSTART;TZID=Europe/Berlin:20100101T000000\nRRULE:{line}")
    now = at("2026-06-01")

    began = perf_counter()
    following, year = rule.next_after(now), rule.span(now, now + 365 * DAY)

    assert perf_counter() - began < 0.1
    assert following is not None
    assert year.count > 365 * 1439


def test_a_year_of_minutes_is_counted_exactly() -> None:
    rule = Rrule("DTSTART;TZID=Europe/Berlin:20150101T000000\nRRULE:FREQ=MINUTELY")

    year = rule.span(at("2025-12-31T23:00") - TICK, at("2026-12-31T23:00") - TICK)

    assert year.count == 365 * 1440 - 60  # the hour that spring leaves out: one is left of its sixty, at the gap's end


REFUSED = [
    pytest.param("", "is none of DTSTART", id="empty"),
    pytest.param("every day", "is none of DTSTART", id="words"),
    pytest.param("RRULE:FREQ=DAILY", "has no DTSTART", id="no start"),
    pytest.param(BERLIN, "neither RRULE nor RDATE", id="no rule"),
    pytest.param(BERLIN * 2 + "RRULE:FREQ=DAILY", "has 2 DTSTART", id="two starts"),
    pytest.param(BERLIN + "RRULE:BYDAY=MO", "needs a FREQ", id="no FREQ"),
    pytest.param(BERLIN + "RRULE:FREQ=DAILY;BYEASTER=1", "'BYEASTER=1'", id="not in the RFC"),
    pytest.param(BERLIN + "RRULE:FREQ=DAILY;FREQ=DAILY", "FREQ twice", id="twice"),
    pytest.param(BERLIN + "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "never comes", id="30 February"),
    pytest.param(BERLIN + "RRULE:FREQ=SECONDLY;BYSETPOS=2", "never comes", id="the second second of each second"),
    pytest.param(BERLIN + "RRULE:FREQ=HOURLY;INTERVAL=2;BYHOUR=2,4", "never comes", id="even hours from an odd one"),
    pytest.param(BERLIN + "RRULE:FREQ=DAILY;UNTIL=20250101T000000Z", "never comes", id="over before it starts"),
    pytest.param(BERLIN + "RRULE:FREQ=DAILY;COUNT=1\nEXDATE:20260105T080000Z", "never comes", id="all left out"),
    pytest.param(BERLIN + "RRULE:FREQ=DAILY;UNTIL=20270101T000000", "must be a time in UTC", id="UNTIL without Z"),
    pytest.param(
        "DTSTART:20260105T090000\nRRULE:FREQ=DAILY;UNTIL=20270101T000000Z", "must be a local time", id="UNTIL with Z"
    ),
    pytest.param(BERLIN + "RRULE:FREQ=DAILY;UNTIL=20270101", "must be a time in UTC", id="UNTIL a date"),
    pytest.param(BERLIN + "RRULE:FREQ=DAILY;COUNT=2;UNTIL=20270101T000000Z", "both COUNT and UNTIL", id="two ends"),
    pytest.param("DTSTART;TZID=Europe/Berln:20260105T090000\nRRULE:FREQ=DAILY", "near to it: Europe/Berlin", id="zone"),
    pytest.param(
        "DTSTART;TZID=Europe/Berlin:20260105T090000Z\nRRULE:FREQ=DAILY", "must be a local time", id="zone and Z"
    ),
    pytest.param("DTSTART:20261305T090000\nRRULE:FREQ=DAILY", "no date of the calendar", id="month 13"),
    pytest.param("DTSTART:2026-01-05T09:00\nRRULE:FREQ=DAILY", "no date or time", id="ISO 8601"),
    pytest.param("DTSTART:00010105T090000\nRRULE:FREQ=DAILY", "within the years", id="antiquity"),
    pytest.param(BERLIN + "RRULE:FREQ=DAILY\nEXRULE:FREQ=WEEKLY", "EXRULE", id="EXRULE"),
    pytest.param(BERLIN + "RRULE:FREQ=DAILY\nSUMMARY:Lunch", "'SUMMARY:Lunch'", id="more of the calendar"),
    pytest.param(BERLIN + "RRULE:FREQ=WEEKLY;BYDAY=1MO", "counts the weekdays", id="the first Monday of a week"),
    pytest.param(BERLIN + "RRULE:FREQ=DAILY;BYHOUR=24", "'24', which is not within 0 to 23", id="hour 24"),
    pytest.param(BERLIN + "RRULE:FREQ=DAILY;BYDAY=XX", "no weekday", id="day XX"),
    pytest.param(BERLIN + "RRULE:FREQ=DAILY;INTERVAL=0", "whole number from 1", id="no interval"),
    pytest.param(BERLIN + "RRULE:FREQ=YEARLY;INTERVAL=101", "whole number from 1 to 100", id="beyond a century"),
    pytest.param(BERLIN + "RDATE;VALUE=PERIOD:20260105T090000/PT1H", "VALUE=PERIOD", id="periods"),
    pytest.param(BERLIN + "RRULE:FREQ=DAILY\nRDATE;VALUE=DATE:20260105", "RDATE is a date", id="RDATE a date"),
    pytest.param(BERLIN + "RRULE:FREQ=SECONDLY\n" * 2, "once a minute", id="several of each second"),
    pytest.param(BERLIN + "RRULE:FREQ=DAILY\n" * 11, "11 RRULEs", id="many rules"),
    pytest.param(BERLIN + "RRULE:FREQ=DAILY\nEXDATE:" + "20260105T090000," * 200, "characters long", id="long"),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_a_bad_rule_is_refused_quickly(text: str, reason: str) -> None:
    began = perf_counter()
    with pytest.raises(InvalidTiming) as refused:
        Rrule(text)

    assert perf_counter() - began < 0.5
    (problem,) = refused.value.problems
    assert problem.field == "rule"
    assert reason in problem.reason
    assert problem.example
