"""The API as one application, given all it needs."""

from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute

from scheduler_service.api import (
    backfills,
    calendars,
    collect_tasks,
    datasets,
    health,
    load,
    openapi,
    problems,
    runs,
    schedules,
)
from scheduler_service.api.auth import authenticated
from scheduler_service.api.bodies import BodyLimit
from scheduler_service.api.turnstile import Turnstile
from scheduler_service.storage.session import Database
from scheduler_service.workloads.warehouse import Warehouse

PREFIX = "/api/v1"
DESCRIPTION = """Schedules are rows, edited at runtime and read live by any number of Beats.

Instants are RFC 3339 in Z. Failures are RFC 9457 problems with a stable `code` and one entry per bad field. Lists are
pages: pass `next_cursor` as `cursor` until it is null."""


def create_api(database: Database, *, admin_key: str, warehouse: Warehouse) -> FastAPI:
    """The application over this database and warehouse; `admin_key` opens everything."""
    app = FastAPI(
        title="Scheduler service",
        version=health.VERSION,
        description=DESCRIPTION,
        openapi_url="/openapi.json",
        docs_url=None,  # it would load its scripts from the internet
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
        generate_unique_id_function=_operation_id,
    )
    app.state.database, app.state.admin_key, app.state.warehouse = database, admin_key, warehouse
    app.add_middleware(Turnstile, under=PREFIX, one_writer=database.dialect == "sqlite")
    app.add_middleware(BodyLimit)
    problems.install(app)
    openapi.install(app)
    app.include_router(health.router)
    guarded = APIRouter(prefix=PREFIX, dependencies=[Depends(authenticated)])
    for noun in (schedules, runs, backfills, calendars, load, collect_tasks, datasets):
        guarded.include_router(noun.router)
    app.include_router(guarded)
    return app


def _operation_id(route: APIRoute) -> str:
    """The function's name: unique, and a good name for a client's method."""
    return route.name
