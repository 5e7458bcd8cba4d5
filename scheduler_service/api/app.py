"""The API as one application, given all it needs."""

from functools import cache
from pathlib import Path

from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from scheduler_service.api import (
    artifacts,
    audit,
    backfills,
    bulk,
    calendars,
    collect_tasks,
    datasets,
    docs_page,
    etl_pipelines,
    events,
    health,
    keys,
    load,
    metrics,
    moves,
    oidc,
    openapi,
    problems,
    reports,
    runs,
    schedules,
    sign_in,
    stats,
    tasks,
    transfer,
    workers,
)
from scheduler_service.api import (
    connections as connection_routes,
)
from scheduler_service.api.access import SAFE, Access
from scheduler_service.api.auth import permitted
from scheduler_service.api.bodies import BodyLimit
from scheduler_service.api.guard import Guard
from scheduler_service.api.limits import AddressLimit, Limit
from scheduler_service.api.turnstile import Turnstile
from scheduler_service.services.broker_look import Broker
from scheduler_service.services.metrics import Metrics
from scheduler_service.services.oidc import SignInProvider
from scheduler_service.storage.session import Database
from scheduler_service.workloads.connections import Connections
from scheduler_service.workloads.report.places import ReportPlaces
from scheduler_service.workloads.warehouses import AnyWarehouse

PREFIX = "/api/v1"
#: What waits for nobody and is not counted: probes, and files that are in memory.
APART = ("/healthz", "/readyz", "/metrics", "/static/")
NOUNS = (
    bulk,
    transfer,
    tasks,
    schedules,
    runs,
    backfills,
    calendars,
    load,
    moves,
    collect_tasks,
    reports,
    artifacts,
    connection_routes,
    etl_pipelines,
    datasets,
    keys,
    sign_in,
    stats,
    audit,
    workers,
    events,
)
IN_VAR = ReportPlaces(Path("var"))
DESCRIPTION = """Schedules are rows, edited at runtime and read live by any number of Beats.

Instants are RFC 3339 in Z. Failures are RFC 9457 problems with a stable `code` and one entry per bad field. Lists are
pages: pass `next_cursor` as `cursor` until it is null."""


def create_api(
    database: Database,
    *,
    admin_key: str,
    warehouse: AnyWarehouse,
    connections: Connections | None = None,
    report_places: ReportPlaces = IN_VAR,
    access: Access = SAFE,
    require_if_match: bool = False,
    broker_url: str | None = None,
) -> FastAPI:
    """The application over this database and warehouse; `admin_key` opens everything.

    The broker is only looked at, for `/readyz` and `/metrics`; everything else works without one.
    """
    app = FastAPI(
        title="Scheduler service",
        version=health.VERSION,
        description=DESCRIPTION,
        openapi_url="/openapi.json",
        docs_url=None,  # it would load its scripts from the internet: ours is `docs_page`
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
        routes=_routes(by_provider=access.provider is not None),
    )
    app.state.database, app.state.warehouse, app.state.connections = database, warehouse, connections or {}
    app.state.report_places = report_places
    app.state.require_if_match = require_if_match
    app.state.feed = events.feed_of(database)
    app.state.broker = Broker(broker_url)
    app.state.metrics = Metrics(database, app.state.broker)
    app.state.guard = Guard(database, admin_key=admin_key, access=access)
    app.add_middleware(Turnstile, apart=APART, one_writer=database.dialect == "sqlite")
    app.add_middleware(BodyLimit, files=(f"{PREFIX}/schedules/import", "/schedules/import"))
    _count_addresses(app, access)
    problems.install(app)
    openapi.install(app)
    app.add_middleware(metrics.Counted, metrics=app.state.metrics, prefix=PREFIX)
    if access.provider is not None:
        app.state.provider = SignInProvider(access.provider)
    return app


@cache
def _routes(*, by_provider: bool) -> list[BaseRoute]:
    """All routes, made once in a process: what they depend on takes FastAPI longer to find out than all the rest."""
    router = APIRouter(generate_unique_id_function=_operation_id)
    router.include_router(health.router)
    router.include_router(docs_page.router)
    router.include_router(metrics.router)
    router.include_router(sign_in.entrance, prefix=PREFIX)
    if by_provider:
        router.include_router(oidc.router)
    guarded = APIRouter(prefix=PREFIX, dependencies=[Depends(permitted)])
    for noun in NOUNS:
        guarded.include_router(noun.router)
    router.include_router(guarded)
    return router.routes


def _count_addresses(app: FastAPI, access: Access) -> None:
    """Limit each address, as it is or as a trusted proxy tells it, before anything of its request is read."""
    limit = Limit("requests from this address", access.per_address)
    app.add_middleware(AddressLimit, limit=limit, apart=APART)
    if access.trusted_proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(access.trusted_proxies))


def _operation_id(route: APIRoute) -> str:
    """The function's name: unique, and a good name for a client's method."""
    return route.name
