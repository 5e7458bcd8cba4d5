"""A recurrence rule in words, English or simplified Chinese."""

from collections.abc import Iterable
from datetime import datetime

from scheduler_service.timing.crontab_words import CHINESE_WEEKDAYS
from scheduler_service.timing.rrule_parts import DAILY, YEARLY, Recurrence
from scheduler_service.timing.rrule_text import RuleText
from scheduler_service.timing.timings import TICK

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_UNITS = ("year", "month", "week", "day", "hour", "minute", "second")
_CHINESE_UNITS = ("年", "个月", "周", "天", "小时", "分钟", "秒")
_MOST_TIMES = 6  # listed one by one; more are only counted


def in_english(text: RuleText) -> str:
    """A phrase such as "every week on Monday and Friday at 09:00, from 2026-01-05 (Europe/Berlin)"."""
    parts = [_and(_recurrence(rule) for rule in text.recurrences)] if text.recurrences else []
    if text.dates:
        only = text.dates if len(text.dates) <= _MOST_TIMES else ()
        parts.append("on " + _and(map(_moment, only)) if only else f"on {len(text.dates)} dates")
    if text.excluded:
        parts.append(f"except {len(text.excluded)} date{'s' * (len(text.excluded) > 1)}")
    if text.recurrences:
        parts.append(f"from {text.start:%Y-%m-%d}")
    return ", ".join(parts) + ("" if text.zone_name == "UTC" else f" ({text.zone_name})")


def _recurrence(rule: Recurrence) -> str:
    unit = _UNITS[rule.freq]
    phrases = [f"every {unit}" if rule.interval == 1 else f"every {rule.interval} {unit}s", *_english_days(rule)]
    if rule.positions:
        phrases.append(f"(only the {_and(_nth(position) for position in rule.positions)} of them)")
    phrases += _english_times(rule)
    limit = f", {rule.count} time{'s' * (rule.count > 1)}" if rule.count else ""
    return " ".join(phrases) + limit + (f", until {_moment(rule.until - TICK)}" if rule.until else "")


def _english_days(rule: Recurrence) -> list[str]:
    phrases = []
    if rule.by_month:
        phrases.append("in " + _and(_MONTHS[month - 1] for month in rule.by_month))
    if rule.by_week:
        phrases.append("in week " + _and(map(str, rule.by_week)))
    if rule.by_year_day:
        phrases.append("on the " + _and(f"{_nth(day)} day" for day in rule.by_year_day) + " of the year")
    if rule.by_month_day:
        phrases.append("on the " + _and(f"{_nth(day)} day" for day in rule.by_month_day) + " of the month")
    if rule.by_weekday:
        days = _and(
            f"the {_nth(place)} {_WEEKDAYS[day]}" if place else _WEEKDAYS[day] for day, place in rule.by_weekday
        )
        of = f" of the {_whole(rule)}" if any(place for _, place in rule.by_weekday) else ""
        phrases.append(("if that is also " if rule.by_month_day or rule.by_year_day else "on ") + days + of)
    return phrases


def _english_times(rule: Recurrence) -> list[str]:
    if rule.freq <= DAILY:
        times = _times(rule)
        return ["at " + _and(times) if len(times) <= _MOST_TIMES else f"at {len(times)} times of the day"]
    phrases = []
    if rule.by_hour:
        phrases.append("in the hours " + _and(map(str, rule.by_hour)))
    if rule.by_minute and rule.by_minute != (0,):
        phrases.append("at minute " + _and(map(str, rule.by_minute)))
    if rule.by_second and rule.by_second != (0,):
        phrases.append("at second " + _and(map(str, rule.by_second)))
    return phrases


def _nth(number: int) -> str:
    """ "1st", "last", "2nd to last"."""
    if number == -1:
        return "last"
    size = abs(number)
    ending = "th" if size % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(size % 10, "th")
    return f"{size}{ending}" + (" to last" if number < 0 else "")


def _and(items: Iterable[str]) -> str:
    *first, last = items
    return f"{', '.join(first)} and {last}" if first else last


# --- Chinese ------------------------------------------------------------------------------------------------------


def in_chinese(text: RuleText) -> str:
    """A phrase such as "每 2 周的周一、周五 09:00，自 2026-01-05 起（Europe/Berlin）"."""
    parts = ["；".join(_chinese_recurrence(rule) for rule in text.recurrences)] if text.recurrences else []
    if text.dates:
        few = len(text.dates) <= _MOST_TIMES
        parts.append("、".join(map(_moment, text.dates)) if few else f"另有 {len(text.dates)} 个日期")
    if text.excluded:
        parts.append(f"{len(text.excluded)} 个日期除外")
    if text.recurrences:
        parts.append(f"自 {text.start:%Y-%m-%d} 起")
    return "，".join(parts) + ("" if text.zone_name == "UTC" else f"（{text.zone_name}）")


def _chinese_recurrence(rule: Recurrence) -> str:
    unit = _CHINESE_UNITS[rule.freq]
    every = f"每{unit.removeprefix('个')}" if rule.interval == 1 else f"每 {rule.interval} {unit}"
    days = ("的" if rule.by_week else "且为").join(_chinese_days(rule))
    if rule.positions:
        days += f"（仅{'、'.join(_chinese_nth(position, '个') for position in rule.positions)}）"
    if days:
        every = f"{days.strip()}，{every}" if rule.freq >= DAILY else f"{every}的{days}"
    phrase = every + _chinese_times(rule)
    limit = f"，共 {rule.count} 次" if rule.count else ""
    return phrase + limit + (f"，至 {_moment(rule.until - TICK)} 止" if rule.until else "")


def _chinese_days(rule: Recurrence) -> list[str]:
    months = f" {'、'.join(map(str, rule.by_month))} 月" if rule.by_month else ""
    phrases = []
    if rule.by_week:
        phrases.append("、".join(_chinese_nth(week, "周") for week in rule.by_week))
    if rule.by_year_day:
        phrases.append("年内" * (rule.freq != YEARLY) + "、".join(_chinese_nth(day, "天") for day in rule.by_year_day))
    if rule.by_month_day:
        numbers = [str(day) for day in rule.by_month_day if day > 0]
        from_end = [_chinese_nth(day, "天") for day in rule.by_month_day if day < 0]
        phrases.append("、".join([*([f" {'、'.join(numbers)} 号"] if numbers else []), *from_end]))
    if rule.by_weekday:
        phrases.append("、".join(_chinese_weekday(day, place) for day, place in rule.by_weekday))
    return [months + phrases[0], *phrases[1:]] if phrases else [months] * bool(months)


def _chinese_weekday(day: int, place: int) -> str:
    name = CHINESE_WEEKDAYS[(day + 1) % 7]
    return _chinese_nth(place, "个") + name if place else name


def _chinese_times(rule: Recurrence) -> str:
    if rule.freq <= DAILY:
        times = _times(rule)
        return " " + "、".join(times) if len(times) <= _MOST_TIMES else f"的 {len(times)} 个时刻"
    phrases = [f" {'、'.join(map(str, rule.by_hour))} 点"] if rule.by_hour else []
    if rule.by_minute and rule.by_minute != (0,):
        phrases.append(f"第 {'、'.join(map(str, rule.by_minute))} 分")
    if rule.by_second and rule.by_second != (0,):
        phrases.append(f"第 {'、'.join(map(str, rule.by_second))} 秒")
    return ("，" + "".join(phrases).strip()) if phrases else ""


def _chinese_nth(number: int, unit: str) -> str:
    """ "第 2 个", "最后一个", "倒数第 2 个"."""
    if number == -1:
        return f"最后一{unit}"
    return f"{'倒数' * (number < 0)}第 {abs(number)} {unit}"


# --- both ---------------------------------------------------------------------------------------------------------


def _whole(rule: Recurrence) -> str:
    return "year" if rule.freq == YEARLY and not rule.by_month else "month"


def _times(rule: Recurrence) -> list[str]:
    """The times of a day, with seconds where there are any."""
    seconds = rule.by_second != (0,)
    return [
        f"{hour:02}:{minute:02}" + (f":{second:02}" if seconds else "")
        for hour in rule.by_hour
        for minute in rule.by_minute
        for second in rule.by_second
    ]


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at.second else f"{at:%Y-%m-%d %H:%M}"
