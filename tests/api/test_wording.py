"""Timings in the words of whoever reads them."""

import re

import httpx
import pytest

from tests.api.given import CRONTAB, given_schedule
from tests.api.test_calendars import given_calendar

CHINESE = re.compile("[\u4e00-\u9fff]")


def asked(api: httpx.Client, method: str, path: str, language: str | None, body: object = None) -> httpx.Response:
    headers = {"Accept-Language": language} if language else {}
    answer = api.request(method, path, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/schedules/1", None),
        ("PATCH", "/schedules/1", {"description": "x"}),
        ("POST", "/schedules/1/pause", {}),
        ("POST", "/schedules/1/resume", None),
        ("GET", "/schedules/1/next", None),
        ("POST", "/schedules/preview", {"timing": CRONTAB}),
    ],
)
def test_a_timing_is_told_in_chinese_or_in_english(
    sqlite_api: httpx.Client, method: str, path: str, body: object
) -> None:
    given_schedule(sqlite_api, timing=CRONTAB)

    chinese = asked(sqlite_api, method, path, "zh-CN,zh;q=0.9,en;q=0.8", body)
    english = asked(sqlite_api, method, path, None, body)

    assert CHINESE.search(chinese.json()["timing_text"])
    assert english.json()["timing_text"] == "every 5 minutes"
    assert [answer.headers["content-language"] for answer in (chinese, english)] == ["zh-Hans", "en"]
    assert [answer.headers["vary"] for answer in (chinese, english)] == ["Accept-Language"] * 2


def test_the_words_name_the_calendar(sqlite_api: httpx.Client) -> None:
    given_calendar(sqlite_api, "days off")
    daily = {"type": "crontab", "expression": "0 9 * * *"}
    given_schedule(sqlite_api, timing=daily, calendar="days off")

    english = asked(sqlite_api, "GET", "/schedules/1", None).json()["timing_text"]
    chinese = asked(sqlite_api, "GET", "/schedules/1", "zh").json()["timing_text"]
    preview = {"timing": daily, "calendar": {"name": "days off", "mode": "only"}}
    previewed = asked(sqlite_api, "POST", "/schedules/preview", None, preview).json()["timing_text"]

    assert english == "at 09:00, not on the days of days off (UTC)"
    assert chinese.endswith("，“days off”的日期除外（UTC）")
    assert previewed == "at 09:00, only on the days of days off (UTC)"


def test_a_list_is_told_in_the_language_as_well(sqlite_api: httpx.Client) -> None:
    given_schedule(sqlite_api, timing=CRONTAB)

    (item,) = asked(sqlite_api, "GET", "/schedules", "zh-Hans").json()["items"]

    assert CHINESE.search(item["timing_text"])
