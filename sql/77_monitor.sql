-- Monitors: what is watched for drift, the profiles that are kept, and what was found.
--
-- A check reads the rows of the periods that are new, once, and keeps a profile of each column, segment and period. All
-- statistics are between stored profiles. Events are read as the owner of the model (of a monitor of another relation: as who
-- created it); profiles and verdicts are written by the catalog's owner, who reads nothing but profiles: src/model/monitor.c.

CREATE TABLE rec.monitor (
	monitor          text PRIMARY KEY,
	model            text,
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
	owner_id         oid GENERATED ALWAYS AS (rec._role_id(owner)) STORED,
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
COMMENT ON COLUMN rec.monitor.owner IS 'Role as which the relation is read, by its name when the monitor was created; the events of a model are read as the model''s owner';
COMMENT ON COLUMN rec.monitor.automatic IS 'Whether a training or a check has made it; rec.create_monitor replaces such a one';
COMMENT ON COLUMN rec.monitor.created_at IS 'When it was created';
COMMENT ON COLUMN rec.monitor.checked_to IS 'End of the last period that was judged; null: none yet';
COMMENT ON COLUMN rec.monitor.owner_id IS 'The owner''s oid, which counts: another role that takes the name of one that was dropped or renamed is not the owner';

CREATE TABLE rec.drift_baseline (
	monitor          text NOT NULL,
	version          int NOT NULL,
	column_name      text NOT NULL,
	segment          text NOT NULL,
	profile          rec.column_profile NOT NULL,
	taken_from       text NOT NULL DEFAULT 'events',
	user_share       float8 NOT NULL DEFAULT 1,
	taken_at         timestamptz NOT NULL DEFAULT pg_catalog.now(),
	PRIMARY KEY (monitor, version, column_name, segment)
);

COMMENT ON TABLE rec.drift_baseline IS 'What the events of a training were like: the reference of monitors with reference training. The newest 10 versions are kept.';
COMMENT ON COLUMN rec.drift_baseline.monitor IS 'Name of the monitor';
COMMENT ON COLUMN rec.drift_baseline.version IS 'Version of the model';
COMMENT ON COLUMN rec.drift_baseline.column_name IS 'Column, or a measure of the whole, see rec.drift_result';
COMMENT ON COLUMN rec.drift_baseline.segment IS 'column=value; empty: all rows';
COMMENT ON COLUMN rec.drift_baseline.profile IS 'Profile over the last 28 periods before the newest event of the training, or over the last 7 and a sample of the users where the 28 have too many events';
COMMENT ON COLUMN rec.drift_baseline.taken_from IS 'events; of what is shown: recommendations (what recommend() answered 200 users at the training) or impressions (the first period in which they were logged)';
COMMENT ON COLUMN rec.drift_baseline.user_share IS 'Share of the users whose events were profiled, 1: all. n of the profile is what was read, so p-values count the sample''s error';
COMMENT ON COLUMN rec.drift_baseline.taken_at IS 'When the profile was taken';

CREATE TABLE rec.drift_period (
	monitor          text NOT NULL,
	period_start     timestamptz NOT NULL,
	column_name      text NOT NULL,
	segment          text NOT NULL,
	profile          rec.column_profile NOT NULL,
	taken_from       text NOT NULL DEFAULT 'events',
	PRIMARY KEY (monitor, period_start, column_name, segment)
);

COMMENT ON TABLE rec.drift_period IS 'What the rows of each period were like. Kept as long as they may be part of a reference, and for 28 periods at least.';
COMMENT ON COLUMN rec.drift_period.monitor IS 'Name of the monitor';
COMMENT ON COLUMN rec.drift_period.period_start IS 'Start of the period';
COMMENT ON COLUMN rec.drift_period.column_name IS 'Column, or a measure of the whole, see rec.drift_result';
COMMENT ON COLUMN rec.drift_period.segment IS 'column=value; empty: all rows';
COMMENT ON COLUMN rec.drift_period.profile IS 'Profile of the period''s rows';
COMMENT ON COLUMN rec.drift_period.taken_from IS 'As of rec.drift_baseline';

CREATE TABLE rec.drift_result (
	monitor          text NOT NULL,
	model            text,
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
COMMENT ON COLUMN rec.drift_result.column_name IS 'Column, or of a model: user_activity (events of a user in a period), item_popularity (events with the item in the training), unknown_users and unknown_items (whether the version does not know them), recommendation_score (of the best item) and catalogue_coverage (items among the ten best), both of what was shown to 200 users (rec.impression), or, where nothing is logged, of what recommend() answers 200 active ones';
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
COMMENT ON COLUMN rec.drift_result.effect_size IS 'What is held against the thresholds: psi less its mean without drift, with a bin for nulls or among what is not null, whichever is greater; of a share, how far it has moved';
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

CREATE FUNCTION rec._sees_monitor(model text, relation_schema text, relation_name text, owner oid) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN model IS NOT NULL THEN pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace(pg_catalog.quote_ident(model))::pg_catalog.oid, 'USAGE')
		ELSE coalesce(pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace(pg_catalog.quote_ident(relation_schema))::pg_catalog.oid, 'USAGE')
			AND (SELECT pg_catalog.has_table_privilege(c.oid, 'SELECT') AND NOT pg_catalog.row_security_active(c.oid)
					AND (c.reloptions IS NULL OR c.reloptions::pg_catalog.text NOT LIKE '%security_invoker%')	-- row security may hide below it
				FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass(pg_catalog.format('%I.%I', relation_schema, relation_name))::pg_catalog.oid), false)
			OR EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = owner AND pg_catalog.pg_has_role(r.oid, 'USAGE')) END;
END;
COMMENT ON FUNCTION rec._sees_monitor IS 'Internal: whether the current role may see a monitor';

GRANT SELECT ON rec.monitor, rec.drift_baseline, rec.drift_period, rec.drift_result TO PUBLIC;
ALTER TABLE rec.monitor ENABLE ROW LEVEL SECURITY;
ALTER TABLE rec.drift_baseline ENABLE ROW LEVEL SECURITY;
ALTER TABLE rec.drift_period ENABLE ROW LEVEL SECURITY;
ALTER TABLE rec.drift_result ENABLE ROW LEVEL SECURITY;
CREATE POLICY usable ON rec.monitor FOR SELECT USING (rec._sees_monitor(model, relation_schema, relation_name, owner_id));

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
-- Each column is judged in each period, so the latest period has them all; what is not watched any more is history.
CREATE VIEW rec.drift WITH (security_invoker = true) AS
	SELECT h.* FROM rec.monitor m
	CROSS JOIN LATERAL (SELECT r.period_start FROM rec.drift_result r WHERE r.monitor = m.monitor ORDER BY r.period_start DESC LIMIT 1) l
	JOIN rec.drift_history h ON h.monitor = m.monitor AND h.period_start = l.period_start;
COMMENT ON VIEW rec.drift_history IS 'Drift as a time series: all rows of rec.drift_result, whose comments say what the columns are';
COMMENT ON VIEW rec.drift IS 'The latest period of each monitor: a row per column and segment; columns as rec.drift_history';
GRANT SELECT ON rec.drift, rec.drift_history TO PUBLIC;
