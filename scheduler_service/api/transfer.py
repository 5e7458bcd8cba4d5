"""Schedules as a file: out, and in again."""

from typing import Annotated, Any, Self

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import BaseModel, Field

from scheduler_service.api.auth import Admin
from scheduler_service.api.dependencies import Now, Reading, Writing
from scheduler_service.api.idempotency import OnceRoute, once
from scheduler_service.errors import Invalid
from scheduler_service.services import transfer
from scheduler_service.services.schedule_filters import ScheduleFilters, Tags
from scheduler_service.services.transfer import Plan, Wish
from scheduler_service.services.transfer_documents import Format, TransferDocument, read

router = APIRouter(prefix="/schedules", tags=["schedules"], route_class=OnceRoute)

MEDIA_TYPES: dict[Format, str] = {"yaml": "application/yaml", "json": "application/json"}
FORMATS: dict[str, Format] = {
    "application/json": "json",
    "application/yaml": "yaml",
    "application/x-yaml": "yaml",
    "text/yaml": "yaml",
    "text/x-yaml": "yaml",
}
_FILE = {media: {"schema": {"$ref": "#/components/schemas/TransferDocument"}} for media in MEDIA_TYPES.values()}


class ExportQuery(ScheduleFilters):
    """Which schedules, in which language."""

    format: Format = "yaml"


class ImportQuery(BaseModel):
    """How a file is taken."""

    model_config = {"extra": "forbid"}

    dry_run: bool = Field(default=False, description="Change nothing, and tell what would be")
    prune: bool = Field(default=False, description="Delete schedules that the file does not name")
    tag: Tags = Field(default_factory=list, description="Prune only those with these tags")
    allow_unknown_task: bool = Field(default=False, description="Take tasks that no worker has made known")

    def wish(self) -> Wish:
        """The same as `services` knows it. Raises: Invalid."""
        if self.tag and not self.prune:
            raise Invalid.field("tag", "says what to prune, and needs prune=true")
        return Wish(self.dry_run, self.prune, tuple(self.tag), self.allow_unknown_task)


class ChangedOut(BaseModel):
    """A schedule that differs from the file."""

    name: str
    changes: dict[str, tuple[Any, Any]] = Field(description="{field: [old, new]}")


class ImportOut(BaseModel):
    """What an import did; in a dry run, what it would."""

    dry_run: bool
    prune: bool
    created: list[str]
    changed: list[ChangedOut]
    unchanged: list[str]
    pruned: list[str]

    @classmethod
    def of(cls, plan: Plan, wish: Wish) -> Self:
        """The plan as it looks over the wire."""
        return cls(
            dry_run=wish.dry_run,
            prune=wish.prune,
            created=[wanted.name for wanted in plan.created],
            changed=[ChangedOut(name=edit.task.name, changes=edit.changes) for edit in plan.changed],
            unchanged=plan.unchanged,
            pruned=[task.name for task in plan.pruned],
        )


async def _content(request: Request) -> bytes:
    return await request.body()


def _document(
    content: Annotated[bytes, Depends(_content)], content_type: Annotated[str, Header(include_in_schema=False)] = ""
) -> TransferDocument:
    """The file that was sent. Raises: Malformed, Invalid."""
    form = FORMATS.get(content_type.partition(";")[0].strip().lower())
    if form is None:
        raise Invalid.field("body", "must be sent with Content-Type: application/yaml or application/json")
    return read(content, form)


@router.get(
    "/export",
    response_class=Response,
    responses={200: {"content": _FILE, "description": "The schedules, by name"}},
)
def export_schedules(query: Annotated[ExportQuery, Query()], session: Reading) -> Response:
    """All schedules, or those of a filter, as a file to keep: no ids, no state, no defaults."""
    return Response(transfer.export(session, query.wanted(), query.format), media_type=MEDIA_TYPES[query.format])


@router.post("/import", dependencies=[once], openapi_extra={"requestBody": {"content": _FILE, "required": True}})
def import_schedules(
    query: Annotated[ImportQuery, Query()],
    document: Annotated[TransferDocument, Depends(_document)],
    session: Writing,
    caller: Admin,
    now: Now,
) -> ImportOut:
    """Make schedules what the file says, by name, all or none; what it leaves out of one has its default."""
    wish = query.wish()
    return ImportOut.of(transfer.bring(session, document, wish, actor=caller, now=now), wish)
