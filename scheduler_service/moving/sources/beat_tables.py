"""The tables of django-celery-beat and of those that took its shape: schedules as rows, a table for each kind of when.

A Beat there looks every few seconds whether the row that says "changed" is newer, and reads all again. When an entry
is enabled again it would run at once what came due meanwhile, so resuming also sets `last_run_at`.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, RowMapping, Table, select

from scheduler_service.errors import SourceAway
from scheduler_service.moving.found import (
    FoundCrontab,
    FoundDate,
    FoundInterval,
    FoundJob,
    FoundSolar,
    FoundTrigger,
    Unreadable,
)
from scheduler_service.moving.sources import celery_instants
from scheduler_service.moving.sources.plain import plain
from scheduler_service.moving.sources.sql import SqlStore

SETTLED_SECONDS = 0.3
TRIES = 10
_OPTIONS = ("queue", "exchange", "routing_key", "priority", "expire_seconds", "description")
_INSTANTS = ("start_time", "expires")
_KNOWN = {
    *("id", "name", "task", "args", "kwargs", "headers", "enabled", "one_off", "last_run_at", "total_run_count"),
    *("date_changed", "discriminator", "schedule_id", "no_changes", *_OPTIONS, *_INSTANTS),
}
_Row = Mapping[str, Any]


@dataclass(frozen=True)
class Layout:
    """What one of the packages calls its tables; `kinds` are theirs by the column or discriminator that refers."""

    kind: str
    tasks: str
    kinds: Mapping[str, str]
    changed: str
    changed_key: str
    schema: str | None = None
    by_discriminator: bool = False


class BeatTables:
    """A database with one of the layouts."""

    def __init__(self, layout: Layout, url: str, *, timezone: str | None = None) -> None:
        self._store = SqlStore(layout.kind, url, options=frozenset({"schema"}))
        if layout.schema and "sqlite" not in self._store.label:
            self._store.options.setdefault("schema", layout.schema)
        self._layout = layout
        self._naive = ZoneInfo(timezone or "UTC")  # of instants that a database without time zones keeps
        self.kind = layout.kind
        self.label = self._store.label

    def jobs(self) -> list[FoundJob]:
        with self._store.reading() as connection:
            rows = self._rows(connection)
            kinds = {name: self._kind_rows(connection, table) for name, table in self._layout.kinds.items()}
        return sorted((self._found(row, kinds) for row in rows), key=lambda job: (job.name, job.id))

    def instants(self, job: FoundJob, *, after: datetime, count: int) -> list[datetime]:
        return celery_instants.instants(job, after=after, count=count)

    def pause(self, ids: Collection[str]) -> None:
        """Sets `enabled` to false and says "changed". Raises: SourceAway, SourceNotUnderstood."""
        for _ in range(TRIES):
            if not self._write({job_id: {"enabled": False} for job_id in ids}, where_enabled=True):
                return
            Event().wait(SETTLED_SECONDS)  # a Beat that saves a row it read before may write `enabled` back
        raise SourceAway(self.label, "a Beat wrote over the pause each time")

    def resume(self, ids: Collection[str], *, not_before: datetime) -> None:
        """Raises: SourceAway, SourceNotUnderstood."""
        paused = {job.id: job for job in self.jobs() if job.id in ids and job.paused}
        values: dict[str, dict[str, Any]] = {}
        for job_id, job in paused.items():
            values[job_id] = {"enabled": True}
            if not isinstance(job.trigger, FoundDate | Unreadable):
                values[job_id]["last_run_at"] = self._stored(celery_instants.run_before(job, not_before))
        self._write(values, where_enabled=False)

    def are_paused(self, ids: Collection[str]) -> dict[str, bool]:
        with self._store.reading() as connection:
            enabled = {str(row["id"]): bool(row["enabled"]) for row in self._rows(connection)}
        return {job_id: not enabled.get(job_id, False) for job_id in ids}

    def waits(self, ids: Collection[str]) -> dict[str, datetime]:
        """Beat works it out anew."""
        return {}

    def last_runs(self, ids: Sequence[str]) -> dict[str, datetime]:
        with self._store.reading() as connection:
            rows = self._rows(connection)
        runs = {str(row["id"]): self._instant(row["last_run_at"]) for row in rows}
        return {job_id: at for job_id in ids if (at := runs.get(job_id)) is not None}

    def _rows(self, connection: Connection) -> Sequence[RowMapping]:
        table = self._table(connection)
        return connection.execute(select(table)).mappings().all()

    def _table(self, connection: Connection) -> Table:
        return self._store.table(connection, self._layout.tasks, needs=("id", "name", "task", "enabled"))

    def _kind_rows(self, connection: Connection, name: str) -> dict[int, dict[str, Any]]:
        table = self._store.table(connection, name)
        return {row["id"]: dict(row) for row in connection.execute(select(table)).mappings()}

    def _found(self, row: RowMapping, kinds: Mapping[str, Mapping[int, _Row]]) -> FoundJob:
        kind, when = self._when(row, kinds)
        last_run_at = self._instant(row["last_run_at"])
        start = last_run_at or self._instant(row["start_time"])
        trigger = self._trigger(kind, when, start)
        return FoundJob(
            str(row["id"]),
            row["name"],
            trigger,
            task=row["task"],
            args=_json(row["args"], list),
            kwargs=_json(row["kwargs"], dict),
            paused=not row["enabled"],
            last_run_at=last_run_at,
            total_run_count=row["total_run_count"],
            misfire_grace_seconds=None,
            max_instances=None,
            fields=self._fields(row),
            problems=tuple(self._problems(row)),
            original=plain({**row, "timing": when and {"kind": kind, **when}}),
        )

    def _when(self, row: RowMapping, kinds: Mapping[str, Mapping[int, _Row]]) -> tuple[str, _Row | None]:
        if self._layout.by_discriminator:
            kind = str(row["discriminator"] or "").removesuffix("schedule")
            return kind, kinds.get(kind, {}).get(row["schedule_id"])
        for kind, rows in kinds.items():
            if row.get(f"{kind}_id") is not None:
                return kind, rows.get(row[f"{kind}_id"])
        return "none", None

    def _trigger(self, kind: str, when: _Row | None, start: datetime | None) -> FoundTrigger:
        if when is None:
            return Unreadable(f"the {kind} schedule that it refers to is not there")
        try:
            if kind == "interval":
                return FoundInterval(timedelta(**{str(when["period"]): when["every"]}), start=start)
            return self._other_trigger(kind, when)
        except (KeyError, TypeError, ValueError) as why:
            return Unreadable(f"its {kind} schedule is not as expected ({type(why).__name__}: {why})")

    def _other_trigger(self, kind: str, when: _Row) -> FoundTrigger:
        if kind == "crontab":
            fields = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
            given: Any = {field: when[field] for field in fields}
            return FoundCrontab(**given, timezone=str(when.get("timezone") or "UTC"))
        if kind == "solar":
            return FoundSolar(when["event"], float(when["latitude"]), float(when["longitude"]))
        at = self._instant(when["clocked_time"])
        return Unreadable("its clocked schedule has no time") if at is None else FoundDate(at)

    def _fields(self, row: RowMapping) -> dict[str, Any]:
        fields = {name: row[name] for name in _OPTIONS if row.get(name) not in (None, "")}
        fields |= {name: self._instant(row[name]) for name in _INSTANTS if row.get(name) is not None}
        headers = _json(row.get("headers"), dict)
        if headers and isinstance(headers, dict):
            fields["headers"] = headers
        return fields | ({"one_off": True} if row["one_off"] else {})

    def _problems(self, row: RowMapping) -> list[str]:
        known = {*_KNOWN, *(f"{kind}_id" for kind in self._layout.kinds)}
        unknown = [name for name, value in row.items() if name not in known and value is not None]
        return [f"The column {name} ({row[name]!r:.60}) is not known here, and is not kept." for name in unknown]

    def _instant(self, held: datetime | None) -> datetime | None:
        if held is None:
            return None
        return (held if held.tzinfo else held.replace(tzinfo=self._naive)).astimezone(UTC)

    def _stored(self, instant: datetime) -> datetime:
        return instant.astimezone(self._naive).replace(tzinfo=None) if "sqlite" in self.label else instant

    def _write(self, values: Mapping[str, Mapping[str, Any]], *, where_enabled: bool) -> int:
        """How many rows were changed; a Beat is told if any was."""
        with self._store.writing() as connection:
            table = self._table(connection)
            written = sum(
                connection.execute(
                    table.update()
                    .where(table.c.id == int(job_id), table.c.enabled.is_(where_enabled))
                    .values(**_of_table(table, value))
                ).rowcount
                for job_id, value in sorted(values.items())
            )
            if written:
                self._tell(connection)
        return written

    def _tell(self, connection: Connection) -> None:
        layout, now = self._layout, self._stored(datetime.now(UTC))
        changed = self._store.table(connection, layout.changed, needs=(layout.changed_key, "last_update"))
        key = changed.c[layout.changed_key] == 1
        if not connection.execute(changed.update().where(key).values(last_update=now)).rowcount:
            connection.execute(changed.insert().values({layout.changed_key: 1, "last_update": now}))


def _of_table(table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in table.c}


def _json(text: str | None, of: Callable[[], Any]) -> Any:
    try:
        held = json.loads(text or "null")
    except ValueError as why:
        return Unreadable(f"it is no JSON ({why}): {str(text)[:60]!r}")
    if held is None:
        return of()
    return held if type(held) is of else Unreadable(f"it is {type(held).__name__}, and not {of.__name__}")


_DJANGO = "django_celery_beat_"
LAYOUTS = {
    "django-celery-beat": Layout(
        "django-celery-beat",
        tasks=f"{_DJANGO}periodictask",
        kinds={kind: f"{_DJANGO}{kind}schedule" for kind in ("interval", "crontab", "solar", "clocked")},
        changed=f"{_DJANGO}periodictasks",
        changed_key="ident",
    ),
    "celery-sqlalchemy-scheduler": Layout(
        "celery-sqlalchemy-scheduler",
        tasks="celery_periodic_task",
        kinds={kind: f"celery_{kind}_schedule" for kind in ("interval", "crontab", "solar")},
        changed="celery_periodic_task_changed",
        changed_key="id",
    ),
    "sqlalchemy-celery-beat": Layout(
        "sqlalchemy-celery-beat",
        tasks="celery_periodictask",
        kinds={kind: f"celery_{kind}schedule" for kind in ("interval", "crontab", "solar", "clocked")},
        changed="celery_periodictaskchanged",
        changed_key="id",
        schema="celery_schema",
        by_discriminator=True,
    ),
}
