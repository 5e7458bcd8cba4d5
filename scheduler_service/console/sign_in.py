"""The door of the console: a key, or the identity provider's page."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from scheduler_service.api.auth import GuardDep, Visiting, for_viewers, require_own_origin
from scheduler_service.api.limits import address_of
from scheduler_service.api.oidc import BEGIN
from scheduler_service.api.sign_in import Entrance, SignInRequest
from scheduler_service.console.forms import Form
from scheduler_service.console.pages import AnyPage, Page, own_path
from scheduler_service.errors import Invalid, ServiceError, TooManyRequests, Unauthenticated
from scheduler_service.services import documents
from scheduler_service.services.roles import Identity

entrance = APIRouter(include_in_schema=False)  # who comes here is not known yet
router = APIRouter(include_in_schema=False)

TEMPLATE = "sign_in.html"


def _provider(request: Request) -> str | None:
    """Where the identity provider's page is, if there is one."""
    return BEGIN if hasattr(request.app.state, "provider") else None


Provider = Annotated[str | None, Depends(_provider)]


def _arriving(request: Request, guard: GuardDep, page: AnyPage, form: Form, provider: Provider) -> Identity:
    """Who shows the key. What is no key is told beside the field, and not told back."""
    require_own_origin(request, guard, said=False)
    try:
        posted = documents.read(SignInRequest, {"key": form.text("key")})
        return guard.by_key(posted.key.get_secret_value(), address=address_of(request.scope))
    except (Invalid, Unauthenticated, TooManyRequests) as problem:
        page.refuse(_said_plainly(problem), TEMPLATE, next=own_path(form.text("next")), provider=provider)


Arriving = Annotated[Identity, Depends(_arriving)]


@entrance.get("/sign-in")
def show_sign_in(page: AnyPage, provider: Provider, next: str = "/") -> Response:
    """Ask for a key."""
    return page.show(TEMPLATE, next=own_path(next), provider=provider, problem=None)


@entrance.post("/sign-in")
def sign_in(arriving: Arriving, page: AnyPage, form: Form, door: Entrance) -> Response:
    """Exchange the key for a session, and go where the reader wanted to."""
    response = page.go(form.text("next"))
    door.open(arriving, response)
    return response


@router.post("/sign-out", dependencies=[for_viewers])
def sign_out(visit: Visiting, page: Page, door: Entrance) -> Response:
    """End the session."""
    response = page.go("/sign-in")
    door.close(visit, response)
    return response


def _said_plainly(problem: ServiceError) -> ServiceError:
    """A key that cannot be one is no other failure than one that is not known."""
    return Unauthenticated("This key is not known, or not any more.") if isinstance(problem, Invalid) else problem
