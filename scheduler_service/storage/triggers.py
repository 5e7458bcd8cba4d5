"""What makes any writer count: the triggers, for each database, as they should be at head.

A migration carries its own frozen copy of these statements (it must not change when this file does); a test
compares what a migrated database holds with what this module says. Every column of `periodic_task` is in exactly
one of the three classes below; another test holds that.
"""

from scheduler_service.storage import unaudited
from scheduler_service.storage.models import EXHAUSTED, FINISHED_STATES, SHADOW, TIMING_COLUMNS

#: A change means: plan again. Of these, REOPENS also gives a completed schedule a new life; DAYS only one that ended
#: for want of occurrences, so that no new holiday lets a finished one_off run again.
REOPENS = (*TIMING_COLUMNS, "start_time", "expires", "one_off", "max_runs", "enabled")
DAYS = ("calendar_id", "calendar_mode")
DECIDES_WHEN = (*REOPENS, *DAYS, "anchor_at", "jitter_seconds", "shadow")
#: A person sees these too: a change counts as a revision.
VISIBLE = (
    "name", "kind", "task", "args", "kwargs", "description", "tags", "paused_reason", "queue", "exchange",
    "routing_key", "headers", "priority", "expire_seconds", "misfire_policy", "misfire_grace_seconds",
    "catchup_window_seconds", "catchup_limit", "overlap_policy", "buffer_limit", "pause_after_failures", "retry_max",
    "retry_delay_seconds", "soft_time_limit_seconds", "time_limit_seconds", "start_deadline_seconds", "keep_runs_days",
)  # fmt: skip
#: Written by Beat as it goes: costs no trigger.
BOOKKEEPING = (
    "id", "next_occurrence_at", "next_run_at", "watermark", "last_run_at", "total_run_count", "revision",
    "created_at", "date_changed", "completed_reason", "quarantine_reason", "provenance", "audited_writes",
)  # fmt: skip

#: What a person sees of a calendar.
CALENDAR = ("name", "description", "definition")

CHANNEL = "scheduler_wakeup"
FINISHED = ", ".join(f"'{state}'" for state in FINISHED_STATES)

#: table of the timing → its columns that say when → the schedule's column that points to it
TIMING_TABLES = {
    "crontab_schedule": (
        ("minute", "hour", "day_of_month", "month_of_year", "day_of_week", "timezone", "day_match"),
        "crontab_id",
    ),
    "interval_schedule": (("every", "period"), "interval_id"),
    "clocked_schedule": (("clocked_time",), "clocked_id"),
    "solar_schedule": (("event", "latitude", "longitude"), "solar_id"),
    "rrule_schedule": (("rule",), "rrule_id"),
    "calendar": (("definition",), "calendar_id"),
}


def statements(dialect: str) -> list[str]:
    """Every CREATE for the database, in order."""
    audited = {"periodic_task": ("schedule", VISIBLE + DECIDES_WHEN), "calendar": ("calendar", CALENDAR)}
    if dialect == "postgresql":
        return _postgresql() + unaudited.postgresql(audited, TIMING_TABLES)
    return _sqlite() + unaudited.sqlite(audited, TIMING_TABLES)


def _row(prefix: str, columns: tuple[str, ...]) -> str:
    return "(" + ", ".join(f"{prefix}.{column}" for column in columns) + ")"


def _postgresql() -> list[str]:
    seen = VISIBLE + DECIDES_WHEN
    made = [
        f"""CREATE FUNCTION periodic_task_edited() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF {_row("NEW", DECIDES_WHEN)} IS DISTINCT FROM {_row("OLD", DECIDES_WHEN)} THEN
    IF NEW.next_run_at IS NOT DISTINCT FROM OLD.next_run_at THEN
      NEW.next_run_at := NULL; NEW.next_occurrence_at := NULL;
    END IF;
    IF NEW.watermark = OLD.watermark THEN NEW.watermark := clock_timestamp(); END IF;
    IF NEW.quarantine_reason IS NOT DISTINCT FROM OLD.quarantine_reason THEN NEW.quarantine_reason := NULL; END IF;
  END IF;
  IF {_row("NEW", REOPENS)} IS DISTINCT FROM {_row("OLD", REOPENS)}
     AND NEW.completed_reason IS NOT DISTINCT FROM OLD.completed_reason THEN NEW.completed_reason := NULL; END IF;
  IF {_row("NEW", DAYS)} IS DISTINCT FROM {_row("OLD", DAYS)}
     AND NEW.completed_reason = '{EXHAUSTED}' THEN NEW.completed_reason := NULL; END IF;
  IF NEW.revision = OLD.revision THEN NEW.revision := OLD.revision + 1; END IF;
  NEW.date_changed := clock_timestamp();
  RETURN NEW;
END $$""",
        f"""CREATE TRIGGER periodic_task_edited BEFORE UPDATE OF {", ".join(seen)} ON periodic_task FOR EACH ROW
  WHEN ({_row("OLD", seen)} IS DISTINCT FROM {_row("NEW", seen)}) EXECUTE FUNCTION periodic_task_edited()""",
        f"""CREATE FUNCTION timing_edited() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  EXECUTE format('SELECT 1 FROM periodic_task WHERE %I = $1 ORDER BY id FOR UPDATE', TG_ARGV[0]) USING NEW.id;
  EXECUTE format('UPDATE periodic_task SET next_run_at = NULL, next_occurrence_at = NULL, completed_reason ='
    ' CASE WHEN $2 OR completed_reason = ''{EXHAUSTED}'' THEN NULL ELSE completed_reason END, quarantine_reason = NULL,'
    ' watermark = clock_timestamp(), revision = revision + 1, date_changed = clock_timestamp() WHERE %I = $1',
    TG_ARGV[0])
    USING NEW.id, TG_TABLE_NAME <> 'calendar';
  RETURN NULL;
END $$""",
    ]
    made += [
        f"""CREATE TRIGGER {table}_edited AFTER UPDATE OF {", ".join(columns)} ON {table} FOR EACH ROW
  WHEN ({_row("OLD", columns)} IS DISTINCT FROM {_row("NEW", columns)})
  EXECUTE FUNCTION timing_edited('{pointer}')"""
        for table, (columns, pointer) in TIMING_TABLES.items()
    ]
    made += [
        f"""CREATE FUNCTION wake_beat() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  NOTIFY {CHANNEL}; RETURN NULL;
END $$""",
        "CREATE TRIGGER periodic_task_new AFTER INSERT ON periodic_task FOR EACH ROW EXECUTE FUNCTION wake_beat()",
        f"""CREATE TRIGGER periodic_task_sooner AFTER UPDATE OF {", ".join((*DECIDES_WHEN, "next_run_at"))}
  ON periodic_task FOR EACH ROW WHEN (NEW.next_run_at IS NULL OR NEW.next_run_at < OLD.next_run_at)
  EXECUTE FUNCTION wake_beat()""",
        """CREATE TRIGGER task_run_new AFTER INSERT ON task_run FOR EACH ROW
  WHEN (NEW.state = 'pending' AND NEW.origin <> 'auto') EXECUTE FUNCTION wake_beat()""",
        """CREATE TRIGGER task_run_promoted AFTER UPDATE OF state ON task_run FOR EACH ROW
  WHEN (NEW.state = 'pending' AND OLD.state <> 'pending') EXECUTE FUNCTION wake_beat()""",
        """CREATE TRIGGER task_run_cancel AFTER UPDATE OF cancel_requested_at ON task_run FOR EACH ROW
  WHEN (NEW.cancel_requested_at IS NOT NULL AND NEW.state = 'running') EXECUTE FUNCTION wake_beat()""",
        f"""CREATE FUNCTION task_run_freed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF EXISTS (SELECT 1 FROM task_run WHERE periodic_task_id = NEW.periodic_task_id AND state = 'buffered') THEN
    NOTIFY {CHANNEL};
  END IF;
  RETURN NULL;
END $$""",
        f"""CREATE TRIGGER task_run_freed AFTER UPDATE OF state ON task_run FOR EACH ROW
  WHEN (NEW.state IN ({FINISHED}) AND OLD.state NOT IN ('buffered', {FINISHED})) EXECUTE FUNCTION task_run_freed()""",
        f"""CREATE FUNCTION task_run_ended() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF EXISTS (SELECT 1 FROM schedule_after WHERE upstream_id = NEW.periodic_task_id) THEN
    INSERT INTO chain_link (run_id) VALUES (NEW.id);
    NOTIFY {CHANNEL};
  END IF;
  RETURN NULL;
END $$""",
        f"""CREATE TRIGGER task_run_ended AFTER UPDATE OF state ON task_run FOR EACH ROW
  WHEN (NEW.state IN ({FINISHED}) AND OLD.state NOT IN ({FINISHED})) EXECUTE FUNCTION task_run_ended()""",
        f"""CREATE TRIGGER task_run_made_ended AFTER INSERT ON task_run FOR EACH ROW
  WHEN (NEW.state IN ({FINISHED}) AND NEW.origin <> '{SHADOW}') EXECUTE FUNCTION task_run_ended()""",
        """CREATE FUNCTION periodic_task_deleted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  UPDATE task_run SET state = 'cancelled', reason = 'the schedule was deleted', finished_at = clock_timestamp()
    WHERE periodic_task_id = OLD.id AND state IN ('pending', 'buffered');
  RETURN NULL;
END $$""",
        """CREATE TRIGGER periodic_task_deleted AFTER DELETE ON periodic_task FOR EACH ROW
  EXECUTE FUNCTION periodic_task_deleted()""",
    ]
    return made


def _sqlite() -> list[str]:
    now = "strftime('%Y-%m-%d %H:%M:%f000', 'now')"
    seen = VISIBLE + DECIDES_WHEN
    when_changed = f"{_row('OLD', DECIDES_WHEN)} IS NOT {_row('NEW', DECIDES_WHEN)}"
    replans = f"{when_changed} AND NEW.next_run_at IS OLD.next_run_at"
    made = [
        f"""CREATE TRIGGER periodic_task_edited AFTER UPDATE OF {", ".join(seen)} ON periodic_task
WHEN {_row("OLD", seen)} IS NOT {_row("NEW", seen)}
BEGIN
  UPDATE periodic_task SET
    revision = CASE WHEN NEW.revision = OLD.revision THEN OLD.revision + 1 ELSE NEW.revision END,
    next_run_at = CASE WHEN {replans} THEN NULL ELSE NEW.next_run_at END,
    next_occurrence_at = CASE WHEN {replans} THEN NULL ELSE NEW.next_occurrence_at END,
    watermark = CASE WHEN {when_changed} AND NEW.watermark IS OLD.watermark THEN {now} ELSE NEW.watermark END,
    quarantine_reason = CASE WHEN {when_changed} AND NEW.quarantine_reason IS OLD.quarantine_reason
      THEN NULL ELSE NEW.quarantine_reason END,
    completed_reason = CASE WHEN {_row("OLD", REOPENS)} IS NOT {_row("NEW", REOPENS)}
      AND NEW.completed_reason IS OLD.completed_reason THEN NULL
      WHEN {_row("OLD", DAYS)} IS NOT {_row("NEW", DAYS)} AND NEW.completed_reason = '{EXHAUSTED}' THEN NULL
      ELSE NEW.completed_reason END,
    date_changed = {now}
  WHERE id = NEW.id;
END""",
        f"""CREATE TRIGGER task_run_ended AFTER UPDATE OF state ON task_run
WHEN NEW.state IN ({FINISHED}) AND OLD.state NOT IN ({FINISHED})
  AND EXISTS (SELECT 1 FROM schedule_after WHERE upstream_id = NEW.periodic_task_id)
BEGIN
  INSERT INTO chain_link (run_id) VALUES (NEW.id);
END""",
        f"""CREATE TRIGGER task_run_made_ended AFTER INSERT ON task_run
WHEN NEW.state IN ({FINISHED}) AND NEW.origin <> '{SHADOW}'
  AND EXISTS (SELECT 1 FROM schedule_after WHERE upstream_id = NEW.periodic_task_id)
BEGIN
  INSERT INTO chain_link (run_id) VALUES (NEW.id);
END""",
        f"""CREATE TRIGGER periodic_task_deleted AFTER DELETE ON periodic_task
BEGIN
  UPDATE task_run SET state = 'cancelled', reason = 'the schedule was deleted', finished_at = {now}
  WHERE periodic_task_id = OLD.id AND state IN ('pending', 'buffered');
END""",
    ]
    for table, (columns, pointer) in TIMING_TABLES.items():
        exhausted = f"nullif(completed_reason, '{EXHAUSTED}')"
        reopened = exhausted if table == "calendar" else "NULL"
        made += [
            f"""CREATE TRIGGER {table}_edited AFTER UPDATE OF {", ".join(columns)} ON {table}
WHEN {_row("OLD", columns)} IS NOT {_row("NEW", columns)}
BEGIN
  UPDATE periodic_task SET next_run_at = NULL, next_occurrence_at = NULL, completed_reason = {reopened},
    quarantine_reason = NULL, watermark = {now}, revision = revision + 1, date_changed = {now}
  WHERE {pointer} = NEW.id;
END""",
            f"""CREATE TRIGGER {table}_in_use BEFORE DELETE ON {table}
WHEN EXISTS (SELECT 1 FROM periodic_task WHERE {pointer} = OLD.id)
BEGIN
  SELECT RAISE(ABORT, '{table} row is in use by a schedule');
END""",
        ]
    return made
