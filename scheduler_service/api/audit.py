"""Routes of the audit trail."""

from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import APIRouter
from fastapi import Query as FromQuery
from pydantic import BaseModel, Field

from scheduler_service.api.dependencies import Reading
from scheduler_service.api.schemas import CountedQuery, PageOut, Word
from scheduler_service.services import audit
from scheduler_service.services.fields import Moment
from scheduler_service.storage.audit import AuditFilter
from scheduler_service.storage.models import AuditEvent

router = APIRouter(tags=["audit"])


class AuditQuery(CountedQuery):
    """Which changes."""

    actor: Word | None = Field(default=None, examples=["database"])
    action: Word | None = Field(default=None, examples=["pause"])
    source: Word | None = Field(default=None, examples=["127.0.0.1"])
    subject_type: Word | None = Field(default=None, examples=["schedule"])
    subject_id: Word | None = Field(default=None, examples=["1"])
    since: Moment | None = None
    until: Moment | None = Field(default=None, description="Not included")

    def wanted(self) -> AuditFilter:
        """The filter."""
        names = AuditQuery.model_fields.keys() - {"limit", "cursor", "total"}
        return AuditFilter(**{name: getattr(self, name) for name in names})


class AuditEventOut(BaseModel):
    """A change, and who made it: the name of a key, `beat`, or `database` for plain SQL."""

    id: int
    at: datetime
    actor: str
    action: str
    source: str = Field(description="The address it was asked from, or the process or database user that wrote it")
    subject_type: str
    subject_id: str
    subject_name: str
    changes: dict[str, tuple[Any, Any]] = Field(
        description="Of each field the old and the new value; of plain SQL, of each column"
    )

    @classmethod
    def of(cls, event: AuditEvent) -> Self:
        """The event as it looks over the wire."""
        return cls(**{name: getattr(event, name) for name in cls.model_fields})


@router.get("/audit")
def list_audit_events(query: Annotated[AuditQuery, FromQuery()], session: Reading) -> PageOut[AuditEventOut]:
    """List changes, newest first."""
    page = audit.search(session, query.wanted(), limit=query.limit, cursor=query.cursor, total=query.total)
    return PageOut.of(page, AuditEventOut.of)
