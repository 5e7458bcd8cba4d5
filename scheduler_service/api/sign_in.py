"""Routes of signing in to the console, and out: a key is exchanged for the cookie of a session."""

from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, SecretStr
from pydantic_core import from_json

from scheduler_service.api.auth import COOKIE, GuardDep, Visit, Visiting, for_viewers, own_origin, require_own_origin
from scheduler_service.api.dependencies import Answering, Now, Writing
from scheduler_service.api.forms import FORM, fields_of
from scheduler_service.api.limits import address_of
from scheduler_service.services import documents, sign_in
from scheduler_service.services.fields import Document
from scheduler_service.services.roles import Identity, Role


class SignInRequest(Document):
    """What a person shows to sign in."""

    key: SecretStr = Field(min_length=1, max_length=500, description="An API key", examples=["sk_1f2e3d4c_…"])


class MeOut(BaseModel):
    """Who the caller is."""

    actor: str = Field(description="The name in the audit trail", examples=["key:deploy pipeline"])
    role: Role
    expires_at: datetime | None = Field(description="When the key or the session ends")
    csrf_token: str | None = Field(description="With a session: what a change needs in `X-CSRF-Token`")

    @classmethod
    def of(cls, who: Identity, csrf_token: str | None = None) -> Self:
        """Who it is, as it looks over the wire."""
        return cls(actor=who.actor, role=who.role, expires_at=who.expires_at, csrf_token=csrf_token)


class Door:
    """Opens and ends sessions, and sets the cookie that goes with them."""

    def __init__(self, request: Request, guard: GuardDep, session: Writing, now: Now) -> None:
        self._guard, self._session, self._now = guard, session, now
        self._former = request.cookies.get(COOKIE)
        self.secure = own_origin(request, guard).startswith("https:")

    def open(self, who: Identity, response: Response) -> MeOut:
        """Start a session, with an id that nobody has seen before; the one that the browser had ends."""
        rules = self._guard.rules
        cookie, opened = sign_in.start(self._session, who, rules, former=self._former, now=self._now)
        seconds = int(rules.lifetime.total_seconds())
        response.set_cookie(COOKIE, cookie, max_age=seconds, httponly=True, samesite="lax", secure=self.secure)
        return MeOut.of(opened, sign_in.csrf_token(cookie))

    def close(self, visit: Visit, response: Response) -> None:
        """End the session, if it was one that let the caller in."""
        if visit.session is not None:
            sign_in.end(self._session, visit.session)
            response.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=self.secure)


async def _posted(request: Request) -> SignInRequest:
    if fields := await fields_of(request):
        return documents.read(SignInRequest, dict(fields))
    try:
        document = from_json(await request.body())
    except ValueError:
        why = {"type": "json_invalid", "loc": ("body", 0), "msg": "", "ctx": {"error": "it cannot be read"}}
        raise RequestValidationError([why]) from None
    return documents.read(SignInRequest, document)


def _arriving(request: Request, guard: GuardDep, posted: Annotated[SignInRequest, Depends(_posted)]) -> Identity:
    require_own_origin(request, guard, said=False)
    return guard.by_key(posted.key.get_secret_value(), address=address_of(request.scope))


Entrance = Annotated[Door, Depends()]
Arriving = Annotated[Identity, Depends(_arriving)]

_BODY: dict[str, Any] = {"schema": SignInRequest.model_json_schema()}
_REQUEST_BODY = {"required": True, "content": {"application/json": _BODY, FORM: _BODY}}

entrance = APIRouter(tags=["sign-in"])  # who comes here is not known yet
router = APIRouter(tags=["sign-in"])


@entrance.post("/sign-in", openapi_extra={"requestBody": _REQUEST_BODY})
def sign_in_with_key(arriving: Arriving, door: Entrance, response: Response, answer: Answering) -> MeOut:
    """Exchange a key, as JSON or from a form, for the cookie of a session."""
    return answer.secret(door.open(arriving, response))


@router.post("/sign-out", status_code=204, dependencies=[for_viewers])
def sign_out(visit: Visiting, door: Entrance, response: Response) -> None:
    """End the session of the cookie. A key is not touched."""
    door.close(visit, response)


@router.get("/me")
def get_me(visit: Visiting, answer: Answering) -> MeOut:
    """Who the key or the session belongs to, what their role is and until when."""
    return answer.secret(MeOut.of(visit.identity, visit.csrf_token))
