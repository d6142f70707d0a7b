-- Scheduled checks and retraining: what is scheduled, what the runs did, and the procedure that a scheduler calls.
--
-- The scheduler is pg_cron where it is installed in this database; otherwise rec.schedule returns the statement for
-- pg_cron's own database, or the line for the system's cron. Either calls rec.run_job, a procedure that commits step by step:
-- what a failed step leaves is a row of rec.job_run.

CREATE TABLE rec.schedule (
	model        text PRIMARY KEY,
	check_at     text,
	retrain_at   text,
	only_if      text NOT NULL,
	time_zone    text NOT NULL,
	tolerance    float8 NOT NULL,
	shadow       interval,
	retries      int NOT NULL,
	retry_delay  interval NOT NULL,
	keep_runs    interval NOT NULL,
	scheduled_by text NOT NULL,
	scheduled_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);

COMMENT ON TABLE rec.schedule IS 'When the drift of a model is checked and when it is trained again. Written by rec.schedule and rec.unschedule. Shows the models whose schema the current role may use.';
COMMENT ON COLUMN rec.schedule.model IS 'Name of the model';
COMMENT ON COLUMN rec.schedule.check_at IS 'When drift is checked: a cron expression (minute, hour, day of month, month, day of week) in time_zone; null: never';
COMMENT ON COLUMN rec.schedule.retrain_at IS 'When retraining is considered: a cron expression in time_zone; null: never';
COMMENT ON COLUMN rec.schedule.only_if IS 'Condition of a retraining: always, drifted, age > (an interval), or several of them joined by or';
COMMENT ON COLUMN rec.schedule.time_zone IS 'Time zone of the two expressions';
COMMENT ON COLUMN rec.schedule.tolerance IS 'A new version is activated if its quality is at least (1 - tolerance) times that of the active one';
COMMENT ON COLUMN rec.schedule.shadow IS 'The newest part of the events on which the active version and the new settings are compared before activation; null: none';
COMMENT ON COLUMN rec.schedule.retries IS 'How often a failed run is tried again';
COMMENT ON COLUMN rec.schedule.retry_delay IS 'Pause before the first retry; each further pause is twice as long';
COMMENT ON COLUMN rec.schedule.keep_runs IS 'How long rows of rec.job_run are kept';
COMMENT ON COLUMN rec.schedule.scheduled_by IS 'Role that called rec.schedule; the runs are that role''s';
COMMENT ON COLUMN rec.schedule.scheduled_at IS 'When rec.schedule was called';

CREATE TABLE rec.job_run (
	job_run      bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
	model        text NOT NULL,
	job          text NOT NULL CHECK (job IN ('check', 'retrain')),
	status       text NOT NULL CHECK (status IN ('running', 'succeeded', 'kept', 'skipped', 'failed', 'interrupted')),
	attempts     int NOT NULL,
	started_at   timestamptz NOT NULL,
	finished_at  timestamptz,
	version      int,
	message      text,
	run_by       text NOT NULL,
	pid          int NOT NULL
);
CREATE INDEX ON rec.job_run (model, job, started_at);

COMMENT ON TABLE rec.job_run IS 'Runs of scheduled jobs, newest kept for schedule.keep_runs. Shows the models whose schema the current role may use.';
COMMENT ON COLUMN rec.job_run.job_run IS 'Number of the run';
COMMENT ON COLUMN rec.job_run.model IS 'Name of the model';
COMMENT ON COLUMN rec.job_run.job IS 'check (of drift) or retrain';
COMMENT ON COLUMN rec.job_run.status IS 'running; succeeded; kept (a new version was trained and not activated); skipped (nothing to do, or another run was under way); failed (after all retries); interrupted (cancelled, or its session ended)';
COMMENT ON COLUMN rec.job_run.attempts IS 'How often it was tried';
COMMENT ON COLUMN rec.job_run.started_at IS 'When the run began';
COMMENT ON COLUMN rec.job_run.finished_at IS 'When the run ended; null while it runs, and of an interrupted one';
COMMENT ON COLUMN rec.job_run.version IS 'The version that was trained';
COMMENT ON COLUMN rec.job_run.message IS 'What was done and why, or the error';
COMMENT ON COLUMN rec.job_run.run_by IS 'Role of the run';
COMMENT ON COLUMN rec.job_run.pid IS 'Process of the run';

COMMENT ON SEQUENCE rec.job_run_job_run_seq IS 'Numbers of rec.job_run';

GRANT SELECT ON rec.schedule, rec.job_run TO PUBLIC;
ALTER TABLE rec.schedule ENABLE ROW LEVEL SECURITY;
ALTER TABLE rec.job_run ENABLE ROW LEVEL SECURITY;
CREATE POLICY usable ON rec.schedule FOR SELECT
	USING (pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace(pg_catalog.quote_ident(model))::oid, 'USAGE'));
CREATE POLICY usable ON rec.job_run FOR SELECT
	USING (pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace(pg_catalog.quote_ident(model))::oid, 'USAGE'));
COMMENT ON POLICY usable ON rec.schedule IS 'A role sees the schedules of models whose schema it may use';
COMMENT ON POLICY usable ON rec.job_run IS 'A role sees the runs of models whose schema it may use';

SELECT pg_catalog.pg_extension_config_dump('rec.schedule', '');
SELECT pg_catalog.pg_extension_config_dump('rec.job_run', '');
SELECT pg_catalog.pg_extension_config_dump('rec.job_run_job_run_seq', '');

-- What only the catalog's owner may write, after a check that the caller is the model's owner; see src/api/job.c.

CREATE FUNCTION rec._schedule_store(model text, check_at text, retrain_at text, only_if text, time_zone text,
	tolerance float8, shadow interval, retries int, retry_delay interval, keep_runs interval) RETURNS void
	AS 'MODULE_PATHNAME', 'rec_schedule_store' LANGUAGE C VOLATILE PARALLEL UNSAFE;
CREATE FUNCTION rec._schedule_remove(model text) RETURNS boolean
	AS 'MODULE_PATHNAME', 'rec_schedule_remove' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
CREATE FUNCTION rec._job_begin(model text, job text) RETURNS bigint
	AS 'MODULE_PATHNAME', 'rec_job_begin' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
CREATE FUNCTION rec._job_end(job_run bigint, status text, attempts int, version int, message text) RETURNS void
	AS 'MODULE_PATHNAME', 'rec_job_end' LANGUAGE C VOLATILE PARALLEL UNSAFE;
CREATE FUNCTION rec._version_newest(model text, version int) RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'rec_version_newest' LANGUAGE C STABLE STRICT PARALLEL UNSAFE;

COMMENT ON FUNCTION rec._version_newest IS 'Internal: time of the newest event of a version, null without a time column; only for the model''s owner';
COMMENT ON FUNCTION rec._schedule_store IS 'Internal: writes the row of rec.schedule; only for the model''s owner';
COMMENT ON FUNCTION rec._schedule_remove IS 'Internal: deletes the row of rec.schedule, and says whether there was one; only for the model''s owner';
COMMENT ON FUNCTION rec._job_begin IS 'Internal: begins a run and locks the model''s jobs for this session; null when another session has them, which is noted as skipped; only for the model''s owner';
COMMENT ON FUNCTION rec._job_end IS 'Internal: notes how the run of this session ended, or with status running that it is tried again; NOTIFY on the channel pg_recommend; unlocks the model''s jobs';

-- Scheduling

CREATE FUNCTION rec._check_condition(only_if text) RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	term text;
	terms text[] := '{}';
BEGIN
	FOREACH term IN ARRAY regexp_split_to_array(lower(btrim(only_if)), '\s+or\s+') LOOP
		IF term IN ('always', 'drifted') THEN
			terms := terms || term;
		ELSIF term ~ '^age\s*>\s*\S' THEN
			BEGIN
				terms := terms || regexp_replace(term, '^age\s*>\s*', '')::interval::text;
			EXCEPTION WHEN data_exception THEN
				terms := NULL;
			END;
		ELSE
			terms := NULL;
		END IF;
		IF terms IS NULL THEN
			EXIT;
		END IF;
	END LOOP;
	IF terms IS NULL OR terms = '{}' THEN
		RAISE EXCEPTION 'invalid condition "%" for only_if', only_if USING ERRCODE = 'invalid_parameter_value',
			DETAIL = 'It is always, drifted, age > (an interval), or several of them joined by or.',
			HINT = 'For example: drifted or age > 7 days.';
	END IF;
	RETURN terms;
END $$;

-- Where pg_cron is: 'here', 'elsewhere' (preloaded, but its extension lives in another database), or null.
CREATE FUNCTION rec._cron_place() RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_cron') THEN
		RETURN 'here';
	END IF;
	RETURN CASE WHEN current_setting('cron.database_name', true) IS NOT NULL THEN 'elsewhere' END;
EXCEPTION WHEN insufficient_privilege THEN
	RETURN 'elsewhere';			-- the setting is there, and not for everybody to read
END $$;

-- An own name per model and job, within the 63 bytes that pg_cron keeps.
CREATE FUNCTION rec._job_name(model text, job text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT CASE WHEN pg_catalog.octet_length(n.name) <= 63 THEN n.name
		ELSE pg_catalog.format('pg_recommend %s %s', job, pg_catalog.md5(n.name)) END
	FROM (SELECT pg_catalog.format('pg_recommend %s %s%s', job, model,
		CASE WHEN rec._cron_place() = 'elsewhere' THEN ' in ' || pg_catalog.current_database() END) AS name) n;
END;

-- The expression for a scheduler that keeps another time zone: the same minutes of every hour (offsets of zones are multiples of a
-- quarter of an hour), and the run itself asks whether it is due.
CREATE FUNCTION rec._cron_any_zone(expression text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT (SELECT pg_catalog.string_agg(m::pg_catalog.text, ',' ORDER BY m)
			FROM (SELECT DISTINCT (m + shift) % 60 AS m FROM pg_catalog.unnest(c.minutes) m, pg_catalog.unnest('{0,15,30,45}'::int[]) shift) s)
		|| ' * * * *'
	FROM rec._cron_parse(expression) c;
END;

CREATE FUNCTION rec._schedule_job(model text, job text, expression text, time_zone text, OUT at text, OUT command text,
	OUT job_id bigint, OUT instruction text)
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	cron_zone text := coalesce(nullif(current_setting('cron.timezone', true), ''), 'GMT');
	utc text[] := '{gmt,utc,etc/utc,etc/gmt,zulu}';
	same boolean := lower(time_zone) = lower(cron_zone) OR (lower(time_zone) = ANY (utc) AND lower(cron_zone) = ANY (utc));
	name text := rec._job_name(model, job);
BEGIN
	at := CASE WHEN same THEN expression ELSE rec._cron_any_zone(expression) END;
	command := format('CALL rec.run_job(%L, %L%s)', model, job, CASE WHEN NOT same THEN ', due_only => true' END);
	CASE rec._cron_place()
		WHEN 'here' THEN
			EXECUTE 'SELECT cron.schedule($1, $2, $3)' INTO job_id USING name, at, command;
		WHEN 'elsewhere' THEN
			instruction := format('SELECT cron.schedule_in_database(%L, %L, %L, %L, %L)', name, at, command,
				current_database(), current_user);
		ELSE
			instruction := format('%s psql -X -d ''%s'' -c ''%s''', at,
				replace(replace(current_database(), '''', '''\'''''), '%', '\%'),
				replace(replace(command, '''', '''\'''''), '%', '\%'));
	END CASE;
END $$;

CREATE FUNCTION rec._unschedule_jobs(model text) RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	removed int := 0;
BEGIN
	IF rec._cron_place() = 'here' THEN
		EXECUTE 'SELECT count(cron.unschedule(jobid)) FROM cron.job WHERE jobname = ANY ($1)' INTO removed
			USING ARRAY[rec._job_name(model, 'check'), rec._job_name(model, 'retrain')];
	END IF;
	RETURN removed;
END $$;

CREATE FUNCTION rec.schedule(model text, "check" text DEFAULT '0 * * * *', retrain text DEFAULT '0 3 * * *',
	only_if text DEFAULT 'drifted or age > 7 days', time_zone text DEFAULT NULL, tolerance float8 DEFAULT 0.05,
	shadow interval DEFAULT '1 day', retries int DEFAULT 3, retry_delay interval DEFAULT '1 minute', keep_runs interval DEFAULT '90 days')
RETURNS TABLE (job text, at text, next_run timestamptz, command text, job_id bigint, instruction text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 2
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	zone text := coalesce(time_zone, nullif(current_setting('cron.timezone', true), ''), 'GMT');
	expression text;
BEGIN
	PERFORM rec._model(model), rec._check_condition(coalesce(only_if, ''));
	PERFORM rec._cron_parse("check") WHERE "check" IS NOT NULL;
	PERFORM rec._cron_parse(retrain) WHERE retrain IS NOT NULL;
	IF "check" IS NULL AND retrain IS NULL THEN
		RAISE EXCEPTION 'there is nothing to schedule' USING ERRCODE = 'invalid_parameter_value',
			DETAIL = 'Both check and retrain are null.', HINT = 'rec.unschedule removes the jobs of a model.';
	END IF;
	IF NOT EXISTS (SELECT FROM pg_timezone_names z WHERE lower(z.name) = lower(zone)) THEN
		RAISE EXCEPTION 'time zone "%" does not exist', zone USING ERRCODE = 'invalid_parameter_value',
			HINT = 'The view pg_timezone_names lists the names.';
	END IF;
	IF tolerance IS NULL OR NOT tolerance BETWEEN 0 AND 1 THEN
		RAISE EXCEPTION 'tolerance must be between 0 and 1' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF shadow <= interval '0' THEN
		RAISE EXCEPTION 'shadow must be a positive interval' USING ERRCODE = 'invalid_parameter_value', HINT = 'Null leaves the comparison on the newest events out.';
	END IF;
	IF retries IS NULL OR NOT retries BETWEEN 0 AND 10 THEN
		RAISE EXCEPTION 'retries must be between 0 and 10' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF retry_delay IS NULL OR NOT retry_delay BETWEEN interval '0' AND interval '1 day' THEN
		RAISE EXCEPTION 'retry_delay must be between 0 and 1 day' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF keep_runs IS NULL OR NOT keep_runs >= interval '1 hour' THEN
		RAISE EXCEPTION 'keep_runs must be at least 1 hour' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	PERFORM rec._schedule_store(model, "check", retrain, only_if, zone, tolerance, shadow, retries, retry_delay, keep_runs);
	PERFORM rec._unschedule_jobs(model);
	FOREACH job IN ARRAY '{check,retrain}'::text[] LOOP
		expression := CASE job WHEN 'check' THEN "check" ELSE retrain END;
		CONTINUE WHEN expression IS NULL;
		SELECT s.at, s.command, s.job_id, s.instruction INTO at, command, job_id, instruction
		FROM rec._schedule_job(model, job, expression, zone) s;
		next_run := rec._next_run(expression, now(), zone);
		RETURN NEXT;
	END LOOP;
END $$;

CREATE FUNCTION rec.unschedule(model text) RETURNS boolean
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	place text := rec._cron_place();
BEGIN
	IF NOT rec._schedule_remove(model) THEN
		RETURN false;
	END IF;
	PERFORM rec._unschedule_jobs(model);
	IF place IS DISTINCT FROM 'here' THEN
		RAISE NOTICE 'the jobs of model "%" are to be removed where they were entered', model USING HINT =
			CASE place WHEN 'elsewhere' THEN format('In the database of pg_cron: SELECT cron.unschedule(jobid) FROM cron.job WHERE jobname IN (%L, %L)',
				rec._job_name(model, 'check'), rec._job_name(model, 'retrain'))
			ELSE 'Take the lines out of the crontab.' END;
	END IF;
	RETURN true;
END $$;

-- A job of pg_cron names its model: after a rename it is entered anew.
CREATE FUNCTION rec._reschedule(old_name text, new_name text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	s rec.schedule;
BEGIN
	SELECT * INTO s FROM rec.schedule t WHERE t.model = new_name;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	IF s.scheduled_by <> current_user THEN
		-- entered anew they would be jobs of whoever renames, a superuser perhaps
		RAISE WARNING 'the jobs of model "%" still have its former name', new_name
			USING HINT = format('They belong to role %I, which has to call rec.schedule again.', s.scheduled_by);
		RETURN;
	END IF;
	PERFORM rec._unschedule_jobs(old_name);
	PERFORM rec.schedule(s.model, s.check_at, s.retrain_at, s.only_if, s.time_zone, s.tolerance, s.shadow, s.retries,
		s.retry_delay, s.keep_runs);
END $$;

-- Running

-- Whether a retraining is called for, and why or why not.
CREATE FUNCTION rec._retrain_due(model text, only_if text, OUT due boolean, OUT reason text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	term text;
	trained timestamptz;
	drifted text;
	reasons text[] := '{}';
BEGIN
	SELECT r.finished_at INTO trained FROM rec.model m JOIN rec.training_run r ON r.model = m.model AND r.version = m.active_version
	WHERE m.model = _retrain_due.model;
	due := true;
	IF trained IS NULL THEN
		reason := 'no version is active';
		RETURN;
	END IF;
	FOREACH term IN ARRAY rec._check_condition(only_if) LOOP
		IF term = 'always' THEN
			reason := 'it is trained at every run';
			RETURN;
		ELSIF term = 'drifted' THEN
			SELECT string_agg(DISTINCT d.column_name, ', ') INTO drifted FROM rec.drift d
			WHERE d.model = _retrain_due.model AND d.verdict = 'drifted' AND d.checked_at > trained;
			IF drifted IS NOT NULL THEN
				reason := 'drifted: ' || drifted;
				RETURN;
			END IF;
			reasons := reasons || 'nothing has drifted since the training'::text;
		ELSIF now() - trained > term::interval THEN
			reason := format('the active version is older than %s', term);
			RETURN;
		ELSE
			reasons := reasons || format('the active version is not older than %s', term);
		END IF;
	END LOOP;
	due := false;
	reason := array_to_string(reasons, ', and ');
END $$;

-- What the new version's settings reach on the newest events, trained without them, beside what the active version reaches there.
-- (The new version itself has seen these events.) Null where there is nothing to compare.
CREATE FUNCTION rec._shadow(model text, champion int, challenger int, shadow interval, metric text, OUT old float8, OUT new float8,
	OUT users bigint, OUT since timestamptz)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	newest timestamptz := rec._version_newest(model, challenger);
	champion_newest timestamptz := rec._version_newest(model, champion);
BEGIN
	since := greatest(newest - shadow, champion_newest);
	IF since IS NULL OR champion_newest IS NULL OR since >= newest THEN
		RETURN;
	END IF;
	SELECT e.value, e.users INTO old, users FROM rec.evaluate_version(model, champion, since => since, k => '{10}', compare => '{}',
		metrics => ARRAY[metric]) e WHERE e.metric = _shadow.metric AND e.segment = 'all';
	SELECT e.value, least(e.users, _shadow.users) INTO new, users FROM rec.evaluate(model, 'temporal', newest - since, k => '{10}', compare => '{}',
		metrics => ARRAY[metric]) e WHERE e.metric = _shadow.metric AND e.segment = 'all';
EXCEPTION WHEN invalid_parameter_value THEN
	old := NULL;				-- nothing to train or to test on
END $$;

-- Whether a new version may take the place of the active one, and why. It may not know much less than that one (a load that
-- stopped half-way), nor fall short of it on its holdout or on the newest events.
CREATE FUNCTION rec._gate(model text, champion int, challenger int, tolerance float8, shadow interval, OUT accept boolean, OUT reason text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	old rec.training_run;
	new rec.training_run;
	rated boolean;
	metric text;
	v record;
	reasons text[] := '{}';
BEGIN
	SELECT * INTO old FROM rec.training_run r WHERE r.model = _gate.model AND r.version = champion;
	SELECT * INTO new FROM rec.training_run r WHERE r.model = _gate.model AND r.version = challenger;
	accept := true;
	IF new.events < old.events / 2.0 THEN
		accept := false;
		reason := format('it was trained on %s events, less than half of the %s of version %s', new.events, old.events, champion);
		RETURN;
	END IF;
	rated := (SELECT m.feedback = 'explicit' FROM rec.model m WHERE m.model = _gate.model);
	metric := CASE WHEN rated THEN 'rmse' ELSE 'ndcg' END;
	FOR v IN SELECT CASE WHEN rated THEN old.rmse[old.best_epoch] ELSE old.ndcg[old.best_epoch] END AS old,
			CASE WHEN rated THEN new.rmse[new.best_epoch] ELSE new.ndcg[new.best_epoch] END AS new, 'the holdout' AS place
		UNION ALL
		SELECT s.old, s.new, format('the events since %s (%s users)', to_char(s.since, 'YYYY-MM-DD HH24:MI'), s.users)
		FROM rec._shadow(model, champion, challenger, shadow, metric) s WHERE shadow IS NOT NULL AND s.users >= 50
	LOOP
		CONTINUE WHEN v.old IS NULL OR v.new IS NULL;
		accept := accept AND CASE WHEN rated THEN v.new <= v.old * (1 + tolerance) ELSE v.new >= v.old * (1 - tolerance) END;
		reasons := reasons || format('%s %s on %s, version %s %s', metric, round(v.new::numeric, 4), v.place, champion, round(v.old::numeric, 4));
	END LOOP;
	reason := coalesce(nullif(array_to_string(reasons, '; '), ''), 'no holdout to compare on');
END $$;

-- Sleeps for a second at most and says whether more is to come: in short transactions, which hold nothing back meanwhile.
CREATE FUNCTION rec._pause(until timestamptz) RETURNS boolean
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM pg_sleep(greatest(0, least(1, extract(epoch FROM until - clock_timestamp())::float8)));
	RETURN clock_timestamp() < until;
END $$;

CREATE FUNCTION rec._run_check(model text) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	result text;
BEGIN
	PERFORM rec.check_drift(model);
	SELECT coalesce(string_agg(format('%s %s', v.n, v.verdict), ', ' ORDER BY v.verdict), 'nothing to check') INTO result
	FROM (SELECT d.verdict, count(*) AS n FROM rec.drift d WHERE d.model = _run_check.model GROUP BY d.verdict) v;
	RETURN result;
END $$;

CREATE PROCEDURE rec.run_job(model text, job text DEFAULT 'retrain', due_only boolean DEFAULT false, force boolean DEFAULT false)
LANGUAGE plpgsql
AS $$
DECLARE
	s rec.schedule;
	run bigint;
	attempt int := 0;
	trained int;				-- version of this run, once it is there
	champion int;
	due boolean;
	accept boolean;
	status text;
	cause text;
	message text;
	pause_until timestamptz;
BEGIN
	-- for each transaction anew: a procedure that commits cannot have a SET clause
	PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	PERFORM rec._model(model);
	IF job IS NULL OR job NOT IN ('check', 'retrain') THEN
		RAISE EXCEPTION 'unknown job "%"', job USING ERRCODE = 'invalid_parameter_value', HINT = 'Jobs are check and retrain.';
	END IF;
	SELECT * INTO s FROM rec.schedule t WHERE t.model = run_job.model;
	IF due_only AND NOT coalesce(rec._next_run(CASE job WHEN 'check' THEN s.check_at ELSE s.retrain_at END,
			(SELECT greatest(max(r.started_at), s.scheduled_at) FROM rec.job_run r WHERE r.model = run_job.model AND r.job = run_job.job),
			s.time_zone) <= now(), false) THEN
		RETURN;
	END IF;
	run := rec._job_begin(model, job);
	COMMIT;
	IF run IS NULL THEN
		RETURN;
	END IF;
	LOOP
		attempt := attempt + 1;
		PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
		BEGIN
			IF job = 'check' THEN
				message := rec._run_check(model);
				status := 'succeeded';
			ELSIF trained IS NULL THEN
				SELECT d.due, d.reason INTO due, cause
				FROM rec._retrain_due(model, CASE WHEN force THEN 'always' ELSE coalesce(s.only_if, 'always') END) d;
				cause := CASE WHEN force THEN 'on demand' ELSE cause END;
				IF due THEN
					SELECT m.active_version INTO champion FROM rec.model m WHERE m.model = run_job.model;
					SELECT t.version INTO trained FROM rec.train(model, activate => champion IS NULL) t;
				END IF;
				status := CASE WHEN NOT due THEN 'skipped' WHEN champion IS NULL THEN 'succeeded' END;
				message := cause;
			ELSE
				SELECT g.accept, g.reason INTO accept, message FROM rec._gate(model, champion, trained, coalesce(s.tolerance, 0.05),
					CASE WHEN s.model IS NULL THEN interval '1 day' ELSE s.shadow END) g;
				IF accept THEN
					PERFORM rec.activate(model, trained);
				END IF;
				status := CASE WHEN accept THEN 'succeeded' ELSE 'kept' END;
				message := cause || '; ' || CASE WHEN accept THEN 'activated: ' ELSE 'not activated: ' END || message;
			END IF;
		EXCEPTION WHEN OTHERS THEN
			status := 'failed';
			message := SQLERRM;
		END;
		COMMIT;
		PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
		IF status IS NULL THEN		-- trained: now the gate
			attempt := attempt - 1;
			CONTINUE;
		END IF;
		EXIT WHEN status <> 'failed' OR attempt > coalesce(s.retries, 0);
		PERFORM rec._job_end(run, 'running', attempt, trained, message);
		pause_until := clock_timestamp() + s.retry_delay * 2 ^ (attempt - 1);
		COMMIT;
		WHILE rec._pause(pause_until) LOOP
			COMMIT;
		END LOOP;
	END LOOP;
	PERFORM rec._job_end(run, status, attempt, trained, message);
	COMMIT;
	IF status = 'failed' THEN
		RAISE EXCEPTION 'job % of model "%" failed', job, model USING ERRCODE = 'triggered_action_exception', DETAIL = message,
			HINT = 'SELECT * FROM rec.job_run shows all runs.';
	END IF;
END $$;

CREATE PROCEDURE rec.run_now(model text, job text DEFAULT 'retrain')
LANGUAGE plpgsql
AS $$
BEGIN
	CALL rec.run_job(model, job, force => true);
END $$;

COMMENT ON FUNCTION rec._check_condition IS 'Internal: the terms of only_if (always, drifted, or an interval); an error when it is not a condition';
COMMENT ON FUNCTION rec._cron_place() IS 'Internal: where pg_cron is: here, elsewhere (in another database of the server), or null';
COMMENT ON FUNCTION rec._job_name IS 'Internal: name of a model''s job in pg_cron';
COMMENT ON FUNCTION rec._cron_any_zone IS 'Internal: a cron expression that fires whenever another one fires in any time zone';
COMMENT ON FUNCTION rec._schedule_job IS 'Internal: enters one job in pg_cron, or says how to';
COMMENT ON FUNCTION rec._unschedule_jobs IS 'Internal: removes the jobs of a model from pg_cron';
COMMENT ON FUNCTION rec.schedule IS 'Schedules drift checks and retraining of a model, in place of what was scheduled before. check, retrain: cron expressions (minute, hour, day of month, month, day of week; null: never; in named notation "check" is quoted, being a word of SQL). only_if: when a retraining is called for: always, drifted (some column of rec.drift since the last training), age > an interval, or several joined by or. time_zone: of the expressions; null: that of pg_cron (GMT, or cron.timezone). tolerance (0 to 1): a new version is activated if its quality is at least (1 - tolerance) times that of the active one, on its holdout and, with a time column, on the events of the last interval shadow (null: not compared there). retries (0 to 10) of a failed run, after retry_delay (to 1 day), each pause twice the one before. keep_runs: how long rec.job_run keeps rows. With pg_cron in this database the jobs are entered there as the current role (job_id is theirs); with pg_cron in another database instruction is the statement to run there (a DBA must grant cron.schedule_in_database); without it, the line for the system''s crontab. Only for the model''s owner. Errors: an invalid expression, condition, zone or range (22023), no privilege on schema cron (42501).';
COMMENT ON FUNCTION rec.unschedule IS 'Removes the jobs of a model from pg_cron and its row from rec.schedule; false when nothing was scheduled. Only for the model''s owner.';
COMMENT ON FUNCTION rec._reschedule IS 'Internal: enters the jobs of a renamed model again';
COMMENT ON FUNCTION rec._retrain_due IS 'Internal: whether a condition calls for a retraining, and why';
COMMENT ON FUNCTION rec._shadow IS 'Internal: quality of the active version and of the new settings on the newest events';
COMMENT ON FUNCTION rec._gate IS 'Internal: whether a new version may take the place of the active one, and why';
COMMENT ON FUNCTION rec._pause IS 'Internal: sleeps up to a second, and says whether more is to come';
COMMENT ON FUNCTION rec._run_check IS 'Internal: checks drift and sums up the verdicts';
COMMENT ON PROCEDURE rec.run_job IS 'What a scheduler calls: runs a job (check or retrain) of a model as rec.schedule says, and notes it in rec.job_run. Commits after each step. Skipped when another job of the model is under way. A failed step is tried again with growing pauses; the last failure is raised. due_only: only when the job''s time has come since its last run. force: retrain whether or not only_if calls for it. A new version is activated only if it passes the comparison with the active one, otherwise kept. The end is announced by NOTIFY pg_recommend with a JSON object (model, job, status, version, message). Only for the model''s owner; the work runs as the owner.';
COMMENT ON PROCEDURE rec.run_now IS 'Runs a job of a model now: check, or retrain, whatever only_if says. Otherwise as rec.run_job.';
