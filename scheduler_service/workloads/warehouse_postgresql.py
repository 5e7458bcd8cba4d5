"""A warehouse on PostgreSQL: a schema of a database, for when one host is not enough.

It has the methods of the default warehouse. Readers see one consistent, read-only state; a schema that does not exist
yet reads as empty. Writers of one dataset wait for each other, those of different datasets do not.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from scheduler_service.errors import CannotStart, WarehouseAway, WarehouseBusy
from scheduler_service.workloads import datasets_postgresql as datasets
from scheduler_service.workloads.datasets import Dataset, RowPage
from scheduler_service.workloads.datasets_postgresql import SCHEMA
from scheduler_service.workloads.turns import READ_WAIT_SECONDS, WRITE_WAIT_SECONDS, go_on

if TYPE_CHECKING:
    from psycopg import Connection

CONNECT_SECONDS = 5
SCHEME = re.compile(r"^postgres(ql)?(\+psycopg)?://")


class PostgresWarehouse:
    """The schema `warehouse` of the database that a URL names. Holds nothing open between transactions."""

    dialect: Literal["postgresql"] = "postgresql"

    def __init__(self, url: str) -> None:
        """Raises: CannotStart, for what is no PostgreSQL URL."""
        if not SCHEME.match(url):
            raise CannotStart("SCHEDULER_WAREHOUSE_URL: it must look like postgresql://user:password@host/name.")
        self._url = SCHEME.sub("postgresql://", url)

    def __repr__(self) -> str:
        return f"PostgresWarehouse({self.place})"

    @property
    def place(self) -> str:
        """Where it is, as it may be told."""
        parts = urlsplit(self._url)
        return f"postgresql://{parts.netloc.rpartition('@')[2]}{parts.path}"

    @contextmanager
    def transaction(
        self,
        *,
        write: bool = True,
        wait_seconds: float = WRITE_WAIT_SECONDS,
        check: Callable[[], None] = go_on,
    ) -> Iterator["Connection[Any]"]:
        """One connection, one transaction: committed at the end of the block, rolled back if it raises.

        `check` is called before connecting and may raise. Waiting for another's lock ends after `wait_seconds`: that
        is WarehouseBusy. Raises WarehouseAway.
        """
        check()
        with self._troubles(wait_seconds), self._connected() as connection:
            if write:
                self._make_schema(connection)
            with connection.transaction():
                self._prepare(connection, write=write, wait_seconds=wait_seconds)
                yield connection

    def datasets(self, *, wait_seconds: float = READ_WAIT_SECONDS) -> list[Dataset]:
        """Every dataset, by name."""
        with self.transaction(write=False, wait_seconds=wait_seconds) as connection:
            return datasets.every(connection)

    def dataset(self, name: str, *, wait_seconds: float = READ_WAIT_SECONDS) -> Dataset:
        """One dataset; raises DatasetNotFound."""
        with self.transaction(write=False, wait_seconds=wait_seconds) as connection:
            return datasets.get(connection, name)

    def rows(
        self, name: str, *, limit: int = 100, cursor: str | None = None, wait_seconds: float = READ_WAIT_SECONDS
    ) -> RowPage:
        """A page of rows as JSON-able dicts, as they lie; raises DatasetNotFound, DatasetUnreadable."""
        with self.transaction(write=False, wait_seconds=wait_seconds) as connection:
            return datasets.page(connection, name, limit=limit, cursor=cursor)

    @contextmanager
    def _connected(self) -> Iterator["Connection[Any]"]:
        import psycopg

        try:
            connection = psycopg.connect(self._url, autocommit=True, connect_timeout=CONNECT_SECONDS)
        except psycopg.ProgrammingError:  # what it says may hold the password
            raise WarehouseAway("its URL is not understood") from None
        try:
            yield connection
        finally:
            connection.close()

    def _prepare(self, connection: "Connection[Any]", *, write: bool, wait_seconds: float) -> None:
        if not write:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.execute(
            "SELECT set_config('TimeZone', 'UTC', true), set_config('search_path', %s, true), "
            "set_config('lock_timeout', %s, true)",
            [SCHEMA, f"{max(1, round(wait_seconds * 1000))}ms"],
        )

    @staticmethod
    def _make_schema(connection: "Connection[Any]") -> None:
        """Committed at once, so that nobody waits for a first load; asked first, since it takes a right to make one.

        Under a lock, since two at once would both find none.
        """
        if connection.execute("SELECT to_regnamespace(%s)", [SCHEMA]).fetchone() == (None,):
            with connection.transaction():
                connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [SCHEMA])
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")

    @staticmethod
    @contextmanager
    def _troubles(wait_seconds: float) -> Iterator[None]:
        """What a server does to those who use it, as failures that pass."""
        import psycopg

        try:
            yield
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure):
            raise WarehouseBusy(wait_seconds) from None
        except psycopg.errors.QueryCanceled:
            raise
        except psycopg.OperationalError as error:
            raise WarehouseAway(" ".join(str(error).split())[:300] or type(error).__name__) from error
