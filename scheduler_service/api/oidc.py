"""Routes that a browser walks through to sign in with an identity provider."""

from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from scheduler_service.api.auth import GuardDep, own_origin
from scheduler_service.api.dependencies import Now
from scheduler_service.api.own_paths import own_path
from scheduler_service.api.sign_in import Entrance
from scheduler_service.errors import SignInFailed
from scheduler_service.services.oidc import Attempt, SignInProvider
from scheduler_service.services.roles import Identity

CONSOLE, BEGIN, CALLBACK = "/", "/sign-in/oidc", "/sign-in/oidc/callback"
#: The attempt, and where the reader wanted to go.
COOKIE, NEXT, ATTEMPT_SECONDS = "scheduler_sign_in", "scheduler_sign_in_next", 600
LONGEST_NEXT = 1000

router = APIRouter(include_in_schema=False)  # for people, who follow redirects; a program has a key


class Return:
    """What the provider sent the browser back with."""

    def __init__(self, request: Request) -> None:
        self._said, self._secret = request.query_params, request.cookies.get(COOKIE)

    def attempt(self, provider: SignInProvider) -> tuple[Attempt, str]:
        """The sign-in that this browser began, and the code. Raises: SignInFailed."""
        provider.require_issuer(self._said.get("iss"))
        attempt = Attempt(self._secret or "")
        if not self._secret or self._said.get("state") != attempt.part("state"):
            raise SignInFailed("this browser did not begin it, or too long ago")
        if "code" not in self._said:
            raise SignInFailed("the provider said no")
        return attempt, self._said["code"]


def _provider(request: Request) -> SignInProvider:
    provider: SignInProvider = request.app.state.provider
    return provider


def _redirect_uri(request: Request, guard: GuardDep) -> str:
    return f"{own_origin(request, guard)}{request.scope.get('root_path', '')}{CALLBACK}"


ProviderDep = Annotated[SignInProvider, Depends(_provider)]
RedirectUri = Annotated[str, Depends(_redirect_uri)]


def _arriving(
    provider: ProviderDep, redirect_uri: RedirectUri, returned: Annotated[Return, Depends()], now: Now
) -> Identity:
    attempt, code = returned.attempt(provider)
    return provider.identify(attempt, code=code, redirect_uri=redirect_uri, now=now)


@router.get(BEGIN)
def begin_oidc(provider: ProviderDep, redirect_uri: RedirectUri, next: str = CONSOLE) -> Response:
    """Go to the provider's page, and from there to `next`."""
    attempt = Attempt.begun()
    response = RedirectResponse(provider.page(attempt, redirect_uri=redirect_uri), 303)
    secure = redirect_uri.startswith("https:")
    kept = {COOKIE: attempt.secret} | ({NEXT: quote(own_path(next)[:LONGEST_NEXT])} if next != CONSOLE else {})
    for name, value in kept.items():
        response.set_cookie(
            name, value, max_age=ATTEMPT_SECONDS, path=BEGIN, httponly=True, samesite="lax", secure=secure
        )
    return response


@router.get(CALLBACK)
def finish_oidc(request: Request, arriving: Annotated[Identity, Depends(_arriving)], door: Entrance) -> Response:
    """Come back from the provider's page, with a session."""
    response = RedirectResponse(own_path(unquote(request.cookies.get(NEXT, "")), CONSOLE), 303)
    door.open(arriving, response)
    for name in {COOKIE, NEXT} & request.cookies.keys():
        response.delete_cookie(name, path=BEGIN, httponly=True, samesite="lax", secure=door.secure)
    return response
