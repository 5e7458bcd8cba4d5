"""Where an HTTP source is, and how it is asked there."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from scheduler_service.timing.clock import Clock
from scheduler_service.workloads.collect.definitions import HttpPlace, RetryPolicy
from scheduler_service.workloads.collect.fetching import Fetcher, Manners, origin_of
from scheduler_service.workloads.collect.guard import GuardedTransport
from scheduler_service.workloads.connections import Auth, Connections, HttpConnection, OAuth2Auth, connection_named
from scheduler_service.workloads.stopping import Stop

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Reach:
    """What requests may lead to, and with which secrets."""

    connections: Connections
    outbound_allow: Sequence[str]


@dataclass(frozen=True)
class Place:
    """Where a source is. Only a named connection has secrets, and the right to be at a private address."""

    url: httpx.URL
    auth: Auth | None = field(default=None, repr=False)
    allow: tuple[str, ...] = ()
    requests_per_second: float | None = None

    @classmethod
    def of(cls, source: HttpPlace, connections: Connections) -> "Place":
        """Raises: ConnectionUnknown, ConnectionUnfit."""
        if source.connection is None:
            return cls(httpx.URL(source.url or ""), requests_per_second=source.requests_per_second)
        connection = connection_named(source.connection, HttpConnection, connections)
        return cls.at(connection, source.path, requests_per_second=source.requests_per_second)

    @classmethod
    def at(cls, connection: HttpConnection, path: str | None, *, requests_per_second: float | None = None) -> "Place":
        """A path under a connection's URL; the slower of two paces counts."""
        base = httpx.URL(connection.url)
        url = base.copy_with(path=f"{base.path.rstrip('/')}/{path.lstrip('/')}") if path else base
        auth, allow = connection.auth, [allowed_address(base)]
        if isinstance(auth, OAuth2Auth):
            allow.append(allowed_address(httpx.URL(auth.token_url)))
        paces = [pace for pace in (connection.requests_per_second, requests_per_second) if pace is not None]
        return cls(url, auth, tuple(allow), min(paces, default=None))


def allowed_address(url: httpx.URL) -> str:
    """Where the URL leads, in the words of the outbound guard's allow-list."""
    host = url.raw_host.decode()
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{url.port or PORTS[url.scheme]}"


@contextmanager
def fetching(
    place: Place,
    outbound_allow: Sequence[str],
    *,
    clock: Clock,
    stop: Stop,
    retry: RetryPolicy,
    headers: Mapping[str, str] | None = None,
    **bounds: Any,
) -> Iterator[Fetcher]:
    """Someone who asks there; `bounds` are those of Manners."""
    manners = Manners(
        origin_of(place.url),
        headers or {},
        place.auth,
        retry,
        requests_per_second=place.requests_per_second,
        **bounds,
    )
    with Fetcher(GuardedTransport([*outbound_allow, *place.allow]), manners, clock=clock, stop=stop) as fetcher:
        yield fetcher
