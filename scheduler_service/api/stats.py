"""Routes of runs in numbers."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter
from fastapi import Query as FromQuery
from pydantic import BaseModel, ConfigDict, Field

from scheduler_service.api.dependencies import Now, Reading
from scheduler_service.api.run_schemas import RunState
from scheduler_service.services import stats
from scheduler_service.services.fields import Id, Moment
from scheduler_service.services.schedule_documents import Kind
from scheduler_service.services.stats import LONGEST_RANGE
from scheduler_service.storage.stats import Stats, StatsFilter

router = APIRouter(tags=["runs"])


class StatsQuery(BaseModel):
    """Runs of which schedules, decided when."""

    model_config = {"extra": "forbid"}

    schedule_id: Id | None = None
    kind: Kind | None = None
    since: Moment | None = Field(default=None, description="By default a day before until")
    until: Moment | None = Field(
        default=None, description=f"Not included; by default now; at most {LONGEST_RANGE.days} days after since"
    )


class SpreadOut(BaseModel):
    """Percentiles in seconds; null where no run tells."""

    model_config = ConfigDict(from_attributes=True)

    p50: float | None
    p95: float | None
    p99: float | None
    max: float | None


class StatsOut(BaseModel):
    """How many runs, how late their first attempts began, and how long their last ones took."""

    since: datetime
    until: datetime
    runs: int
    states: dict[RunState, int]
    lateness_seconds: SpreadOut
    duration_seconds: SpreadOut

    @classmethod
    def of(cls, found: tuple[StatsFilter, Stats]) -> Self:
        """The numbers as they look over the wire."""
        wanted, numbers = found
        return cls.model_validate(
            {
                "since": wanted.since,
                "until": wanted.until,
                "runs": sum(numbers.states.values()),
                "states": numbers.states,
                "lateness_seconds": numbers.lateness,
                "duration_seconds": numbers.duration,
            }
        )


@router.get("/stats")
def get_stats(query: Annotated[StatsQuery, FromQuery()], session: Reading, now: Now) -> StatsOut:
    """Count runs by state, with percentiles of lateness and duration, of one schedule or of all.

    Late is a run by the time from when it was to be sent until its first attempt began.
    """
    return StatsOut.of(stats.of_runs(session, now=now, **dict(query)))
