"""A look at the broker: whether it answers, what waits in it, whether a Beat watches it.

Redis is asked directly; what other brokers hold, only their own tools tell.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic
from typing import Any

from scheduler_service.storage.findings import Finding

MARKER = "scheduler:epoch"  # written by Beats: the server's run id, see beat/repair.py
UNACKED = "unacked"
PRIORITIES = ("", "\x06\x163", "\x06\x166", "\x06\x169")  # kombu keeps a list for each, named like that
TIMEOUT_SECONDS, BRIEFLY = 3.0, 1.0
LOOK_COUNTS = 5.0  # seconds
AWAY = "broker_away"


@dataclass
class BrokerLook:
    """What was seen. `url` has no password; None: no broker is known. `depths` counts what waits, by queue."""

    url: str | None
    looked: bool = False
    depths: dict[str, int] = field(default_factory=dict)
    unacked: int = 0
    watched: bool = False
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_away(self) -> bool:
        """It was asked and did not answer."""
        return any(finding.code == AWAY for finding in self.findings)


class Broker:
    """The broker of an API process: looked at when somebody asks, briefly, and not by everybody at once."""

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._lock = Lock()
        self._seen = BrokerLook(None)
        self._seen_at = float("-inf")

    def look(self, queues: Iterable[str] = ()) -> BrokerLook:
        """What it holds in these queues; what was seen a moment ago still counts."""
        with self._lock:
            wanted = {*queues, *self._seen.depths}
            if monotonic() - self._seen_at > LOOK_COUNTS or wanted != self._seen.depths.keys():
                self._seen = look_at_broker(self._url, wanted, timeout=BRIEFLY)
                self._seen_at = monotonic()
            return self._seen


def look_at_broker(url: str | None, queues: Iterable[str], *, timeout: float = TIMEOUT_SECONDS) -> BrokerLook:
    """What the broker holds in these queues, if it says so within that many seconds."""
    if url is None:
        return BrokerLook(None)
    scheme, _, rest = url.partition("://")
    look = BrokerLook(f"{scheme}://{rest.rpartition('@')[2]}")
    if scheme not in ("redis", "rediss", "valkey", "valkeys"):
        return look
    _ask_redis(look, f"{scheme.replace('valkey', 'redis')}://{rest}", sorted(queues), timeout)
    return look


def _ask_redis(look: BrokerLook, url: str, queues: list[str], timeout: float) -> None:
    from redis import Redis, RedisError
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    look.looked = True
    try:
        with Redis.from_url(
            url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 0)
        ) as client:
            _read(look, client, queues)
    except (RedisError, OSError, ValueError) as why:
        mend = "Start it, or correct SCHEDULER_BROKER_URL. Runs wait meanwhile, and none is lost."
        look.findings.append(Finding(AWAY, "the broker", f"It does not answer: {why}.", mend))


def _read(look: BrokerLook, client: Any, queues: list[str]) -> None:
    server = client.info("server")["run_id"]
    look.depths = {queue: sum(client.llen(f"{queue}{part}") for part in PRIORITIES) for queue in queues}
    look.unacked = client.hlen(UNACKED)
    look.watched = client.get(MARKER) == server.encode()
    if not look.watched:
        sentence = "No Beat has looked whether it lost messages since it was started or wiped."
        mend = "See that a Beat runs and uses this broker: it looks every few seconds."
        look.findings.append(Finding("broker_unwatched", "the broker", sentence, mend))
