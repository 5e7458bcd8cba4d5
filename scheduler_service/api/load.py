"""Routes of the load to come."""

from datetime import datetime, timedelta
from typing import Annotated, Self

from fastapi import APIRouter
from fastapi import Query as FromQuery
from pydantic import BaseModel, Field

from scheduler_service.api.dependencies import Now, Reading
from scheduler_service.services import forecasts
from scheduler_service.services.fields import Moment
from scheduler_service.services.forecasts import Frame, Load

router = APIRouter(tags=["load"])

HOUR, DAY, MONTH = 3600, 86_400, 31 * 86_400


class LoadQuery(BaseModel):
    """From when to when, in which steps."""

    model_config = {"extra": "forbid"}

    start: Moment | None = Field(default=None, description="By default now")
    end: Moment | None = Field(default=None, description="Not included; by default a day after start")
    bucket: int = Field(default=HOUR, ge=60, le=MONTH, description="Seconds; at most 2000 buckets are counted")

    def frame(self, now: datetime) -> Frame:
        """What is asked about."""
        start = self.start or now
        return Frame(start, self.end or start + timedelta(seconds=DAY), timedelta(seconds=self.bucket))


class BucketOut(BaseModel):
    """The runs from an instant on until the next bucket begins."""

    at: datetime
    total: int
    collect: int
    etl: int
    report: int
    other: int


class LoadOut(BaseModel):
    """Runs to come, in buckets."""

    start: datetime
    end: datetime
    bucket: int
    items: list[BucketOut]
    left_out: int = Field(description="Schedules that are not counted, since their rows are not understood")

    @classmethod
    def of(cls, load: Load) -> Self:
        """The load as it looks over the wire."""
        frame, rows = load.frame, zip(*load.by_kind.values(), strict=True)
        items = [
            BucketOut(
                at=frame.start + number * frame.bucket,
                total=sum(counts),
                **dict(zip(load.by_kind, counts, strict=True)),
            )
            for number, counts in enumerate(rows)
        ]
        bucket = int(frame.bucket.total_seconds())
        return cls(start=frame.start, end=frame.end, bucket=bucket, items=items, left_out=load.left_out)


@router.get("/load")
def get_load(query: Annotated[LoadQuery, FromQuery()], session: Reading, now: Now) -> LoadOut:
    """How many runs are to come in each bucket of time, over all enabled schedules, by kind.

    Each schedule counts as its row stands now, also in the past; one with a limit of runs counts those that are left.
    """
    return LoadOut.of(forecasts.load(session, query.frame(now), now=now))
