"""Runs that a Beat has decided: its stamp on them, and the messages that they become."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from scheduler_service.storage import publishing
from scheduler_service.storage.models import SHADOWED
from scheduler_service.storage.publishing import Message
from scheduler_service.storage.session import Session

#: The states of occurrences that will run.
RUNS = ("pending", "buffered")
#: Those, and of occurrences that would run if their schedule were no shadow.
DECIDED = (*RUNS, SHADOWED)


class BeatIdentity(Protocol):
    """Who decides: its name, for people, and its number, for leases."""

    name: str
    number: int


def stamp(session: Session, runs: Iterable[dict[str, Any]], beat: BeatIdentity, *, now: datetime) -> None:
    """Write on the runs who decided them, and that those to be sent are in this Beat's hands for a while."""
    unleased = {"decided_at": now, "decided_by": beat.name, "lease_until": None, "leased_by": None}
    leased = unleased | {"lease_until": now + publishing.lease_length(session), "leased_by": beat.number}
    for run in runs:
        run.update(leased if run["state"] == "pending" else unleased)


def spent(row: Any, *, count: int, ran: int) -> str | None:
    """Why a schedule that has run so often, of that just now `ran` times, does not run any more."""
    if row.one_off and ran:
        return f"one_off: it has {'been shadowed' if row.shadow else 'run'} once"
    if row.max_runs is not None and count >= row.max_runs:
        return f"max_runs: it has run {count} times"
    return None


def messages_of(runs: Iterable[dict[str, Any]], inserted: Collection[UUID]) -> list[Message]:
    """What is to be sent of the runs that were written."""
    return [
        Message(
            id=run["id"],
            periodic_task_id=run["periodic_task_id"],
            task=run["task"],
            args=run["args"],
            kwargs=run["kwargs"],
            options=run["options"],
            occurrence_at=run["occurrence_at"],
            attempt=1,
        )
        for run in runs
        if run["state"] == "pending" and run["id"] in inserted
    ]
