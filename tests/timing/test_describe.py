"""Timings in words, read by people who do not know crontabs."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from scheduler_service.timing.calendars import Calendar, Days
from scheduler_service.timing.clocked import Clocked
from scheduler_service.timing.crontab import Crontab, DayMatch
from scheduler_service.timing.describe import Language, describe, describe_days
from scheduler_service.timing.interval import Interval
from scheduler_service.timing.rrule import Rrule
from scheduler_service.timing.solar import Event, Solar
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


# --- Chinese ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("timing", "words"),
    [
        pytest.param(Interval(30, "seconds", NINE), "每 30 秒", id="seconds"),
        pytest.param(Interval(1, "hours", NINE), "每小时", id="one hour"),
        pytest.param(Interval(2, "weeks", NINE), "每 2 周", id="weeks"),
        pytest.param(Clocked(NINE), "一次，2026-01-01 09:00 UTC", id="once"),
        pytest.param(Solar("sunset", 39.9, 116.4), "每天日落（39.9°N 116.4°E）", id="sunset"),
    ],
)
def test_elapsed_and_single_times_in_chinese(timing: Timing, words: str) -> None:
    assert describe(timing, "zh") == words


CHINESE_CRONTABS = [
    ("* * * * *", "每分钟"),
    ("*/5 * * * *", "每 5 分钟"),
    ("@hourly", "每小时"),
    ("0 */2 * * *", "每 2 小时"),
    ("*/15 2 * * *", "每 15 分钟，02:00 至 02:59"),
    ("0-29 9 * * *", "09:00 至 09:29 的每分钟"),
    ("5,10 * * * *", "每小时的 5、10 分"),
    ("5/15 * * * *", "每小时的 5、20、35、50 分"),
    ("0 9 * * *", "每天 09:00"),
    ("0 9,17 * * *", "每天 09:00、17:00"),
    ("0 */5 * * *", "每天 00:00、05:00、10:00、15:00、20:00"),
    ("0 9 * * mon-FRI", "周一至周五 09:00"),
    ("0 9 * * sunday,Tues", "周日、周二 09:00"),
    ("0 9 * * fri-mon", "周五至周一 09:00"),
    ("30 9-17 * * 1-5", "周一至周五，每小时的 30 分，09:00 至 17:59"),
    ("@monthly", "每月 1 号 00:00"),
    ("0 0 1,15 * *", "每月 1、15 号 00:00"),
    ("0 0 1-7 * *", "每月 1 至 7 号 00:00"),
    ("0 0 */2 * *", "每月从 1 号起每 2 天 00:00"),
    ("0 0 L * *", "每月最后一天 00:00"),
    ("0 0 1,L jun-aug *", "每年 6 至 8 月 1 号和最后一天 00:00"),
    ("0 0 * * 5L", "每月最后一个周五 00:00"),
    ("0 0 * * mon,wed#2", "周一、每月第 2 个周三 00:00"),
    ("@yearly", "每年 1 月 1 号 00:00"),
    ("0 9 * 6 mon", "每年 6 月的周一 09:00"),
    ("0 0 * */2 *", "每年 1、3、5、7、9、11 月每天 00:00"),
    ("0 9 13 * fri", "每月 13 号且为周五 09:00"),
]


@pytest.mark.parametrize(
    ("expression", "words"), CHINESE_CRONTABS, ids=[expression for expression, _ in CHINESE_CRONTABS]
)
def test_crontabs_in_chinese(expression: str, words: str) -> None:
    assert describe(Crontab.parse(expression), "zh") == words


def test_a_zone_and_either_day_in_chinese() -> None:
    either: DayMatch = "or"

    assert describe(Crontab.parse("0 9 * * 1", timezone="Asia/Shanghai"), "zh") == "周一 09:00（Asia/Shanghai）"
    assert describe(Crontab.parse("0 9 13 * fri", day_match=either), "zh") == "每月 13 号或周五 09:00"
    assert describe(Crontab.parse("0 9 1-31 * fri", day_match=either), "zh") == "每天 09:00"


# --- the sun, rules, calendars ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ("sunset", "at sunset at 33.9°S 70.5°W"),
        ("solar_noon", "at solar noon at 33.9°S 70.5°W"),
        ("dawn_civil", "at civil dawn at 33.9°S 70.5°W"),
        ("dusk_astronomical", "at astronomical dusk at 33.9°S 70.5°W"),
    ],
)
def test_the_sun(event: Event, words: str) -> None:
    assert describe(Solar(event, -33.9, -70.5)) == words


RULES = [
    ("FREQ=DAILY", "every day at 09:00", "每天 09:00"),
    ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR", "every 2 weeks on Monday and Friday at 09:00", "每 2 周的周一、周五 09:00"),
    ("FREQ=MONTHLY;BYDAY=-1FR", "every month on the last Friday of the month at 09:00", "每月的最后一个周五 09:00"),
    (
        "FREQ=MONTHLY;BYMONTHDAY=-2",
        "every month on the 2nd to last day of the month at 09:00",
        "每月的倒数第 2 天 09:00",
    ),
    (
        "FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=1",
        "every month on Monday and Tuesday (only the 1st of them) at 09:00",
        "每月的周一、周二（仅第 1 个） 09:00",
    ),
    ("FREQ=YEARLY", "every year in January on the 5th day of the month at 09:00", "每年的 1 月 5 号 09:00"),
    ("FREQ=DAILY;BYMONTH=3", "every day in March at 09:00", "3 月，每天 09:00"),
    ("FREQ=MINUTELY;INTERVAL=5;BYDAY=SU", "every 5 minutes on Sunday", "周日，每 5 分钟"),
    ("FREQ=HOURLY;BYMINUTE=0,30", "every hour at minute 0 and 30", "每小时，第 0、30 分"),
    ("FREQ=DAILY;BYHOUR=1,2,3,4,5,6,7", "every day at 7 times of the day", "每天的 7 个时刻"),
    ("FREQ=WEEKLY;COUNT=10", "every week on Monday at 09:00, 10 times", "每周的周一 09:00，共 10 次"),
    (
        "FREQ=DAILY;UNTIL=20261231T080000Z",
        "every day at 09:00, until 2026-12-31 09:00",
        "每天 09:00，至 2026-12-31 09:00 止",
    ),
    ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "every year in week 20 on Monday at 09:00", "每年的第 20 周的周一 09:00"),
]


@pytest.mark.parametrize(("line", "english", "chinese"), RULES, ids=[line for line, _, _ in RULES])
def test_recurrence_rules(line: str, english: str, chinese: str) -> None:
    rule = Rrule(f"DTSTART;TZID=Europe/Berlin:20260105T090000\nRRULE:{line}")

    assert describe(rule) == f"{english}, from 2026-01-05 (Europe/Berlin)"
    assert describe(rule, "zh") == f"{chinese}，自 2026-01-05 起（Europe/Berlin）"


def test_dates_of_a_rule() -> None:
    head = "DTSTART:20260105T090000Z\n"
    both = Rrule(head + "RRULE:FREQ=DAILY\nRDATE:20260106T120000Z\nEXDATE:20260107T090000Z,20260108T090000Z")

    assert describe(both) == "every day at 09:00, on 2026-01-06 12:00, except 2 dates, from 2026-01-05"
    assert describe(both, "zh") == "每天 09:00，2026-01-06 12:00，2 个日期除外，自 2026-01-05 起"
    assert describe(Rrule(head + "RDATE:20260106T120000Z")) == "on 2026-01-05 09:00 and 2026-01-06 12:00"


def test_a_calendar_in_use() -> None:
    calendar = Calendar(weekly=frozenset({6}))

    assert describe_days(Days(calendar), "Holidays") == "not on the days of Holidays (UTC)"
    assert describe_days(Days(calendar, keep=True), "Month ends") == "only on the days of Month ends (UTC)"
    assert describe_days(Days(calendar), "假日", "zh") == "“假日”的日期除外（UTC）"


def test_what_is_no_timing_of_ours_has_no_words() -> None:
    class Never:
        def next_after(self, instant: datetime) -> datetime | None:
            return None

        def span(self, after: datetime, until: datetime) -> Span:
            return NOTHING

    for language in get_args(Language):
        with pytest.raises(TypeError, match="no timing that has words"):
            describe(Never(), language)
