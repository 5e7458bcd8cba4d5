"""What a person may know of the connections that an operator has set, and whether they work. Never their secrets."""

import time
from dataclasses import dataclass

from scheduler_service.errors import ServiceError
from scheduler_service.timing.clock import Clock
from scheduler_service.workloads import connection_checks
from scheduler_service.workloads.connections import Connections, HttpConnection
from scheduler_service.workloads.warehouses import AnyWarehouse

WAREHOUSE = "warehouse"


@dataclass(frozen=True)
class KnownConnection:
    """A connection as it may be told: `auth` is how we show who we are, not with what."""

    name: str
    type: str
    place: str
    auth: str | None = None


@dataclass(frozen=True)
class Trial:
    """What came of trying a connection."""

    works: bool
    answer: str
    seconds: float


def every(connections: Connections, warehouse: AnyWarehouse) -> list[KnownConnection]:
    """All, by name; the warehouse among them."""
    known = [KnownConnection(WAREHOUSE, warehouse.dialect, warehouse.place)]
    for name, connection in connections.items():
        auth = connection.auth.type if isinstance(connection, HttpConnection) and connection.auth else None
        known.append(KnownConnection(name, connection.type, connection.place, auth))
    return sorted(known, key=lambda connection: connection.name)


def test(name: str, connections: Connections, warehouse: AnyWarehouse, *, clock: Clock) -> Trial:
    """Try it now, for some seconds at most. Raises: ConnectionUnknown."""
    began = time.monotonic()
    try:
        answer, works = _asked(name, connections, warehouse, clock), True
    except ServiceError as failed:
        if name != WAREHOUSE and name not in connections:
            raise
        answer, works = str(failed), False
    return Trial(works, answer, round(time.monotonic() - began, 3))


def _asked(name: str, connections: Connections, warehouse: AnyWarehouse, clock: Clock) -> str:
    if name == WAREHOUSE:
        return f"answered, with {len(warehouse.datasets())} datasets"
    return connection_checks.check(name, connections, clock=clock)
