"""Looking a live service over: what its database says of itself, whether the clocks agree, and what others saw.

The broker is looked at by the caller, since nothing here may know one.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from scheduler_service.errors import WarehouseAway
from scheduler_service.storage import beats, invariants, worker_invariants
from scheduler_service.storage.findings import Finding, Found
from scheduler_service.storage.session import Database
from scheduler_service.storage.worker_invariants import WorkerState
from scheduler_service.timing.clock import Clock
from scheduler_service.workloads import warehouse_role
from scheduler_service.workloads.warehouses import AnyWarehouse

CLOCKS_AGREE = timedelta(seconds=2)
LOOK_AGAIN_SECONDS = 2.0


@dataclass(frozen=True)
class Diagnosis:
    """What was seen. `beats` is None where the tables are not those of this version."""

    database: str
    now: datetime
    clock_difference: timedelta
    beats: int | None
    workers: list[WorkerState]
    queues_wanted: set[str]
    found: list[Found]


def examine(database: Database, *, host: Clock, pause: Callable[[float], object]) -> Diagnosis:
    """Look at the database; what is found is looked at once more, since a Beat may have been about to mend it.

    Raises: StoreAway.
    """
    diagnosis = _look(database, host)
    if any(not found.is_note for found in diagnosis.found):
        pause(LOOK_AGAIN_SECONDS)
        again = _look(database, host)
        return replace(again, found=_lasting(diagnosis.found, again.found))
    return diagnosis


def unserved_messages(depths: dict[str, int], workers: Iterable[WorkerState]) -> list[Finding]:
    """Queues that hold messages which no living worker will take."""
    served = {queue for worker in workers if worker.alive for queue in worker.queues}
    mend = "Start a worker for it, such as `scheduler-service worker`."
    return [
        Finding(
            "messages_unserved", f"queue {queue}", f"It holds {depth} messages, and no living worker serves it.", mend
        )
        for queue, depth in depths.items()
        if depth and queue not in served
    ]


def warehouse_findings(warehouse: AnyWarehouse) -> list[Finding]:
    """A warehouse that is away, or whose role may do more than people's SQL should."""
    try:
        excess = warehouse_role.excess(warehouse)
    except WarehouseAway as why:
        return [Finding("warehouse_away", f"warehouse {warehouse.place}", str(why), "Start it, or mend its URL.")]
    if not excess:
        return []
    sentence = f"The SQL of pipelines and reports runs as its role, which {' and '.join(excess)}."
    mend = "Give SCHEDULER_WAREHOUSE_URL a role that owns nothing but the warehouse; docs/etl.md says how."
    return [Finding("warehouse_role", f"warehouse {warehouse.place}", sentence, mend)]


def _look(database: Database, host: Clock) -> Diagnosis:
    with database.reading() as session:
        now = database.clock.now()
        difference = host.now() - now
        found = invariants.examine(session, now)
        known = not any(one.code == "migrations" for one in found)
        return Diagnosis(
            database.dialect,
            now,
            difference,
            beats.living(session, now) if known else None,
            worker_invariants.workers(session, now) if known else [],
            worker_invariants.queues_wanted(session) if known else set(),
            [*found, *_clocks(difference)],
        )


def _clocks(difference: timedelta) -> list[Found]:
    if abs(difference) <= CLOCKS_AGREE:
        return []
    seconds = difference.total_seconds()
    sentence = f"It is {abs(seconds):.1f} s {'ahead of' if seconds > 0 else 'behind'} the database's."
    mend = "Set the clocks by NTP. What comes due goes by the database's clock, whatever this one says."
    return Found.of([Finding("clocks_differ", "this host's clock", sentence, mend)])


def _lasting(first: list[Found], second: list[Found]) -> list[Found]:
    """Of what passes by itself, only what was seen both times; the rest as it was seen first."""
    later = {found.code: found for found in second}
    lasting = []
    for found in first:
        if found.code not in invariants.PASSING:
            lasting.append(found)
        elif found.code in later:
            still = {finding.subject for finding in found.findings} & {f.subject for f in later[found.code].findings}
            if still:
                lasting.append(later[found.code])
    return lasting
