"""The console and the API as one application."""

from functools import cache
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from jinja2 import Environment
from starlette.routing import BaseRoute

from scheduler_service.api.app import create_api
from scheduler_service.api.auth import permitted
from scheduler_service.console import (
    artifacts,
    assets,
    audit,
    backfills,
    calendars,
    collect_tasks,
    connections,
    datasets,
    definitions,
    doctor,
    failures,
    keys,
    moves,
    overview,
    pages,
    pipelines,
    preferences,
    reports,
    runs,
    schedule,
    schedule_acts,
    schedule_bulk,
    schedule_form,
    schedule_preview,
    schedule_transfer,
    schedules,
    sign_in,
    system,
    work,
)
from scheduler_service.console.headers import PageHeaders
from scheduler_service.services.overview import Outlook
from scheduler_service.storage.session import Database

NOUNS = (
    overview,
    preferences,
    sign_in,
    schedule_bulk,  # before one schedule: what these name is no id
    schedule_transfer,
    schedules,
    schedule,
    schedule_acts,
    schedule_form,
    schedule_preview,
    runs,
    work,
    collect_tasks,
    pipelines,
    reports,
    artifacts,
    datasets,
    connections,
    definitions,  # after those that name one of its places
    audit,
    backfills,
    calendars,
    doctor,
    keys,
    moves,
    system,
)


def create_site(database: Database, **given: Any) -> FastAPI:
    """The API with the console on top; `given` is what `create_api` takes."""
    app = create_api(database, **given)
    app.state.assets, app.state.templates = _look()
    app.state.outlook = Outlook(database, app.state.broker)
    failures.install(app)
    app.add_middleware(PageHeaders)
    app.routes.extend(_routes())
    return app


@cache
def _look() -> tuple[assets.Assets, Environment]:
    """Files and templates, read and compiled once in a process."""
    found = assets.Assets()
    return found, pages.environment(found)


@cache
def _routes() -> list[BaseRoute]:
    """The pages, made once in a process, as the API's are."""
    router = APIRouter()
    router.include_router(assets.router)
    router.include_router(sign_in.entrance)
    guarded = APIRouter(include_in_schema=False, dependencies=[Depends(permitted)])
    for noun in NOUNS:
        guarded.include_router(noun.router)
    router.include_router(guarded)
    return router.routes
