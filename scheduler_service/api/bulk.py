"""One deed on many schedules."""

from typing import Any, Self

from fastapi import APIRouter
from pydantic import BaseModel, Field

from scheduler_service.api.auth import Calling, for_operators
from scheduler_service.api.dependencies import DatabaseDep, Source
from scheduler_service.api.idempotency import BatchOnce, OnceRoute
from scheduler_service.services import bulk
from scheduler_service.services.bulk import Action, BulkDocument, Deed, Item, Outcome
from scheduler_service.services.roles import Role

router = APIRouter(prefix="/schedules", tags=["schedules"], route_class=OnceRoute)

#: As for one schedule.
NEEDED: dict[Action, Role] = {"pause": "operator", "resume": "operator", "trigger": "operator"}


class ItemOut(BaseModel):
    """What became of one schedule; in a dry run, what would."""

    id: int
    name: str | None = Field(description="Null for one that was not looked at, or is not there")
    outcome: Outcome
    code: str | None = Field(default=None, exclude_if=lambda code: code is None, examples=["schedule_not_found"])
    detail: str | None = Field(default=None, exclude_if=lambda detail: detail is None)


class BulkOut(BaseModel):
    """What became of all; those that needed no change succeeded as well."""

    action: Action
    dry_run: bool
    total: int
    succeeded: int
    failed: int
    items: list[ItemOut]

    @classmethod
    def of(cls, document: BulkDocument, items: list[Item]) -> Self:
        """The outcomes as they look over the wire."""
        failed = sum(item.outcome == "failed" for item in items)
        out: dict[str, Any] = {"action": document.action, "dry_run": document.dry_run, "total": len(items)}
        return cls(**out, succeeded=len(items) - failed, failed=failed, items=[ItemOut(**vars(item)) for item in items])


@router.post("/bulk", dependencies=[for_operators])
def change_schedules(
    body: BulkDocument, database: DatabaseDep, calling: Calling, source: Source, batch: BatchOnce
) -> BulkOut:
    """Pause, resume, trigger, delete, tag or untag up to 10,000 schedules, some hundred in a transaction.

    To delete or tag needs the role admin.
    """
    actor = calling.acting_as(NEEDED.get(body.action, "admin"))
    return BulkOut.of(body, bulk.perform(database, Deed(body, actor, source, batch)))
