"""The outbound guard: requests reach public addresses only, and end in time.

The address that is checked is the address that is connected to, so a name that changes its answer gains nothing.
Time and bytes are bounded on the wire, under TLS and under the headers: httpx's own timeouts are per read, and a
server that drips a byte a second would hold a worker for ever. No environment variable (proxy, netrc) has a say.
"""

import contextlib
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from queue import Empty, SimpleQueue
from ssl import SSLContext
from threading import Thread
from typing import Any

import httpcore
import httpx

from scheduler_service.errors import AddressRefused, ResponseTooLarge
from scheduler_service.workloads.collect.addresses import AllowList, is_public

MOST_ADDRESSES = 4
SLICE_SECONDS = 0.5
DEFAULT_SECONDS = 30.0
DEFAULT_BYTES = 64 * 2**20

Resolve = Callable[[str, int], list[str]]


class Budget:
    """What one exchange may take, from the name's lookup to the last byte. Set as `extensions["budget"]`.

    `check` is called about once a second while waiting, and may raise to end the exchange.
    """

    def __init__(
        self,
        where: str,
        *,
        seconds: float = DEFAULT_SECONDS,
        size: int = DEFAULT_BYTES,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self.where, self.size, self.check = where, size, check
        self._end = time.monotonic() + seconds
        self._received = 0

    def at_most(self, timeout: float | None) -> float:
        """The seconds that the next step may take; raises when none are left."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the time for one request is up")
        return left if timeout is None else min(left, timeout)

    def receive(self, count: int) -> None:
        """Note what came over the wire; raises ResponseTooLarge."""
        self._received += count
        if self._received > self.size + 2**16:  # the body's bound, and something for headers and framing
            raise ResponseTooLarge(self.where, self.size)


def resolved(host: str, port: int) -> list[str]:
    """The addresses of a name, in the resolver's order."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Guarded(httpcore.NetworkBackend):
    """Connects to checked addresses only. One exchange at a time, within `budget`."""

    def __init__(
        self, allow: AllowList, *, resolve: Resolve = resolved, inner: httpcore.NetworkBackend | None = None
    ) -> None:
        self.budget = Budget("")
        self._allow = allow
        self._resolve = resolve
        self._inner = inner or httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """The first address that answers, if every address of the name may be reached; raises AddressRefused."""
        addresses = self._lookup(host, port)
        for address in addresses:
            if not (is_public(address) or self._allow.holds(host, port, address)):
                raise AddressRefused(host, address)
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses[:MOST_ADDRESSES]:
            try:
                wait = self.budget.at_most(timeout)
                return Bounded(self, self._inner.connect_tcp(address, port, wait, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def connect_unix_socket(self, path: str, *_: object, **__: object) -> httpcore.NetworkStream:
        raise AddressRefused(path, "a Unix socket")

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(self.budget.at_most(seconds))

    def _lookup(self, host: str, port: int) -> list[str]:
        """Ask the resolver in a thread: it has no timeout of its own."""
        answers: SimpleQueue[list[str] | OSError | UnicodeError] = SimpleQueue()

        def look() -> None:
            try:
                answers.put(self._resolve(host, port))
            except (OSError, UnicodeError) as error:
                answers.put(error)

        Thread(target=look, name="lookup", daemon=True).start()
        try:
            answer = answers.get(timeout=self.budget.at_most(None))
        except Empty:
            raise httpcore.ConnectTimeout(f"the name {host} was not resolved in time") from None
        if isinstance(answer, Exception):
            raise httpcore.ConnectError(f"the name {host} could not be resolved") from answer
        return answer


class Bounded(httpcore.NetworkStream):
    """A stream whose every step counts against the backend's present budget."""

    def __init__(self, owner: Guarded, inner: httpcore.NetworkStream) -> None:
        self._owner, self._inner = owner, inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Wait in slices, so that a cancelled exchange ends within one."""
        budget = self._owner.budget
        end = time.monotonic() + budget.at_most(timeout)
        while True:
            budget.check()
            try:
                data = self._inner.read(max_bytes, max(0.001, min(SLICE_SECONDS, end - time.monotonic())))
            except httpcore.ReadTimeout:
                if time.monotonic() >= end:
                    raise
                continue
            budget.receive(len(data))
            return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._owner.budget.at_most(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        wait = self._owner.budget.at_most(timeout)
        return Bounded(self._owner, self._inner.start_tls(ssl_context, server_hostname, wait))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


@cache
def _trusted() -> SSLContext:
    """Made once in a process: it takes 20 ms."""
    return httpx.create_ssl_context()


class GuardedTransport(httpx.BaseTransport):
    """httpx over the guard. For one thread; follows no redirect by itself."""

    def __init__(
        self,
        allow: Iterable[str] = (),
        *,
        resolve: Resolve = resolved,
        inner: httpcore.NetworkBackend | None = None,
    ) -> None:
        self._backend = Guarded(AllowList.of(allow), resolve=resolve, inner=inner)
        self._pool = httpcore.ConnectionPool(ssl_context=_trusted(), max_connections=4, network_backend=self._backend)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._backend.budget = request.extensions.get("budget") or Budget(request.url.host)
        url = httpcore.URL(
            scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=request.url.raw_path
        )
        assert isinstance(request.stream, httpx.SyncByteStream)
        sent = httpcore.Request(
            request.method, url, headers=request.headers.raw, content=request.stream, extensions=request.extensions
        )
        with _as_httpx():
            got = self._pool.handle_request(sent)
        assert isinstance(got.stream, Iterable)
        return httpx.Response(got.status, headers=got.headers, stream=_Body(got), extensions=got.extensions)

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        with _as_httpx():
            yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


@contextlib.contextmanager
def _as_httpx() -> Iterator[None]:
    """httpx names its exceptions as httpcore does."""
    try:
        yield
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
        kind = getattr(httpx, type(error).__name__, httpx.TransportError)
        raise kind(str(error)) from error
