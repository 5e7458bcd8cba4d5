CREATE FUNCTION periodic_task_edited() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF (NEW.crontab_id, NEW.interval_id, NEW.clocked_id, NEW.solar_id, NEW.rrule_id, NEW.start_time, NEW.expires, NEW.one_off, NEW.max_runs, NEW.enabled, NEW.calendar_id, NEW.calendar_mode, NEW.anchor_at, NEW.jitter_seconds, NEW.shadow) IS DISTINCT FROM (OLD.crontab_id, OLD.interval_id, OLD.clocked_id, OLD.solar_id, OLD.rrule_id, OLD.start_time, OLD.expires, OLD.one_off, OLD.max_runs, OLD.enabled, OLD.calendar_id, OLD.calendar_mode, OLD.anchor_at, OLD.jitter_seconds, OLD.shadow) THEN
    IF NEW.next_run_at IS NOT DISTINCT FROM OLD.next_run_at THEN
      NEW.next_run_at := NULL; NEW.next_occurrence_at := NULL;
    END IF;
    IF NEW.watermark = OLD.watermark THEN NEW.watermark := clock_timestamp(); END IF;
    IF NEW.quarantine_reason IS NOT DISTINCT FROM OLD.quarantine_reason THEN NEW.quarantine_reason := NULL; END IF;
  END IF;
  IF (NEW.crontab_id, NEW.interval_id, NEW.clocked_id, NEW.solar_id, NEW.rrule_id, NEW.start_time, NEW.expires, NEW.one_off, NEW.max_runs, NEW.enabled) IS DISTINCT FROM (OLD.crontab_id, OLD.interval_id, OLD.clocked_id, OLD.solar_id, OLD.rrule_id, OLD.start_time, OLD.expires, OLD.one_off, OLD.max_runs, OLD.enabled)
     AND NEW.completed_reason IS NOT DISTINCT FROM OLD.completed_reason THEN NEW.completed_reason := NULL; END IF;
  IF (NEW.calendar_id, NEW.calendar_mode) IS DISTINCT FROM (OLD.calendar_id, OLD.calendar_mode)
     AND NEW.completed_reason = 'its timing has no further occurrence' THEN NEW.completed_reason := NULL; END IF;
  IF NEW.revision = OLD.revision THEN NEW.revision := OLD.revision + 1; END IF;
  NEW.date_changed := clock_timestamp();
  RETURN NEW;
END $$
--
CREATE TRIGGER periodic_task_edited BEFORE UPDATE OF name, kind, task, args, kwargs, description, tags, paused_reason, queue, exchange, routing_key, headers, priority, expire_seconds, misfire_policy, misfire_grace_seconds, catchup_window_seconds, catchup_limit, overlap_policy, buffer_limit, pause_after_failures, retry_max, retry_delay_seconds, soft_time_limit_seconds, time_limit_seconds, start_deadline_seconds, keep_runs_days, crontab_id, interval_id, clocked_id, solar_id, rrule_id, start_time, expires, one_off, max_runs, enabled, calendar_id, calendar_mode, anchor_at, jitter_seconds, shadow ON periodic_task FOR EACH ROW
  WHEN ((OLD.name, OLD.kind, OLD.task, OLD.args, OLD.kwargs, OLD.description, OLD.tags, OLD.paused_reason, OLD.queue, OLD.exchange, OLD.routing_key, OLD.headers, OLD.priority, OLD.expire_seconds, OLD.misfire_policy, OLD.misfire_grace_seconds, OLD.catchup_window_seconds, OLD.catchup_limit, OLD.overlap_policy, OLD.buffer_limit, OLD.pause_after_failures, OLD.retry_max, OLD.retry_delay_seconds, OLD.soft_time_limit_seconds, OLD.time_limit_seconds, OLD.start_deadline_seconds, OLD.keep_runs_days, OLD.crontab_id, OLD.interval_id, OLD.clocked_id, OLD.solar_id, OLD.rrule_id, OLD.start_time, OLD.expires, OLD.one_off, OLD.max_runs, OLD.enabled, OLD.calendar_id, OLD.calendar_mode, OLD.anchor_at, OLD.jitter_seconds, OLD.shadow) IS DISTINCT FROM (NEW.name, NEW.kind, NEW.task, NEW.args, NEW.kwargs, NEW.description, NEW.tags, NEW.paused_reason, NEW.queue, NEW.exchange, NEW.routing_key, NEW.headers, NEW.priority, NEW.expire_seconds, NEW.misfire_policy, NEW.misfire_grace_seconds, NEW.catchup_window_seconds, NEW.catchup_limit, NEW.overlap_policy, NEW.buffer_limit, NEW.pause_after_failures, NEW.retry_max, NEW.retry_delay_seconds, NEW.soft_time_limit_seconds, NEW.time_limit_seconds, NEW.start_deadline_seconds, NEW.keep_runs_days, NEW.crontab_id, NEW.interval_id, NEW.clocked_id, NEW.solar_id, NEW.rrule_id, NEW.start_time, NEW.expires, NEW.one_off, NEW.max_runs, NEW.enabled, NEW.calendar_id, NEW.calendar_mode, NEW.anchor_at, NEW.jitter_seconds, NEW.shadow)) EXECUTE FUNCTION periodic_task_edited()
--
CREATE FUNCTION timing_edited() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  EXECUTE format('SELECT 1 FROM periodic_task WHERE %I = $1 ORDER BY id FOR UPDATE', TG_ARGV[0]) USING NEW.id;
  EXECUTE format('UPDATE periodic_task SET next_run_at = NULL, next_occurrence_at = NULL, completed_reason ='
    ' CASE WHEN $2 OR completed_reason = ''its timing has no further occurrence'' THEN NULL ELSE completed_reason END, quarantine_reason = NULL,'
    ' watermark = clock_timestamp(), revision = revision + 1, date_changed = clock_timestamp() WHERE %I = $1',
    TG_ARGV[0])
    USING NEW.id, TG_TABLE_NAME <> 'calendar';
  RETURN NULL;
END $$
--
CREATE TRIGGER crontab_schedule_edited AFTER UPDATE OF minute, hour, day_of_month, month_of_year, day_of_week, timezone, day_match ON crontab_schedule FOR EACH ROW
  WHEN ((OLD.minute, OLD.hour, OLD.day_of_month, OLD.month_of_year, OLD.day_of_week, OLD.timezone, OLD.day_match) IS DISTINCT FROM (NEW.minute, NEW.hour, NEW.day_of_month, NEW.month_of_year, NEW.day_of_week, NEW.timezone, NEW.day_match))
  EXECUTE FUNCTION timing_edited('crontab_id')
--
CREATE TRIGGER interval_schedule_edited AFTER UPDATE OF every, period ON interval_schedule FOR EACH ROW
  WHEN ((OLD.every, OLD.period) IS DISTINCT FROM (NEW.every, NEW.period))
  EXECUTE FUNCTION timing_edited('interval_id')
--
CREATE TRIGGER clocked_schedule_edited AFTER UPDATE OF clocked_time ON clocked_schedule FOR EACH ROW
  WHEN ((OLD.clocked_time) IS DISTINCT FROM (NEW.clocked_time))
  EXECUTE FUNCTION timing_edited('clocked_id')
--
CREATE TRIGGER solar_schedule_edited AFTER UPDATE OF event, latitude, longitude ON solar_schedule FOR EACH ROW
  WHEN ((OLD.event, OLD.latitude, OLD.longitude) IS DISTINCT FROM (NEW.event, NEW.latitude, NEW.longitude))
  EXECUTE FUNCTION timing_edited('solar_id')
--
CREATE TRIGGER rrule_schedule_edited AFTER UPDATE OF rule ON rrule_schedule FOR EACH ROW
  WHEN ((OLD.rule) IS DISTINCT FROM (NEW.rule))
  EXECUTE FUNCTION timing_edited('rrule_id')
--
CREATE TRIGGER calendar_edited AFTER UPDATE OF definition ON calendar FOR EACH ROW
  WHEN ((OLD.definition) IS DISTINCT FROM (NEW.definition))
  EXECUTE FUNCTION timing_edited('calendar_id')
--
CREATE FUNCTION wake_beat() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  NOTIFY scheduler_wakeup; RETURN NULL;
END $$
--
CREATE TRIGGER periodic_task_new AFTER INSERT ON periodic_task FOR EACH ROW EXECUTE FUNCTION wake_beat()
--
CREATE TRIGGER periodic_task_sooner AFTER UPDATE OF crontab_id, interval_id, clocked_id, solar_id, rrule_id, start_time, expires, one_off, max_runs, enabled, calendar_id, calendar_mode, anchor_at, jitter_seconds, shadow, next_run_at
  ON periodic_task FOR EACH ROW WHEN (NEW.next_run_at IS NULL OR NEW.next_run_at < OLD.next_run_at)
  EXECUTE FUNCTION wake_beat()
--
CREATE TRIGGER task_run_new AFTER INSERT ON task_run FOR EACH ROW
  WHEN (NEW.state = 'pending' AND NEW.origin <> 'auto') EXECUTE FUNCTION wake_beat()
--
CREATE TRIGGER task_run_promoted AFTER UPDATE OF state ON task_run FOR EACH ROW
  WHEN (NEW.state = 'pending' AND OLD.state <> 'pending') EXECUTE FUNCTION wake_beat()
--
CREATE TRIGGER task_run_cancel AFTER UPDATE OF cancel_requested_at ON task_run FOR EACH ROW
  WHEN (NEW.cancel_requested_at IS NOT NULL AND NEW.state = 'running') EXECUTE FUNCTION wake_beat()
--
CREATE FUNCTION task_run_freed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF EXISTS (SELECT 1 FROM task_run WHERE periodic_task_id = NEW.periodic_task_id AND state = 'buffered') THEN
    NOTIFY scheduler_wakeup;
  END IF;
  RETURN NULL;
END $$
--
CREATE TRIGGER task_run_freed AFTER UPDATE OF state ON task_run FOR EACH ROW
  WHEN (NEW.state IN ('succeeded', 'failed', 'timed_out', 'cancelled', 'lost', 'skipped', 'missed', 'dropped', 'expired', 'shadowed') AND OLD.state NOT IN ('buffered', 'succeeded', 'failed', 'timed_out', 'cancelled', 'lost', 'skipped', 'missed', 'dropped', 'expired', 'shadowed')) EXECUTE FUNCTION task_run_freed()
--
CREATE FUNCTION task_run_ended() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF EXISTS (SELECT 1 FROM schedule_after WHERE upstream_id = NEW.periodic_task_id) THEN
    INSERT INTO chain_link (run_id) VALUES (NEW.id);
    NOTIFY scheduler_wakeup;
  END IF;
  RETURN NULL;
END $$
--
CREATE TRIGGER task_run_ended AFTER UPDATE OF state ON task_run FOR EACH ROW
  WHEN (NEW.state IN ('succeeded', 'failed', 'timed_out', 'cancelled', 'lost', 'skipped', 'missed', 'dropped', 'expired', 'shadowed') AND OLD.state NOT IN ('succeeded', 'failed', 'timed_out', 'cancelled', 'lost', 'skipped', 'missed', 'dropped', 'expired', 'shadowed')) EXECUTE FUNCTION task_run_ended()
--
CREATE TRIGGER task_run_made_ended AFTER INSERT ON task_run FOR EACH ROW
  WHEN (NEW.state IN ('succeeded', 'failed', 'timed_out', 'cancelled', 'lost', 'skipped', 'missed', 'dropped', 'expired', 'shadowed') AND NEW.origin <> 'shadow') EXECUTE FUNCTION task_run_ended()
--
CREATE FUNCTION periodic_task_deleted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  UPDATE task_run SET state = 'cancelled', reason = 'the schedule was deleted', finished_at = clock_timestamp()
    WHERE periodic_task_id = OLD.id AND state IN ('pending', 'buffered');
  RETURN NULL;
END $$
--
CREATE TRIGGER periodic_task_deleted AFTER DELETE ON periodic_task FOR EACH ROW
  EXECUTE FUNCTION periodic_task_deleted()
--
CREATE FUNCTION written_past_us() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  SET timezone = 'UTC' SET search_path = pg_catalog, pg_temp AS $$ DECLARE
  old_row jsonb := '{}'; new_row jsonb := '{}'; whole jsonb; changes jsonb;
BEGIN
  IF TG_OP <> 'INSERT' THEN old_row := to_jsonb(OLD); END IF;
  IF TG_OP <> 'DELETE' THEN new_row := to_jsonb(NEW); END IF;
  whole := old_row || new_row;
  SELECT jsonb_object_agg(TG_ARGV[1] || field, jsonb_build_array(old_row -> field, new_row -> field)) INTO changes
    FROM unnest(string_to_array(TG_ARGV[2], ' ')) field
    WHERE coalesce(old_row -> field, 'null') IS DISTINCT FROM coalesce(new_row -> field, 'null');
  IF TG_NARGS = 4 THEN
    EXECUTE format('INSERT INTO %1$I.audit_event (actor, source, action, subject_type, subject_id, subject_name, changes)'
      ' SELECT ''database'', $1, ''update'', ''schedule'', id, name, $2 FROM %1$I.periodic_task'
      ' WHERE %2$I = $3 ORDER BY id', TG_TABLE_SCHEMA, TG_ARGV[3]) USING session_user, changes, NEW.id;
  ELSE
    EXECUTE format('INSERT INTO %I.audit_event (actor, source, action, subject_type, subject_id, subject_name, changes)'
      ' VALUES (''database'', $1, $2, $3, $4, $5, $6)', TG_TABLE_SCHEMA) USING session_user,
      CASE TG_OP WHEN 'INSERT' THEN 'create' WHEN 'DELETE' THEN 'delete' ELSE 'update' END,
      TG_ARGV[0], whole ->> 'id', whole ->> 'name', changes;
  END IF;
  RETURN NULL;
END $$
--
CREATE TRIGGER periodic_task_made_past_us AFTER INSERT ON periodic_task FOR EACH ROW
  WHEN (NEW.audited_writes = 0) EXECUTE FUNCTION written_past_us('schedule', '', 'name kind task args kwargs description tags paused_reason queue exchange routing_key headers priority expire_seconds misfire_policy misfire_grace_seconds catchup_window_seconds catchup_limit overlap_policy buffer_limit pause_after_failures retry_max retry_delay_seconds soft_time_limit_seconds time_limit_seconds start_deadline_seconds keep_runs_days crontab_id interval_id clocked_id solar_id rrule_id start_time expires one_off max_runs enabled calendar_id calendar_mode anchor_at jitter_seconds shadow')
--
CREATE TRIGGER periodic_task_changed_past_us AFTER UPDATE OF name, kind, task, args, kwargs, description, tags, paused_reason, queue, exchange, routing_key, headers, priority, expire_seconds, misfire_policy, misfire_grace_seconds, catchup_window_seconds, catchup_limit, overlap_policy, buffer_limit, pause_after_failures, retry_max, retry_delay_seconds, soft_time_limit_seconds, time_limit_seconds, start_deadline_seconds, keep_runs_days, crontab_id, interval_id, clocked_id, solar_id, rrule_id, start_time, expires, one_off, max_runs, enabled, calendar_id, calendar_mode, anchor_at, jitter_seconds, shadow ON periodic_task FOR EACH ROW
  WHEN (NEW.audited_writes = OLD.audited_writes AND (OLD.name, OLD.kind, OLD.task, OLD.args, OLD.kwargs, OLD.description, OLD.tags, OLD.paused_reason, OLD.queue, OLD.exchange, OLD.routing_key, OLD.headers, OLD.priority, OLD.expire_seconds, OLD.misfire_policy, OLD.misfire_grace_seconds, OLD.catchup_window_seconds, OLD.catchup_limit, OLD.overlap_policy, OLD.buffer_limit, OLD.pause_after_failures, OLD.retry_max, OLD.retry_delay_seconds, OLD.soft_time_limit_seconds, OLD.time_limit_seconds, OLD.start_deadline_seconds, OLD.keep_runs_days, OLD.crontab_id, OLD.interval_id, OLD.clocked_id, OLD.solar_id, OLD.rrule_id, OLD.start_time, OLD.expires, OLD.one_off, OLD.max_runs, OLD.enabled, OLD.calendar_id, OLD.calendar_mode, OLD.anchor_at, OLD.jitter_seconds, OLD.shadow) IS DISTINCT FROM (NEW.name, NEW.kind, NEW.task, NEW.args, NEW.kwargs, NEW.description, NEW.tags, NEW.paused_reason, NEW.queue, NEW.exchange, NEW.routing_key, NEW.headers, NEW.priority, NEW.expire_seconds, NEW.misfire_policy, NEW.misfire_grace_seconds, NEW.catchup_window_seconds, NEW.catchup_limit, NEW.overlap_policy, NEW.buffer_limit, NEW.pause_after_failures, NEW.retry_max, NEW.retry_delay_seconds, NEW.soft_time_limit_seconds, NEW.time_limit_seconds, NEW.start_deadline_seconds, NEW.keep_runs_days, NEW.crontab_id, NEW.interval_id, NEW.clocked_id, NEW.solar_id, NEW.rrule_id, NEW.start_time, NEW.expires, NEW.one_off, NEW.max_runs, NEW.enabled, NEW.calendar_id, NEW.calendar_mode, NEW.anchor_at, NEW.jitter_seconds, NEW.shadow))
  EXECUTE FUNCTION written_past_us('schedule', '', 'name kind task args kwargs description tags paused_reason queue exchange routing_key headers priority expire_seconds misfire_policy misfire_grace_seconds catchup_window_seconds catchup_limit overlap_policy buffer_limit pause_after_failures retry_max retry_delay_seconds soft_time_limit_seconds time_limit_seconds start_deadline_seconds keep_runs_days crontab_id interval_id clocked_id solar_id rrule_id start_time expires one_off max_runs enabled calendar_id calendar_mode anchor_at jitter_seconds shadow')
--
CREATE TRIGGER periodic_task_deleted_past_us AFTER DELETE ON periodic_task FOR EACH ROW
  WHEN (OLD.audited_writes >= 0) EXECUTE FUNCTION written_past_us('schedule', '', 'name kind task args kwargs description tags paused_reason queue exchange routing_key headers priority expire_seconds misfire_policy misfire_grace_seconds catchup_window_seconds catchup_limit overlap_policy buffer_limit pause_after_failures retry_max retry_delay_seconds soft_time_limit_seconds time_limit_seconds start_deadline_seconds keep_runs_days crontab_id interval_id clocked_id solar_id rrule_id start_time expires one_off max_runs enabled calendar_id calendar_mode anchor_at jitter_seconds shadow')
--
CREATE TRIGGER calendar_made_past_us AFTER INSERT ON calendar FOR EACH ROW
  WHEN (NEW.audited_writes = 0) EXECUTE FUNCTION written_past_us('calendar', '', 'name description definition')
--
CREATE TRIGGER calendar_changed_past_us AFTER UPDATE OF name, description, definition ON calendar FOR EACH ROW
  WHEN (NEW.audited_writes = OLD.audited_writes AND (OLD.name, OLD.description, OLD.definition) IS DISTINCT FROM (NEW.name, NEW.description, NEW.definition))
  EXECUTE FUNCTION written_past_us('calendar', '', 'name description definition')
--
CREATE TRIGGER calendar_deleted_past_us AFTER DELETE ON calendar FOR EACH ROW
  WHEN (OLD.audited_writes >= 0) EXECUTE FUNCTION written_past_us('calendar', '', 'name description definition')
--
CREATE TRIGGER crontab_schedule_changed_past_us AFTER UPDATE OF minute, hour, day_of_month, month_of_year, day_of_week, timezone, day_match ON crontab_schedule FOR EACH ROW
  WHEN ((OLD.minute, OLD.hour, OLD.day_of_month, OLD.month_of_year, OLD.day_of_week, OLD.timezone, OLD.day_match) IS DISTINCT FROM (NEW.minute, NEW.hour, NEW.day_of_month, NEW.month_of_year, NEW.day_of_week, NEW.timezone, NEW.day_match))
  EXECUTE FUNCTION written_past_us('schedule', 'crontab.', 'minute hour day_of_month month_of_year day_of_week timezone day_match', 'crontab_id')
--
CREATE TRIGGER interval_schedule_changed_past_us AFTER UPDATE OF every, period ON interval_schedule FOR EACH ROW
  WHEN ((OLD.every, OLD.period) IS DISTINCT FROM (NEW.every, NEW.period))
  EXECUTE FUNCTION written_past_us('schedule', 'interval.', 'every period', 'interval_id')
--
CREATE TRIGGER clocked_schedule_changed_past_us AFTER UPDATE OF clocked_time ON clocked_schedule FOR EACH ROW
  WHEN ((OLD.clocked_time) IS DISTINCT FROM (NEW.clocked_time))
  EXECUTE FUNCTION written_past_us('schedule', 'clocked.', 'clocked_time', 'clocked_id')
--
CREATE TRIGGER solar_schedule_changed_past_us AFTER UPDATE OF event, latitude, longitude ON solar_schedule FOR EACH ROW
  WHEN ((OLD.event, OLD.latitude, OLD.longitude) IS DISTINCT FROM (NEW.event, NEW.latitude, NEW.longitude))
  EXECUTE FUNCTION written_past_us('schedule', 'solar.', 'event latitude longitude', 'solar_id')
--
CREATE TRIGGER rrule_schedule_changed_past_us AFTER UPDATE OF rule ON rrule_schedule FOR EACH ROW
  WHEN ((OLD.rule) IS DISTINCT FROM (NEW.rule))
  EXECUTE FUNCTION written_past_us('schedule', 'rrule.', 'rule', 'rrule_id')