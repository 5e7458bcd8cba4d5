"""What a reader sees of times, spans and numbers, and the words around them: in their language, and in their zone.

Message ids are the English text. `%(name)s` stands for a value, and `%%` for a per cent sign.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.messages.pofile import read_po
from markupsafe import Markup

from scheduler_service.services.languages import Language

TRANSLATIONS = Path(__file__).parent / "translations"
LOCALES: dict[Language, str] = {"en": "en_GB", "zh": "zh_Hans"}
#: How a day is written, by whether its year is this one.
DAYS: dict[Language, tuple[str, str]] = {"en": ("EEE d MMM", "d MMM y"), "zh": ("M月d日 EEE", "y年M月d日")}
SPELLED: dict[Language, tuple[str, ...]] = {
    "en": ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine"),
    "zh": ("零", "一", "两", "三", "四", "五", "六", "七", "八", "九"),
}
ABSENT = "–"
SECOND, MINUTE, HOUR, DAY = 1.0, 60.0, 3600.0, 86_400.0

_reader: ContextVar["Reader"] = ContextVar("reader")


@dataclass(frozen=True)
class Reader:
    """Who reads: their language, their zone, and the instant at which they look."""

    language: Language
    zone: ZoneInfo
    now: datetime

    def say(self, text: str, **values: object) -> str:
        """The text in the reader's language, with the values in it."""
        return self.said(text) % values

    def say_many(self, one: str, many: str, count: int, **values: object) -> str:
        """The text for so many; `%(count)s` in it is the number."""
        return self.said_many(one, many, count) % {"count": self.number(count), **values}

    def said(self, text: str) -> str:
        """The text in the reader's language, as it is."""
        return text if self.language == "en" else _chinese().get(text, text)

    def said_many(self, one: str, many: str, count: int) -> str:
        """The text for so many in the reader's language, as it is."""
        return (one if count == 1 else many) if self.language == "en" else _chinese().get(one, many)

    def instant(self, at: datetime | None, *, seconds: bool | None = None) -> Markup:
        """A time in the reader's zone, with UTC beside it. Seconds: today, and where there are any, unless said."""
        if at is None:
            return Markup(ABSENT)
        local = at.astimezone(self.zone)
        today = local.date() == self.today
        shown = (today or bool(local.second)) if seconds is None else seconds
        clock = local.strftime("%H:%M:%S" if shown else "%H:%M")
        return time_element(at, clock if today else self._on_day(local.date(), clock))

    def moment(self, at: datetime) -> Markup:
        """A time in full, always with its day."""
        local = at.astimezone(self.zone)
        return time_element(at, f"{self.day(local.date())} {local:%H:%M:%S}")

    def day(self, on: date) -> str:
        """A day by its date."""
        pattern = DAYS[self.language][on.year != self.today.year]
        midday = datetime(on.year, on.month, on.day, 12, tzinfo=UTC)
        return str(format_datetime(midday, pattern, locale=LOCALES[self.language]))

    def weekday(self, on: date) -> str:
        """The short name of a day of the week."""
        return str(format_date(on, "EEE", locale=LOCALES[self.language]))

    def span(self, seconds: float | timedelta | None) -> str:
        """How long: two units at most."""
        if seconds is None:
            return ABSENT
        took = seconds.total_seconds() if isinstance(seconds, timedelta) else float(seconds)
        if took < 0:
            return f"−{self.span(-took)}"
        for limit, say in ((SECOND, self._milliseconds), (MINUTE, self._seconds), (HOUR, self._minutes)):
            if took < limit:
                return say(took)
        return self._hours(took) if took < DAY else self._days(took)

    def ago(self, at: datetime | None) -> Markup:
        """How long before now, or after it, in one unit."""
        if at is None:
            return Markup(ABSENT)
        gap = (self.now - at).total_seconds()
        rough = self._rough(abs(gap))
        return time_element(
            at, self.say("%(span)s ago", span=rough) if gap >= 0 else self.say("in %(span)s", span=rough)
        )

    def number(self, count: float | None) -> str:
        """Thousands with a comma, in both languages."""
        return ABSENT if count is None else f"{count:,}"

    def spelled(self, count: int) -> str:
        """A small number at the beginning of a sentence."""
        return SPELLED[self.language][count] if count < len(SPELLED[self.language]) else self.number(count)

    @property
    def today(self) -> date:
        """The reader's day."""
        return self.now.astimezone(self.zone).date()

    def _on_day(self, on: date, clock: str) -> str:
        if on == self.today + timedelta(days=1):
            return self.say("Tomorrow %(time)s", time=clock)
        if on == self.today - timedelta(days=1):
            return self.say("Yesterday %(time)s", time=clock)
        return f"{self.day(on)} {clock}"

    def _rough(self, took: float) -> str:
        if took >= DAY:
            return self.say("%(n)s d", n=int(took // DAY))
        if took >= HOUR:
            return self.say("%(n)s h", n=int(took // HOUR))
        return self.say("%(n)s min", n=int(took // MINUTE)) if took >= MINUTE else self.say("%(n)s s", n=int(took))

    def _milliseconds(self, took: float) -> str:
        few = 0 < took < 0.00995
        return self.say("%(n)s ms", n=f"{took * 1000:.1f}" if few else round(took * 1000))

    def _seconds(self, took: float) -> str:
        return self.say("%(n)s s", n=f"{took:.1f}" if took < 10 else int(took))

    def _minutes(self, took: float) -> str:
        minutes, rest = divmod(int(took), 60)
        return self.say("%(n)s min %(rest)s s", n=minutes, rest=f"{rest:02}")

    def _hours(self, took: float) -> str:
        hours, rest = divmod(int(took) // 60, 60)
        return self.say("%(n)s h %(rest)s min", n=hours, rest=f"{rest:02}")

    def _days(self, took: float) -> str:
        days, rest = divmod(int(took) // 3600, 24)
        return self.say("%(n)s d %(rest)s h", n=days, rest=f"{rest:02}")


def time_element(at: datetime, text: str) -> Markup:
    """`<time>`, with UTC for whoever points at it."""
    utc = at.astimezone(UTC)
    return Markup('<time datetime="{:%Y-%m-%dT%H:%M:%SZ}" title="{:%Y-%m-%d %H:%M:%S} UTC">{}</time>').format(
        utc, utc, text
    )


@contextmanager
def read_by(reader: Reader) -> Iterator[None]:
    """Within it, `reading()` is this reader."""
    token = _reader.set(reader)
    try:
        yield
    finally:
        _reader.reset(token)


def reading() -> Reader:
    """The reader of the page that is being made."""
    return _reader.get()


@cache
def messages(noun: str) -> dict[str, str]:
    """The Chinese of each message of one file. A plural has one form in Chinese, under its singular."""
    with (TRANSLATIONS / f"{noun}.po").open("rb") as file:
        return {_key(message.id): _key(message.string) for message in read_po(file) if message.id}


@cache
def _chinese() -> dict[str, str]:
    """Every message, from one file for each noun."""
    found: dict[str, str] = {}
    for path in sorted(TRANSLATIONS.glob("*.po")):
        found |= messages(path.stem)
    return found


def _key(text: Any) -> str:
    return text if isinstance(text, str) else str(text[0])
