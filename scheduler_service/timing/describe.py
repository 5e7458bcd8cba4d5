"""A timing in English words, for people who do not read crontabs.

cron-descriptor words the single fields. How the day fields combine is said here, since it always writes "or" where
our default is "and"; so is what it reads differently from Celery: lists that mix `L` or `#` with numbers, and steps
that do not divide their range, which begin anew rather than go on.
"""

from datetime import datetime
from functools import lru_cache

from cron_descriptor import DescriptionTypeEnum, ExpressionDescriptor, Options

from scheduler_service.timing import crontab_fields
from scheduler_service.timing.clocked import Clocked
from scheduler_service.timing.crontab import Crontab
from scheduler_service.timing.crontab_fields import DAY_OF_MONTH, DAY_OF_WEEK, HOUR, MINUTE, MONTH_OF_YEAR, Kind
from scheduler_service.timing.interval import Interval
from scheduler_service.timing.timings import Timing


def describe(timing: Timing) -> str:
    """A phrase such as "every 30 seconds" or "at 09:00, on Monday (Europe/Berlin)"."""
    if isinstance(timing, Interval):
        return f"every {timing.period[:-1]}" if timing.every == 1 else f"every {timing.every} {timing.period}"
    if isinstance(timing, Clocked):
        return f"once, at {_instant(timing.at)} UTC"
    if isinstance(timing, Crontab):
        return _crontab(timing)
    raise TypeError(f"{timing!r} is no timing that has words")


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at.second else f"{at:%Y-%m-%d %H:%M}"


@lru_cache(maxsize=4096)
def _crontab(crontab: Crontab) -> str:
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
def _words(expression: str, part: DescriptionTypeEnum) -> str:
    options = Options(locale_code="en_US", use_24hour_time_format=True)
    return str(ExpressionDescriptor(expression, options).get_description(part))
