"""Another program's SQL database: one look at a time, in one snapshot; a row written only as it was read."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, NullPool, Table, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, NoSuchTableError, OperationalError

from scheduler_service.errors import SourceAway, SourceNotUnderstood

SECONDS = 5  # to connect, or to wait for a lock that somebody else holds
_POSTGRESQL = f"-c timezone=UTC -c lock_timeout={SECONDS * 1000} -c statement_timeout=60000"


class SqlStore:
    """A database by its URL; options of ours are in the query: `?table=`, `?schema=`."""

    def __init__(self, kind: str, text: str, *, options: frozenset[str] = frozenset()) -> None:
        url = _parsed(kind, text)
        self.options = {name: str(value) for name, value in url.query.items() if name in options}
        self._url = _with_driver(url.difference_update_query(options))
        self.label = f"{kind}+{_shown(self._url, self.options)}"
        self._engine = self._make_engine()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A look that locks nobody out. Raises: SourceAway, SourceNotUnderstood."""
        with self._connected(writing=False) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A short transaction, committed at the end of the block. Raises: SourceAway, SourceNotUnderstood."""
        with self._connected(writing=True) as connection:
            yield connection

    def table(self, connection: Connection, name: str, *, needs: tuple[str, ...] = ()) -> Table:
        """A table as it is there. Raises: SourceNotUnderstood, when it or a column is missing."""
        try:
            table = Table(name, MetaData(), schema=self.options.get("schema"), autoload_with=connection)
        except NoSuchTableError:
            raise SourceNotUnderstood(self.label, f"it has no table {name}") from None
        if missing := [column for column in needs if column not in table.c]:
            raise SourceNotUnderstood(self.label, f"its table {name} has no column {', '.join(missing)}")
        return table

    @contextmanager
    def _connected(self, *, writing: bool) -> Iterator[Connection]:
        options = {"writing": writing} if self._is_sqlite else self._isolation(writing=writing)
        try:
            with self._engine.connect().execution_options(**options) as connection:
                yield connection
                if writing:
                    connection.commit()
        except (OperationalError, InterfaceError) as why:
            raise SourceAway(self.label, _first_line(why)) from why
        except DBAPIError as why:
            if why.connection_invalidated or "file is not a database" in str(why.orig):
                raise SourceAway(self.label, _first_line(why)) from why
            raise SourceNotUnderstood(self.label, _first_line(why)) from why

    @property
    def _is_sqlite(self) -> bool:
        return self._url.get_backend_name() == "sqlite"

    def _isolation(self, *, writing: bool) -> dict[str, Any]:
        if writing:
            return {}
        snapshot = {"isolation_level": "REPEATABLE READ"}
        return {**snapshot, "postgresql_readonly": True} if self._url.get_backend_name() == "postgresql" else snapshot

    def _make_engine(self) -> Engine:
        if self._is_sqlite:
            engine = create_engine("sqlite://", creator=self._open_file, poolclass=NullPool)
            event.listen(engine, "begin", _begin)
            return engine
        is_postgresql = self._url.get_backend_name() == "postgresql"
        connect: dict[str, Any] = {"connect_timeout": SECONDS}
        if is_postgresql:
            connect |= {"options": _POSTGRESQL, "application_name": "scheduler-service migrate"}
        return create_engine(self._url, connect_args=connect, poolclass=NullPool)

    def _open_file(self) -> sqlite3.Connection:
        """The file must be there: SQLite would make an empty one."""
        uri = f"{Path(self._url.database or '').resolve().as_uri()}?mode=rw"
        return sqlite3.connect(uri, uri=True, timeout=SECONDS, isolation_level=None)


def as_read(table: Table, row: Mapping[Any, Any], *names: str) -> Any:
    """The condition that these columns of a row are still what they were."""
    same = [table.c[name].is_(None) if row[name] is None else table.c[name] == row[name] for name in names]
    return same[0] if len(same) == 1 else same[0] & as_read(table, row, *names[1:])


def _begin(connection: Connection) -> None:
    writing = connection.get_execution_options().get("writing")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _parsed(kind: str, text: str) -> URL:
    try:
        return make_url(text)
    except (ArgumentError, ValueError) as why:
        raise SourceNotUnderstood(kind, "its address is no URL of a database") from why


def _with_driver(url: URL) -> URL:
    """The drivers that are here, whichever the other program uses."""
    backend = {"postgres": "postgresql"}.get(url.get_backend_name(), url.get_backend_name())
    driver = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "sqlite": "sqlite"}.get(backend)
    if driver is None:
        raise SourceNotUnderstood(backend, "only PostgreSQL, SQLite and MySQL are read")
    return url.set(drivername=driver)


def _shown(url: URL, options: Mapping[str, str]) -> str:
    """Where it is, without who asks and how: the same for everybody."""
    more = "?" + "&".join(f"{name}={value}" for name, value in sorted(options.items())) if options else ""
    if url.get_backend_name() == "sqlite":
        return f"sqlite:///{Path(url.database or '').resolve()}{more}"
    port = f":{url.port}" if url.port else ""
    host = url.host or url.query.get("host", "localhost")  # a socket's folder is in the query
    return f"{url.get_backend_name()}://{host}{port}/{url.database}{more}"


def _first_line(why: DBAPIError) -> str:
    return str(why.orig).strip().split("\n", 1)[0].rstrip(".") or type(why).__name__
