"""How often somebody may ask: token buckets in this process.

Each name has a bucket that holds a minute's worth and fills evenly. Only what is not full takes room, so that asking
from many addresses costs little memory, and a flood of them forgets those that asked longest ago.
"""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from scheduler_service.errors import ServiceError, TooManyRequests

MOST_NAMES, LONGEST_NAME = 20_000, 100


class Limit:
    """So many a minute for each name; 0: any number. `what` is counted, in words."""

    def __init__(self, what: str, per_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._what, self._per_minute, self._clock = what, per_minute, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # name → (tokens, when that was so)
        self._lock = Lock()

    def take(self, name: str) -> None:
        """Take a token. Raises: TooManyRequests, when there is none."""
        if not self._per_minute:
            return
        with self._lock:
            tokens = self._tokens(name)
            if tokens >= 1:
                self._put(name, tokens - 1)
                return
        wait = (1 - tokens) * 60 / self._per_minute
        raise TooManyRequests(self._what, per_minute=self._per_minute, retry_after_seconds=wait)

    def give_back(self, name: str) -> None:
        """It should not have been counted."""
        with self._lock:
            if name in self._buckets:
                self._put(name, self._tokens(name) + 1)

    def __len__(self) -> int:
        """How many names are remembered."""
        return len(self._buckets)

    def _tokens(self, name: str) -> float:
        tokens, at = self._buckets.get(name, (self._per_minute, self._clock()))
        return min(tokens + (self._clock() - at) * self._per_minute / 60, self._per_minute)

    def _put(self, name: str, tokens: float) -> None:
        self._buckets.pop(name, None)
        if tokens < self._per_minute:
            self._buckets[name] = (tokens, self._clock())
        if len(self._buckets) > MOST_NAMES:
            self._buckets.popitem(last=False)


class AddressLimit:
    """Lets an address in as often as the limit allows, before anything of its request is read."""

    def __init__(self, app: ASGIApp, *, limit: Limit, apart: tuple[str, ...]) -> None:
        self._app, self._limit, self._apart = app, limit, apart

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith(self._apart):
            try:
                self._limit.take(address_of(scope))
            except TooManyRequests as refused:
                answer: Response = scope["app"].exception_handlers[ServiceError](Request(scope), refused)
                return await answer(scope, receive, send)
        return await self._app(scope, receive, send)


def address_of(scope: Scope) -> str:
    """Whom limits by address count: of IPv6 the network of 64 bits, in which one host may have any address."""
    host = scope["client"][0] if scope.get("client") else ""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:  # a socket of this machine, or what a trusted proxy calls its client
        return str(host)[:LONGEST_NAME]
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(address.ipv4_mapped or ipaddress.ip_network((int(address), 64), strict=False))
