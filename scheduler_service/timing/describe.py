"""A timing in words, English or simplified Chinese, for people who do not read crontabs and rules."""

from datetime import datetime
from typing import Literal

from scheduler_service.timing import crontab_words, rrule_words
from scheduler_service.timing.calendars import Days
from scheduler_service.timing.clocked import Clocked
from scheduler_service.timing.crontab import Crontab
from scheduler_service.timing.interval import Interval
from scheduler_service.timing.rrule import Rrule
from scheduler_service.timing.solar import Solar
from scheduler_service.timing.timings import Timing

Language = Literal["en", "zh"]

_CHINESE_PERIODS = {"weeks": "周", "days": "天", "hours": "小时", "minutes": "分钟", "seconds": "秒"}
_CHINESE_EVENTS = {
    "dawn_astronomical": "天文晨光始",
    "dawn_nautical": "航海晨光始",
    "dawn_civil": "民用晨光始",
    "sunrise": "日出",
    "solar_noon": "太阳上中天",
    "sunset": "日落",
    "dusk_civil": "民用昏影终",
    "dusk_nautical": "航海昏影终",
    "dusk_astronomical": "天文昏影终",
}


def describe(timing: Timing, language: Language = "en") -> str:
    """A phrase such as "every 30 seconds" or "at 09:00, on Monday (Europe/Berlin)"; "每 30 秒", "周一 09:00"."""
    return _chinese(timing) if language == "zh" else _english(timing)


def describe_days(days: Days, name: str, language: Language = "en") -> str:
    """What a calendar of this name does to a timing: "not on the days of Holidays (UTC)"."""
    if language == "zh":
        return f"仅在“{name}”的日期（{days.timezone}）" if days.keep else f"“{name}”的日期除外（{days.timezone}）"
    return f"{'only' if days.keep else 'not'} on the days of {name} ({days.timezone})"


def describe_event(event: str, language: Language = "en") -> str:
    """An event of the sun: "sunset", "civil dawn"; "日落"."""
    if language == "zh":
        return _CHINESE_EVENTS[event]
    return " ".join(reversed(event.split("_"))) if "_" in event[:5] else event.replace("_", " ")


def _english(timing: Timing) -> str:
    match timing:
        case Interval():
            return f"every {timing.period[:-1]}" if timing.every == 1 else f"every {timing.every} {timing.period}"
        case Clocked():
            return f"once, at {_instant(timing.at)} UTC"
        case Crontab():
            return crontab_words.in_english(timing)
        case Solar():
            return f"at {describe_event(timing.event)} at {_place(timing)}"
        case Rrule():
            return rrule_words.in_english(timing.text)
    raise TypeError(f"{timing!r} is no timing that has words")


def _chinese(timing: Timing) -> str:
    match timing:
        case Interval():
            period = _CHINESE_PERIODS[timing.period]
            return f"每{period}" if timing.every == 1 else f"每 {timing.every} {period}"
        case Clocked():
            return f"一次，{_instant(timing.at)} UTC"
        case Crontab():
            return crontab_words.in_chinese(timing)
        case Solar():
            return f"每天{describe_event(timing.event, 'zh')}（{_place(timing)}）"
        case Rrule():
            return rrule_words.in_chinese(timing.text)
    raise TypeError(f"{timing!r} is no timing that has words")


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at.second else f"{at:%Y-%m-%d %H:%M}"


def _place(solar: Solar) -> str:
    """ "52.52°N 13.405°E"."""
    latitude, longitude = solar.latitude, solar.longitude
    return f"{abs(latitude):g}°{'N' if latitude >= 0 else 'S'} {abs(longitude):g}°{'E' if longitude >= 0 else 'W'}"
