"""The triggers that audit what others write: an UPDATE from psql is told of as an edit by the API is.

A statement of ours counts `audited_writes` up (before a deletion: sets it below zero) and brings its own event; one
that leaves the count alone is somebody else's. Beat's bookkeeping touches no column that these look at, and pays
nothing.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import JSON, Boolean, Column

from scheduler_service.storage.columns import Base, Instant

Columns = tuple[str, ...]
#: table → what its rows are in the audit trail, and the columns that count
Audited = Mapping[str, tuple[str, Columns]]
#: table of a timing → its columns, and the schedule's column that points to it
Timings = Mapping[str, tuple[Columns, str]]

EVENT = "audit_event (actor, source, action, subject_type, subject_id, subject_name, changes)"

_FUNCTION = f"""CREATE FUNCTION written_past_us() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  SET timezone = 'UTC' SET search_path = pg_catalog, pg_temp AS $$ DECLARE
  old_row jsonb := '{{}}'; new_row jsonb := '{{}}'; whole jsonb; changes jsonb;
BEGIN
  IF TG_OP <> 'INSERT' THEN old_row := to_jsonb(OLD); END IF;
  IF TG_OP <> 'DELETE' THEN new_row := to_jsonb(NEW); END IF;
  whole := old_row || new_row;
  SELECT jsonb_object_agg(TG_ARGV[1] || field, jsonb_build_array(old_row -> field, new_row -> field)) INTO changes
    FROM unnest(string_to_array(TG_ARGV[2], ' ')) field
    WHERE coalesce(old_row -> field, 'null') IS DISTINCT FROM coalesce(new_row -> field, 'null');
  IF TG_NARGS = 4 THEN
    EXECUTE format('INSERT INTO %1$I.{EVENT}'
      ' SELECT ''database'', $1, ''update'', ''schedule'', id, name, $2 FROM %1$I.periodic_task'
      ' WHERE %2$I = $3 ORDER BY id', TG_TABLE_SCHEMA, TG_ARGV[3]) USING session_user, changes, NEW.id;
  ELSE
    EXECUTE format('INSERT INTO %I.{EVENT}'
      ' VALUES (''database'', $1, $2, $3, $4, $5, $6)', TG_TABLE_SCHEMA) USING session_user,
      CASE TG_OP WHEN 'INSERT' THEN 'create' WHEN 'DELETE' THEN 'delete' ELSE 'update' END,
      TG_ARGV[0], whole ->> 'id', whole ->> 'name', changes;
  END IF;
  RETURN NULL;
END $$"""


def postgresql(audited: Audited, timings: Timings) -> list[str]:
    """One function for all. It runs as its owner: who may write schedules need not be able to write the trail."""
    made = [_FUNCTION]
    for table, (subject, columns) in audited.items():
        call = f"EXECUTE FUNCTION written_past_us('{subject}', '', '{' '.join(columns)}')"
        made += [
            f"""CREATE TRIGGER {table}_made_past_us AFTER INSERT ON {table} FOR EACH ROW
  WHEN (NEW.audited_writes = 0) {call}""",
            f"""CREATE TRIGGER {table}_changed_past_us AFTER UPDATE OF {", ".join(columns)} ON {table} FOR EACH ROW
  WHEN (NEW.audited_writes = OLD.audited_writes AND {_row("OLD", columns)} IS DISTINCT FROM {_row("NEW", columns)})
  {call}""",
            f"""CREATE TRIGGER {table}_deleted_past_us AFTER DELETE ON {table} FOR EACH ROW
  WHEN (OLD.audited_writes >= 0) {call}""",
        ]
    made += [
        f"""CREATE TRIGGER {table}_changed_past_us AFTER UPDATE OF {", ".join(columns)} ON {table} FOR EACH ROW
  WHEN ({_row("OLD", columns)} IS DISTINCT FROM {_row("NEW", columns)})
  EXECUTE FUNCTION written_past_us('schedule', '{_kind(pointer)}.', '{" ".join(columns)}', '{pointer}')"""
        for table, (columns, pointer) in timings.items()
        if table not in audited
    ]
    return made


def sqlite(audited: Audited, timings: Timings) -> list[str]:
    """The same as `postgresql` makes; there is no user to name as the source."""
    made = []
    for table, (subject, columns) in audited.items():
        insert = f"INSERT INTO {EVENT} SELECT 'database', ''"
        made += [
            f"""CREATE TRIGGER {table}_made_past_us AFTER INSERT ON {table}
WHEN NEW.audited_writes = 0
BEGIN
  {insert}, 'create', '{subject}', NEW.id, NEW.name, {_changes(table, columns, old=None, new="NEW")};
END""",
            f"""CREATE TRIGGER {table}_changed_past_us AFTER UPDATE OF {", ".join(columns)} ON {table}
WHEN NEW.audited_writes = OLD.audited_writes AND {_row("OLD", columns)} IS NOT {_row("NEW", columns)}
BEGIN
  {insert}, 'update', '{subject}', NEW.id, NEW.name, {_changes(table, columns, old="OLD", new="NEW")};
END""",
            f"""CREATE TRIGGER {table}_deleted_past_us AFTER DELETE ON {table}
WHEN OLD.audited_writes >= 0
BEGIN
  {insert}, 'delete', '{subject}', OLD.id, OLD.name, {_changes(table, columns, old="OLD", new=None)};
END""",
        ]
    made += [
        f"""CREATE TRIGGER {table}_changed_past_us AFTER UPDATE OF {", ".join(columns)} ON {table}
WHEN {_row("OLD", columns)} IS NOT {_row("NEW", columns)}
BEGIN
  INSERT INTO {EVENT} SELECT 'database', '', 'update', 'schedule', id, name,
    {_changes(table, columns, old="OLD", new="NEW", prefix=f"{_kind(pointer)}.")}
  FROM periodic_task WHERE {pointer} = NEW.id ORDER BY id;
END"""
        for table, (columns, pointer) in timings.items()
        if table not in audited
    ]
    return made


def _changes(table: str, columns: Columns, *, old: str | None, new: str | None, prefix: str = "") -> str:
    """SQLite's expression for {column: [old, new]} of the columns that differ."""
    parts = []
    for name in columns:
        column = Base.metadata.tables[table].c[name]
        before, after = (f"{row}.{name}" if row else "NULL" for row in (old, new))
        values = ", ".join(_as_json(column, value) if value != "NULL" else value for value in (before, after))
        parts.append(f"iif({before} IS NOT {after}, ',\"{prefix}{name}\":' || json_array({values}), '')")
    return "json('{' || substr(" + "\n    || ".join(parts) + ", 2) || '}')"


def _as_json(column: Column[Any], value: str) -> str:
    if isinstance(column.type, JSON):
        return f"json({value})"
    if isinstance(column.type, Boolean):
        return f"json(iif({value}, 'true', 'false'))"
    if isinstance(column.type, Instant):
        return f"replace({value}, ' ', 'T') || 'Z'"
    return value


def _row(prefix: str, columns: Columns) -> str:
    return "(" + ", ".join(f"{prefix}.{column}" for column in columns) + ")"


def _kind(pointer: str) -> str:
    return pointer.removesuffix("_id")
