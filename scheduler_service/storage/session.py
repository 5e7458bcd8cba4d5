"""Connections, transactions and the database's clock. The only commit is here.

One `Database` a process. A transaction is `with database.transaction() as session:`; it commits when the block
ends and rolls back when it raises. `database.reading()` is the same for reads, which on SQLite do not queue behind
a writer.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session as Session  # exported: rooms above name it, and know nothing else of SQLAlchemy
from sqlalchemy.pool import ConnectionPoolEntry

from scheduler_service.errors import CannotStart, StoreAway
from scheduler_service.storage import own_writes
from scheduler_service.storage.columns import SqlNow
from scheduler_service.timing.clock import Clock, SystemClock

RESYNC = timedelta(seconds=10)
LOCK_TIMEOUT = timedelta(seconds=10)  # for a row that somebody's open psql session holds
KEEPALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
_sessions = own_writes.sessions()
PRAGMAS = ("journal_mode=wal", "synchronous=normal", "foreign_keys=on", "busy_timeout=10000")


class DatabaseClock:
    """The database's time, told by it every few seconds and carried on by the monotonic clock between.

    So a host whose wall clock is wrong, or is set while we run, changes nothing.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reading = (datetime.min.replace(tzinfo=UTC), float("-inf"))  # one value: threads must see no half of it

    def now(self) -> datetime:
        if monotonic() - self._reading[1] > RESYNC.total_seconds():
            with self._engine.connect() as connection:
                self.hear(connection.execute(select(SqlNow())).scalar_one())
        told, heard = self._reading
        return told + timedelta(seconds=monotonic() - heard)

    def hear(self, told: datetime) -> None:
        self._reading = (told, monotonic())


class Database:
    """A database, by its URL. Connects when first used, so it may be made before a fork."""

    def __init__(self, url: str, *, clock: Clock | None = None, pool_size: int = 5, pre_ping: bool = True) -> None:
        self.url = normalised(url)
        self.engine = make_engine(self.url, pool_size=pool_size, pre_ping=pre_ping, lock_timeout=LOCK_TIMEOUT)
        self.dialect = self.url.get_backend_name()
        isolation = "AUTOCOMMIT" if self.dialect == "postgresql" else "SERIALIZABLE"
        self._reading = self.engine.execution_options(read_only=True, isolation_level=isolation)
        self._single = self.engine.execution_options(isolation_level=isolation)
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="beside")
        self._apart = ThreadPoolExecutor(1, thread_name_prefix="apart")
        self.closing = Event()
        event.listen(self.engine, "checkin", self._given_back)
        self.clock: Clock = clock or (SystemClock() if self.dialect == "sqlite" else DatabaseClock(self.engine))

    @property
    def batch_size(self) -> int:
        """Rows for one write transaction: on SQLite the API waits for it, so it is short."""
        return 200 if self.dialect == "sqlite" else 1000

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One unit of work, committed at the end of the block.

        Raises: StoreAway, when the database cannot be reached or ends the connection.
        """
        with store_errors(), _sessions(bind=self.engine) as session:
            yield session
            session.commit()

    @contextmanager
    def statement(self) -> Iterator[Session]:
        """One statement, a transaction by itself: on PostgreSQL two round trips less. Raises: StoreAway."""
        with store_errors(), _sessions(bind=self._single) as session:
            yield session
            session.commit()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Look, and write nothing. Raises: StoreAway."""
        with store_errors(), _sessions(bind=self._reading) as session:
            yield session

    def beside(self, work: Callable[[Session], None]) -> Future[None]:
        """Do it soon, in a transaction and a thread of its own, one after the other: the caller does not wait."""
        return self._beside.submit(self._alone, work)

    def apart(self, work: Callable[[], None]) -> Future[None]:
        """Do what takes long in a thread of its own. Closing waits for it, so it is to end when `closing` is set."""
        return self._apart.submit(work)

    def heard(self, told: datetime) -> None:
        """Take a reading of the database's clock that came with another statement."""
        if isinstance(self.clock, DatabaseClock):
            self.clock.hear(told)

    def close(self) -> None:
        """Let all connections go: those in use as soon as they are given back."""
        self.closing.set()
        self._apart.shutdown(cancel_futures=True)
        self._beside.shutdown()
        self.engine.dispose()

    def _given_back(self, _connection: object, record: ConnectionPoolEntry) -> None:
        if self.closing.is_set():
            record.invalidate()

    def _alone(self, work: Callable[[Session], None]) -> None:
        with self.transaction() as session:
            work(session)


@contextmanager
def store_errors() -> Iterator[None]:
    """Say StoreAway for what means "the database is away", and leave every other error as it is."""
    try:
        yield
    except PoolTimeoutError as why:
        raise StoreAway("All connections to the database are in use.") from why
    except (OperationalError, InterfaceError) as why:
        if _is_wrong_sql(why.orig):
            raise
        raise StoreAway(f"The database cannot be reached: {_first_line(why.orig)}.") from why
    except DBAPIError as why:
        if why.connection_invalidated or isinstance(why.orig, psycopg.OperationalError):
            raise StoreAway(f"The database ended the connection: {_first_line(why.orig)}.") from why
        if getattr(why.orig, "sqlite_errorname", None) in ("SQLITE_NOTADB", "SQLITE_CORRUPT"):
            raise StoreAway(f"The database file cannot be used: {_first_line(why.orig)}.") from why
        raise


def normalised(url: str) -> URL:
    """The URL with its driver: `postgresql://` and `postgres://` mean psycopg 3."""
    parsed = make_url(url)
    if parsed.drivername in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() not in ("postgresql", "sqlite"):
        raise CannotStart(f"SCHEDULER_DATABASE_URL: {parsed.drivername} is not supported; use postgresql or sqlite.")
    return parsed


def make_engine(
    url: URL, *, pool_size: int = 5, pre_ping: bool = True, lock_timeout: timedelta | None = None
) -> Engine:
    if url.get_backend_name() == "sqlite":
        if url.database and url.database != ":memory:":
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url, connect_args={"check_same_thread": False}, pool_size=pool_size)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    options: dict[str, Any] = {"connect_timeout": 5, "application_name": "scheduler-service", **KEEPALIVE}
    if "options" not in url.query:
        options["options"] = "-c timezone=UTC"  # the driver then needs no zone for each instant
        if lock_timeout is not None:
            options["options"] += f" -c lock_timeout={int(lock_timeout.total_seconds() * 1000)}"
    return create_engine(
        url,
        connect_args=options,
        pool_size=pool_size,
        max_overflow=20,
        pool_pre_ping=pre_ping,
        json_deserializer=_read_json,
    )


def _read_json(value: Any) -> Any:
    """Most schedules have no keyword arguments and no headers."""
    return {} if value == b"{}" else json.loads(value)


def _prepare_sqlite(dbapi: Any, _record: object) -> None:
    dbapi.isolation_level = None  # we say BEGIN, not sqlite3: its own begins at the first write, which is too late
    for pragma in PRAGMAS:
        dbapi.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    read_only = connection.get_execution_options().get("read_only")
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def _is_wrong_sql(why: BaseException | None) -> bool:
    """sqlite3 calls a wrong statement an OperationalError as well."""
    return getattr(why, "sqlite_errorname", None) == "SQLITE_ERROR"


def _first_line(why: BaseException | None) -> str:
    return str(why).strip().split("\n", 1)[0].rstrip(".") or type(why).__name__
