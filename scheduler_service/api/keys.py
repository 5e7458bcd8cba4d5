"""Routes of API keys."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Path
from fastapi import Query as FromQuery
from pydantic import BaseModel, ConfigDict, Field

from scheduler_service.api.auth import Admin, for_admins
from scheduler_service.api.dependencies import Answering, Now, Reading, Writing
from scheduler_service.api.schemas import PageOut, Query
from scheduler_service.services import keys
from scheduler_service.services.fields import Id
from scheduler_service.services.keys import KeyDocument
from scheduler_service.services.roles import Role
from scheduler_service.storage.models import ApiKey

router = APIRouter(prefix="/keys", tags=["keys"])

KeyId = Annotated[Id, Path()]


class KeyOut(BaseModel):
    """A key, without the key: its prefix tells which it is."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    prefix: str = Field(examples=["sk_1f2e3d4c"])
    role: Role
    created_at: datetime
    last_used_at: datetime | None = Field(description="Within a minute")
    expires_at: datetime | None
    revoked_at: datetime | None


class NewKeyOut(KeyOut):
    """A key that was made just now."""

    key: str = Field(description="The key itself: nobody can show it again", examples=["sk_1f2e3d4c_…"])

    @classmethod
    def made(cls, made: tuple[ApiKey, str]) -> Self:
        """The key as it looks over the wire, this once."""
        row, key = made
        return cls(**KeyOut.model_validate(row).model_dump(), key=key)


@router.get("", dependencies=[for_admins])
def list_keys(query: Annotated[Query, FromQuery()], session: Reading) -> PageOut[KeyOut]:
    """List keys, oldest first, revoked ones too."""
    page = keys.search(session, limit=query.limit, cursor=query.cursor)
    return PageOut.of(page, KeyOut.model_validate)


@router.post("", status_code=201)
def create_key(body: KeyDocument, session: Writing, caller: Admin, now: Now, answer: Answering) -> NewKeyOut:
    """Make a key. The answer is the only place where it is told."""
    made = NewKeyOut.made(keys.create(session, body, actor=caller, now=now))
    return answer.secret(answer.located(made, under="/api/v1/keys"))


@router.delete("/{key_id}", status_code=204)
def revoke_key(key_id: KeyId, session: Writing, caller: Admin, now: Now) -> None:
    """Let a key open nothing any more, at once; sessions that were opened with it end. It stays in the list."""
    keys.revoke(session, key_id, actor=caller, now=now)
