"""Timings in words, read by people who do not know crontabs."""

from datetime import UTC, datetime, timedelta

import pytest

from scheduler_service.timing.clocked import Clocked
from scheduler_service.timing.crontab import Crontab, DayMatch
from scheduler_service.timing.describe import describe
from scheduler_service.timing.interval import Interval
from scheduler_service.timing.timings import NOTHING, Span, Timing

NINE = datetime(2026, 1, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("timing", "words"),
    [
        pytest.param(Interval(30, "seconds", NINE), "every 30 seconds", id="seconds"),
        pytest.param(Interval(1, "hours", NINE), "every hour", id="one hour"),
        pytest.param(Interval(2, "weeks", NINE), "every 2 weeks", id="weeks"),
        pytest.param(Clocked(NINE), "once, at 2026-01-01 09:00 UTC", id="once"),
        pytest.param(
            Clocked(NINE + timedelta(seconds=5)), "once, at 2026-01-01 09:00:05 UTC", id="once, to the second"
        ),
    ],
)
def test_elapsed_and_single_times(timing: Timing, words: str) -> None:
    assert describe(timing) == words


CRONTABS = [
    ("* * * * *", "every minute"),
    ("*/5 * * * *", "every 5 minutes"),
    ("@hourly", "every hour"),
    ("*/15 2 * * *", "every 15 minutes, between 02:00 and 02:59"),
    ("0 9,17 * * *", "at 09:00 and 17:00"),
    ("0 9 * * mon-FRI", "at 09:00, on Monday through Friday"),
    ("0 9 ? * 7", "at 09:00, on Sunday"),
    ("0 9 * * sunday,Tues", "at 09:00, on Sunday and Tuesday"),
    ("0 9 * * */2", "at 09:00, on Sunday, Tuesday, Thursday, and Saturday"),
    ("0 9 * * 0-7", "at 09:00"),
    ("0 */5 * * *", "at 00:00, 05:00, 10:00, 15:00 and 20:00"),
    ("*/90 * * * *", "every hour"),
    ("*,5 * * * *", "every minute"),
    ("@monthly", "at 00:00, on day 1 of the month"),
    ("0 0 1-7 * *", "at 00:00, between day 1 and 7 of the month"),
    ("0 0 */2 * *", "at 00:00, every 2 days"),
    ("0 0 1,L jun-aug *", "at 00:00, on day 1 of the month and the last day of the month, June through August"),
    ("0 0 * * 5L", "at 00:00, on the last Friday of the month"),
    (
        "0 0 * * mon,wed#2",
        "at 00:00, on Monday and the second Wednesday of the month",
    ),
    ("@yearly", "at 00:00, on day 1 of the month, only in January"),
    ("0 9 13 * fri", "at 09:00, on day 13 of the month, if that is also Friday"),
    ("0 9 1-7 * mon,tue", "at 09:00, between day 1 and 7 of the month, if that is also Monday or Tuesday"),
]


@pytest.mark.parametrize(("expression", "words"), CRONTABS, ids=[expression for expression, _ in CRONTABS])
def test_crontabs(expression: str, words: str) -> None:
    assert describe(Crontab.parse(expression)) == words


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        pytest.param("0 9 13 * fri", "at 09:00, on day 13 of the month, or on Friday", id="either day"),
        pytest.param("0 9 */2 * fri", "at 09:00, every 2 days, if that is also Friday", id="a star must match"),
        pytest.param("0 9 1-31 * fri", "at 09:00", id="one is every day"),
        pytest.param("0 9 * * fri", "at 09:00, on Friday", id="only one is restricted"),
    ],
)
def test_crontabs_that_match_either_day(expression: str, words: str) -> None:
    either: DayMatch = "or"

    assert describe(Crontab.parse(expression, day_match=either)) == words


def test_a_zone_other_than_utc_is_named() -> None:
    assert describe(Crontab.parse("0 9 * * 1", timezone="Asia/Shanghai")) == "at 09:00, on Monday (Asia/Shanghai)"


def test_what_is_no_timing_of_ours_has_no_words() -> None:
    class Never:
        def next_after(self, instant: datetime) -> datetime | None:
            return None

        def span(self, after: datetime, until: datetime) -> Span:
            return NOTHING

    with pytest.raises(TypeError, match="no timing that has words"):
        describe(Never())
