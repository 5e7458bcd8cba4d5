"""Connections: the places that an operator lets work go to, and whether they answer. Never their secrets."""

from fastapi import APIRouter, Response

from scheduler_service.api.connections import ConnectionName
from scheduler_service.api.dependencies import ConnectionsDep, DatabaseDep, WarehouseDep
from scheduler_service.console.pages import Page, operators
from scheduler_service.services import connections

router = APIRouter(include_in_schema=False)

PLACE = "/work/connections"


@router.get(PLACE, dependencies=[operators])
def list_connections(page: Page, known: ConnectionsDep, warehouse: WarehouseDep) -> Response:
    """All, by name: an operator set them where the service starts, so they are few."""
    return page.show("work/connections/list.html", known=connections.every(known, warehouse), trials={})


@router.post(PLACE + "/{name}/test", dependencies=[operators])
def try_connection(
    page: Page, name: ConnectionName, known: ConnectionsDep, warehouse: WarehouseDep, database: DatabaseDep
) -> Response:
    """Try one from where this process runs, for ten seconds at most; the answer stands in its row."""
    trial = connections.test(name, known, warehouse, clock=database.clock)
    every = connections.every(known, warehouse)
    one = next(connection for connection in every if connection.name == name)
    if page.is_part:
        return page.show("work/connections/row.html", one=one, trial=trial)
    return page.show("work/connections/list.html", known=every, trials={name: trial})
