"""Requests to one service: sent again where that is safe, and failures as exceptions.

What changes nothing when it is sent twice is safe: reads, writes that carry an Idempotency-Key, and a few that by
their nature come to the same. A 429 was refused before anything happened, so anything may follow it. The service says
by Retry-After how long to wait.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import uuid4

import httpx

from scheduler_service.client.errors import ApiError, ClientError, Unreachable, error_of

PREFIX = "/api/v1"
NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout)
SHORTEST_WAIT, FIRST_WAIT, LONGEST_WAIT = 0.1, 0.5, 8.0  # seconds; a wait that the service asks for may be longer

Parameter = str | int | bool | datetime | Sequence[str] | Sequence[int] | None


class Connection:
    """Sends requests. `patience`: seconds to spend on waiting before an attempt that fails is the last.

    Raises: ClientError, for a URL or a key that cannot be one; neither a wrong key nor a right one is ever repeated.
    """

    def __init__(self, url: str, key: str, *, timeout: float, patience: float) -> None:
        self.patience = patience
        if not key.isascii() or not key.isprintable():
            raise ClientError("The key holds a character that no header can carry.")
        headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
        place = parsed(url)
        self.shown = str(place.copy_with(userinfo=b""))  # a password may be in it
        self._http = httpx.Client(base_url=f"{str(place).rstrip('/')}{PREFIX}", headers=headers, timeout=timeout)

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, **parameters: Parameter) -> Any:
        """What is at a path, as JSON. Raises: ApiError, Unreachable."""
        return self.ask("GET", path, parameters=parameters)

    def create(self, path: str, body: Any = None, *, key: str | None = None) -> Any:
        """Have something made, once, however often it has to be sent. Raises: ApiError, Unreachable."""
        return self.ask("POST", path, json=body, headers=once(key), safe=True)

    def ask(self, method: str, path: str, **request: Any) -> Any:
        """What is answered, as JSON. Raises: ApiError, Unreachable, ClientError."""
        try:
            return self.send(method, path, **request).json()
        except ValueError:
            raise ClientError(f"What {self.shown} answered is not from this service.") from None

    def send(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        parameters: Mapping[str, Parameter] | None = None,
        headers: Mapping[str, str] | None = None,
        safe: bool = False,
    ) -> httpx.Response:
        """The answer, when it is a success. `safe`: may be sent twice. Raises: ApiError, Unreachable."""
        request = self._http.build_request(
            method, path, json=json, content=content, params=wire_parameters(parameters or {}), headers=headers
        )
        waiting = Waiting(self.patience)
        while True:
            try:
                answer = self._http.send(request)
            except httpx.TransportError as why:
                again = safe or method == "GET" or isinstance(why, NOTHING_SENT)
                if not again or not waiting.wait():
                    raise unreachable(self.shown, why) from why
                continue
            if answer.is_success:
                return answer
            if not may_come_right(answer, safe=safe or method == "GET") or not waiting.wait(asked_wait(answer)):
                raise refusal(answer)

    @contextmanager
    def stream(
        self, path: str, *, parameters: Mapping[str, Parameter], headers: Mapping[str, str], silence: float
    ) -> Iterator[httpx.Response]:
        """An answer that is read as it comes; `silence`: seconds without a byte after which it is given up."""
        timeout = httpx.Timeout(self._http.timeout.connect, read=silence)
        given = wire_parameters(parameters)
        with self._http.stream("GET", path, params=given, headers=dict(headers), timeout=timeout) as answer:
            if not answer.is_success:
                answer.read()
                raise refusal(answer)
            yield answer


class Waiting:
    """The waits between attempts: each twice as long as the one before, or as long as the service asks for."""

    def __init__(self, patience: float) -> None:
        self._left, self._next = patience, FIRST_WAIT

    def wait(self, asked: float | None = None) -> bool:
        """Wait before another attempt; False, at once, when that would take more than is left."""
        seconds = max(self._next if asked is None else asked, SHORTEST_WAIT)
        if seconds > self._left:
            return False
        self._left, self._next = self._left - seconds, min(self._next * 2, LONGEST_WAIT)
        time.sleep(seconds)
        return True


def parsed(url: str) -> httpx.URL:
    """Raises: ClientError, which does not repeat it."""
    try:
        found = httpx.URL(url)
    except httpx.InvalidURL:
        found = httpx.URL()
    if found.scheme not in ("http", "https") or not found.host:
        raise ClientError("The service's URL is not one such as http://127.0.0.1:8000.")
    return found


def once(key: str | None) -> dict[str, str]:
    """The header that makes a write safe to send again: the caller's key, or one of its own."""
    return {"Idempotency-Key": key or str(uuid4())}


def may_come_right(answer: httpx.Response, *, safe: bool) -> bool:
    """Whether the same request may be sent again: a 409 that says when is the first one, still under way."""
    status = answer.status_code
    return status == 429 or (safe and (status == 503 or (status == 409 and "Retry-After" in answer.headers)))


def refusal(answer: httpx.Response) -> ApiError | Unreachable:
    """The exception for an answer that is no success."""
    try:
        found = answer.json()
    except ValueError:
        found = None
    error = error_of(answer.status_code, found if isinstance(found, dict) else None)
    return Unreachable(error.detail) if answer.status_code == 503 else error


def unreachable(url: str, why: httpx.TransportError) -> Unreachable:
    """Nobody answered."""
    return Unreachable(f"The service at {url} cannot be reached: {str(why) or type(why).__name__}.")


def asked_wait(answer: httpx.Response) -> float | None:
    """The seconds that Retry-After asks for: it may be a number or an instant."""
    said = answer.headers.get("Retry-After", "")
    if said.isdecimal():
        return float(said)
    try:
        at = parsedate_to_datetime(said)
    except ValueError:
        return None
    return max((at.astimezone(UTC) - datetime.now(UTC)).total_seconds(), 0)


def wire_parameters(given: Mapping[str, Parameter]) -> httpx.QueryParams:
    """Query parameters as the service reads them; those that are None are left out."""
    sent: list[tuple[str, str | int | float | bool | None]] = []
    for name, value in given.items():
        several = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        sent += [(name, _wire(one)) for one in several if one is not None]
    return httpx.QueryParams(sent)


def _wire(value: str | int | bool | datetime) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime) else str(value)
