"""What goes wrong between a client and the service: each problem of the API as an exception with its facts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


class ClientError(Exception):
    """The root: anything this client fails with on purpose."""


class Unreachable(ClientError):
    """No answer, or none but "not now", for as long as the client was ready to wait."""


@dataclass(frozen=True)
class FieldError:
    """One field of the request and what is wrong with it."""

    field: str
    reason: str
    example: str | None = None


class ApiError(ClientError):
    """The service said no. `code` is stable; `fields` names every bad one; `body` is the whole problem."""

    statuses: ClassVar[Sequence[int]] = ()

    def __init__(self, status: int, code: str, detail: str, body: dict[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail
        self.body = body or {}
        found = self.body.get("errors") or []
        self.fields = [FieldError(one["field"], one["reason"], one.get("example")) for one in found]


class Invalid(ApiError):
    """The request is wrong in itself."""

    statuses: ClassVar[Sequence[int]] = (400, 413, 415, 422)


class NotAllowed(ApiError):
    """No key, one that is not known, or one whose role is not enough."""

    statuses: ClassVar[Sequence[int]] = (401, 403)


class NotFound(ApiError):
    """What was asked for does not exist."""

    statuses: ClassVar[Sequence[int]] = (404,)


class Conflict(ApiError):
    """The request does not fit what is there."""

    statuses: ClassVar[Sequence[int]] = (409, 428)


class Changed(Conflict):
    """Somebody changed it since it was read."""

    statuses: ClassVar[Sequence[int]] = (412,)


def error_of(status: int, body: dict[str, Any] | None) -> ApiError:
    """The exception for an answer; `body` is None where the answer is no problem document, say a proxy's page."""
    kinds = {status: kind for kind in (Invalid, NotAllowed, NotFound, Conflict, Changed) for status in kind.statuses}
    kind = kinds.get(status, ApiError)
    if body is None:
        return kind(status, "unknown", f"The answer was {status}, and not from this service.")
    return kind(status, str(body.get("code", "unknown")), str(body.get("detail", f"The answer was {status}.")), body)
