"""The parts that everything else stands on: Beats and the database, as they are now."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from scheduler_service.storage import beats, store_facts
from scheduler_service.storage.beats import BeatSeen
from scheduler_service.storage.session import Session
from scheduler_service.storage.store_facts import StoreFacts

DECIDED_LATELY = timedelta(hours=1)


@dataclass(frozen=True)
class Facts:
    """How many Beats live, which decided something lately, and what the database tells of itself."""

    beats: int
    beats_seen: list[BeatSeen]
    store: StoreFacts


def look(session: Session, *, now: datetime) -> Facts:
    """How they are now."""
    seen = beats.seen(session, since=now - DECIDED_LATELY)
    return Facts(beats.living(session, now), seen, store_facts.look(session))
