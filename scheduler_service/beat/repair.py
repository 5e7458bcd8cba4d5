"""A broker that lost messages: recognised, and exactly what is missing sent again.

Nothing is sent again because it is old while there is a backlog: that would double every backlog, again and again.
A marker key beside the queues, which holds the server's run id, tells a wiped or replaced Redis; then the queues
themselves are read. Otherwise only a broker that holds nothing at all, seen twice, proves that a message is gone.
"""

import logging
import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from celery import Celery

from scheduler_service.storage import publishing
from scheduler_service.storage.session import Database

logger = logging.getLogger(__name__)

MARKER = "scheduler:epoch"
UNACKED = "unacked"  # kombu's hash of delivered messages, for all queues of a Redis database
PAGE = 2000
CORRELATION = re.compile(rb'"correlation_id": ?"([0-9a-f-]{36})"')


class BrokerWatch:
    """Looks at one app's broker; on others than Redis only the last resort applies."""

    def __init__(self, app: Celery, database: Database, *, republish_after: timedelta) -> None:
        self._app = app
        self._database = database
        self._republish_after = republish_after
        self._was_empty = False

    def look(self, *, unclaimed: bool) -> int:
        """Send again what is lost; how many runs. `unclaimed`: some message may be gone.

        Raises what the transport raises when the broker is away.
        """
        with self._app.pool.acquire(block=True, timeout=5) as connection:
            if connection.transport.driver_type != "redis":
                return self._last_resort() if unclaimed else 0
            channel = connection.default_channel
            client = channel.client
            run_id = client.info("server")["run_id"]
            if client.get(MARKER) != run_id.encode():
                again = self._send_missing(set(self._held(channel)), "its message was lost with the broker")
                client.set(MARKER, run_id)
                return again
            if not unclaimed:
                self._was_empty = False
                return 0
            empty = not any(self._lengths(channel))
            seen_twice, self._was_empty = empty and self._was_empty, empty
            if seen_twice:
                return self._send_missing(set(), "its message was lost: the broker held none")
        return self._last_resort()

    def _send_missing(self, held: set[UUID], why: str) -> int:
        with self._database.reading() as session:
            missing = publishing.waiting_messages(session, self._database.clock.now()) - held
        return self._send_again(sorted(missing), why)

    def _last_resort(self) -> int:
        with self._database.reading() as session:
            now, limit = self._database.clock.now(), self._database.batch_size
            old = publishing.long_unclaimed(session, now=now, after=self._republish_after, limit=limit)
        return self._send_again(old, "no worker took it for very long")

    def _send_again(self, ids: list[UUID], why: str) -> int:
        again, size = 0, self._database.batch_size
        for start in range(0, len(ids), size):
            with self._database.transaction() as session:
                now = self._database.clock.now()
                again += publishing.send_again(session, ids[start : start + size], why=why, now=now)
        if again:
            logger.warning("%s runs are sent again: %s", again, why)
        return again

    def _keys(self, channel: Any) -> Iterable[str]:
        """Every list that a queue is kept in: one for each priority."""
        for name in self._app.amqp.queues:
            for priority in channel.priority_steps:
                yield channel._q_for_pri(name, priority)

    def _lengths(self, channel: Any) -> Iterator[int]:
        yield channel.client.hlen(UNACKED)
        for key in self._keys(channel):
            yield channel.client.llen(key)

    def _held(self, channel: Any) -> Iterator[UUID]:
        """The task ids of all messages that the broker has."""
        for value in channel.client.hvals(UNACKED):
            yield from _ids(value)
        for key in self._keys(channel):
            start = 0
            while page := channel.client.lrange(key, start, start + PAGE - 1):
                for entry in page:
                    yield from _ids(entry)
                start += PAGE


def _ids(entry: bytes) -> Iterator[UUID]:
    for found in CORRELATION.findall(entry.replace(b'\\"', b'"')):
        yield UUID(found.decode())
