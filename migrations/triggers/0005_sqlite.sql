CREATE TRIGGER periodic_task_edited AFTER UPDATE OF name, kind, task, args, kwargs, description, tags, paused_reason, queue, exchange, routing_key, headers, priority, expire_seconds, misfire_policy, misfire_grace_seconds, catchup_window_seconds, catchup_limit, overlap_policy, buffer_limit, pause_after_failures, retry_max, retry_delay_seconds, soft_time_limit_seconds, time_limit_seconds, start_deadline_seconds, keep_runs_days, crontab_id, interval_id, clocked_id, solar_id, rrule_id, start_time, expires, one_off, max_runs, enabled, calendar_id, calendar_mode, anchor_at, jitter_seconds, shadow ON periodic_task
WHEN (OLD.name, OLD.kind, OLD.task, OLD.args, OLD.kwargs, OLD.description, OLD.tags, OLD.paused_reason, OLD.queue, OLD.exchange, OLD.routing_key, OLD.headers, OLD.priority, OLD.expire_seconds, OLD.misfire_policy, OLD.misfire_grace_seconds, OLD.catchup_window_seconds, OLD.catchup_limit, OLD.overlap_policy, OLD.buffer_limit, OLD.pause_after_failures, OLD.retry_max, OLD.retry_delay_seconds, OLD.soft_time_limit_seconds, OLD.time_limit_seconds, OLD.start_deadline_seconds, OLD.keep_runs_days, OLD.crontab_id, OLD.interval_id, OLD.clocked_id, OLD.solar_id, OLD.rrule_id, OLD.start_time, OLD.expires, OLD.one_off, OLD.max_runs, OLD.enabled, OLD.calendar_id, OLD.calendar_mode, OLD.anchor_at, OLD.jitter_seconds, OLD.shadow) IS NOT (NEW.name, NEW.kind, NEW.task, NEW.args, NEW.kwargs, NEW.description, NEW.tags, NEW.paused_reason, NEW.queue, NEW.exchange, NEW.routing_key, NEW.headers, NEW.priority, NEW.expire_seconds, NEW.misfire_policy, NEW.misfire_grace_seconds, NEW.catchup_window_seconds, NEW.catchup_limit, NEW.overlap_policy, NEW.buffer_limit, NEW.pause_after_failures, NEW.retry_max, NEW.retry_delay_seconds, NEW.soft_time_limit_seconds, NEW.time_limit_seconds, NEW.start_deadline_seconds, NEW.keep_runs_days, NEW.crontab_id, NEW.interval_id, NEW.clocked_id, NEW.solar_id, NEW.rrule_id, NEW.start_time, NEW.expires, NEW.one_off, NEW.max_runs, NEW.enabled, NEW.calendar_id, NEW.calendar_mode, NEW.anchor_at, NEW.jitter_seconds, NEW.shadow)
BEGIN
  UPDATE periodic_task SET
    revision = CASE WHEN NEW.revision = OLD.revision THEN OLD.revision + 1 ELSE NEW.revision END,
    next_run_at = CASE WHEN (OLD.crontab_id, OLD.interval_id, OLD.clocked_id, OLD.solar_id, OLD.rrule_id, OLD.start_time, OLD.expires, OLD.one_off, OLD.max_runs, OLD.enabled, OLD.calendar_id, OLD.calendar_mode, OLD.anchor_at, OLD.jitter_seconds, OLD.shadow) IS NOT (NEW.crontab_id, NEW.interval_id, NEW.clocked_id, NEW.solar_id, NEW.rrule_id, NEW.start_time, NEW.expires, NEW.one_off, NEW.max_runs, NEW.enabled, NEW.calendar_id, NEW.calendar_mode, NEW.anchor_at, NEW.jitter_seconds, NEW.shadow) AND NEW.next_run_at IS OLD.next_run_at THEN NULL ELSE NEW.next_run_at END,
    next_occurrence_at = CASE WHEN (OLD.crontab_id, OLD.interval_id, OLD.clocked_id, OLD.solar_id, OLD.rrule_id, OLD.start_time, OLD.expires, OLD.one_off, OLD.max_runs, OLD.enabled, OLD.calendar_id, OLD.calendar_mode, OLD.anchor_at, OLD.jitter_seconds, OLD.shadow) IS NOT (NEW.crontab_id, NEW.interval_id, NEW.clocked_id, NEW.solar_id, NEW.rrule_id, NEW.start_time, NEW.expires, NEW.one_off, NEW.max_runs, NEW.enabled, NEW.calendar_id, NEW.calendar_mode, NEW.anchor_at, NEW.jitter_seconds, NEW.shadow) AND NEW.next_run_at IS OLD.next_run_at THEN NULL ELSE NEW.next_occurrence_at END,
    watermark = CASE WHEN (OLD.crontab_id, OLD.interval_id, OLD.clocked_id, OLD.solar_id, OLD.rrule_id, OLD.start_time, OLD.expires, OLD.one_off, OLD.max_runs, OLD.enabled, OLD.calendar_id, OLD.calendar_mode, OLD.anchor_at, OLD.jitter_seconds, OLD.shadow) IS NOT (NEW.crontab_id, NEW.interval_id, NEW.clocked_id, NEW.solar_id, NEW.rrule_id, NEW.start_time, NEW.expires, NEW.one_off, NEW.max_runs, NEW.enabled, NEW.calendar_id, NEW.calendar_mode, NEW.anchor_at, NEW.jitter_seconds, NEW.shadow) AND NEW.watermark IS OLD.watermark THEN strftime('%Y-%m-%d %H:%M:%f000', 'now') ELSE NEW.watermark END,
    quarantine_reason = CASE WHEN (OLD.crontab_id, OLD.interval_id, OLD.clocked_id, OLD.solar_id, OLD.rrule_id, OLD.start_time, OLD.expires, OLD.one_off, OLD.max_runs, OLD.enabled, OLD.calendar_id, OLD.calendar_mode, OLD.anchor_at, OLD.jitter_seconds, OLD.shadow) IS NOT (NEW.crontab_id, NEW.interval_id, NEW.clocked_id, NEW.solar_id, NEW.rrule_id, NEW.start_time, NEW.expires, NEW.one_off, NEW.max_runs, NEW.enabled, NEW.calendar_id, NEW.calendar_mode, NEW.anchor_at, NEW.jitter_seconds, NEW.shadow) AND NEW.quarantine_reason IS OLD.quarantine_reason
      THEN NULL ELSE NEW.quarantine_reason END,
    completed_reason = CASE WHEN (OLD.crontab_id, OLD.interval_id, OLD.clocked_id, OLD.solar_id, OLD.rrule_id, OLD.start_time, OLD.expires, OLD.one_off, OLD.max_runs, OLD.enabled) IS NOT (NEW.crontab_id, NEW.interval_id, NEW.clocked_id, NEW.solar_id, NEW.rrule_id, NEW.start_time, NEW.expires, NEW.one_off, NEW.max_runs, NEW.enabled)
      AND NEW.completed_reason IS OLD.completed_reason THEN NULL
      WHEN (OLD.calendar_id, OLD.calendar_mode) IS NOT (NEW.calendar_id, NEW.calendar_mode) AND NEW.completed_reason = 'its timing has no further occurrence' THEN NULL
      ELSE NEW.completed_reason END,
    date_changed = strftime('%Y-%m-%d %H:%M:%f000', 'now')
  WHERE id = NEW.id;
END
--
CREATE TRIGGER task_run_ended AFTER UPDATE OF state ON task_run
WHEN NEW.state IN ('succeeded', 'failed', 'timed_out', 'cancelled', 'lost', 'skipped', 'missed', 'dropped', 'expired', 'shadowed') AND OLD.state NOT IN ('succeeded', 'failed', 'timed_out', 'cancelled', 'lost', 'skipped', 'missed', 'dropped', 'expired', 'shadowed')
  AND EXISTS (SELECT 1 FROM schedule_after WHERE upstream_id = NEW.periodic_task_id)
BEGIN
  INSERT INTO chain_link (run_id) VALUES (NEW.id);
END
--
CREATE TRIGGER task_run_made_ended AFTER INSERT ON task_run
WHEN NEW.state IN ('succeeded', 'failed', 'timed_out', 'cancelled', 'lost', 'skipped', 'missed', 'dropped', 'expired', 'shadowed') AND NEW.origin <> 'shadow'
  AND EXISTS (SELECT 1 FROM schedule_after WHERE upstream_id = NEW.periodic_task_id)
BEGIN
  INSERT INTO chain_link (run_id) VALUES (NEW.id);
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
--
CREATE TRIGGER periodic_task_made_past_us AFTER INSERT ON periodic_task
WHEN NEW.audited_writes = 0
BEGIN
  INSERT INTO audit_event (actor, source, action, subject_type, subject_id, subject_name, changes) SELECT 'database', '', 'create', 'schedule', NEW.id, NEW.name, json('{' || substr(iif(NULL IS NOT NEW.name, ',"name":' || json_array(NULL, NEW.name), '')
    || iif(NULL IS NOT NEW.kind, ',"kind":' || json_array(NULL, NEW.kind), '')
    || iif(NULL IS NOT NEW.task, ',"task":' || json_array(NULL, NEW.task), '')
    || iif(NULL IS NOT NEW.args, ',"args":' || json_array(NULL, json(NEW.args)), '')
    || iif(NULL IS NOT NEW.kwargs, ',"kwargs":' || json_array(NULL, json(NEW.kwargs)), '')
    || iif(NULL IS NOT NEW.description, ',"description":' || json_array(NULL, NEW.description), '')
    || iif(NULL IS NOT NEW.tags, ',"tags":' || json_array(NULL, json(NEW.tags)), '')
    || iif(NULL IS NOT NEW.paused_reason, ',"paused_reason":' || json_array(NULL, NEW.paused_reason), '')
    || iif(NULL IS NOT NEW.queue, ',"queue":' || json_array(NULL, NEW.queue), '')
    || iif(NULL IS NOT NEW.exchange, ',"exchange":' || json_array(NULL, NEW.exchange), '')
    || iif(NULL IS NOT NEW.routing_key, ',"routing_key":' || json_array(NULL, NEW.routing_key), '')
    || iif(NULL IS NOT NEW.headers, ',"headers":' || json_array(NULL, json(NEW.headers)), '')
    || iif(NULL IS NOT NEW.priority, ',"priority":' || json_array(NULL, NEW.priority), '')
    || iif(NULL IS NOT NEW.expire_seconds, ',"expire_seconds":' || json_array(NULL, NEW.expire_seconds), '')
    || iif(NULL IS NOT NEW.misfire_policy, ',"misfire_policy":' || json_array(NULL, NEW.misfire_policy), '')
    || iif(NULL IS NOT NEW.misfire_grace_seconds, ',"misfire_grace_seconds":' || json_array(NULL, NEW.misfire_grace_seconds), '')
    || iif(NULL IS NOT NEW.catchup_window_seconds, ',"catchup_window_seconds":' || json_array(NULL, NEW.catchup_window_seconds), '')
    || iif(NULL IS NOT NEW.catchup_limit, ',"catchup_limit":' || json_array(NULL, NEW.catchup_limit), '')
    || iif(NULL IS NOT NEW.overlap_policy, ',"overlap_policy":' || json_array(NULL, NEW.overlap_policy), '')
    || iif(NULL IS NOT NEW.buffer_limit, ',"buffer_limit":' || json_array(NULL, NEW.buffer_limit), '')
    || iif(NULL IS NOT NEW.pause_after_failures, ',"pause_after_failures":' || json_array(NULL, NEW.pause_after_failures), '')
    || iif(NULL IS NOT NEW.retry_max, ',"retry_max":' || json_array(NULL, NEW.retry_max), '')
    || iif(NULL IS NOT NEW.retry_delay_seconds, ',"retry_delay_seconds":' || json_array(NULL, NEW.retry_delay_seconds), '')
    || iif(NULL IS NOT NEW.soft_time_limit_seconds, ',"soft_time_limit_seconds":' || json_array(NULL, NEW.soft_time_limit_seconds), '')
    || iif(NULL IS NOT NEW.time_limit_seconds, ',"time_limit_seconds":' || json_array(NULL, NEW.time_limit_seconds), '')
    || iif(NULL IS NOT NEW.start_deadline_seconds, ',"start_deadline_seconds":' || json_array(NULL, NEW.start_deadline_seconds), '')
    || iif(NULL IS NOT NEW.keep_runs_days, ',"keep_runs_days":' || json_array(NULL, NEW.keep_runs_days), '')
    || iif(NULL IS NOT NEW.crontab_id, ',"crontab_id":' || json_array(NULL, NEW.crontab_id), '')
    || iif(NULL IS NOT NEW.interval_id, ',"interval_id":' || json_array(NULL, NEW.interval_id), '')
    || iif(NULL IS NOT NEW.clocked_id, ',"clocked_id":' || json_array(NULL, NEW.clocked_id), '')
    || iif(NULL IS NOT NEW.solar_id, ',"solar_id":' || json_array(NULL, NEW.solar_id), '')
    || iif(NULL IS NOT NEW.rrule_id, ',"rrule_id":' || json_array(NULL, NEW.rrule_id), '')
    || iif(NULL IS NOT NEW.start_time, ',"start_time":' || json_array(NULL, replace(NEW.start_time, ' ', 'T') || 'Z'), '')
    || iif(NULL IS NOT NEW.expires, ',"expires":' || json_array(NULL, replace(NEW.expires, ' ', 'T') || 'Z'), '')
    || iif(NULL IS NOT NEW.one_off, ',"one_off":' || json_array(NULL, json(iif(NEW.one_off, 'true', 'false'))), '')
    || iif(NULL IS NOT NEW.max_runs, ',"max_runs":' || json_array(NULL, NEW.max_runs), '')
    || iif(NULL IS NOT NEW.enabled, ',"enabled":' || json_array(NULL, json(iif(NEW.enabled, 'true', 'false'))), '')
    || iif(NULL IS NOT NEW.calendar_id, ',"calendar_id":' || json_array(NULL, NEW.calendar_id), '')
    || iif(NULL IS NOT NEW.calendar_mode, ',"calendar_mode":' || json_array(NULL, NEW.calendar_mode), '')
    || iif(NULL IS NOT NEW.anchor_at, ',"anchor_at":' || json_array(NULL, replace(NEW.anchor_at, ' ', 'T') || 'Z'), '')
    || iif(NULL IS NOT NEW.jitter_seconds, ',"jitter_seconds":' || json_array(NULL, NEW.jitter_seconds), '')
    || iif(NULL IS NOT NEW.shadow, ',"shadow":' || json_array(NULL, json(iif(NEW.shadow, 'true', 'false'))), ''), 2) || '}');
END
--
CREATE TRIGGER periodic_task_changed_past_us AFTER UPDATE OF name, kind, task, args, kwargs, description, tags, paused_reason, queue, exchange, routing_key, headers, priority, expire_seconds, misfire_policy, misfire_grace_seconds, catchup_window_seconds, catchup_limit, overlap_policy, buffer_limit, pause_after_failures, retry_max, retry_delay_seconds, soft_time_limit_seconds, time_limit_seconds, start_deadline_seconds, keep_runs_days, crontab_id, interval_id, clocked_id, solar_id, rrule_id, start_time, expires, one_off, max_runs, enabled, calendar_id, calendar_mode, anchor_at, jitter_seconds, shadow ON periodic_task
WHEN NEW.audited_writes = OLD.audited_writes AND (OLD.name, OLD.kind, OLD.task, OLD.args, OLD.kwargs, OLD.description, OLD.tags, OLD.paused_reason, OLD.queue, OLD.exchange, OLD.routing_key, OLD.headers, OLD.priority, OLD.expire_seconds, OLD.misfire_policy, OLD.misfire_grace_seconds, OLD.catchup_window_seconds, OLD.catchup_limit, OLD.overlap_policy, OLD.buffer_limit, OLD.pause_after_failures, OLD.retry_max, OLD.retry_delay_seconds, OLD.soft_time_limit_seconds, OLD.time_limit_seconds, OLD.start_deadline_seconds, OLD.keep_runs_days, OLD.crontab_id, OLD.interval_id, OLD.clocked_id, OLD.solar_id, OLD.rrule_id, OLD.start_time, OLD.expires, OLD.one_off, OLD.max_runs, OLD.enabled, OLD.calendar_id, OLD.calendar_mode, OLD.anchor_at, OLD.jitter_seconds, OLD.shadow) IS NOT (NEW.name, NEW.kind, NEW.task, NEW.args, NEW.kwargs, NEW.description, NEW.tags, NEW.paused_reason, NEW.queue, NEW.exchange, NEW.routing_key, NEW.headers, NEW.priority, NEW.expire_seconds, NEW.misfire_policy, NEW.misfire_grace_seconds, NEW.catchup_window_seconds, NEW.catchup_limit, NEW.overlap_policy, NEW.buffer_limit, NEW.pause_after_failures, NEW.retry_max, NEW.retry_delay_seconds, NEW.soft_time_limit_seconds, NEW.time_limit_seconds, NEW.start_deadline_seconds, NEW.keep_runs_days, NEW.crontab_id, NEW.interval_id, NEW.clocked_id, NEW.solar_id, NEW.rrule_id, NEW.start_time, NEW.expires, NEW.one_off, NEW.max_runs, NEW.enabled, NEW.calendar_id, NEW.calendar_mode, NEW.anchor_at, NEW.jitter_seconds, NEW.shadow)
BEGIN
  INSERT INTO audit_event (actor, source, action, subject_type, subject_id, subject_name, changes) SELECT 'database', '', 'update', 'schedule', NEW.id, NEW.name, json('{' || substr(iif(OLD.name IS NOT NEW.name, ',"name":' || json_array(OLD.name, NEW.name), '')
    || iif(OLD.kind IS NOT NEW.kind, ',"kind":' || json_array(OLD.kind, NEW.kind), '')
    || iif(OLD.task IS NOT NEW.task, ',"task":' || json_array(OLD.task, NEW.task), '')
    || iif(OLD.args IS NOT NEW.args, ',"args":' || json_array(json(OLD.args), json(NEW.args)), '')
    || iif(OLD.kwargs IS NOT NEW.kwargs, ',"kwargs":' || json_array(json(OLD.kwargs), json(NEW.kwargs)), '')
    || iif(OLD.description IS NOT NEW.description, ',"description":' || json_array(OLD.description, NEW.description), '')
    || iif(OLD.tags IS NOT NEW.tags, ',"tags":' || json_array(json(OLD.tags), json(NEW.tags)), '')
    || iif(OLD.paused_reason IS NOT NEW.paused_reason, ',"paused_reason":' || json_array(OLD.paused_reason, NEW.paused_reason), '')
    || iif(OLD.queue IS NOT NEW.queue, ',"queue":' || json_array(OLD.queue, NEW.queue), '')
    || iif(OLD.exchange IS NOT NEW.exchange, ',"exchange":' || json_array(OLD.exchange, NEW.exchange), '')
    || iif(OLD.routing_key IS NOT NEW.routing_key, ',"routing_key":' || json_array(OLD.routing_key, NEW.routing_key), '')
    || iif(OLD.headers IS NOT NEW.headers, ',"headers":' || json_array(json(OLD.headers), json(NEW.headers)), '')
    || iif(OLD.priority IS NOT NEW.priority, ',"priority":' || json_array(OLD.priority, NEW.priority), '')
    || iif(OLD.expire_seconds IS NOT NEW.expire_seconds, ',"expire_seconds":' || json_array(OLD.expire_seconds, NEW.expire_seconds), '')
    || iif(OLD.misfire_policy IS NOT NEW.misfire_policy, ',"misfire_policy":' || json_array(OLD.misfire_policy, NEW.misfire_policy), '')
    || iif(OLD.misfire_grace_seconds IS NOT NEW.misfire_grace_seconds, ',"misfire_grace_seconds":' || json_array(OLD.misfire_grace_seconds, NEW.misfire_grace_seconds), '')
    || iif(OLD.catchup_window_seconds IS NOT NEW.catchup_window_seconds, ',"catchup_window_seconds":' || json_array(OLD.catchup_window_seconds, NEW.catchup_window_seconds), '')
    || iif(OLD.catchup_limit IS NOT NEW.catchup_limit, ',"catchup_limit":' || json_array(OLD.catchup_limit, NEW.catchup_limit), '')
    || iif(OLD.overlap_policy IS NOT NEW.overlap_policy, ',"overlap_policy":' || json_array(OLD.overlap_policy, NEW.overlap_policy), '')
    || iif(OLD.buffer_limit IS NOT NEW.buffer_limit, ',"buffer_limit":' || json_array(OLD.buffer_limit, NEW.buffer_limit), '')
    || iif(OLD.pause_after_failures IS NOT NEW.pause_after_failures, ',"pause_after_failures":' || json_array(OLD.pause_after_failures, NEW.pause_after_failures), '')
    || iif(OLD.retry_max IS NOT NEW.retry_max, ',"retry_max":' || json_array(OLD.retry_max, NEW.retry_max), '')
    || iif(OLD.retry_delay_seconds IS NOT NEW.retry_delay_seconds, ',"retry_delay_seconds":' || json_array(OLD.retry_delay_seconds, NEW.retry_delay_seconds), '')
    || iif(OLD.soft_time_limit_seconds IS NOT NEW.soft_time_limit_seconds, ',"soft_time_limit_seconds":' || json_array(OLD.soft_time_limit_seconds, NEW.soft_time_limit_seconds), '')
    || iif(OLD.time_limit_seconds IS NOT NEW.time_limit_seconds, ',"time_limit_seconds":' || json_array(OLD.time_limit_seconds, NEW.time_limit_seconds), '')
    || iif(OLD.start_deadline_seconds IS NOT NEW.start_deadline_seconds, ',"start_deadline_seconds":' || json_array(OLD.start_deadline_seconds, NEW.start_deadline_seconds), '')
    || iif(OLD.keep_runs_days IS NOT NEW.keep_runs_days, ',"keep_runs_days":' || json_array(OLD.keep_runs_days, NEW.keep_runs_days), '')
    || iif(OLD.crontab_id IS NOT NEW.crontab_id, ',"crontab_id":' || json_array(OLD.crontab_id, NEW.crontab_id), '')
    || iif(OLD.interval_id IS NOT NEW.interval_id, ',"interval_id":' || json_array(OLD.interval_id, NEW.interval_id), '')
    || iif(OLD.clocked_id IS NOT NEW.clocked_id, ',"clocked_id":' || json_array(OLD.clocked_id, NEW.clocked_id), '')
    || iif(OLD.solar_id IS NOT NEW.solar_id, ',"solar_id":' || json_array(OLD.solar_id, NEW.solar_id), '')
    || iif(OLD.rrule_id IS NOT NEW.rrule_id, ',"rrule_id":' || json_array(OLD.rrule_id, NEW.rrule_id), '')
    || iif(OLD.start_time IS NOT NEW.start_time, ',"start_time":' || json_array(replace(OLD.start_time, ' ', 'T') || 'Z', replace(NEW.start_time, ' ', 'T') || 'Z'), '')
    || iif(OLD.expires IS NOT NEW.expires, ',"expires":' || json_array(replace(OLD.expires, ' ', 'T') || 'Z', replace(NEW.expires, ' ', 'T') || 'Z'), '')
    || iif(OLD.one_off IS NOT NEW.one_off, ',"one_off":' || json_array(json(iif(OLD.one_off, 'true', 'false')), json(iif(NEW.one_off, 'true', 'false'))), '')
    || iif(OLD.max_runs IS NOT NEW.max_runs, ',"max_runs":' || json_array(OLD.max_runs, NEW.max_runs), '')
    || iif(OLD.enabled IS NOT NEW.enabled, ',"enabled":' || json_array(json(iif(OLD.enabled, 'true', 'false')), json(iif(NEW.enabled, 'true', 'false'))), '')
    || iif(OLD.calendar_id IS NOT NEW.calendar_id, ',"calendar_id":' || json_array(OLD.calendar_id, NEW.calendar_id), '')
    || iif(OLD.calendar_mode IS NOT NEW.calendar_mode, ',"calendar_mode":' || json_array(OLD.calendar_mode, NEW.calendar_mode), '')
    || iif(OLD.anchor_at IS NOT NEW.anchor_at, ',"anchor_at":' || json_array(replace(OLD.anchor_at, ' ', 'T') || 'Z', replace(NEW.anchor_at, ' ', 'T') || 'Z'), '')
    || iif(OLD.jitter_seconds IS NOT NEW.jitter_seconds, ',"jitter_seconds":' || json_array(OLD.jitter_seconds, NEW.jitter_seconds), '')
    || iif(OLD.shadow IS NOT NEW.shadow, ',"shadow":' || json_array(json(iif(OLD.shadow, 'true', 'false')), json(iif(NEW.shadow, 'true', 'false'))), ''), 2) || '}');
END
--
CREATE TRIGGER periodic_task_deleted_past_us AFTER DELETE ON periodic_task
WHEN OLD.audited_writes >= 0
BEGIN
  INSERT INTO audit_event (actor, source, action, subject_type, subject_id, subject_name, changes) SELECT 'database', '', 'delete', 'schedule', OLD.id, OLD.name, json('{' || substr(iif(OLD.name IS NOT NULL, ',"name":' || json_array(OLD.name, NULL), '')
    || iif(OLD.kind IS NOT NULL, ',"kind":' || json_array(OLD.kind, NULL), '')
    || iif(OLD.task IS NOT NULL, ',"task":' || json_array(OLD.task, NULL), '')
    || iif(OLD.args IS NOT NULL, ',"args":' || json_array(json(OLD.args), NULL), '')
    || iif(OLD.kwargs IS NOT NULL, ',"kwargs":' || json_array(json(OLD.kwargs), NULL), '')
    || iif(OLD.description IS NOT NULL, ',"description":' || json_array(OLD.description, NULL), '')
    || iif(OLD.tags IS NOT NULL, ',"tags":' || json_array(json(OLD.tags), NULL), '')
    || iif(OLD.paused_reason IS NOT NULL, ',"paused_reason":' || json_array(OLD.paused_reason, NULL), '')
    || iif(OLD.queue IS NOT NULL, ',"queue":' || json_array(OLD.queue, NULL), '')
    || iif(OLD.exchange IS NOT NULL, ',"exchange":' || json_array(OLD.exchange, NULL), '')
    || iif(OLD.routing_key IS NOT NULL, ',"routing_key":' || json_array(OLD.routing_key, NULL), '')
    || iif(OLD.headers IS NOT NULL, ',"headers":' || json_array(json(OLD.headers), NULL), '')
    || iif(OLD.priority IS NOT NULL, ',"priority":' || json_array(OLD.priority, NULL), '')
    || iif(OLD.expire_seconds IS NOT NULL, ',"expire_seconds":' || json_array(OLD.expire_seconds, NULL), '')
    || iif(OLD.misfire_policy IS NOT NULL, ',"misfire_policy":' || json_array(OLD.misfire_policy, NULL), '')
    || iif(OLD.misfire_grace_seconds IS NOT NULL, ',"misfire_grace_seconds":' || json_array(OLD.misfire_grace_seconds, NULL), '')
    || iif(OLD.catchup_window_seconds IS NOT NULL, ',"catchup_window_seconds":' || json_array(OLD.catchup_window_seconds, NULL), '')
    || iif(OLD.catchup_limit IS NOT NULL, ',"catchup_limit":' || json_array(OLD.catchup_limit, NULL), '')
    || iif(OLD.overlap_policy IS NOT NULL, ',"overlap_policy":' || json_array(OLD.overlap_policy, NULL), '')
    || iif(OLD.buffer_limit IS NOT NULL, ',"buffer_limit":' || json_array(OLD.buffer_limit, NULL), '')
    || iif(OLD.pause_after_failures IS NOT NULL, ',"pause_after_failures":' || json_array(OLD.pause_after_failures, NULL), '')
    || iif(OLD.retry_max IS NOT NULL, ',"retry_max":' || json_array(OLD.retry_max, NULL), '')
    || iif(OLD.retry_delay_seconds IS NOT NULL, ',"retry_delay_seconds":' || json_array(OLD.retry_delay_seconds, NULL), '')
    || iif(OLD.soft_time_limit_seconds IS NOT NULL, ',"soft_time_limit_seconds":' || json_array(OLD.soft_time_limit_seconds, NULL), '')
    || iif(OLD.time_limit_seconds IS NOT NULL, ',"time_limit_seconds":' || json_array(OLD.time_limit_seconds, NULL), '')
    || iif(OLD.start_deadline_seconds IS NOT NULL, ',"start_deadline_seconds":' || json_array(OLD.start_deadline_seconds, NULL), '')
    || iif(OLD.keep_runs_days IS NOT NULL, ',"keep_runs_days":' || json_array(OLD.keep_runs_days, NULL), '')
    || iif(OLD.crontab_id IS NOT NULL, ',"crontab_id":' || json_array(OLD.crontab_id, NULL), '')
    || iif(OLD.interval_id IS NOT NULL, ',"interval_id":' || json_array(OLD.interval_id, NULL), '')
    || iif(OLD.clocked_id IS NOT NULL, ',"clocked_id":' || json_array(OLD.clocked_id, NULL), '')
    || iif(OLD.solar_id IS NOT NULL, ',"solar_id":' || json_array(OLD.solar_id, NULL), '')
    || iif(OLD.rrule_id IS NOT NULL, ',"rrule_id":' || json_array(OLD.rrule_id, NULL), '')
    || iif(OLD.start_time IS NOT NULL, ',"start_time":' || json_array(replace(OLD.start_time, ' ', 'T') || 'Z', NULL), '')
    || iif(OLD.expires IS NOT NULL, ',"expires":' || json_array(replace(OLD.expires, ' ', 'T') || 'Z', NULL), '')
    || iif(OLD.one_off IS NOT NULL, ',"one_off":' || json_array(json(iif(OLD.one_off, 'true', 'false')), NULL), '')
    || iif(OLD.max_runs IS NOT NULL, ',"max_runs":' || json_array(OLD.max_runs, NULL), '')
    || iif(OLD.enabled IS NOT NULL, ',"enabled":' || json_array(json(iif(OLD.enabled, 'true', 'false')), NULL), '')
    || iif(OLD.calendar_id IS NOT NULL, ',"calendar_id":' || json_array(OLD.calendar_id, NULL), '')
    || iif(OLD.calendar_mode IS NOT NULL, ',"calendar_mode":' || json_array(OLD.calendar_mode, NULL), '')
    || iif(OLD.anchor_at IS NOT NULL, ',"anchor_at":' || json_array(replace(OLD.anchor_at, ' ', 'T') || 'Z', NULL), '')
    || iif(OLD.jitter_seconds IS NOT NULL, ',"jitter_seconds":' || json_array(OLD.jitter_seconds, NULL), '')
    || iif(OLD.shadow IS NOT NULL, ',"shadow":' || json_array(json(iif(OLD.shadow, 'true', 'false')), NULL), ''), 2) || '}');
END
--
CREATE TRIGGER calendar_made_past_us AFTER INSERT ON calendar
WHEN NEW.audited_writes = 0
BEGIN
  INSERT INTO audit_event (actor, source, action, subject_type, subject_id, subject_name, changes) SELECT 'database', '', 'create', 'calendar', NEW.id, NEW.name, json('{' || substr(iif(NULL IS NOT NEW.name, ',"name":' || json_array(NULL, NEW.name), '')
    || iif(NULL IS NOT NEW.description, ',"description":' || json_array(NULL, NEW.description), '')
    || iif(NULL IS NOT NEW.definition, ',"definition":' || json_array(NULL, json(NEW.definition)), ''), 2) || '}');
END
--
CREATE TRIGGER calendar_changed_past_us AFTER UPDATE OF name, description, definition ON calendar
WHEN NEW.audited_writes = OLD.audited_writes AND (OLD.name, OLD.description, OLD.definition) IS NOT (NEW.name, NEW.description, NEW.definition)
BEGIN
  INSERT INTO audit_event (actor, source, action, subject_type, subject_id, subject_name, changes) SELECT 'database', '', 'update', 'calendar', NEW.id, NEW.name, json('{' || substr(iif(OLD.name IS NOT NEW.name, ',"name":' || json_array(OLD.name, NEW.name), '')
    || iif(OLD.description IS NOT NEW.description, ',"description":' || json_array(OLD.description, NEW.description), '')
    || iif(OLD.definition IS NOT NEW.definition, ',"definition":' || json_array(json(OLD.definition), json(NEW.definition)), ''), 2) || '}');
END
--
CREATE TRIGGER calendar_deleted_past_us AFTER DELETE ON calendar
WHEN OLD.audited_writes >= 0
BEGIN
  INSERT INTO audit_event (actor, source, action, subject_type, subject_id, subject_name, changes) SELECT 'database', '', 'delete', 'calendar', OLD.id, OLD.name, json('{' || substr(iif(OLD.name IS NOT NULL, ',"name":' || json_array(OLD.name, NULL), '')
    || iif(OLD.description IS NOT NULL, ',"description":' || json_array(OLD.description, NULL), '')
    || iif(OLD.definition IS NOT NULL, ',"definition":' || json_array(json(OLD.definition), NULL), ''), 2) || '}');
END
--
CREATE TRIGGER crontab_schedule_changed_past_us AFTER UPDATE OF minute, hour, day_of_month, month_of_year, day_of_week, timezone, day_match ON crontab_schedule
WHEN (OLD.minute, OLD.hour, OLD.day_of_month, OLD.month_of_year, OLD.day_of_week, OLD.timezone, OLD.day_match) IS NOT (NEW.minute, NEW.hour, NEW.day_of_month, NEW.month_of_year, NEW.day_of_week, NEW.timezone, NEW.day_match)
BEGIN
  INSERT INTO audit_event (actor, source, action, subject_type, subject_id, subject_name, changes) SELECT 'database', '', 'update', 'schedule', id, name,
    json('{' || substr(iif(OLD.minute IS NOT NEW.minute, ',"crontab.minute":' || json_array(OLD.minute, NEW.minute), '')
    || iif(OLD.hour IS NOT NEW.hour, ',"crontab.hour":' || json_array(OLD.hour, NEW.hour), '')
    || iif(OLD.day_of_month IS NOT NEW.day_of_month, ',"crontab.day_of_month":' || json_array(OLD.day_of_month, NEW.day_of_month), '')
    || iif(OLD.month_of_year IS NOT NEW.month_of_year, ',"crontab.month_of_year":' || json_array(OLD.month_of_year, NEW.month_of_year), '')
    || iif(OLD.day_of_week IS NOT NEW.day_of_week, ',"crontab.day_of_week":' || json_array(OLD.day_of_week, NEW.day_of_week), '')
    || iif(OLD.timezone IS NOT NEW.timezone, ',"crontab.timezone":' || json_array(OLD.timezone, NEW.timezone), '')
    || iif(OLD.day_match IS NOT NEW.day_match, ',"crontab.day_match":' || json_array(OLD.day_match, NEW.day_match), ''), 2) || '}')
  FROM periodic_task WHERE crontab_id = NEW.id ORDER BY id;
END
--
CREATE TRIGGER interval_schedule_changed_past_us AFTER UPDATE OF every, period ON interval_schedule
WHEN (OLD.every, OLD.period) IS NOT (NEW.every, NEW.period)
BEGIN
  INSERT INTO audit_event (actor, source, action, subject_type, subject_id, subject_name, changes) SELECT 'database', '', 'update', 'schedule', id, name,
    json('{' || substr(iif(OLD.every IS NOT NEW.every, ',"interval.every":' || json_array(OLD.every, NEW.every), '')
    || iif(OLD.period IS NOT NEW.period, ',"interval.period":' || json_array(OLD.period, NEW.period), ''), 2) || '}')
  FROM periodic_task WHERE interval_id = NEW.id ORDER BY id;
END
--
CREATE TRIGGER clocked_schedule_changed_past_us AFTER UPDATE OF clocked_time ON clocked_schedule
WHEN (OLD.clocked_time) IS NOT (NEW.clocked_time)
BEGIN
  INSERT INTO audit_event (actor, source, action, subject_type, subject_id, subject_name, changes) SELECT 'database', '', 'update', 'schedule', id, name,
    json('{' || substr(iif(OLD.clocked_time IS NOT NEW.clocked_time, ',"clocked.clocked_time":' || json_array(replace(OLD.clocked_time, ' ', 'T') || 'Z', replace(NEW.clocked_time, ' ', 'T') || 'Z'), ''), 2) || '}')
  FROM periodic_task WHERE clocked_id = NEW.id ORDER BY id;
END
--
CREATE TRIGGER solar_schedule_changed_past_us AFTER UPDATE OF event, latitude, longitude ON solar_schedule
WHEN (OLD.event, OLD.latitude, OLD.longitude) IS NOT (NEW.event, NEW.latitude, NEW.longitude)
BEGIN
  INSERT INTO audit_event (actor, source, action, subject_type, subject_id, subject_name, changes) SELECT 'database', '', 'update', 'schedule', id, name,
    json('{' || substr(iif(OLD.event IS NOT NEW.event, ',"solar.event":' || json_array(OLD.event, NEW.event), '')
    || iif(OLD.latitude IS NOT NEW.latitude, ',"solar.latitude":' || json_array(OLD.latitude, NEW.latitude), '')
    || iif(OLD.longitude IS NOT NEW.longitude, ',"solar.longitude":' || json_array(OLD.longitude, NEW.longitude), ''), 2) || '}')
  FROM periodic_task WHERE solar_id = NEW.id ORDER BY id;
END
--
CREATE TRIGGER rrule_schedule_changed_past_us AFTER UPDATE OF rule ON rrule_schedule
WHEN (OLD.rule) IS NOT (NEW.rule)
BEGIN
  INSERT INTO audit_event (actor, source, action, subject_type, subject_id, subject_name, changes) SELECT 'database', '', 'update', 'schedule', id, name,
    json('{' || substr(iif(OLD.rule IS NOT NEW.rule, ',"rrule.rule":' || json_array(OLD.rule, NEW.rule), ''), 2) || '}')
  FROM periodic_task WHERE rrule_id = NEW.id ORDER BY id;
END