"""Whether the service lives, and whether it can work. For probes: no key is needed."""

from importlib.metadata import version
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from scheduler_service.api.dependencies import DatabaseDep
from scheduler_service.services import readiness
from scheduler_service.storage import zone_data

VERSION = version("scheduler-service")

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """Alive."""

    status: Literal["ok"] = "ok"
    version: str = VERSION
    tzdata: str = Field(default=zone_data.VERSION, description="The time zone data that this process computes with")


class Readiness(BaseModel):
    """Each thing that was looked at."""

    status: Literal["ready"] = "ready"
    checks: dict[str, str]


@router.get("/healthz")
def healthz() -> Health:
    """Whether the process lives; it does not look at anything."""
    return Health()


@router.get("/readyz")
def readyz(database: DatabaseDep) -> Readiness:
    """Whether the database can be reached and is at this version."""
    return Readiness(checks=readiness.check(database))
