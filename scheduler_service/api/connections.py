"""Routes of connections. They are set by an operator where the service starts, so here they are only looked at."""

from typing import Annotated, Self

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from scheduler_service.api.auth import for_operators
from scheduler_service.api.dependencies import ConnectionsDep, DatabaseDep, WarehouseDep
from scheduler_service.api.schemas import PageOut
from scheduler_service.services import connections
from scheduler_service.services.connections import KnownConnection, Trial

router = APIRouter(prefix="/connections", tags=["connections"], dependencies=[for_operators])

ConnectionName = Annotated[str, Path(max_length=200)]


class ConnectionOut(BaseModel):
    """A connection, without its secrets."""

    name: str = Field(examples=["crm"])
    type: str = Field(examples=["http"])
    place: str = Field(description="Where it leads", examples=["https://crm.example/api"])
    auth: str | None = Field(description="How the service shows who it is", examples=["bearer"])

    @classmethod
    def of(cls, connection: KnownConnection) -> Self:
        """The connection as it looks over the wire."""
        return cls(**vars(connection))


class TrialOut(BaseModel):
    """What came of trying a connection."""

    works: bool
    answer: str = Field(examples=["answered 200"])
    seconds: float

    @classmethod
    def of(cls, trial: Trial) -> Self:
        """The trial as it looks over the wire."""
        return cls(**vars(trial))


@router.get("")
def list_connections(known: ConnectionsDep, warehouse: WarehouseDep) -> PageOut[ConnectionOut]:
    """List the connections by name; there is only one page."""
    return PageOut(items=list(map(ConnectionOut.of, connections.every(known, warehouse))), next_cursor=None)


@router.post("/{name}/test")
def test_connection(
    name: ConnectionName, known: ConnectionsDep, warehouse: WarehouseDep, database: DatabaseDep
) -> TrialOut:
    """Try a connection from where the API runs, for ten seconds at most."""
    return TrialOut.of(connections.test(name, known, warehouse, clock=database.clock))
