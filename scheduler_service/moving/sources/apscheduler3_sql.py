"""APScheduler 3's SQLAlchemy job store: a table of when each job is due, and of its pickle."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, select

from scheduler_service.moving.sources.apscheduler3_jobs import instant_of
from scheduler_service.moving.sources.apscheduler3_store import Apscheduler3Store, Stored
from scheduler_service.moving.sources.pickled_state import with_next_run_time
from scheduler_service.moving.sources.sql import SqlStore, as_read

TABLE = "apscheduler_jobs"
_COLUMNS = ("id", "next_run_time", "job_state")


class Apscheduler3Sql(Apscheduler3Store):
    """A job store in a table."""

    def __init__(self, url: str, *, trust_pickle: bool, allow: Collection[str] = ()) -> None:
        super().__init__(trust_pickle=trust_pickle, allow=allow)
        self._store = SqlStore("apscheduler", url, options=frozenset({"table", "schema"}))
        self.label = self._store.label

    def _read(self, ids: Collection[str] | None = None) -> dict[str, Stored]:
        with self._store.reading() as connection:
            rows = _rows(connection, self._table(connection), ids)
        return {row["id"]: Stored(bytes(row["job_state"]), instant_of(row["next_run_time"])) for row in rows}

    def _write(self, due: Mapping[str, datetime | None]) -> int:
        with self._store.writing() as connection:
            table = self._table(connection)
            rows = _rows(connection, table, due.keys())
            return sum(self._write_row(connection, table, row, due[row["id"]]) for row in rows)

    def _write_row(self, connection: Connection, table: Table, row: RowMapping, at: datetime | None) -> int:
        """Only as it was read: whoever changed it meanwhile is not written over."""
        if (row["next_run_time"] is None) == (at is None):
            return 0
        state = with_next_run_time(bytes(row["job_state"]), at, label=self.label)
        values: dict[str, Any] = {"job_state": state, "next_run_time": at and at.timestamp()}
        return connection.execute(table.update().where(as_read(table, row, *_COLUMNS)).values(**values)).rowcount

    def _table(self, connection: Connection) -> Table:
        return self._store.table(connection, self._store.options.get("table", TABLE), needs=_COLUMNS)


def _rows(connection: Connection, table: Table, ids: Collection[str] | None) -> Sequence[RowMapping]:
    asked = select(*(table.c[name] for name in _COLUMNS)).order_by(table.c.id)
    if ids is not None:
        asked = asked.where(table.c.id.in_(list(ids)))
    return connection.execute(asked).mappings().all()
