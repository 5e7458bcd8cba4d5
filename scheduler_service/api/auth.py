"""Who is calling, told by a bearer key or by the cookie of a session, and whether their role allows what they ask for.

Reading needs a viewer and everything else an admin, unless the route asks for another role in its signature. A browser
sends a cookie whoever made it ask, so with one anything but reading needs the page's token, and our own origin.
"""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from scheduler_service.api.forms import fields_of
from scheduler_service.api.guard import Guard
from scheduler_service.api.limits import address_of
from scheduler_service.errors import CrossSite, Unauthenticated
from scheduler_service.services import sign_in
from scheduler_service.services.roles import Identity, Role
from scheduler_service.services.sign_in import Live

READING_METHODS = ("GET", "HEAD", "OPTIONS")
COOKIE, CSRF_HEADER, CSRF_FIELD = "scheduler_session", "X-CSRF-Token", "csrf_token"
_bearer = HTTPBearer(auto_error=False, scheme_name="key", description="An API key, as `Authorization: Bearer <key>`")
_cookie = APIKeyCookie(
    auto_error=False,
    name=COOKIE,
    scheme_name="session",
    description=f"The console's, by `/sign-in`. Writing needs the token of `/me` as `{CSRF_HEADER}` and our `Origin`",
)


def _guard(request: Request) -> Guard:
    guard: Guard = request.app.state.guard
    return guard


GuardDep = Annotated[Guard, Depends(_guard)]


@dataclass(frozen=True)
class Visit:
    """How somebody came in: with a key, or with the cookie of a session."""

    identity: Identity
    session: Live | None = None
    csrf_token: str | None = None


async def _token(request: Request) -> str:
    """What the page sent along: a form cannot set a header, and has a field for it."""
    said = request.headers.get(CSRF_HEADER)
    return dict(await fields_of(request)).get(CSRF_FIELD, "") if said is None else said


def _visit(
    request: Request,
    guard: GuardDep,
    token: Annotated[str, Depends(_token)],
    key: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    cookie: Annotated[str | None, Depends(_cookie)],
) -> Visit:
    if key is not None:
        visit = Visit(guard.by_key(key.credentials, address=address_of(request.scope)))
    elif cookie is not None:
        session = guard.by_cookie(cookie)
        visit = Visit(session.identity, session, sign_in.csrf_token(cookie))
        _require_own_page(request, guard, visit, token)
    else:
        raise Unauthenticated("A key is needed: Authorization: Bearer <key>.")
    guard.count(visit.identity)
    return visit


Visiting = Annotated[Visit, Depends(_visit)]


def _identity(visit: Visiting) -> Identity:
    return visit.identity


#: Whoever calls, with the role, for what decides by itself what a role may do.
Calling = Annotated[Identity, Depends(_identity)]


def _viewer(calling: Calling) -> str:
    return calling.acting_as("viewer")


def _operator(calling: Calling) -> str:
    return calling.acting_as("operator")


def _admin(calling: Calling) -> str:
    return calling.acting_as("admin")


#: The name of a caller who has the role, for the audit trail.
Operator = Annotated[str, Depends(_operator)]
Admin = Annotated[str, Depends(_admin)]
#: For the decorator of a route that needs no name.
for_viewers, for_operators, for_admins = Depends(_viewer), Depends(_operator), Depends(_admin)
_ROLE_OF: dict[object, Role] = {_viewer: "viewer", _operator: "operator", _admin: "admin"}


def permitted(request: Request, calling: Calling) -> None:
    """Refuse whose role is too low for the route, before anything else is done. Raises: RoleTooLow, Unauthenticated."""
    calling.acting_as(role_needed(request.scope["route"], request.method))


def role_needed(route: APIRoute, method: str) -> Role:
    """The role that the route asks for, else the rule."""
    said = next((_ROLE_OF[call] for call in _calls(route.dependant) if call in _ROLE_OF), None)
    return said or ("viewer" if method in READING_METHODS else "admin")


def require_own_origin(request: Request, guard: Guard, *, said: bool) -> None:
    """Refuse what a page of another origin asks for; `said`: also what does not say where it comes from.

    Raises: CrossSite.
    """
    own, origin = own_origin(request, guard), request.headers.get("origin")
    if origin is None and not said:
        return
    if origin is None or origin.lower() != own:
        raise CrossSite(
            f"A browser must ask from a page of {own}; if that is not what its address bar says, set "
            "SCHEDULER_PUBLIC_URL."
        )


def own_origin(request: Request, guard: Guard) -> str:
    """Where the caller reaches us, as scheme and host."""
    if guard.public_url is not None:
        parts = urlsplit(guard.public_url)
        return f"{parts.scheme}://{parts.netloc}".lower()
    return f"{request.scope['scheme']}://{request.headers.get('host', '')}".lower()


def _require_own_page(request: Request, guard: Guard, visit: Visit, token: str) -> None:
    if request.method in READING_METHODS:
        return
    require_own_origin(request, guard, said=True)
    if not hmac.compare_digest(token.encode("utf-8", "replace"), (visit.csrf_token or "").encode()):
        raise CrossSite(f"With a session a change needs the header {CSRF_HEADER}: `csrf_token` of /me.")


def _calls(dependant: Dependant) -> Iterator[object]:
    for part in dependant.dependencies:
        yield part.call
        yield from _calls(part)
