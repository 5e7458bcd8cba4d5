"""A cron of APScheduler's as a crontab, where one says it, else as a recurrence rule: timings as they are posted.

They differ where the clocks shift: a crontab whose minutes or hours begin with `*` follows real time, as APScheduler
does; a rule names local times.
"""

from collections.abc import Collection, Sequence
from typing import Any

from scheduler_service.client.apscheduler_fields import LAST, MONTHS, WEEKDAYS, CronValues, NotUnderstood, Placed

_BYDAY = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_RUN = 3  # from so many numbers in a row on, they are written as a range


def crontab_of(cron: CronValues, zone: str) -> dict[str, Any] | None:
    """The crontab that means the same, as a document; None where there is none."""
    if cron.second != {0} or not cron.is_any("week"):
        return None
    days = _crontab_days(cron)
    if days is None:
        return None
    fields = {
        "minute": _field(cron, "minute", 0, 59),
        "hour": _field(cron, "hour", 0, 23),
        "month_of_year": _field(cron, "month", 1, 12),
    }
    return {"type": "crontab", **fields, **days, "timezone": zone}


def rrule_of(crons: Sequence[CronValues], zone: str) -> str:
    """The rule that names the local times of all of them. Raises: NotUnderstood, where it would be too dense."""
    lines = [line for cron in crons for line in _lines(cron)]
    if len(lines) > 1 and any(len(cron.second) > 1 for cron in crons):
        raise NotUnderstood("several rules together cannot come more often than once a minute")
    start = "DTSTART:20200101T000000Z" if zone == "UTC" else f"DTSTART;TZID={zone}:20200101T000000"
    return "\n".join([start, *dict.fromkeys(lines)])


def _crontab_days(cron: CronValues) -> dict[str, str] | None:
    """The two day fields, and how they go together."""
    weekdays = "*" if cron.is_any("day_of_week") else _written(cron.day_of_week, 0, 6, WEEKDAYS)
    if not cron.placed:
        days = "L" if cron.day == {LAST} else _days_text(cron)
        return {"day_of_month": days, "day_of_week": weekdays}
    kept = [(weekday, place) for weekday, place in sorted(cron.placed) if weekday in cron.day_of_week]
    placed = ",".join(f"{WEEKDAYS[weekday]}{'L' if place == LAST else f'#{place}'}" for weekday, place in kept)
    if not cron.day:
        return {"day_of_month": "*", "day_of_week": placed} if placed else None
    if not cron.is_any("day_of_week"):
        return None
    return {"day_of_month": _days_text(cron), "day_of_week": placed, "day_match": "or"}


def _days_text(cron: CronValues) -> str:
    numbers = _written(cron.day - {LAST}, 1, 31)
    if LAST not in cron.day or numbers == "*":
        return _as_written(cron, "day", numbers)
    return f"{numbers},L"


def _field(cron: CronValues, name: str, low: int, high: int) -> str:
    return _as_written(cron, name, _written(getattr(cron, name), low, high, MONTHS if name == "month" else ()))


def _as_written(cron: CronValues, name: str, field: str) -> str:
    """The field in the words of the job, where that means the same here; what may begin with `*` does."""
    text = cron.texts.get(name, "")
    is_plain = text and not set(text) - set("0123456789*/-, ")
    return text.replace(" ", "") if is_plain and not field.startswith("*") else field


def _written(numbers: Collection[int], low: int, high: int, names: Sequence[str] = ()) -> str:
    """Numbers as a crontab's field."""
    every = range(low, high + 1)
    if set(numbers) == set(every):
        return "*"
    for step in range(2, high - low + 1) if names is not WEEKDAYS else ():  # there, ours begin with Sunday
        if set(numbers) == set(every[::step]):
            return f"*/{step}"
    parts: list[str] = []
    left = sorted(numbers)
    while left:
        row = 1
        while row < len(left) and left[row] == left[0] + row:
            row += 1
        shown = [names[number - low] if names else str(number) for number in left[:row]]
        parts += [f"{shown[0]}-{shown[-1]}"] if row >= _RUN else shown
        left = left[row:]
    return ",".join(parts)


def _lines(cron: CronValues) -> list[str]:
    """An RRULE for the days by number, and one for those by their place in the month."""
    times = [f"BY{name.upper()}={_listed(getattr(cron, name))}" for name in ("hour", "minute", "second")]
    months = [] if cron.is_any("month") else [f"BYMONTH={_listed(cron.month)}"]
    weekdays = [] if cron.is_any("day_of_week") else [_by_day(_BYDAY[day] for day in sorted(cron.day_of_week))]
    placed = [_placed(one) for one in sorted(cron.placed) if one[0] in cron.day_of_week]
    weeks = [] if cron.is_any("week") else [f"BYWEEKNO={_listed(cron.week)}"]
    if weeks and cron.placed:
        raise NotUnderstood("weeks of the year and places in the month cannot be taken together")
    lines = []
    if cron.day:
        days = [] if cron.is_any("day") else [f"BYMONTHDAY={_listed(cron.day)}"]
        each_day = [_by_day(_BYDAY)] if weeks and not weekdays else weekdays
        lines.append([f"FREQ={'YEARLY' if weeks else 'DAILY'}", *weeks, *months, *days, *each_day, *times])
    if placed:
        lines.append(["FREQ=MONTHLY", *months, _by_day(placed), *times])
    if not lines:
        raise NotUnderstood("its day fields never match the same day")
    return ["RRULE:" + ";".join(parts) for parts in lines]


def _placed(one: Placed) -> str:
    return f"{one[1]}{_BYDAY[one[0]]}"


def _by_day(days: Any) -> str:
    return "BYDAY=" + ",".join(days)


def _listed(numbers: Collection[int]) -> str:
    return ",".join(str(number) for number in sorted(numbers))
