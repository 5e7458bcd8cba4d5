"""Times, spans and numbers as a reader sees them, in both languages and in their zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from scheduler_service.console.words import Reader
from scheduler_service.services.languages import Language

NOW = datetime(2026, 11, 24, 13, 32, 7, tzinfo=UTC)


def reader(language: Language = "en", zone: str = "Europe/Berlin") -> Reader:
    return Reader(language, ZoneInfo(zone), NOW)


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        pytest.param(None, "–", "–", id="not known"),
        pytest.param(0, "0 ms", "0 毫秒", id="nothing"),
        pytest.param(0.0031, "3.1 ms", "3.1 毫秒", id="few milliseconds"),
        pytest.param(0.084, "84 ms", "84 毫秒", id="milliseconds"),
        pytest.param(7.1, "7.1 s", "7.1 秒", id="few seconds"),
        pytest.param(42, "42 s", "42 秒", id="seconds"),
        pytest.param(422, "7 min 02 s", "7 分 02 秒", id="minutes"),
        pytest.param(7500, "2 h 05 min", "2 小时 05 分", id="hours"),
        pytest.param(273_600, "3 d 04 h", "3 天 04 小时", id="days"),
        pytest.param(timedelta(seconds=-42), "−42 s", "−42 秒", id="before"),
    ],
)
def test_a_span_has_two_units_at_most(seconds: float | timedelta | None, english: str, chinese: str) -> None:
    assert (reader().span(seconds), reader("zh").span(seconds)) == (english, chinese)


@pytest.mark.parametrize(
    ("at", "english", "chinese"),
    [
        pytest.param(NOW, "14:32:07", "14:32:07", id="today"),
        pytest.param(NOW + timedelta(hours=10), "Tomorrow 00:32:07", "明天 00:32:07", id="tomorrow here"),
        pytest.param(NOW - timedelta(days=1, seconds=7), "Yesterday 14:32", "昨天 14:32", id="yesterday"),
        pytest.param(datetime(2026, 12, 10, 7, 0, tzinfo=UTC), "Thu 10 Dec 08:00", "12月10日 周四 08:00", id="a day"),
        pytest.param(datetime(2027, 3, 1, 7, 0, tzinfo=UTC), "1 Mar 2027 08:00", "2027年3月1日 08:00", id="a year"),
    ],
)
def test_an_instant_is_told_in_the_readers_zone_with_utc_beside_it(at: datetime, english: str, chinese: str) -> None:
    shown = reader().instant(at)

    assert f">{english}</time>" in shown
    assert f'title="{at:%Y-%m-%d %H:%M:%S} UTC"' in shown
    assert f">{chinese}</time>" in reader("zh").instant(at)


@pytest.mark.parametrize(
    ("gap", "english", "chinese"),
    [
        pytest.param(timedelta(seconds=-31), "31 s ago", "31 秒前", id="a moment ago"),
        pytest.param(timedelta(minutes=-3), "3 min ago", "3 分钟前", id="minutes ago"),
        pytest.param(timedelta(hours=13, minutes=50), "in 13 h", "13 小时后", id="hours to come"),
        pytest.param(timedelta(days=9), "in 9 d", "9 天后", id="days to come"),
    ],
)
def test_a_rough_time_has_the_exact_one_beside_it(gap: timedelta, english: str, chinese: str) -> None:
    shown = reader().ago(NOW + gap)

    assert f">{english}</time>" in shown
    assert "UTC" in shown
    assert f">{chinese}</time>" in reader("zh").ago(NOW + gap)
