"""An instant as a reader types it, in an address or a form."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from pydantic_core import PydanticCustomError

from scheduler_service.console.pages import SignedInPage
from scheduler_service.services.fields import parse_time


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
