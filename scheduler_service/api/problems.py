"""Failures over HTTP: RFC 9457 problems. The only place that knows which status a failure has.

Whatever is refused comes out like this: our own errors, FastAPI's validation, an unknown path, a wrong method, a body
that is no JSON or too large, and what nobody foresaw.
"""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from math import ceil
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from scheduler_service import errors
from scheduler_service.errors import FieldProblem, ServiceError
from scheduler_service.services import documents

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
STATUS: dict[type[BaseException], int] = {
    errors.Invalid: 422,
    errors.Malformed: 400,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.RevisionMismatch: 412,
    errors.RevisionUnsaid: 428,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.TooManyRequests: 429,
    errors.StoreAway: 503,
    errors.NotReady: 503,
    errors.StreamsFull: 503,
    errors.PreviewsFull: 503,
    errors.QueryFailed: 422,
    errors.TimeLimitReached: 422,
    errors.WorkDied: 422,
    errors.ProviderAway: 503,
    errors.TransientFailure: 503,
    ServiceError: 500,
}
HEADERS: dict[int, dict[str, str]] = {503: {"Retry-After": "2"}, 401: {"WWW-Authenticate": 'Bearer realm="scheduler"'}}
CODES = {400: "malformed", 404: "no_such_path", 405: "method_not_allowed", 413: "body_too_large"}


class FieldError(BaseModel):
    """One field of the request and what is wrong with it."""

    field: str = Field(examples=["timing.minute"])
    reason: str = Field(examples=["'61' is not within 0-59"])
    example: str | None = Field(default=None, description="What a right one looks like", examples=["*/5"])


class Problem(BaseModel):
    """Why a request failed. `code` is stable: programs may compare it."""

    type: str = Field(examples=["urn:scheduler-service:problem:invalid"])
    title: str = Field(examples=["Invalid"])
    status: int = Field(examples=[422])
    detail: str
    code: str = Field(examples=["invalid"])
    errors: list[FieldError] = Field(default_factory=list)
    current: dict[str, Any] | None = Field(default=None, description="With 412 and 428: what it is now")


def install(app: FastAPI) -> None:
    """Let everything that fails answer with a problem."""
    app.add_exception_handler(ServiceError, service_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unforeseen)


def problem(
    status: int,
    detail: str,
    *,
    code: str,
    fields: list[FieldProblem] | None = None,
    current: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer. ASCII only, since what a client sent may hold what UTF-8 cannot say."""
    body = Problem(
        type=f"urn:scheduler-service:problem:{code}",
        title=code.replace("_", " ").capitalize(),
        status=status,
        detail=_said(detail),
        code=code,
        errors=[FieldError(**vars(field) | {"reason": _said(field.reason)}) for field in fields or []],
        current=dict(current) if current is not None else None,
    )
    content = body.model_dump_json(exclude_none=True).encode()
    return Response(content, status, {**HEADERS.get(status, {}), **(headers or {})}, MEDIA_TYPE)


def service_error(request: Request, error: Exception) -> Response:
    """The answer to an intended failure."""
    assert isinstance(error, ServiceError)
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    detail = str(error)
    if status >= 500:
        logger.warning("%s %s was answered with %d: %s", request.method, request.url.path, status, error)
    if isinstance(error, errors.StoreAway):  # where the database is, and as whom we ask, is for the log
        detail = "The database cannot be reached right now."
    if isinstance(error, errors.WarehouseAway):
        detail = "The warehouse cannot be reached right now."
    fields, current = getattr(error, "problems", None), getattr(error, "current", None)
    return problem(status, detail, code=error.code, fields=fields, current=current, headers=_headers_of(error))


def _headers_of(error: ServiceError) -> dict[str, str]:
    wait, current = getattr(error, "retry_after_seconds", None), getattr(error, "current", None)
    headers = {"Retry-After": str(ceil(wait))} if wait is not None else {}
    return headers | ({"ETag": f'"{current["revision"]}"'} if current is not None else {})


def _invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    fields: list[FieldProblem] = []
    sent = {
        "body": error.body,
        "query": dict(request.query_params),
        "path": request.path_params,
        "header": dict(request.headers),
    }
    for where in dict.fromkeys(found["loc"][0] for found in error.errors()):
        here = [found for found in error.errors() if found["loc"][0] == where]
        if here[0]["type"] == "json_invalid":
            place = f"at character {here[0]['loc'][-1]}: {here[0]['ctx']['error']}"
            return problem(400, f"The body is not JSON, {place}.", code="malformed")
        trimmed = [{**found, "loc": tuple(found["loc"][1:])} for found in here]
        fields += documents.problems_of(trimmed, sent.get(where))
    return service_error(request, errors.Invalid(fields))


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = error.status_code
    detail = {
        400: "The body is not JSON in UTF-8.",
        404: f"There is nothing at {request.url.path[:200]}.",
        405: f"{request.method} is not possible here.",
    }.get(status, str(error.detail))
    code = CODES.get(status, HTTPStatus(status).phrase.lower().replace(" ", "_"))
    headers = {"Allow": ", ".join(sorted(_allowed(request)))} if status == 405 else error.headers
    return problem(status, detail, code=code, headers=headers)


def _allowed(request: Request) -> set[str]:
    """What is possible at the path. Starlette names only the methods of the first route that it finds there."""
    found: set[str] = set()
    for route in iter_route_contexts(request.app.routes):
        if route.path is not None and compile_path(route.path)[0].match(request.url.path):
            found |= route.methods or set()
    return found


def _unforeseen(_request: Request, _error: Exception) -> Response:
    detail = "Something went wrong that nobody foresaw; the log of the API says what."
    return problem(500, detail, code="unforeseen", headers={"Connection": "close"})  # uvicorn does, and says nothing


def _said(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
