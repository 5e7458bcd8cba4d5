"""Sleep until something may have changed.

On PostgreSQL a NOTIFY wakes us; on SQLite a look at `PRAGMA data_version`, a few times a second. Both only say "look
again": what changed is in the table. Call `mark` before looking and `wait` after: what is committed between the two
ends the wait at once.
"""

import logging
import sqlite3
from threading import Event
from time import monotonic
from typing import Any, Protocol

import psycopg

from scheduler_service.errors import StoreAway
from scheduler_service.storage.publishing import BEAT_LOCKS
from scheduler_service.storage.session import KEEPALIVE, Database
from scheduler_service.storage.triggers import CHANNEL

logger = logging.getLogger(__name__)

LOOKS_PER_SECOND = 5
COALESCE_SECONDS = 0.05


class Wakeup(Protocol):
    """Tells when to look at the tables again. Both methods raise StoreAway."""

    def mark(self) -> None:
        """What is committed from now on is news."""

    def wait(self, seconds: float) -> None:
        """Return when there is news, or when the time is over."""

    def close(self) -> None:
        """Let the connection go."""


def wakeup_for(database: Database, beat: int, stopping: Event) -> Wakeup:
    if database.dialect == "sqlite":
        return DataVersion(database, stopping)
    return Listen(database, beat)


class Listen:
    """PostgreSQL's LISTEN, on a connection of its own.

    The connection also holds this Beat's advisory lock: when the process dies, the lock goes with it, and the others
    take over the runs that it had decided and not sent.
    """

    def __init__(self, database: Database, beat: int) -> None:
        self._dsn = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._beat = beat
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None

    def mark(self) -> None:
        if self._connection is None:
            try:
                self._connection = self._connect()
            except psycopg.OperationalError as why:
                raise StoreAway(f"The database cannot be reached: {why}") from why

    def wait(self, seconds: float) -> None:
        if self._connection is None or seconds <= 0:
            return
        try:
            if list(self._connection.notifies(timeout=seconds, stop_after=1)):
                list(self._connection.notifies(timeout=COALESCE_SECONDS))
        except psycopg.OperationalError as why:
            self.close()
            raise StoreAway(f"The database ended the connection: {why}") from why

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        options: dict[str, Any] = {"connect_timeout": 5, "application_name": "scheduler-service beat", **KEEPALIVE}
        connection = psycopg.connect(self._dsn, autocommit=True, **options)
        connection.execute(f"LISTEN {CHANNEL}")
        connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (BEAT_LOCKS, self._beat))
        return connection


class DataVersion:
    """SQLite's counter of other connections' commits, on a connection of its own."""

    def __init__(self, database: Database, stopping: Event) -> None:
        self._path = database.url.database or ""
        self._stopping = stopping
        self._connection: sqlite3.Connection | None = None
        self._seen = -1

    def mark(self) -> None:
        self._seen = self._version()

    def wait(self, seconds: float) -> None:
        until = monotonic() + seconds
        while (left := until - monotonic()) > 0 and not self._stopping.wait(min(left, 1 / LOOKS_PER_SECOND)):
            if self._version() != self._seen:
                return

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _version(self) -> int:
        try:
            if self._connection is None:
                self._connection = sqlite3.connect(self._path, isolation_level=None)
            version: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
        except sqlite3.OperationalError as why:
            self.close()
            raise StoreAway(f"The database cannot be read: {why}.") from why
        return version
