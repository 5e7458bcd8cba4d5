"""A crontab in words, for people who do not read crontabs.

cron-descriptor words the single fields. How the day fields combine is said here, since it always writes "or" where
our default is "and"; so is what it reads differently from Celery: lists that mix `L` or `#` with numbers, and steps
that do not divide their range, which begin anew rather than go on. Of its Chinese only the time of day is used: it has
no Chinese names of days and months, and no order of words but the English.
"""

import re
from functools import lru_cache

from cron_descriptor import DescriptionTypeEnum, ExpressionDescriptor, Options

from scheduler_service.timing import crontab_fields
from scheduler_service.timing.crontab import Crontab
from scheduler_service.timing.crontab_fields import DAY_OF_MONTH, DAY_OF_WEEK, HOUR, MINUTE, MONTH_OF_YEAR, Kind

_TIMES_OF_DAY = re.compile(r"\d\d:\d\d(、\d\d:\d\d)*")
_BETWEEN = re.compile(r"(?:在 )?(\d\d:\d\d) 和 (\d\d:\d\d) 之间")
_LISTED = re.compile(r"(?<=\d)(?:, 和 | 和 |, )(?=\d)")
CHINESE_WEEKDAYS = ("周日", "周一", "周二", "周三", "周四", "周五", "周六")


@lru_cache(maxsize=4096)
def in_english(crontab: Crontab) -> str:
    """A phrase such as "at 09:00, on Monday (Europe/Berlin)"."""
    time = _words(f"{_plain(MINUTE, crontab.minute)} {_plain(HOUR, crontab.hour)} * * *", DescriptionTypeEnum.FULL)
    months = _words(f"0 0 * {_plain(MONTH_OF_YEAR, crontab.month_of_year)} *", DescriptionTypeEnum.MONTH)
    zone = "" if crontab.timezone == "UTC" else f" ({crontab.timezone})"
    return time[0].lower() + time[1:] + _days(crontab) + months + zone


def _days(crontab: Crontab) -> str:
    dates = _nouns(DAY_OF_MONTH, crontab.day_of_month, "0 0 {} * *", DescriptionTypeEnum.DAYOFMONTH)
    weekdays = _nouns(DAY_OF_WEEK, crontab.day_of_week, "0 0 * * {}", DescriptionTypeEnum.DAYOFWEEK)
    on_dates = f", {dates}" if dates.startswith(("every", "between")) else f", on {dates}"
    if dates and weekdays:
        either = weekdays.replace(" and ", " or ")
        return f"{on_dates}, if that is also {either}" if crontab.both_days else f"{on_dates}, or on {weekdays}"
    if not crontab.both_days:  # one of them is every day
        return ""
    return on_dates if dates else f", on {weekdays}" if weekdays else ""


def _nouns(kind: Kind, text: str, expression: str, part: DescriptionTypeEnum) -> str:
    """The days of one field: "day 1 and 15 of the month", "Monday and the last Friday of the month"."""
    plain = _plain(kind, text)
    if plain == "*":
        return ""
    special = [item for item in plain.split(",") if "L" in item or "#" in item]
    numbers = ",".join(item for item in plain.split(",") if item not in special)
    phrases = [_words(expression.format(item), part) for item in [numbers, *special] if item]
    return " and ".join(phrase.removeprefix(", ").removeprefix("only ").removeprefix("on ") for phrase in phrases)


def _plain(kind: Kind, text: str) -> str:
    """The field in the subset of the syntax that cron-descriptor words rightly."""
    field = crontab_fields.parse(kind, text)
    if len(field.values) > kind.high - kind.low:
        return "*"
    return ",".join(_plain_part(kind, part) for part in text.lower().split(","))


def _plain_part(kind: Kind, part: str) -> str:
    field = crontab_fields.parse(kind, part)
    if field.nth:
        ((weekday, nth),) = field.nth
        return f"{weekday}L" if nth == crontab_fields.LAST else f"{weekday}#{nth}"
    if crontab_fields.LAST in field.values:
        return "L"
    span, _, step = part.partition("/")
    if step and (kind.is_weekday or _begins_anew(kind, span, int(step))):
        return ",".join(str(number) for number in sorted(field.values))
    bounds = [_number(kind, word) for word in span.split("-")]
    return "-".join(bounds) + (f"/{step}" if step else "")


def _begins_anew(kind: Kind, span: str, step: int) -> bool:
    """Whether "every n" would be wrong, since the range is no multiple of it; days of the month never are."""
    return span == "*" and not kind.is_day and (kind.high - kind.low + 1) % step > 0


def _number(kind: Kind, word: str) -> str:
    return word if word == "*" else str(min(crontab_fields.parse(kind, word).values))


@lru_cache(maxsize=4096)
def _words(expression: str, part: DescriptionTypeEnum, locale: str = "en_US") -> str:
    options = Options(locale_code=locale, use_24hour_time_format=True)
    return str(ExpressionDescriptor(expression, options).get_description(part))


# --- Chinese ------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def in_chinese(crontab: Crontab) -> str:
    """A phrase such as "周一至周五 09:00（Asia/Shanghai）"."""
    minute, hour = (_unstepped(kind, text) for kind, text in ((MINUTE, crontab.minute), (HOUR, crontab.hour)))
    days, time = _chinese_days(crontab), _chinese_time(f"{minute} {hour} * * *")
    zone = "" if crontab.timezone == "UTC" else f"（{crontab.timezone}）"
    if _TIMES_OF_DAY.fullmatch(time):
        return f"{days or '每天'} {time}{zone}"
    return f"{days}，{time}{zone}" if days else f"{time}{zone}"


def _chinese_time(expression: str) -> str:
    time = _words(expression, DescriptionTypeEnum.FULL, "zh_CN").removeprefix("在").strip()
    time = _BETWEEN.sub(r"\1 至 \2", time).replace("的每", " 的每")
    return _LISTED.sub("、", time).replace(", ", "，")


def _chinese_days(crontab: Crontab) -> str:
    """The days and months; nothing for every day."""
    dates, weekdays = _chinese_dates(crontab), _chinese_weekdays(crontab)
    if not crontab.both_days and not (dates and weekdays):  # one of them is every day
        dates = weekdays = ""
    joined = f"且为{weekdays}" if crontab.both_days else f"或{weekdays}"
    days = dates + joined if dates and weekdays else dates or weekdays
    months = _unstepped(MONTH_OF_YEAR, crontab.month_of_year, expand_star=True)
    if months == "*":
        return f"每月{days}" if days.startswith((" ", "最后", "第", "从")) else days.replace("、第", "、每月第")
    named = "、".join(item.replace("-", " 至 ") for item in months.split(","))
    if not days:
        return f"每年 {named} 月每天"
    return f"每年 {named} 月{days}" if dates else f"每年 {named} 月的{days}"


def _chinese_dates(crontab: Crontab) -> str:
    plain = _plain(DAY_OF_MONTH, crontab.day_of_month)
    if plain == "*":
        return ""
    items = _unstepped(DAY_OF_MONTH, crontab.day_of_month).split(",")
    numbers = [item for item in items if not item.startswith(("*", "L"))]
    phrases = [f" {'、'.join(item.replace('-', ' 至 ') for item in numbers)} 号"] if numbers else []
    phrases += [f"从 1 号起每 {item[2:]} 天" for item in items if item.startswith("*")]
    phrases += ["最后一天" for item in items if item == "L"]
    return "和".join(phrases)


def _chinese_weekdays(crontab: Crontab) -> str:
    plain = _plain(DAY_OF_WEEK, crontab.day_of_week)
    return "" if plain == "*" else "、".join(_chinese_weekday(item) for item in plain.split(","))


def _chinese_weekday(item: str) -> str:
    if item.endswith("L"):
        return f"最后一个{CHINESE_WEEKDAYS[int(item[0])]}"
    weekday, mark, nth = item.partition("#")
    if mark:
        return f"第 {nth} 个{CHINESE_WEEKDAYS[int(weekday)]}"
    return "至".join(CHINESE_WEEKDAYS[int(number) % 7] for number in item.split("-"))


def _unstepped(kind: Kind, text: str, *, expand_star: bool = False) -> str:
    """The field with steps as the numbers that they mean; cron-descriptor's Chinese leaves out where they begin."""
    plain = _plain(kind, text)
    parts = [
        ",".join(str(number) for number in sorted(crontab_fields.parse(kind, part).values))
        if "/" in part and (expand_star or not part.startswith("*"))
        else part
        for part in plain.split(",")
    ]
    return ",".join(parts)
