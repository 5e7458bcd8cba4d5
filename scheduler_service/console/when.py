"""An instant as a reader types it, in an address or a form; and a timing in words, for who is in another zone."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from pydantic_core import PydanticCustomError

from scheduler_service.console.pages import SignedInPage
from scheduler_service.console.words import Reader
from scheduler_service.services.fields import parse_time
from scheduler_service.services.timing_documents import timing_text
from scheduler_service.storage.models import PeriodicTask

_IN_UTC = re.compile(r"^DTSTART:\d+T\d+Z", re.MULTILINE)


def read_all(
    typed: Mapping[str, str], names: Iterable[str], page: SignedInPage
) -> tuple[dict[str, datetime], dict[str, str]]:
    """Those of these names that were typed, and what is wrong with those that are none.

    What does not say where it is meant is as the reader's clocks show it.
    """
    instants, problems = dict[str, datetime](), dict[str, str]()
    for name in names:
        if name not in typed:
            continue
        try:
            at = parse_time(typed[name])
        except PydanticCustomError:
            problems[name] = page.say("Must be a date and a time, such as 2026-01-31 09:00.")
        else:
            instants[name] = at if at.tzinfo is not None else at.replace(tzinfo=page.zone).astimezone(UTC)
    return instants, problems


def when_text(task: PeriodicTask, reader: Reader) -> str:
    """Its timing in words. UTC, which otherwise goes without saying, is named to whose clocks show other hours."""
    text = timing_text(task, reader.language)
    if "UTC" in text or not reader.now.astimezone(reader.zone).utcoffset():
        return text
    crontab, rule = task.crontab, task.rrule
    at_hours = crontab is not None and crontab.timezone == "UTC" and not crontab.hour.startswith("*")
    in_utc = at_hours or (rule is not None and _IN_UTC.search(rule.rule))
    return reader.say("%(timing)s (UTC)", timing=text) if in_utc else text
