"""The console and the API as one application."""

from typing import Any

from fastapi import APIRouter, Depends, FastAPI

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
    app.state.assets = assets.Assets()
    app.state.templates = pages.environment(app.state.assets)
    app.state.outlook = Outlook(database, app.state.broker)
    failures.install(app)
    app.add_middleware(PageHeaders)
    app.include_router(assets.router)
    app.include_router(sign_in.entrance)
    guarded = APIRouter(include_in_schema=False, dependencies=[Depends(permitted)])
    for noun in NOUNS:
        guarded.include_router(noun.router)
    app.include_router(guarded)
    return app
