"""Whether the service lives, and whether it can work. For probes: no key is needed."""

from importlib.metadata import version
from typing import Literal, Self

from fastapi import APIRouter
from pydantic import BaseModel, Field

from scheduler_service.api.dependencies import BrokerDep, DatabaseDep
from scheduler_service.services import readiness
from scheduler_service.services.readiness import Readiness
from scheduler_service.storage import zone_data

VERSION = version("scheduler-service")

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """Alive."""

    status: Literal["ok"] = "ok"
    version: str = VERSION
    tzdata: str = Field(default=zone_data.VERSION, description="The time zone data that this process computes with")


class ReadinessOut(BaseModel):
    """Each thing that was looked at, "ok" or in words; degraded: requests are served, but runs wait."""

    status: Literal["ready", "degraded"]
    checks: dict[str, str] = Field(
        examples=[{"database": "ok", "migrations": "ok", "broker": "ok", "beat": "none was seen lately"}]
    )

    @classmethod
    def of(cls, found: Readiness) -> Self:
        """What was found as it looks over the wire."""
        return cls(status="degraded" if found.is_degraded else "ready", checks=found.checks)


@router.get("/healthz")
def healthz() -> Health:
    """Whether the process lives; it does not look at anything."""
    return Health()


@router.get("/readyz")
def readyz(database: DatabaseDep, broker: BrokerDep) -> ReadinessOut:
    """Whether the database can be reached and is at this version; and whether the broker and a Beat are there.

    Without these two the API works, and runs wait: `degraded`, with 200, since another copy of the API would not help.
    """
    return ReadinessOut.of(readiness.check(database, broker))
