-- Monitors: what is watched for drift, the profiles that are kept, and what was found.
--
-- A check reads the rows of the periods that are new, once, and keeps a profile of each column, segment and period. All
-- statistics are between stored profiles. Events are read as the owner of the model (of a monitor of another relation: as who
-- created it); profiles and verdicts are written by the catalog's owner, who reads nothing but profiles: src/model/monitor.c.

CREATE TABLE rec.monitor (
	monitor          text PRIMARY KEY,
	model            text REFERENCES rec.model ON UPDATE CASCADE ON DELETE CASCADE,
	relation_schema  text,
	relation_name    text,
	time_column      text,
	columns          text[],
	segments         text[] NOT NULL,
	reference        text NOT NULL,
	current          interval NOT NULL,
	thresholds       jsonb NOT NULL,
	schedule         text,
	owner            text NOT NULL,
	automatic        boolean NOT NULL,
	created_at       timestamptz NOT NULL DEFAULT pg_catalog.now(),
	checked_to       timestamptz,
	CHECK (model IS NOT NULL OR (relation_schema IS NOT NULL AND relation_name IS NOT NULL AND time_column IS NOT NULL))
);

COMMENT ON TABLE rec.monitor IS 'What is watched for drift. Written by rec.create_monitor, rec.drop_monitor, rec.check_drift and rec.train. Shows the monitors of models whose schema the current role may use, and of relations that it may read.';
COMMENT ON COLUMN rec.monitor.monitor IS 'Name of the monitor';
COMMENT ON COLUMN rec.monitor.model IS 'The model whose events are watched; null: another relation';
COMMENT ON COLUMN rec.monitor.relation_schema IS 'Schema of the relation that is watched; null: the events of the model';
COMMENT ON COLUMN rec.monitor.relation_name IS 'The relation that is watched; found by name at every check';
COMMENT ON COLUMN rec.monitor.time_column IS 'When a row happened: date, timestamp (in UTC), timestamptz or integer seconds since 1970; null: that of the model';
COMMENT ON COLUMN rec.monitor.columns IS 'Columns that are watched; null: all with numbers, texts, enums, uuids or booleans, except keys';
COMMENT ON COLUMN rec.monitor.segments IS 'Columns whose values divide the rows; each value is also watched for itself';
COMMENT ON COLUMN rec.monitor.reference IS 'training (the events that the active version was trained on), or an interval: so much time before the period';
COMMENT ON COLUMN rec.monitor.current IS 'Length of a period; periods are counted from 2000-01-01 00:00 UTC';
COMMENT ON COLUMN rec.monitor.thresholds IS 'What differs from the defaults {"p": 0.05, "psi_watch": 0.1, "psi_drifted": 0.25, "share_watch": 0.1, "share_drifted": 0.25}';
COMMENT ON COLUMN rec.monitor.schedule IS 'When it is checked, as a cron expression; null: not by itself';
COMMENT ON COLUMN rec.monitor.owner IS 'Role as which the relation is read; the events of a model are read as the model''s owner';
COMMENT ON COLUMN rec.monitor.automatic IS 'Whether a training or a check has made it; rec.create_monitor replaces such a one';
COMMENT ON COLUMN rec.monitor.created_at IS 'When it was created';
COMMENT ON COLUMN rec.monitor.checked_to IS 'End of the last period that was judged; null: none yet';

CREATE TABLE rec.drift_baseline (
	monitor          text NOT NULL REFERENCES rec.monitor ON UPDATE CASCADE ON DELETE CASCADE,
	version          int NOT NULL,
	column_name      text NOT NULL,
	segment          text NOT NULL,
	profile          rec.column_profile NOT NULL,
	taken_at         timestamptz NOT NULL DEFAULT pg_catalog.now(),
	PRIMARY KEY (monitor, version, column_name, segment)
);

COMMENT ON TABLE rec.drift_baseline IS 'What the events of a training were like: the reference of monitors with reference training. The newest 10 versions are kept.';
COMMENT ON COLUMN rec.drift_baseline.monitor IS 'Name of the monitor';
COMMENT ON COLUMN rec.drift_baseline.version IS 'Version of the model';
COMMENT ON COLUMN rec.drift_baseline.column_name IS 'Column, or a measure of the whole, see rec.drift_result';
COMMENT ON COLUMN rec.drift_baseline.segment IS 'column=value; empty: all rows';
COMMENT ON COLUMN rec.drift_baseline.profile IS 'Profile over the last 28 periods before the newest event of the training; of a training on more than 300,000 events, over the last 7 and a sample of its users';
COMMENT ON COLUMN rec.drift_baseline.taken_at IS 'When the profile was taken';

CREATE TABLE rec.drift_period (
	monitor          text NOT NULL REFERENCES rec.monitor ON UPDATE CASCADE ON DELETE CASCADE,
	period_start     timestamptz NOT NULL,
	column_name      text NOT NULL,
	segment          text NOT NULL,
	profile          rec.column_profile NOT NULL,
	PRIMARY KEY (monitor, period_start, column_name, segment)
);

COMMENT ON TABLE rec.drift_period IS 'What the rows of each period were like. Kept as long as they may be part of a reference, and for 28 periods at least.';
COMMENT ON COLUMN rec.drift_period.monitor IS 'Name of the monitor';
COMMENT ON COLUMN rec.drift_period.period_start IS 'Start of the period';
COMMENT ON COLUMN rec.drift_period.column_name IS 'Column, or a measure of the whole, see rec.drift_result';
COMMENT ON COLUMN rec.drift_period.segment IS 'column=value; empty: all rows';
COMMENT ON COLUMN rec.drift_period.profile IS 'Profile of the period''s rows';

CREATE TABLE rec.drift_result (
	monitor          text NOT NULL REFERENCES rec.monitor ON UPDATE CASCADE ON DELETE CASCADE,
	model            text REFERENCES rec.model ON UPDATE CASCADE ON DELETE CASCADE,
	version          int,
	column_name      text NOT NULL,
	segment          text NOT NULL,
	period_start     timestamptz NOT NULL,
	period_end       timestamptz NOT NULL,
	measure          text NOT NULL CHECK (measure IN ('ks', 'chi2', 'share', 'none')),
	n_reference      bigint,
	n_current        bigint,
	statistic        float8,
	p_value          float8,
	p_adjusted       float8,
	psi              float8,
	psi_threshold95  float8,
	effect_size      float8,
	error            float8,
	mean_reference   float8,
	mean_current     float8,
	null_share_reference float8,
	null_share_current float8,
	new_category_share float8,
	verdict          text NOT NULL CHECK (verdict IN ('ok', 'watch', 'drifted')),
	reason           text NOT NULL,
	labels           text[],
	reference_share  float8[],
	current_share    float8[],
	checked_at       timestamptz NOT NULL DEFAULT pg_catalog.now(),
	PRIMARY KEY (monitor, period_start, column_name, segment)
);

COMMENT ON TABLE rec.drift_result IS 'One row per monitor, column, segment and period: how far the period is from the reference, and a verdict. Written by rec.check_drift. Shows what belongs to models whose schema the current role may use, and to relations that it may read.';
COMMENT ON COLUMN rec.drift_result.monitor IS 'Name of the monitor';
COMMENT ON COLUMN rec.drift_result.model IS 'Name of the model; null: another relation is watched';
COMMENT ON COLUMN rec.drift_result.version IS 'Version that was active; null: another relation is watched';
COMMENT ON COLUMN rec.drift_result.column_name IS 'Column, or of a model: user_activity (events of a user in a period), item_popularity (events with the item in the training), unknown_users and unknown_items (whether the version does not know them), recommendation_score (of the best item) and catalogue_coverage (items among the ten best), both for 200 active users';
COMMENT ON COLUMN rec.drift_result.segment IS 'column=value; empty: all rows';
COMMENT ON COLUMN rec.drift_result.period_start IS 'Start of the period';
COMMENT ON COLUMN rec.drift_result.period_end IS 'End of the period, which is not part of it';
COMMENT ON COLUMN rec.drift_result.measure IS 'ks (Kolmogorov-Smirnov, numbers with 50 or more distinct values), chi2 (chi-square, categories and other numbers), share (a share of rows), none (nothing could be compared, reason says why)';
COMMENT ON COLUMN rec.drift_result.n_reference IS 'Rows of the reference';
COMMENT ON COLUMN rec.drift_result.n_current IS 'Rows of the period';
COMMENT ON COLUMN rec.drift_result.statistic IS 'D of ks, chi-square of chi2 and share';
COMMENT ON COLUMN rec.drift_result.p_value IS 'p-value: of ks the greatest that the error allows; together with a test of the share of nulls where there are any';
COMMENT ON COLUMN rec.drift_result.p_adjusted IS 'p-value after Holm over all columns and segments of the period';
COMMENT ON COLUMN rec.drift_result.psi IS 'Population stability index; categories that are rare in the reference are one';
COMMENT ON COLUMN rec.drift_result.psi_threshold95 IS '95 % point of psi without drift';
COMMENT ON COLUMN rec.drift_result.effect_size IS 'What is held against the thresholds: psi less its mean without drift; of a share, how far it has moved';
COMMENT ON COLUMN rec.drift_result.error IS 'Of ks: D is at most so far from that of all numbers, because profiles keep quantiles';
COMMENT ON COLUMN rec.drift_result.mean_reference IS 'Mean of the reference; null: categories';
COMMENT ON COLUMN rec.drift_result.mean_current IS 'Mean of the period';
COMMENT ON COLUMN rec.drift_result.null_share_reference IS 'Share of nulls in the reference, 0 to 1';
COMMENT ON COLUMN rec.drift_result.null_share_current IS 'Share of nulls in the period';
COMMENT ON COLUMN rec.drift_result.new_category_share IS 'Share of rows whose category the reference does not have; null: numbers with many values';
COMMENT ON COLUMN rec.drift_result.verdict IS 'drifted or watch when p_adjusted is below the threshold and the effect size reaches that of the verdict, or watch when there was nothing to compare; else ok';
COMMENT ON COLUMN rec.drift_result.reason IS 'A sentence that says why';
COMMENT ON COLUMN rec.drift_result.labels IS 'Bins or categories to draw, see rec.profile_shares';
COMMENT ON COLUMN rec.drift_result.reference_share IS 'Share of the reference in each';
COMMENT ON COLUMN rec.drift_result.current_share IS 'Share of the period in each';
COMMENT ON COLUMN rec.drift_result.checked_at IS 'When it was checked';

-- Who sees what: of a model, who may use it; of a relation, who may read it, and its monitor's owner.

CREATE FUNCTION rec._sees_monitor(model text, relation_schema text, relation_name text, owner text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN model IS NOT NULL THEN pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace(pg_catalog.quote_ident(model))::pg_catalog.oid, 'USAGE')
		ELSE coalesce(pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace(pg_catalog.quote_ident(relation_schema))::pg_catalog.oid, 'USAGE')
			AND (SELECT pg_catalog.has_table_privilege(c.oid, 'SELECT') AND NOT pg_catalog.row_security_active(c.oid)
					AND (c.reloptions IS NULL OR c.reloptions::pg_catalog.text NOT LIKE '%security_invoker%')	-- row security may hide below it
				FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass(pg_catalog.format('%I.%I', relation_schema, relation_name))::pg_catalog.oid), false)
			OR EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = owner AND pg_catalog.pg_has_role(r.oid, 'USAGE')) END;
END;
COMMENT ON FUNCTION rec._sees_monitor IS 'Internal: whether the current role may see a monitor';

GRANT SELECT ON rec.monitor, rec.drift_baseline, rec.drift_period, rec.drift_result TO PUBLIC;
ALTER TABLE rec.monitor ENABLE ROW LEVEL SECURITY;
ALTER TABLE rec.drift_baseline ENABLE ROW LEVEL SECURITY;
ALTER TABLE rec.drift_period ENABLE ROW LEVEL SECURITY;
ALTER TABLE rec.drift_result ENABLE ROW LEVEL SECURITY;
CREATE POLICY usable ON rec.monitor FOR SELECT USING (rec._sees_monitor(model, relation_schema, relation_name, owner));

-- Profiles hold values. USAGE on a model shares what its training reads; a column that it does not read is for those who may read it.
CREATE FUNCTION rec._sees_column(monitor text, column_name text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT m.model IS NULL
		OR column_name IN ('user_activity', 'item_popularity', 'unknown_users', 'unknown_items', 'recommendation_score', 'catalogue_coverage')
		OR column_name = ANY (ARRAY[d.value_column, d.event_column] || d.context_columns)
		OR EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname = m.model AND pg_catalog.pg_has_role(n.nspowner, 'USAGE'))
		OR EXISTS (SELECT FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname = d.events_schema::pg_catalog.name AND c.relname = d.events_relation::pg_catalog.name
				AND a.attname = column_name::pg_catalog.name AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
				AND pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT')
				AND NOT pg_catalog.row_security_active(a.attrelid))
	FROM rec.monitor m LEFT JOIN rec.model d ON d.model = m.model WHERE m.monitor = $1;
END;
COMMENT ON FUNCTION rec._sees_column IS 'Internal: whether the current role may see the profile of a column';

CREATE POLICY usable ON rec.drift_baseline FOR SELECT USING (rec._sees_column(monitor, column_name)
	AND (segment = '' OR rec._sees_column(monitor, pg_catalog.split_part(segment, '=', 1))));
CREATE POLICY usable ON rec.drift_period FOR SELECT USING (rec._sees_column(monitor, column_name)
	AND (segment = '' OR rec._sees_column(monitor, pg_catalog.split_part(segment, '=', 1))));
CREATE POLICY usable ON rec.drift_result FOR SELECT USING (rec._sees_column(monitor, column_name)
	AND (segment = '' OR rec._sees_column(monitor, pg_catalog.split_part(segment, '=', 1))));
COMMENT ON POLICY usable ON rec.monitor IS 'A role sees the monitors of models whose schema it may use, and of relations that it may read';
COMMENT ON POLICY usable ON rec.drift_baseline IS 'As of rec.monitor, and of a model only columns that its training reads, or that the role may read itself';
COMMENT ON POLICY usable ON rec.drift_period IS 'As of rec.drift_baseline';
COMMENT ON POLICY usable ON rec.drift_result IS 'As of rec.drift_baseline';

SELECT pg_catalog.pg_extension_config_dump('rec.monitor', '');
SELECT pg_catalog.pg_extension_config_dump('rec.drift_baseline', '');
SELECT pg_catalog.pg_extension_config_dump('rec.drift_period', '');
SELECT pg_catalog.pg_extension_config_dump('rec.drift_result', '');

-- What people look at.

CREATE VIEW rec.drift_history WITH (security_invoker = true) AS
	SELECT r.monitor, r.model, r.version, r.column_name, r.segment, r.period_start, r.period_end, r.verdict, r.reason, r.measure,
		r.effect_size, r.p_value, r.p_adjusted, r.statistic, r.psi, r.psi_threshold95, r.error, r.n_reference, r.n_current,
		r.mean_reference, r.mean_current, r.null_share_reference, r.null_share_current, r.new_category_share,
		r.labels, r.reference_share, r.current_share, r.checked_at
	FROM rec.drift_result r;
CREATE VIEW rec.drift WITH (security_invoker = true) AS
	SELECT DISTINCT ON (h.monitor, h.column_name, h.segment) h.*
	FROM rec.drift_history h ORDER BY h.monitor, h.column_name, h.segment, h.period_start DESC;
COMMENT ON VIEW rec.drift_history IS 'Drift as a time series: all rows of rec.drift_result, whose comments say what the columns are';
COMMENT ON VIEW rec.drift IS 'The latest row of each monitor, column and segment; columns as rec.drift_history';
GRANT SELECT ON rec.drift, rec.drift_history TO PUBLIC;

-- Creating

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

-- The relation of a monitor and what is to be known of it.
CREATE FUNCTION rec._monitor_source(monitor text, OUT relation regclass, OUT time_column text, OUT time_type regtype, OUT user_column text,
	OUT item_column text, OUT model text)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT r.relation, t.time_column, a.atttypid::pg_catalog.regtype, d.user_column, d.item_column, m.model
	FROM rec.monitor m LEFT JOIN rec.model d ON d.model = m.model
	CROSS JOIN LATERAL (SELECT coalesce(m.time_column, d.time_column) AS time_column) t
	CROSS JOIN LATERAL (SELECT pg_catalog.to_regclass(pg_catalog.format('%I.%I', coalesce(m.relation_schema, d.events_schema), coalesce(m.relation_name, d.events_relation))) AS relation) r
	LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = r.relation AND a.attname = t.time_column::pg_catalog.name AND a.attnum > 0 AND NOT a.attisdropped
	WHERE m.monitor = _monitor_source.monitor;
END;
COMMENT ON FUNCTION rec._monitor_source IS 'Internal: what a monitor watches';

-- The columns to watch and an expression that rec.profile takes. Without a list: not the keys, not the time, and not what is unique.
CREATE FUNCTION rec._monitor_columns(monitor text) RETURNS TABLE (column_name text, expression text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10
BEGIN ATOMIC
	SELECT a.attname::pg_catalog.text, pg_catalog.format(CASE k.kind WHEN 'number' THEN 'r.%I::pg_catalog.float8' WHEN 'time' THEN 'r.%I::pg_catalog.timestamp'
			WHEN 'timetz' THEN 'r.%I' WHEN 'category' THEN 'r.%I' ELSE 'r.%I::pg_catalog.text' END, a.attname)
	FROM rec.monitor m, rec._monitor_source(m.monitor) s
	JOIN pg_catalog.pg_attribute a ON a.attrelid = s.relation AND a.attnum > 0 AND NOT a.attisdropped
	JOIN pg_catalog.pg_type b ON b.oid = a.atttypid LEFT JOIN pg_catalog.pg_type d ON d.oid = b.typbasetype
	CROSS JOIN LATERAL (SELECT coalesce(d.typname, b.typname) AS type, coalesce(d.typcategory, b.typcategory) AS category) t
	CROSS JOIN LATERAL (SELECT CASE WHEN t.type IN ('int2', 'int4', 'int8', 'float4', 'float8', 'numeric') THEN 'number'
		WHEN t.type = 'timestamptz' THEN 'timetz' WHEN t.type IN ('date', 'timestamp') THEN 'time'
		WHEN t.category IN ('B', 'S', 'E') OR t.type = 'uuid' THEN 'category' END AS kind) k
	WHERE m.monitor = _monitor_columns.monitor
		AND CASE WHEN m.columns IS NOT NULL THEN a.attname::pg_catalog.text = ANY (m.columns)
			ELSE k.kind IN ('number', 'category') AND (s.user_column IS NULL OR a.attname <> s.user_column::pg_catalog.name)
				AND (s.item_column IS NULL OR a.attname <> s.item_column::pg_catalog.name) AND a.attname <> s.time_column::pg_catalog.name
				AND NOT EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = s.relation AND i.indisunique AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum) END
	ORDER BY a.attnum;
END;
COMMENT ON FUNCTION rec._monitor_columns IS 'Internal: columns that a monitor watches, as they stand now';

-- A time as the type of the time column has it, and back: so that an index on the column serves.
CREATE FUNCTION rec._time_bound(type regtype, t timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE type::pg_catalog.text
	WHEN 'timestamp with time zone' THEN pg_catalog.format('%L::pg_catalog.timestamptz', t)
	WHEN 'timestamp without time zone' THEN pg_catalog.format('%L::pg_catalog.timestamp', t AT TIME ZONE 'UTC')
	WHEN 'date' THEN pg_catalog.format('%L::pg_catalog.date', (t AT TIME ZONE 'UTC')::pg_catalog.date)
	ELSE pg_catalog.format('%s', pg_catalog.ceil(pg_catalog.date_part('epoch', t))::pg_catalog.int8) END;
CREATE FUNCTION rec._time_value(type regtype, name text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN pg_catalog.format(CASE type::pg_catalog.text WHEN 'timestamp with time zone' THEN '%s'
	WHEN 'timestamp without time zone' THEN '(%s AT TIME ZONE ''UTC'')' WHEN 'date' THEN '(%s::pg_catalog.timestamp AT TIME ZONE ''UTC'')'
	ELSE 'pg_catalog.to_timestamp(%s::pg_catalog.float8)' END, name);
COMMENT ON FUNCTION rec._time_bound IS 'Internal: a time as a literal of a time column''s type';
COMMENT ON FUNCTION rec._time_value IS 'Internal: an expression for a time column as timestamptz';

-- The query for the newest row within a range.
CREATE FUNCTION rec._newest_query(monitor text, since timestamptz, until timestamptz) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	s record;
BEGIN
	SELECT * INTO s FROM rec._monitor_source(monitor);
	IF s.relation IS NULL THEN
		RAISE EXCEPTION 'the relation of monitor "%" does not exist', monitor USING ERRCODE = 'undefined_table',
			HINT = 'Create it again under its name, or drop the monitor with rec.drop_monitor.';
	END IF;
	IF s.time_column IS NULL THEN
		RAISE EXCEPTION 'model "%" has no time column', s.model USING ERRCODE = 'object_not_in_prerequisite_state',
			DETAIL = 'Drift is judged period by period.', HINT = 'Set one with rec.alter_model(model, time_column => ...).';
	END IF;
	IF s.time_type IS NULL THEN
		RAISE EXCEPTION 'column "%" of relation % does not exist', s.time_column, s.relation USING ERRCODE = 'undefined_column';
	END IF;
	RETURN format('SELECT max(%s) FROM %s r WHERE r.%I < %s AND r.%I %s %s', rec._time_value(s.time_type, format('r.%I', s.time_column)), s.relation,
		s.time_column, rec._time_bound(s.time_type, until), s.time_column, CASE WHEN since IS NULL THEN '>' ELSE '>=' END,
		CASE WHEN since IS NOT NULL THEN rec._time_bound(s.time_type, since)
			WHEN s.time_type IN ('int4'::regtype, 'int8'::regtype) THEN '0' ELSE format('''-infinity''::%s', s.time_type) END);
END $$;
COMMENT ON FUNCTION rec._newest_query IS 'Internal: query for the time of the newest row that a monitor is to look at';

-- The query that profiles the rows of a range. whole: all periods together, as a baseline is; share: of the users.
CREATE FUNCTION rec._profile_query(monitor text, version int, since timestamptz, until timestamptz, whole boolean, share float8) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	m rec.monitor;
	s record;
	users int := 200;		-- for whom recommendations are looked at
	columns text[];
	outputs text[];
	aggregates text[];
	segment text[] := '{}';
	segments text[] := '{}';
	sets text;
	i int := 0;
	name text;
	expression text;
	period text := CASE WHEN whole THEN 'NULL::pg_catalog.timestamptz' ELSE 'p' END;
	sql text;
BEGIN
	SELECT * INTO m FROM rec.monitor t WHERE t.monitor = _profile_query.monitor;
	SELECT * INTO s FROM rec._monitor_source(monitor);
	FOR name, expression IN SELECT * FROM rec._monitor_columns(monitor) LOOP
		i := i + 1;
		columns := columns || format('%s AS c%s', expression, i);
		aggregates := aggregates || format('rec.profile(e.c%s) AS c%s', i, i);
		outputs := outputs || format('(%L, g.c%s)', name, i);
	END LOOP;
	IF m.model IS NOT NULL THEN
		columns := columns || format('r.%I AS u', s.user_column) || format('r.%I AS i', s.item_column);
		aggregates := aggregates || 'rec.profile(f.n_events::pg_catalog.float8) AS popularity'::text || 'rec.profile(f.item_id IS NULL) AS no_item'::text || 'rec.profile(k.user_id IS NULL) AS no_user'::text;
		outputs := outputs || '(''item_popularity'', g.popularity)'::text || '(''unknown_items'', g.no_item)'::text || '(''unknown_users'', g.no_user)'::text;
	END IF;
	IF cardinality(columns) IS NULL THEN
		RAISE EXCEPTION 'monitor "%" has no column to watch', monitor USING ERRCODE = 'undefined_column',
			DETAIL = 'None of its columns exists any more, or none has a type that is watched without being named.';
	END IF;
	i := 0;
	FOR name IN SELECT a.attname FROM unnest(m.segments) WITH ORDINALITY g(name, no) JOIN pg_attribute a ON a.attrelid = s.relation AND a.attname = g.name::name
			AND a.attnum > 0 AND NOT a.attisdropped ORDER BY g.no LOOP
		i := i + 1;
		columns := columns || format('r.%I::pg_catalog.text AS s%s', name, i);
		segments := segments || format('s%s', i);
		segment := segment || format('WHEN GROUPING(e.s%s) = 0 THEN %L || coalesce(pg_catalog.left(e.s%s, 100), ''(null)'')', i, name || '=', i);
	END LOOP;
	sets := (SELECT string_agg(format('(%s)', concat_ws(', ', CASE WHEN NOT whole THEN 'e.p' END, 'e.' || g)), ', ') FROM unnest(segments || NULL::text) g);
	sql := format($q$WITH e AS (SELECT pg_catalog.date_bin(%L::pg_catalog.interval, %s, '2000-01-01 00:00+00'::pg_catalog.timestamptz) AS p, %s FROM %s r WHERE r.%I >= %s AND r.%I < %s%s)
SELECT v.column_name, g.segment, g.p, v.profile FROM (SELECT %s AS p, CASE %s ELSE '' END AS segment, %s FROM e%s GROUP BY GROUPING SETS (%s)) g CROSS JOIN LATERAL (VALUES %s) v(column_name, profile) WHERE v.profile IS DISTINCT FROM NULL$q$,
		m.current, rec._time_value(s.time_type, format('r.%I', s.time_column)), array_to_string(columns, ', '), s.relation,
		s.time_column, rec._time_bound(s.time_type, since), s.time_column, rec._time_bound(s.time_type, until),
		CASE WHEN share < 1 THEN format(' AND (pg_catalog.hashtextextended(r.%I::pg_catalog.text, 7) & 1048575) < %s', s.user_column, ceil(share * 1048576)) END,
		CASE WHEN whole THEN period ELSE 'e.p' END, CASE WHEN segment = '{}' THEN 'WHEN false THEN ''''' ELSE array_to_string(segment, ' ') END,
		array_to_string(aggregates, ', '), CASE WHEN m.model IS NOT NULL THEN format(' LEFT JOIN %1$I.item_factors f ON f.version = %2$s AND f.item_id = e.i LEFT JOIN %1$I.user_factors k ON k.version = %2$s AND k.user_id = e.u', m.model, version) END,
		sets, array_to_string(outputs, ', '));
	IF m.model IS NOT NULL THEN
		sql := sql || format($q$
UNION ALL SELECT 'user_activity', '', %1$s, rec.profile(n.n) FROM (SELECT e.p, e.u, pg_catalog.count(*)::pg_catalog.float8 AS n FROM e WHERE e.u IS NOT NULL GROUP BY e.p, e.u) n GROUP BY %2$s$q$,
			period, CASE WHEN whole THEN '()' ELSE 'p' END);
		-- a baseline's users are drawn as often as they are active, like those of a period
		sql := format($q$WITH q AS MATERIALIZED (%s), lists AS MATERIALIZED (SELECT d.p, d.u, r.item_id, r.score, r.rank FROM (SELECT o.p, o.u FROM (SELECT o.p, o.u, pg_catalog.row_number() OVER (PARTITION BY %s ORDER BY pg_catalog.hashtextextended(o.u::pg_catalog.text, pg_catalog.date_part('epoch', o.p)::pg_catalog.int8), o.p) AS n
	FROM (SELECT DISTINCT %s AS p, r.%I AS u FROM %s r WHERE r.%I >= %s AND r.%I < %s AND r.%I IS NOT NULL%s) o) o WHERE o.n <= %s) d CROSS JOIN LATERAL %I.recommend(d.u, 10, version => %s) r)
SELECT q.* FROM q UNION ALL SELECT 'recommendation_score', '', %s, rec.profile(l.score::pg_catalog.float8) FROM lists l WHERE l.rank = 1 GROUP BY %s
UNION ALL SELECT 'catalogue_coverage', '', c.p, rec.profile(x.item_id IS NOT NULL) FROM (SELECT %s AS p FROM (SELECT DISTINCT l.p, l.u FROM lists l) l GROUP BY %s HAVING pg_catalog.count(*) = %s) c
CROSS JOIN %I.item_factors f LEFT JOIN (SELECT DISTINCT %s AS p, l.item_id FROM lists l) x ON x.p IS NOT DISTINCT FROM c.p AND x.item_id = f.item_id WHERE f.version = %s GROUP BY c.p$q$,
			sql, CASE WHEN whole THEN '1' ELSE 'o.p' END,
			format('pg_catalog.date_bin(%L::pg_catalog.interval, %s, ''2000-01-01 00:00+00''::pg_catalog.timestamptz)', m.current, rec._time_value(s.time_type, format('r.%I', s.time_column))),
			s.user_column, s.relation, s.time_column, rec._time_bound(s.time_type, since), s.time_column, rec._time_bound(s.time_type, until), s.user_column,
			CASE WHEN share < 1 THEN format(' AND (pg_catalog.hashtextextended(r.%I::pg_catalog.text, 7) & 1048575) < %s', s.user_column, ceil(share * 1048576)) END,
			users, m.model, version, CASE WHEN whole THEN period ELSE 'l.p' END, CASE WHEN whole THEN '()' ELSE 'l.p' END,
			CASE WHEN whole THEN period ELSE 'l.p' END, CASE WHEN whole THEN '()' ELSE 'l.p' END, users, m.model, CASE WHEN whole THEN period ELSE 'l.p' END, version);
	END IF;
	RETURN sql;
END $$;
COMMENT ON FUNCTION rec._profile_query IS 'Internal: query that profiles columns, segments and periods of what a monitor watches';

-- Judging

CREATE FUNCTION rec._lump(profile rec.column_profile, least_rows float8) RETURNS rec.column_profile
	AS 'MODULE_PATHNAME', 'rec_profile_lump' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION rec._lump(rec.column_profile, float8) IS 'Internal: a profile of categories in which those with few rows are counted together, at most 50 named';

CREATE TYPE rec._shares AS (labels text[], reference float8[], current float8[]);
COMMENT ON TYPE rec._shares IS 'Internal: rows of rec.profile_shares as arrays';
COMMENT ON COLUMN rec._shares.labels IS 'Labels';
COMMENT ON COLUMN rec._shares.reference IS 'Shares of the reference';
COMMENT ON COLUMN rec._shares.current IS 'Shares of the period';

-- What changed most, in words.
CREATE FUNCTION rec._largest_change(labels text[], reference float8[], current float8[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.format('"%s" went from %s %% to %s %%', pg_catalog.left(labels[i], 60), pg_catalog.round((100 * reference[i])::pg_catalog.numeric, 1), pg_catalog.round((100 * current[i])::pg_catalog.numeric, 1))
	FROM pg_catalog.generate_subscripts(labels, 1) i WHERE reference[i] IS NOT NULL AND current[i] IS NOT NULL
	ORDER BY pg_catalog.abs(current[i] - reference[i]) DESC, i LIMIT 1;
END;
COMMENT ON FUNCTION rec._largest_change IS 'Internal: the category or bin whose share moved most, as words';

CREATE FUNCTION rec._number(x float8) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN x IS NULL THEN 'none' WHEN x = 0 THEN '0' WHEN x IN ('infinity', '-infinity') THEN x::pg_catalog.text
	WHEN pg_catalog.abs(x) < 1e-300 THEN 'below 1e-300'
	WHEN pg_catalog.abs(x) >= 1e-4 AND pg_catalog.abs(x) < 1e7
		THEN pg_catalog.trim_scale(pg_catalog.round(x::pg_catalog.numeric, 3 - pg_catalog.floor(pg_catalog.log(pg_catalog.abs(x)))::int))::pg_catalog.text
	ELSE pg_catalog.btrim(pg_catalog.to_char(x, '9.99EEEE')) END;
COMMENT ON FUNCTION rec._number IS 'Internal: a number with a few digits';

-- Compares the profiles of a period with their reference; one row per column and segment of either.
CREATE FUNCTION rec._judge(monitor text, version int, period timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	m rec.monitor;
	t jsonb;
	relation regclass;
BEGIN
	SELECT * INTO STRICT m FROM rec.monitor o WHERE o.monitor = _judge.monitor;
	t := rec._thresholds(m.thresholds);
	relation := (SELECT s.relation FROM rec._monitor_source(monitor) s);
	INSERT INTO rec.drift_result
	WITH reference AS (
		SELECT b.column_name, b.segment, b.profile FROM rec.drift_baseline b WHERE m.reference = 'training' AND b.monitor = m.monitor AND b.version = _judge.version
		UNION ALL
		SELECT p.column_name, p.segment, rec.merge_profiles(p.profile) FROM rec.drift_period p
		WHERE m.reference <> 'training' AND p.monitor = m.monitor AND p.period_start < period
			AND p.period_start >= period - CASE WHEN m.reference <> 'training' THEN rec._as_interval(m.reference) END
			-- a column that was retyped is compared with what it is now
			AND (p.profile).kind = coalesce((SELECT (c.profile).kind FROM rec.drift_period c WHERE c.monitor = m.monitor AND c.period_start = period
				AND c.column_name = p.column_name AND c.segment = p.segment), (p.profile).kind)
		GROUP BY p.column_name, p.segment, (p.profile).kind
	), pair AS (
		SELECT coalesce(r.column_name, c.column_name) AS column_name, coalesce(r.segment, c.segment) AS segment, r.profile AS r, c.profile AS c
		FROM reference r FULL JOIN (SELECT * FROM rec.drift_period p WHERE p.monitor = m.monitor AND p.period_start = period) c
			ON c.column_name = r.column_name AND c.segment = r.segment
	), named AS (
		SELECT p.*, coalesce((r).n, 0) AS n_r, coalesce((c).n, 0) AS n_c, split_part(segment, '=', 1) AS segment_column,
			m.model IS NOT NULL AND column_name IN ('unknown_items', 'unknown_users', 'catalogue_coverage') AS is_share,
			m.model IS NOT NULL AND column_name IN ('user_activity', 'item_popularity', 'unknown_items', 'unknown_users', 'recommendation_score', 'catalogue_coverage') AS is_measure
		FROM pair p
	), obstacle AS (
		SELECT n.*, CASE
			WHEN NOT is_measure AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = n.column_name::name AND a.attnum > 0 AND NOT a.attisdropped)
				THEN 'the column does not exist any more'
			WHEN n_r = 0 THEN CASE WHEN segment <> '' THEN 'the reference has no rows of this segment' WHEN (SELECT coalesce(max((p.r).n), 0) FROM pair p) = 0 THEN 'the reference has no rows' ELSE 'the reference does not have this column' END
			WHEN n_c = 0 AND column_name IN ('recommendation_score', 'catalogue_coverage') AND (SELECT coalesce(max((p.c).n), 0) FROM pair p) > 0 THEN 'too few users were active in this period to compare recommendations'
			WHEN n_c = 0 THEN CASE WHEN segment <> '' THEN 'no rows of this segment in this period' ELSE 'no rows in this period' END
			WHEN (r).kind <> (c).kind THEN format('the column''s type has changed: the reference is of kind %s, now it is %s', (r).kind, (c).kind)
			WHEN (r).kind = 'category' AND (r).n > 20 AND (r).n - (r).nulls > 0
				AND cardinality((r).categories) + (r).other > 0.5 * ((r).n - (r).nulls) AND (cardinality((r).categories) > 20 OR (r).other > 0.5 * (r).n) THEN 'nearly every value occurs once, as of a key, so the column is not judged'
			END AS obstacle
		FROM named n
	), lumped AS (
		SELECT o.*, CASE WHEN obstacle IS NULL AND (r).categories IS NOT NULL AND (r).kind = 'category' THEN rec._lump(r, 5 * n_r / n_c::float8) ELSE r END AS r2,
			CASE WHEN obstacle IS NOT NULL THEN 'none' WHEN is_share THEN 'share'
				WHEN (r).categories IS NOT NULL AND (c).categories IS NOT NULL THEN 'chi2' ELSE 'ks' END AS measure
		FROM obstacle o
	), tested AS (
		SELECT l.*, CASE WHEN measure IN ('chi2', 'share') THEN rec.chi2_test(r2, c) END AS chi2, CASE WHEN measure = 'ks' THEN rec.ks_test(r, c) END AS ks,
			CASE WHEN measure <> 'none' THEN rec.psi(r2, c) END AS psi, CASE WHEN measure <> 'none' THEN rec.null_share(r, c) END AS nulls,
			CASE WHEN measure IN ('chi2', 'share') THEN (rec.new_categories(r, c)).share END AS new_share,
			CASE WHEN measure = 'share' THEN coalesce((c).counts[array_position((c).categories, 'true')], 0) / ((c).n)::float8 END AS share_c,
			CASE WHEN measure = 'share' THEN coalesce((r).counts[array_position((r).categories, 'true')], 0) / ((r).n)::float8 END AS share_r,
			CASE WHEN measure <> 'none' THEN (SELECT ROW(array_agg(s.label), array_agg(s.reference_share), array_agg(s.current_share))::rec._shares FROM rec.profile_shares(r, c) s) END AS shares
		FROM lumped l
	), weighed AS (
		SELECT x.*, CASE WHEN measure = 'none' THEN NULL WHEN measure = 'share' THEN abs(share_c - share_r) ELSE greatest((psi).psi - (psi).expected, 0) END AS effect,
			CASE WHEN (nulls).reference + (nulls).current > 0 THEN least(1, 2 * least((nulls).p_value, coalesce((chi2).p_value, (ks).p_value_max)))
				ELSE coalesce((chi2).p_value, (ks).p_value_max) END AS p
		FROM tested x
	), adjusted AS (
		SELECT w.*, rec.adjust_p(p, 'holm') OVER () AS q, CASE WHEN measure = 'share' THEN (t ->> 'share_watch')::float8 ELSE (t ->> 'psi_watch')::float8 END AS limit_watch,
			CASE WHEN measure = 'share' THEN (t ->> 'share_drifted')::float8 ELSE (t ->> 'psi_drifted')::float8 END AS limit_drifted
		FROM weighed w
	), judged AS (
		SELECT a.*, CASE WHEN obstacle LIKE 'nearly every%' OR obstacle LIKE 'too few users%' THEN 'ok' WHEN obstacle IS NOT NULL THEN 'watch'
				WHEN q < (t ->> 'p')::float8 AND effect >= limit_drifted THEN 'drifted'
				WHEN q < (t ->> 'p')::float8 AND effect >= limit_watch THEN 'watch' ELSE 'ok' END AS verdict
		FROM adjusted a
	)
	SELECT m.monitor, m.model, CASE WHEN m.model IS NOT NULL THEN _judge.version END, column_name, segment, period, period + m.current, measure,
		n_r, n_c, coalesce((chi2).statistic, (ks).statistic), p, q, (psi).psi, (psi).threshold95, effect, (ks).error, (r).mean, (c).mean,
		(nulls).reference, (nulls).current, new_share, verdict,
		CASE WHEN obstacle IS NOT NULL THEN CASE WHEN verdict = 'ok' THEN '' ELSE 'nothing to compare: ' END || obstacle
			ELSE concat_ws('; ', CASE WHEN measure = 'share' THEN format('the share went from %s %% to %s %%', round((100 * share_r)::numeric, 1), round((100 * share_c)::numeric, 1))
				ELSE format('PSI %s%s', rec._number((psi).psi), CASE WHEN (psi).psi < (psi).threshold95 THEN ', which chance alone may give' END) END,
				CASE verdict WHEN 'drifted' THEN format('drifted from %s', rec._number(limit_drifted)) WHEN 'watch' THEN format('to be watched from %s, drifted from %s', rec._number(limit_watch), rec._number(limit_drifted))
					ELSE CASE WHEN effect >= limit_watch THEN 'too few rows to be sure' ELSE format('no drift below %s', rec._number(limit_watch)) END END,
				format('p %s after Holm over %s tests', rec._number(q), count(p) OVER ()),
				CASE WHEN verdict <> 'ok' AND (nulls).current - (nulls).reference > 0.05 THEN format('nulls went from %s %% to %s %%', round((100 * (nulls).reference)::numeric, 1), round((100 * (nulls).current)::numeric, 1)) END,
				CASE WHEN verdict <> 'ok' AND measure = 'ks' AND (r).kind = 'number' THEN format('the mean went from %s to %s', rec._number((r).mean), rec._number((c).mean)) END,
				CASE WHEN verdict <> 'ok' AND measure = 'chi2' THEN rec._largest_change((shares).labels, (shares).reference, (shares).current) END,
				CASE WHEN verdict <> 'ok' AND measure = 'chi2' AND new_share > 0.05 THEN format('%s %% of the rows are of new categories', round((100 * new_share)::numeric, 1)) END) END,
		(shares).labels, (shares).reference, (shares).current, now()
	FROM judged
	ON CONFLICT DO NOTHING;
END $$;
COMMENT ON FUNCTION rec._judge IS 'Internal: writes the rows of rec.drift_result for a period whose profiles are stored';

-- The periods that are new: those that are over, from the last one that was judged, or for the first time from where the reference
-- ends, to the newest row. read_from is earlier where an interval of reference has not been read yet.
CREATE FUNCTION rec._periods(monitor text, trained_to timestamptz, since timestamptz, until timestamptz, newest timestamptz,
	OUT read_from timestamptz, OUT first_period timestamptz, OUT end_of_periods timestamptz)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	m rec.monitor;
	origin timestamptz := '2000-01-01 00:00+00';
	last timestamptz;
BEGIN
	SELECT * INTO STRICT m FROM rec.monitor t WHERE t.monitor = _periods.monitor;
	last := date_bin(m.current, least(newest + m.current, until), origin);	-- the end of the last whole period
	IF m.reference = 'training' THEN
		-- the period in which the training's events end counts when more than half of it was still to come
		first_period := coalesce(m.checked_to, since, '-infinity');
		IF trained_to IS NOT NULL AND (m.checked_to IS NOT NULL OR since IS NULL) THEN
			first_period := greatest(first_period, date_bin(m.current, trained_to + m.current / 2 - interval '1 microsecond', origin)
				+ CASE WHEN date_bin(m.current, trained_to + m.current / 2 - interval '1 microsecond', origin) < trained_to - m.current / 2 THEN m.current ELSE interval '0' END);
		END IF;
	ELSE
		first_period := coalesce(m.checked_to, since, last - m.current);
	END IF;
	IF first_period IN ('-infinity', 'infinity') OR first_period IS NULL THEN
		first_period := last - m.current;
	END IF;
	first_period := CASE WHEN date_bin(m.current, first_period, origin) < first_period THEN date_bin(m.current, first_period, origin) + m.current ELSE date_bin(m.current, first_period, origin) END;
	end_of_periods := last;
	read_from := CASE WHEN m.reference = 'training' OR m.checked_to IS NOT NULL THEN first_period ELSE first_period - rec._as_interval(m.reference) END;
END $$;
COMMENT ON FUNCTION rec._periods IS 'Internal: the range of new periods of a monitor';

CREATE FUNCTION rec._prune_periods(monitor text) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	DELETE FROM rec.drift_period p USING rec.monitor m WHERE m.monitor = _prune_periods.monitor AND p.monitor = m.monitor
		AND p.period_start < m.checked_to - greatest(28 * m.current, CASE WHEN m.reference = 'training' THEN m.current ELSE rec._as_interval(m.reference) END + m.current);
	DELETE FROM rec.drift_baseline b WHERE b.monitor = _prune_periods.monitor
		AND b.version <= (SELECT pg_catalog.max(x.version) - 10 FROM rec.drift_baseline x WHERE x.monitor = _prune_periods.monitor);
END;
COMMENT ON FUNCTION rec._prune_periods IS 'Internal: removes profiles that no reference needs';

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
CREATE FUNCTION rec.check_drift(model text, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL) RETURNS SETOF rec.drift_result
	AS 'MODULE_PATHNAME', 'rec_check_drift' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 20;
COMMENT ON FUNCTION rec.create_monitor(text, text[], text, interval, text[], jsonb, text, text, text) IS 'Watches a model''s events or another relation for drift; returns the monitor''s name. target: a model, else a table or view. columns: null takes all with numbers, texts, enums, uuids or booleans but keys and unique columns; times are watched when they are named. reference: training (the default for a model) or an interval before each period (28 days for other relations). current: length of a period, without months. segments: columns whose values are watched each for themselves. thresholds: p, psi_watch, psi_drifted, share_watch, share_drifted. schedule: a cron expression for rec.schedule(model, "check" => ...). time_column: when a row happened, needed for a relation. name: null is the target. Owner of the model, or SELECT on the relation, needed. Replaces an automatic monitor of the name. Errors: no such relation or column (42P01, 42703), no privilege (42501), the name is taken (42710), an option that makes no sense (22023).';
COMMENT ON FUNCTION rec.create_monitor(text, text[], interval, interval, text[], jsonb, text, text, text) IS 'As rec.create_monitor with reference as text, which is an interval here';
COMMENT ON FUNCTION rec.drop_monitor IS 'Drops a monitor with all that it found. Errors: no such monitor (42704), not its owner (42501).';
COMMENT ON FUNCTION rec.check_drift IS 'Judges the periods that are over and new since the last check, and returns the rows that it wrote to rec.drift_result. model: a model, whose monitors are all checked (one is made when it has none), or the name of a monitor. since: where the first check begins, instead of where the training''s events end (reference training) or with the last period (an interval); later checks go on where the last one ended. until: periods that end later are not looked at, now when null. Only the new periods are read; an index on the time column serves. Runs as the model''s owner (of a relation: the monitor''s) under SECURITY_RESTRICTED_OPERATION; only for the owner, its members and superusers. Errors: no such model or monitor (42704), not its owner (42501), no time column or no trained version (55000).';
