"""Routes of the road from other schedulers: where each job stands, and what the other scheduler tells."""

from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter
from fastapi import Query as FromQuery
from pydantic import BaseModel, Field

from scheduler_service.api.auth import Operator
from scheduler_service.api.dependencies import Now, Reading, Writing
from scheduler_service.api.schemas import PageOut, Query, Word
from scheduler_service.services import moves, observed_runs
from scheduler_service.services.comparisons import KINDS
from scheduler_service.services.fields import Id
from scheduler_service.services.moves import Compared, Summary
from scheduler_service.services.observed_runs import ObservedRunsDocument
from scheduler_service.storage.moves import MoveFilter

router = APIRouter(tags=["moves"])

MoveState = Literal["planned", "shadow", "live", "rolled_back", "doubtful"]


class MoveQuery(Query):
    """Which moves."""

    source: Word | None = None
    state: list[MoveState] | None = Field(default=None, description="May be given several times: any of them")
    schedule_id: Id | None = None

    def wanted(self) -> MoveFilter:
        """The filter."""
        return MoveFilter(self.source, self.state, self.schedule_id)


class ComparedOut(BaseModel):
    """What the other scheduler ran, against what the shadow would have run; null dates: nothing was compared."""

    matched: int
    early: int
    late: int
    missing: int
    extra: int
    unexplained: int
    since: datetime | None
    until: datetime | None


class MoveOut(BaseModel):
    """A job of another scheduler on its way here."""

    id: int
    schedule_id: int | None
    source: str
    source_kind: str
    source_id: str
    name: str
    state: MoveState
    compared: ComparedOut
    boundary_at: datetime | None = Field(description="Up to here the one scheduler runs it, from here on the other")
    changed_at: datetime
    note: str | None

    @classmethod
    def of(cls, item: Compared) -> Self:
        """The move as it looks over the wire."""
        move, found = item.move, item.comparison
        span = {"since": found.since, "until": found.until, "unexplained": found.unexplained}
        return cls.model_validate(
            {
                "id": move.id,
                "schedule_id": move.periodic_task_id,
                "source": move.source,
                "source_kind": move.source_kind,
                "source_id": move.source_id,
                "name": move.name,
                "state": move.state,
                "compared": {**span, **{kind: found.counts[kind] for kind in KINDS}},
                "boundary_at": move.boundary_at,
                "changed_at": move.changed_at,
                "note": move.note,
            }
        )


class SummaryQuery(BaseModel):
    """Of which source."""

    model_config = {"extra": "forbid"}

    source: Word | None = None


class SummaryOut(BaseModel):
    """How many moves are in each state."""

    total: int
    states: dict[MoveState, int]
    percent: dict[MoveState, float]

    @classmethod
    def of(cls, summary: Summary) -> Self:
        """The summary as it looks over the wire."""
        return cls.model_validate(vars(summary))


class StoredOut(BaseModel):
    """How much of what was told was new."""

    stored: int


@router.get("/moves")
def list_moves(query: Annotated[MoveQuery, FromQuery()], session: Reading, now: Now) -> PageOut[MoveOut]:
    """List the jobs that come from other schedulers, and how their shadows compare."""
    page = moves.search(session, query.wanted(), limit=query.limit, cursor=query.cursor, now=now)
    return PageOut.of(page, MoveOut.of)


@router.get("/moves/summary")
def summarise_moves(query: Annotated[SummaryQuery, FromQuery()], session: Reading) -> SummaryOut:
    """Tell how far the road is walked."""
    return SummaryOut.of(moves.summary(session, query.source))


@router.post("/observed-runs")
def store_observed_runs(body: ObservedRunsDocument, session: Writing, caller: Operator, now: Now) -> StoredOut:  # noqa: ARG001
    """Tell what another scheduler ran; telling it again changes nothing."""
    return StoredOut(stored=observed_runs.store(session, body.source, body.runs, now=now))
