"""What became of runs in the past, ten minutes by ten minutes: from counts that are kept, never from all runs."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from scheduler_service.storage import tallies as stored
from scheduler_service.storage.overview import WENT_WRONG
from scheduler_service.storage.session import Session
from scheduler_service.storage.tallies import BUCKET as BUCKET
from scheduler_service.storage.tallies import floor as floor

#: What was never sent is no run that went well or wrong.
RAN = ("succeeded", *WENT_WRONG)


@dataclass(frozen=True)
class Bucket:
    """How many runs ended within ten minutes, how many of them wrong, and how many occurrences were missed."""

    at: datetime
    ran: int
    wrong: int
    missed: int


def past(session: Session, since: datetime, until: datetime) -> list[Bucket]:
    """The buckets of that range that have anything in them, in their order."""
    found = sorted(stored.past(session, since, until).items())
    return [Bucket(at, _sum(by, RAN), _sum(by, WENT_WRONG), by.get("missed", 0)) for at, by in found]


def _sum(by_state: dict[str, int], states: Iterable[str]) -> int:
    return sum(by_state.get(state, 0) for state in states)
