"""Who is calling: told by a bearer key."""

import hmac
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from scheduler_service.errors import Unauthenticated

_bearer = HTTPBearer(auto_error=False, scheme_name="key", description="An API key, as `Authorization: Bearer <key>`")


def authenticated(request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> str:
    """The name of the caller. Raises: Unauthenticated."""
    if given is None:
        raise Unauthenticated("A key is needed: Authorization: Bearer <key>.")
    key: str = request.app.state.admin_key
    if not hmac.compare_digest(given.credentials.encode("utf-8", "surrogatepass"), key.encode()):
        raise Unauthenticated("This key is not known.")
    return "admin"


Caller = Annotated[str, Depends(authenticated)]
