-- Making monitors: what their options mean, and rec.create_monitor itself.

CREATE FUNCTION rec._thresholds(thresholds jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '{"p": 0.05, "psi_watch": 0.1, "psi_drifted": 0.25, "share_watch": 0.1, "share_drifted": 0.25}'::pg_catalog.jsonb OPERATOR(pg_catalog.||) thresholds;
COMMENT ON FUNCTION rec._thresholds IS 'Internal: thresholds of a monitor with the defaults';

-- Text of an interval that a reference is; null when it is none.
CREATE FUNCTION rec._as_interval(value text) RETURNS interval
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN value::interval;
EXCEPTION WHEN data_exception THEN
	RETURN NULL;
END $$;
COMMENT ON FUNCTION rec._as_interval IS 'Internal: an interval from text, null when it is none';

-- Seconds of an interval; null when it has months, whose length differs.
CREATE FUNCTION rec._seconds(i interval) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN pg_catalog.date_part('month', i) = 0 AND pg_catalog.date_part('year', i) = 0 THEN pg_catalog.date_part('epoch', i) END;
COMMENT ON FUNCTION rec._seconds IS 'Internal: seconds of an interval, null when it has months';

CREATE FUNCTION rec._check_monitor_options(reference text, current interval, thresholds jsonb, schedule text, of_model boolean) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	known text[] := ARRAY(SELECT jsonb_object_keys(rec._thresholds('{}')));
	length float8 := rec._seconds(current);
	span float8 := rec._seconds(rec._as_interval(reference));
	name text;
	value jsonb;
BEGIN
	IF length IS NULL OR length < 60 THEN
		RAISE EXCEPTION 'current must be at least 1 minute, and without months' USING ERRCODE = 'invalid_parameter_value',
			DETAIL = format('It is %s.', coalesce(current::text, 'null')), HINT = 'Write for example ''1 day'', ''7 days'' or ''6 hours''.';
	END IF;
	IF reference = 'training' THEN
		IF NOT of_model THEN
			RAISE EXCEPTION 'reference "training" needs a model' USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Of another relation the reference is an interval before the period, such as ''28 days''.';
		END IF;
	ELSIF span IS NULL OR span < length THEN
		RAISE EXCEPTION 'invalid reference "%"', reference USING ERRCODE = 'invalid_parameter_value',
			DETAIL = 'It is "training", or an interval without months that is not shorter than current.', HINT = 'Write for example ''28 days''.';
	END IF;
	IF jsonb_typeof(thresholds) <> 'object' THEN
		RAISE EXCEPTION 'thresholds must be a JSON object' USING ERRCODE = 'invalid_parameter_value', HINT = format('Its keys are %s.', array_to_string(known, ', '));
	END IF;
	FOR name, value IN SELECT * FROM jsonb_each(thresholds) LOOP
		IF name <> ALL (known) THEN
			RAISE EXCEPTION 'unknown threshold "%"', name USING ERRCODE = 'invalid_parameter_value', HINT = format('Thresholds are %s.', array_to_string(known, ', '));
		END IF;
		IF jsonb_typeof(value) <> 'number' OR NOT (value::numeric > 0 AND value::numeric <= CASE WHEN name LIKE 'psi%' THEN 100 ELSE 1 END) THEN
			RAISE EXCEPTION 'threshold "%" must be a number above 0 and at most %', name, CASE WHEN name LIKE 'psi%' THEN 100 ELSE 1 END USING ERRCODE = 'invalid_parameter_value';
		END IF;
	END LOOP;
	IF schedule IS NOT NULL THEN
		PERFORM rec._cron_parse(schedule);
	END IF;
END $$;
COMMENT ON FUNCTION rec._check_monitor_options IS 'Internal: an error when options of a monitor make no sense';

CREATE FUNCTION rec.create_monitor(target text, columns text[] DEFAULT NULL, reference text DEFAULT NULL, current interval DEFAULT '1 day',
	segments text[] DEFAULT NULL, thresholds jsonb DEFAULT NULL, schedule text DEFAULT NULL, time_column text DEFAULT NULL,
	name text DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME', 'rec_create_monitor' LANGUAGE C VOLATILE PARALLEL UNSAFE;
CREATE FUNCTION rec.create_monitor(target text, columns text[], reference interval, current interval DEFAULT '1 day',
	segments text[] DEFAULT NULL, thresholds jsonb DEFAULT NULL, schedule text DEFAULT NULL, time_column text DEFAULT NULL,
	name text DEFAULT NULL) RETURNS text
LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT rec.create_monitor(target, columns, reference::pg_catalog.text, current, segments, thresholds, schedule, time_column, name);
END;
CREATE FUNCTION rec.drop_monitor(name text) RETURNS void
	AS 'MODULE_PATHNAME', 'rec_drop_monitor' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION rec.create_monitor(text, text[], text, interval, text[], jsonb, text, text, text) IS 'Watches a model''s events or another relation for drift; returns the monitor''s name. target: a model, else a table or view. columns: null takes all with numbers, texts, enums, uuids or booleans but keys and unique columns; times are watched when they are named. reference: training (the default for a model) or an interval before each period (28 days for other relations). current: length of a period, without months. segments: columns whose values are watched each for themselves. thresholds: p, psi_watch, psi_drifted, share_watch, share_drifted. schedule: a cron expression for rec.schedule(model, "check" => ...). time_column: when a row happened, needed for a relation. name: null is the target. Owner of the model, or SELECT on the relation, needed. Replaces an automatic monitor of the name. Errors: no such relation or column (42P01, 42703), no privilege (42501), the name is taken (42710), an option that makes no sense (22023).';
COMMENT ON FUNCTION rec.create_monitor(text, text[], interval, interval, text[], jsonb, text, text, text) IS 'As rec.create_monitor with reference as text, which is an interval here';
COMMENT ON FUNCTION rec.drop_monitor IS 'Drops a monitor with all that it found. Errors: no such monitor (42704), not its owner (42501).';
