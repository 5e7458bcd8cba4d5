CREATE TRIGGER periodic_task_edited AFTER UPDATE OF name, kind, task, args, kwargs, description, tags, paused_reason, queue, exchange, routing_key, headers, priority, expire_seconds, misfire_policy, misfire_grace_seconds, catchup_window_seconds, catchup_limit, overlap_policy, buffer_limit, pause_after_failures, retry_max, retry_delay_seconds, soft_time_limit_seconds, time_limit_seconds, start_deadline_seconds, keep_runs_days, crontab_id, interval_id, clocked_id, solar_id, rrule_id, start_time, expires, one_off, max_runs, enabled, calendar_id, calendar_mode, anchor_at, jitter_seconds ON periodic_task
WHEN (OLD.name, OLD.kind, OLD.task, OLD.args, OLD.kwargs, OLD.description, OLD.tags, OLD.paused_reason, OLD.queue, OLD.exchange, OLD.routing_key, OLD.headers, OLD.priority, OLD.expire_seconds, OLD.misfire_policy, OLD.misfire_grace_seconds, OLD.catchup_window_seconds, OLD.catchup_limit, OLD.overlap_policy, OLD.buffer_limit, OLD.pause_after_failures, OLD.retry_max, OLD.retry_delay_seconds, OLD.soft_time_limit_seconds, OLD.time_limit_seconds, OLD.start_deadline_seconds, OLD.keep_runs_days, OLD.crontab_id, OLD.interval_id, OLD.clocked_id, OLD.solar_id, OLD.rrule_id, OLD.start_time, OLD.expires, OLD.one_off, OLD.max_runs, OLD.enabled, OLD.calendar_id, OLD.calendar_mode, OLD.anchor_at, OLD.jitter_seconds) IS NOT (NEW.name, NEW.kind, NEW.task, NEW.args, NEW.kwargs, NEW.description, NEW.tags, NEW.paused_reason, NEW.queue, NEW.exchange, NEW.routing_key, NEW.headers, NEW.priority, NEW.expire_seconds, NEW.misfire_policy, NEW.misfire_grace_seconds, NEW.catchup_window_seconds, NEW.catchup_limit, NEW.overlap_policy, NEW.buffer_limit, NEW.pause_after_failures, NEW.retry_max, NEW.retry_delay_seconds, NEW.soft_time_limit_seconds, NEW.time_limit_seconds, NEW.start_deadline_seconds, NEW.keep_runs_days, NEW.crontab_id, NEW.interval_id, NEW.clocked_id, NEW.solar_id, NEW.rrule_id, NEW.start_time, NEW.expires, NEW.one_off, NEW.max_runs, NEW.enabled, NEW.calendar_id, NEW.calendar_mode, NEW.anchor_at, NEW.jitter_seconds)
BEGIN
  UPDATE periodic_task SET
    revision = CASE WHEN NEW.revision = OLD.revision THEN OLD.revision + 1 ELSE NEW.revision END,
    next_run_at = CASE WHEN (OLD.crontab_id, OLD.interval_id, OLD.clocked_id, OLD.solar_id, OLD.rrule_id, OLD.start_time, OLD.expires, OLD.one_off, OLD.max_runs, OLD.enabled, OLD.calendar_id, OLD.calendar_mode, OLD.anchor_at, OLD.jitter_seconds) IS NOT (NEW.crontab_id, NEW.interval_id, NEW.clocked_id, NEW.solar_id, NEW.rrule_id, NEW.start_time, NEW.expires, NEW.one_off, NEW.max_runs, NEW.enabled, NEW.calendar_id, NEW.calendar_mode, NEW.anchor_at, NEW.jitter_seconds) AND NEW.next_run_at IS OLD.next_run_at THEN NULL ELSE NEW.next_run_at END,
    next_occurrence_at = CASE WHEN (OLD.crontab_id, OLD.interval_id, OLD.clocked_id, OLD.solar_id, OLD.rrule_id, OLD.start_time, OLD.expires, OLD.one_off, OLD.max_runs, OLD.enabled, OLD.calendar_id, OLD.calendar_mode, OLD.anchor_at, OLD.jitter_seconds) IS NOT (NEW.crontab_id, NEW.interval_id, NEW.clocked_id, NEW.solar_id, NEW.rrule_id, NEW.start_time, NEW.expires, NEW.one_off, NEW.max_runs, NEW.enabled, NEW.calendar_id, NEW.calendar_mode, NEW.anchor_at, NEW.jitter_seconds) AND NEW.next_run_at IS OLD.next_run_at THEN NULL ELSE NEW.next_occurrence_at END,
    watermark = CASE WHEN (OLD.crontab_id, OLD.interval_id, OLD.clocked_id, OLD.solar_id, OLD.rrule_id, OLD.start_time, OLD.expires, OLD.one_off, OLD.max_runs, OLD.enabled, OLD.calendar_id, OLD.calendar_mode, OLD.anchor_at, OLD.jitter_seconds) IS NOT (NEW.crontab_id, NEW.interval_id, NEW.clocked_id, NEW.solar_id, NEW.rrule_id, NEW.start_time, NEW.expires, NEW.one_off, NEW.max_runs, NEW.enabled, NEW.calendar_id, NEW.calendar_mode, NEW.anchor_at, NEW.jitter_seconds) AND NEW.watermark IS OLD.watermark THEN strftime('%Y-%m-%d %H:%M:%f000', 'now') ELSE NEW.watermark END,
    quarantine_reason = CASE WHEN (OLD.crontab_id, OLD.interval_id, OLD.clocked_id, OLD.solar_id, OLD.rrule_id, OLD.start_time, OLD.expires, OLD.one_off, OLD.max_runs, OLD.enabled, OLD.calendar_id, OLD.calendar_mode, OLD.anchor_at, OLD.jitter_seconds) IS NOT (NEW.crontab_id, NEW.interval_id, NEW.clocked_id, NEW.solar_id, NEW.rrule_id, NEW.start_time, NEW.expires, NEW.one_off, NEW.max_runs, NEW.enabled, NEW.calendar_id, NEW.calendar_mode, NEW.anchor_at, NEW.jitter_seconds) AND NEW.quarantine_reason IS OLD.quarantine_reason
      THEN NULL ELSE NEW.quarantine_reason END,
    completed_reason = CASE WHEN (OLD.crontab_id, OLD.interval_id, OLD.clocked_id, OLD.solar_id, OLD.rrule_id, OLD.start_time, OLD.expires, OLD.one_off, OLD.max_runs, OLD.enabled) IS NOT (NEW.crontab_id, NEW.interval_id, NEW.clocked_id, NEW.solar_id, NEW.rrule_id, NEW.start_time, NEW.expires, NEW.one_off, NEW.max_runs, NEW.enabled)
      AND NEW.completed_reason IS OLD.completed_reason THEN NULL
      WHEN (OLD.calendar_id, OLD.calendar_mode) IS NOT (NEW.calendar_id, NEW.calendar_mode) AND NEW.completed_reason = 'its timing has no further occurrence' THEN NULL
      ELSE NEW.completed_reason END,
    date_changed = strftime('%Y-%m-%d %H:%M:%f000', 'now')
  WHERE id = NEW.id;
END
--
CREATE TRIGGER periodic_task_deleted AFTER DELETE ON periodic_task
BEGIN
  UPDATE task_run SET state = 'cancelled', reason = 'the schedule was deleted', finished_at = strftime('%Y-%m-%d %H:%M:%f000', 'now')
  WHERE periodic_task_id = OLD.id AND state IN ('pending', 'buffered');
END
--
CREATE TRIGGER crontab_schedule_edited AFTER UPDATE OF minute, hour, day_of_month, month_of_year, day_of_week, timezone, day_match ON crontab_schedule
WHEN (OLD.minute, OLD.hour, OLD.day_of_month, OLD.month_of_year, OLD.day_of_week, OLD.timezone, OLD.day_match) IS NOT (NEW.minute, NEW.hour, NEW.day_of_month, NEW.month_of_year, NEW.day_of_week, NEW.timezone, NEW.day_match)
BEGIN
  UPDATE periodic_task SET next_run_at = NULL, next_occurrence_at = NULL, completed_reason = NULL,
    quarantine_reason = NULL, watermark = strftime('%Y-%m-%d %H:%M:%f000', 'now'), revision = revision + 1, date_changed = strftime('%Y-%m-%d %H:%M:%f000', 'now')
  WHERE crontab_id = NEW.id;
END
--
CREATE TRIGGER crontab_schedule_in_use BEFORE DELETE ON crontab_schedule
WHEN EXISTS (SELECT 1 FROM periodic_task WHERE crontab_id = OLD.id)
BEGIN
  SELECT RAISE(ABORT, 'crontab_schedule row is in use by a schedule');
END
--
CREATE TRIGGER interval_schedule_edited AFTER UPDATE OF every, period ON interval_schedule
WHEN (OLD.every, OLD.period) IS NOT (NEW.every, NEW.period)
BEGIN
  UPDATE periodic_task SET next_run_at = NULL, next_occurrence_at = NULL, completed_reason = NULL,
    quarantine_reason = NULL, watermark = strftime('%Y-%m-%d %H:%M:%f000', 'now'), revision = revision + 1, date_changed = strftime('%Y-%m-%d %H:%M:%f000', 'now')
  WHERE interval_id = NEW.id;
END
--
CREATE TRIGGER interval_schedule_in_use BEFORE DELETE ON interval_schedule
WHEN EXISTS (SELECT 1 FROM periodic_task WHERE interval_id = OLD.id)
BEGIN
  SELECT RAISE(ABORT, 'interval_schedule row is in use by a schedule');
END
--
CREATE TRIGGER clocked_schedule_edited AFTER UPDATE OF clocked_time ON clocked_schedule
WHEN (OLD.clocked_time) IS NOT (NEW.clocked_time)
BEGIN
  UPDATE periodic_task SET next_run_at = NULL, next_occurrence_at = NULL, completed_reason = NULL,
    quarantine_reason = NULL, watermark = strftime('%Y-%m-%d %H:%M:%f000', 'now'), revision = revision + 1, date_changed = strftime('%Y-%m-%d %H:%M:%f000', 'now')
  WHERE clocked_id = NEW.id;
END
--
CREATE TRIGGER clocked_schedule_in_use BEFORE DELETE ON clocked_schedule
WHEN EXISTS (SELECT 1 FROM periodic_task WHERE clocked_id = OLD.id)
BEGIN
  SELECT RAISE(ABORT, 'clocked_schedule row is in use by a schedule');
END
--
CREATE TRIGGER solar_schedule_edited AFTER UPDATE OF event, latitude, longitude ON solar_schedule
WHEN (OLD.event, OLD.latitude, OLD.longitude) IS NOT (NEW.event, NEW.latitude, NEW.longitude)
BEGIN
  UPDATE periodic_task SET next_run_at = NULL, next_occurrence_at = NULL, completed_reason = NULL,
    quarantine_reason = NULL, watermark = strftime('%Y-%m-%d %H:%M:%f000', 'now'), revision = revision + 1, date_changed = strftime('%Y-%m-%d %H:%M:%f000', 'now')
  WHERE solar_id = NEW.id;
END
--
CREATE TRIGGER solar_schedule_in_use BEFORE DELETE ON solar_schedule
WHEN EXISTS (SELECT 1 FROM periodic_task WHERE solar_id = OLD.id)
BEGIN
  SELECT RAISE(ABORT, 'solar_schedule row is in use by a schedule');
END
--
CREATE TRIGGER rrule_schedule_edited AFTER UPDATE OF rule ON rrule_schedule
WHEN (OLD.rule) IS NOT (NEW.rule)
BEGIN
  UPDATE periodic_task SET next_run_at = NULL, next_occurrence_at = NULL, completed_reason = NULL,
    quarantine_reason = NULL, watermark = strftime('%Y-%m-%d %H:%M:%f000', 'now'), revision = revision + 1, date_changed = strftime('%Y-%m-%d %H:%M:%f000', 'now')
  WHERE rrule_id = NEW.id;
END
--
CREATE TRIGGER rrule_schedule_in_use BEFORE DELETE ON rrule_schedule
WHEN EXISTS (SELECT 1 FROM periodic_task WHERE rrule_id = OLD.id)
BEGIN
  SELECT RAISE(ABORT, 'rrule_schedule row is in use by a schedule');
END
--
CREATE TRIGGER calendar_edited AFTER UPDATE OF definition ON calendar
WHEN (OLD.definition) IS NOT (NEW.definition)
BEGIN
  UPDATE periodic_task SET next_run_at = NULL, next_occurrence_at = NULL, completed_reason = nullif(completed_reason, 'its timing has no further occurrence'),
    quarantine_reason = NULL, watermark = strftime('%Y-%m-%d %H:%M:%f000', 'now'), revision = revision + 1, date_changed = strftime('%Y-%m-%d %H:%M:%f000', 'now')
  WHERE calendar_id = NEW.id;
END
--
CREATE TRIGGER calendar_in_use BEFORE DELETE ON calendar
WHEN EXISTS (SELECT 1 FROM periodic_task WHERE calendar_id = OLD.id)
BEGIN
  SELECT RAISE(ABORT, 'calendar row is in use by a schedule');
END