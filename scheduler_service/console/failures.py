"""What goes wrong, as a page in words. For programs, which ask the API, everything stays a problem."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from scheduler_service.api.problems import HEADERS, STATUS
from scheduler_service.console.pages import HTMX, OpenPage, Refused, own_path, url
from scheduler_service.errors import RoleTooLow, ServiceError, SignInFailed, StoreAway, Unauthenticated

#: What has no reader: the API, and what probes and tools ask for.
FOR_PROGRAMS = ("/api/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/static/")
SIGN_IN = "/sign-in"
Handler = Callable[[Request, Exception], Response | Awaitable[Response]]


def install(app: FastAPI) -> None:
    """Let what fails under a reader's eyes answer with a page."""
    for kind, page in (
        (ServiceError, _service_error),
        (RequestValidationError, _not_understood),
        (HTTPException, _http_error),
        (Exception, _unforeseen),
    ):
        app.add_exception_handler(kind, _by_reader(app.exception_handlers[kind], page))
    app.add_exception_handler(Refused, lambda _, refused: refused.response)


def is_for_programs(path: str) -> bool:
    """Whether whoever asks for it reads no pages."""
    return path.startswith(FOR_PROGRAMS)


def page(request: Request, status: int, detail: str = "", *, needed: str | None = None) -> Response:
    """The page of a failure. It asks for nothing, so it can be shown when there is nothing."""
    shown = OpenPage(request, datetime.now(UTC))  # no clock: the database may be what is away
    template = "failures/part.html" if shown.is_part else "failures/page.html"
    response = shown.show(template, status=status, code=status, detail=detail, needed=needed)
    response.headers.update(HEADERS.get(status, {}) if status != 401 else {})
    return response


def _by_reader(problem: Handler, shown: Callable[[Request, Exception], Response]) -> Handler:
    def answer(request: Request, error: Exception) -> Response | Awaitable[Response]:
        return problem(request, error) if is_for_programs(request.url.path) else shown(request, error)

    return answer


def _service_error(request: Request, error: Exception) -> Response:
    if isinstance(error, Unauthenticated) and not isinstance(error, SignInFailed):
        return _sign_in(request)
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    detail = "" if isinstance(error, StoreAway) else str(error)
    return page(request, status, detail, needed=error.needed if isinstance(error, RoleTooLow) else None)


def _sign_in(request: Request) -> Response:
    """To the door, and back from there to where the reader was."""
    was_at = urlsplit(_page_of(request))
    asked = own_path(was_at.path + (f"?{was_at.query}" if was_at.query else ""))
    where = url(SIGN_IN, next=None if asked == "/" else asked)
    if HTMX in request.headers:
        return Response(status_code=401, headers={"HX-Redirect": where})
    return RedirectResponse(where, 303)


def _page_of(request: Request) -> str:
    """The page that the reader sees, which a form or a part of it is not."""
    if HTMX in request.headers:
        return request.headers.get("HX-Current-URL", "")
    return str(request.url) if request.method == "GET" else request.headers.get("referer", "")


def _not_understood(request: Request, error: Exception) -> Response:
    """An address that somebody edited by hand: a number where none can be is a page that does not exist."""
    assert isinstance(error, RequestValidationError)
    places = {found["loc"][0] for found in error.errors()}
    return page(request, 404) if places == {"path"} else page(request, 422)


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return page(request, error.status_code, HTTPStatus(error.status_code).phrase)


def _unforeseen(request: Request, _error: Exception) -> Response:
    return page(request, 500)
