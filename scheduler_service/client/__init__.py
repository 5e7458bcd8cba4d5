"""The service from Python: `Client(url, key)`. It stands alone, and imports nothing else of the package."""

from scheduler_service.client.client import Client
from scheduler_service.client.errors import (
    ApiError,
    Changed,
    ClientError,
    Conflict,
    FieldError,
    Invalid,
    NotAllowed,
    NotFound,
    Unreachable,
)

__all__ = [
    "ApiError",
    "Changed",
    "Client",
    "ClientError",
    "Conflict",
    "FieldError",
    "Invalid",
    "NotAllowed",
    "NotFound",
    "Unreachable",
]
