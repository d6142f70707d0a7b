-- States of experiments: sufficient statistics per day that add up, what is kept of them, and the query for the rest.
--
-- A unit belongs to the day (UTC) of its first exposure. The state of a day, metric and variant is the sufficient statistics
-- over the units of that day; units of different days are different units, so states add up. rec.refresh_experiment, once a
-- day, moves a mark (rec.experiment_kept) to the beginning of yesterday, UTC, so that rows may come a day late, and keeps
-- - units whose first exposure is before the mark: only later exposures are read, and kept units looked up by their id;
-- - of a metric with a window: states of days whose window has passed for all units, which are final;
-- - of a metric without: each unit's sums of the rows before the mark. Only later rows are read, and the sums added up.

CREATE TABLE rec.experiment_day (
	experiment_id  int NOT NULL,
	metric         text,
	day            date NOT NULL,
	variant        text,
	units          bigint NOT NULL,
	state          rec.sample_state,
	sample         rec.value_sample,
	bad_values     bigint,
	negative       bigint,
	UNIQUE NULLS NOT DISTINCT (experiment_id, metric, day, variant)
);

COMMENT ON TABLE rec.experiment_day IS 'Kept states of experiments: one row per metric, day of the first exposure and variant, of days that are over. Shows the experiments that the current role may use. Written by rec.refresh_experiment.';
COMMENT ON COLUMN rec.experiment_day.experiment_id IS 'rec.experiment.id';
COMMENT ON COLUMN rec.experiment_day.metric IS 'Name of the metric; null: exposures';
COMMENT ON COLUMN rec.experiment_day.day IS 'Day (UTC) of the units'' first exposure';
COMMENT ON COLUMN rec.experiment_day.variant IS 'Variant; null, with metric null: units that met two variants, which count nowhere else';
COMMENT ON COLUMN rec.experiment_day.units IS 'Units first exposed on that day';
COMMENT ON COLUMN rec.experiment_day.state IS 'Sufficient statistics of these units'' values, as rec.sample(), rec.sample_ratio() or rec.sample_cuped() makes them; rec.merge() adds them up. Of a metric with a window final, else as of the refresh';
COMMENT ON COLUMN rec.experiment_day.sample IS 'The same of a metric of kind quantile, as rec.sample_quantile() makes it';
COMMENT ON COLUMN rec.experiment_day.bad_values IS 'Rows left out because their value was NaN or infinite';
COMMENT ON COLUMN rec.experiment_day.negative IS 'Units left out because their denominator is negative; of exposures: units exposed in the future';

GRANT SELECT ON rec.experiment_day TO PUBLIC;
ALTER TABLE rec.experiment_day ENABLE ROW LEVEL SECURITY;
-- a sample has the values of single units
CREATE POLICY usable ON rec.experiment_day FOR SELECT USING (experiment_id IN (SELECT e.id FROM rec.experiment e WHERE rec._member_of(e.owner_id))
	OR (sample IS NULL AND experiment_id IN (SELECT e.id FROM rec.experiment e)));
COMMENT ON POLICY usable ON rec.experiment_day IS 'A role sees the states of the experiments that it may use';
SELECT pg_catalog.pg_extension_config_dump('rec.experiment_day', '');

CREATE TABLE rec.experiment_kept (
	experiment_id  int NOT NULL,
	metric         text,
	until          timestamptz NOT NULL,
	UNIQUE NULLS NOT DISTINCT (experiment_id, metric)
);
COMMENT ON TABLE rec.experiment_kept IS 'How far units and their sums are kept. Shows the experiments that the current role may use. Written by rec.refresh_experiment.';
COMMENT ON COLUMN rec.experiment_kept.experiment_id IS 'rec.experiment.id';
COMMENT ON COLUMN rec.experiment_kept.metric IS 'A metric with a time column and without a window; null: exposures';
COMMENT ON COLUMN rec.experiment_kept.until IS 'Rows before this time are in rec.experiment_value (exposures: rec.experiment_unit) and are not read again';
GRANT SELECT ON rec.experiment_kept TO PUBLIC;
ALTER TABLE rec.experiment_kept ENABLE ROW LEVEL SECURITY;
CREATE POLICY usable ON rec.experiment_kept FOR SELECT USING (experiment_id IN (SELECT e.id FROM rec.experiment e));
COMMENT ON POLICY usable ON rec.experiment_kept IS 'A role sees the marks of the experiments that it may use';
SELECT pg_catalog.pg_extension_config_dump('rec.experiment_kept', '');

CREATE TABLE rec.experiment_unit (
	experiment_id  int NOT NULL,
	unit_id        text NOT NULL,
	variant        text NOT NULL,
	exposed_at     timestamptz NOT NULL,
	mixed          boolean NOT NULL,
	PRIMARY KEY (experiment_id, unit_id)
);
CREATE INDEX ON rec.experiment_unit (experiment_id, exposed_at);
COMMENT ON TABLE rec.experiment_unit IS 'Units of experiments by their first exposure, up to rec.experiment_kept.until. Shows the experiments that the current role owns. Written by rec.refresh_experiment.';
COMMENT ON COLUMN rec.experiment_unit.experiment_id IS 'rec.experiment.id';
COMMENT ON COLUMN rec.experiment_unit.unit_id IS 'Id of the unit as text';
COMMENT ON COLUMN rec.experiment_unit.variant IS 'Variant that it met; of two one of them';
COMMENT ON COLUMN rec.experiment_unit.exposed_at IS 'First exposure';
COMMENT ON COLUMN rec.experiment_unit.mixed IS 'Whether it met more than one variant: then it counts in none';

CREATE TABLE rec.experiment_value (
	experiment_id  int NOT NULL,
	metric         text NOT NULL,
	unit_id        text NOT NULL,
	variant        text NOT NULL,
	day            date NOT NULL,
	value          float8 NOT NULL,
	other          float8 NOT NULL,
	bad_values     bigint NOT NULL,
	PRIMARY KEY (experiment_id, metric, unit_id)
);
COMMENT ON TABLE rec.experiment_value IS 'Sums of units with rows, of metrics without a window, up to rec.experiment_kept.until. Shows the experiments that the current role owns. Written by rec.refresh_experiment.';
COMMENT ON COLUMN rec.experiment_value.experiment_id IS 'rec.experiment.id';
COMMENT ON COLUMN rec.experiment_value.metric IS 'Name of the metric';
COMMENT ON COLUMN rec.experiment_value.unit_id IS 'Id of the unit as text';
COMMENT ON COLUMN rec.experiment_value.variant IS 'Its variant';
COMMENT ON COLUMN rec.experiment_value.day IS 'Day (UTC) of its first exposure';
COMMENT ON COLUMN rec.experiment_value.value IS 'Sum of the rows'' values so far, before any cap; of a proportion: number of rows that are true or not 0';
COMMENT ON COLUMN rec.experiment_value.other IS 'Sum of the denominators, or the same as value of the rows before the exposure';
COMMENT ON COLUMN rec.experiment_value.bad_values IS 'Rows left out because their value was NaN or infinite';

GRANT SELECT ON rec.experiment_unit, rec.experiment_value TO PUBLIC;
ALTER TABLE rec.experiment_unit ENABLE ROW LEVEL SECURITY;
CREATE POLICY owned ON rec.experiment_unit FOR SELECT USING (experiment_id IN (SELECT e.id FROM rec.experiment e WHERE rec._member_of(e.owner_id)));
COMMENT ON POLICY owned ON rec.experiment_unit IS 'A role sees the units of its own experiments';
ALTER TABLE rec.experiment_value ENABLE ROW LEVEL SECURITY;
CREATE POLICY owned ON rec.experiment_value FOR SELECT USING (experiment_id IN (SELECT e.id FROM rec.experiment e WHERE rec._member_of(e.owner_id)));
COMMENT ON POLICY owned ON rec.experiment_value IS 'A role sees the sums of its own experiments';
SELECT pg_catalog.pg_extension_config_dump('rec.experiment_unit', '');
SELECT pg_catalog.pg_extension_config_dump('rec.experiment_value', '');

-- How a time column is read as timestamptz, and a timestamptz compared with it so that an index on it serves. Times
-- without a zone are UTC.
CREATE FUNCTION rec._time_sql(alias text, relation text, time_column text, OUT reading text, OUT bound text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	type oid := (SELECT CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
		WHERE a.attrelid = relation::regclass AND a.attname = time_column AND a.attnum > 0 AND NOT a.attisdropped);
	c text := alias || '.' || quote_ident(time_column);
BEGIN
	CASE type
		WHEN 'timestamptz'::regtype THEN reading := c; bound := '%s';
		WHEN 'timestamp'::regtype THEN reading := format('(%s AT TIME ZONE ''UTC'')', c); bound := '(%s AT TIME ZONE ''UTC'')';
		WHEN 'date'::regtype THEN reading := format('(%s::timestamp AT TIME ZONE ''UTC'')', c); bound := '((%s AT TIME ZONE ''UTC'')::date)';
		ELSE reading := format('to_timestamp(%s::float8)', c); bound := 'floor(extract(epoch FROM %s))::bigint';
	END CASE;
END $$;
COMMENT ON FUNCTION rec._time_sql(text, text, text) IS 'Internal: SQL that reads a time column as timestamptz, and a format for a bound of its own type';

-- An experiment of a superuser is computed with a superuser's rights: not from where an ordinary role's code would run.
CREATE FUNCTION rec._strange_code(relation regclass) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = current_user)
	AND EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_roles o ON o.oid = c.relowner WHERE c.oid = relation AND NOT o.rolsuper
		AND (c.relkind = 'v' OR EXISTS (SELECT FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_cast k ON k.castsource = a.atttypid AND k.castfunc <> 0
			JOIN pg_catalog.pg_proc p ON p.oid = k.castfunc JOIN pg_catalog.pg_roles f ON f.oid = p.proowner WHERE a.attrelid = c.oid AND NOT f.rolsuper)));
COMMENT ON FUNCTION rec._strange_code(regclass) IS 'Internal: whether the current role is a superuser and reading the relation would run code of a role that is none: a view''s, or a cast''s';

-- Why a metric cannot be computed by the current role now; null: it can.
CREATE FUNCTION rec._metric_problem(metric rec.metric) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	name text := format('%I.%I', metric.relation_schema, metric.relation_name);
BEGIN
	IF to_regclass(name) IS NULL THEN
		RETURN format('relation %s does not exist', name);
	END IF;
	IF rec._strange_code(name::regclass) THEN
		RETURN format('relation %s would run code of its owner as a superuser', name);
	END IF;
	-- what a user's expression names has been checked when the metric was created, but tables change
	BEGIN
		EXECUTE format('SELECT m.%I::text, %s, %s, %s FROM %s m LIMIT 0', metric.unit_column, metric.value_sql, coalesce(metric.denominator_sql, 'NULL'),
			coalesce('m.' || quote_ident(metric.time_column), 'NULL'), name);
	EXCEPTION WHEN insufficient_privilege OR syntax_error_or_access_rule_violation THEN
		RETURN SQLERRM;
	END;
	RETURN NULL;
END $$;
COMMENT ON FUNCTION rec._metric_problem(rec.metric) IS 'Internal: why the current role cannot compute a metric';

-- Metrics of an experiment: those it names, else all of its owner; only of owners that may act as its owner anyway, since
-- their expressions run with its rights.
CREATE FUNCTION rec._experiment_metrics(id int) RETURNS SETOF rec.metric
LANGUAGE sql STABLE ROWS 10
BEGIN ATOMIC
	SELECT m.* FROM rec.experiment e JOIN rec.metric m ON CASE WHEN e.metrics IS NULL THEN m.owner_id = e.owner_id ELSE m.metric = ANY (e.metrics) END
	WHERE e.id = $1 AND pg_catalog.pg_has_role(m.owner_id, e.owner_id, 'USAGE')
	ORDER BY m.guardrail, pg_catalog.array_position(e.metrics, m.metric), m.created_at, m.metric;
END;
COMMENT ON FUNCTION rec._experiment_metrics(int) IS 'Internal: metrics that an experiment shows';

-- Up to when an experiment's exposures (metric null) or the sums of a metric are kept; null: nothing is.
CREATE FUNCTION rec._kept_until(id int, metric text) RETURNS timestamptz
LANGUAGE sql STABLE
RETURN (SELECT k.until FROM rec.experiment_kept k WHERE k.experiment_id = $1 AND k.metric IS NOT DISTINCT FROM $2);
COMMENT ON FUNCTION rec._kept_until(int, text) IS 'Internal: up to when exposures or sums are kept; null: nothing is';

-- Where the next refresh moves the mark: the beginning of yesterday, UTC; never back.
CREATE FUNCTION rec._keep_until(id int) RETURNS timestamptz
LANGUAGE sql STABLE
RETURN greatest(rec._kept_until($1, NULL), (date_trunc('day', pg_catalog.now() AT TIME ZONE 'UTC') - interval '1 day') AT TIME ZONE 'UTC');
COMMENT ON FUNCTION rec._keep_until(int) IS 'Internal: up to when a refresh keeps units and sums';

CREATE FUNCTION rec._day(t timestamptz) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (t AT TIME ZONE 'UTC')::date;
COMMENT ON FUNCTION rec._day(timestamptz) IS 'Internal: the day in UTC';

CREATE FUNCTION rec._day_start(day date) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN day::timestamp AT TIME ZONE 'UTC';
COMMENT ON FUNCTION rec._day_start(date) IS 'Internal: when a day begins in UTC';

-- Why an experiment's exposures cannot be read by the current role now; null: they can.
CREATE FUNCTION rec._exposures_problem(e rec.experiment) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	name text;
BEGIN
	IF e.exposures_relation IS NULL THEN
		RETURN NULL;
	END IF;
	name := format('%I.%I', e.exposures_schema, e.exposures_relation);
	IF to_regclass(name) IS NULL THEN
		RETURN format('exposure relation %s does not exist', name);
	ELSIF rec._strange_code(name::regclass) THEN
		RETURN format('exposure relation %s would run code of its owner as a superuser', name);
	END IF;
	BEGIN
		EXECUTE format('SELECT x.%I::text, x.%I::text, x.%I FROM %s x LIMIT 0', e.exposure_unit, e.exposure_variant, e.exposure_time, name);
	EXCEPTION WHEN insufficient_privilege OR syntax_error_or_access_rule_violation THEN
		RETURN SQLERRM;
	END;
	RETURN NULL;
END $$;
COMMENT ON FUNCTION rec._exposures_problem(rec.experiment) IS 'Internal: why the current role cannot read an experiment''s exposures';

-- Units that met variants from `low` on and before `high`: SQL for unit, variant, t (first), mixed.
CREATE FUNCTION rec._exposed_sql(e rec.experiment, low timestamptz, high timestamptz) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	own boolean := e.exposures_relation IS NULL;
	relation text := CASE WHEN own THEN 'rec.exposure' ELSE format('%I.%I', e.exposures_schema, e.exposures_relation) END;
	unit text := format('x.%I', CASE WHEN own THEN 'unit_id' ELSE e.exposure_unit END);
	variant text := format('x.%I::text', CASE WHEN own THEN 'variant' ELSE e.exposure_variant END);
	time_column text := CASE WHEN own THEN 'exposed_at' ELSE e.exposure_time END;
	t record := rec._time_sql('x', relation, time_column);
BEGIN
	low := greatest(low, coalesce(e.start_at, '-infinity'));
	high := least(high, coalesce(e.stop_at, 'infinity'));
	RETURN format('SELECT %1$s::text AS unit, min(%2$s) AS variant, min(%3$s) AS t, min(%2$s) <> max(%2$s) AS mixed FROM %4$s x WHERE %2$s = ANY (%5$L::text[])', unit, variant, t.reading, relation, e.variants)
		|| CASE WHEN own THEN format(' AND x.experiment_id = %s', e.id) ELSE '' END
		-- the column itself, for its index
		|| CASE WHEN isfinite(low) THEN format(' AND x.%I >= ' || t.bound, time_column, format('%L::timestamptz', low)) ELSE '' END
		|| format(' AND %1$s >= %2$L::timestamptz AND %1$s < %3$L::timestamptz AND %4$s IS NOT NULL', t.reading, low, high, unit)
		|| CASE WHEN e.forced = '{}' THEN '' ELSE format(' AND NOT %L::jsonb ? %s::text', e.forced, unit) END
		|| ' GROUP BY 1';
END $$;
COMMENT ON FUNCTION rec._exposed_sql(rec.experiment, timestamptz, timestamptz) IS 'Internal: SQL for the units exposed in a time, by first exposure';

-- What a unit's rows v amount to: a sum, or the second one that goes with it.
CREATE FUNCTION rec._unit_sum_sql(metric rec.metric, other boolean) RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	rows text := 'v.good' || CASE WHEN metric.pre_period IS NULL THEN '' WHEN other THEN ' AND v.t < u.t' ELSE ' AND v.t >= u.t' END;
BEGIN
	IF other AND metric.kind = 'ratio' THEN
		RETURN 'coalesce(sum(v.d) FILTER (WHERE v.good), 0)';
	ELSIF other AND metric.pre_period IS NULL THEN
		RETURN '0::float8';
	ELSIF metric.kind = 'proportion' THEN
		RETURN format('count(*) FILTER (WHERE %s AND v.v <> 0)::float8', rows);
	END IF;
	RETURN format('coalesce(sum(v.v) FILTER (WHERE %s), 0)', rows);
END $$;
COMMENT ON FUNCTION rec._unit_sum_sql(rec.metric, boolean) IS 'Internal: SQL for the sum of a unit''s rows, or for its denominator or covariate';

-- A unit's value from its sum, and the state of units s with sums y and x.
CREATE FUNCTION rec._state_sql(metric rec.metric) RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	value text := CASE WHEN metric.kind = 'proportion' THEN '(s.%1$s > 0)::int::float8' WHEN metric.cap IS NULL THEN 's.%1$s' ELSE 'least(s.%1$s, %2$L::float8)' END;
	y text := format(value, 'y', metric.cap);
BEGIN
	IF metric.kind = 'quantile' THEN
		RETURN format('NULL::rec.sample_state, rec.sample_quantile(%s)', y);
	END IF;
	RETURN CASE WHEN metric.kind = 'ratio' THEN format('rec.sample_ratio(%s, s.x) FILTER (WHERE s.x >= 0)', y)
		WHEN metric.pre_period IS NULL THEN format('rec.sample(%s)', y)
		ELSE format('rec.sample_cuped(%s, %s)', y, format(value, 'x', metric.cap)) END || ', NULL::rec.value_sample';
END $$;
COMMENT ON FUNCTION rec._state_sql(rec.metric) IS 'Internal: SQL for the state, and the sample of values, of units with their sums';

-- So many units without rows, as a state of a metric's kind, and as a sample of values.
CREATE FUNCTION rec._zeros_sql(metric rec.metric, n text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN metric.kind = 'quantile' THEN pg_catalog.format('NULL::rec.sample_state, CASE WHEN %1$s > 0 THEN ROW(%1$s, ARRAY[0::float8], ARRAY[%1$s])::rec.value_sample END', n)
	ELSE pg_catalog.format('CASE WHEN %1$s > 0 THEN ROW(%2$L, %1$s, 0, 0, 0, %3$s, %4$s, NULL, NULL, NULL, NULL, NULL, NULL)::rec.sample_state END, NULL::rec.value_sample', n,
		CASE WHEN metric.kind = 'ratio' THEN 'ratio' WHEN metric.pre_period IS NOT NULL THEN 'cuped' ELSE 'mean' END,
		CASE WHEN metric.kind = 'ratio' THEN '0, 0, 0' ELSE 'NULL, NULL, NULL' END, CASE WHEN metric.pre_period IS NOT NULL THEN '0, 0, 0' ELSE 'NULL, NULL, NULL' END) END;
COMMENT ON FUNCTION rec._zeros_sql(rec.metric, text) IS 'Internal: SQL for the state of units without rows';

-- Rows of a metric's relation from a time on (SQL; null: all): unit, t, v, d, good.
CREATE FUNCTION rec._metric_rows_sql(metric rec.metric, low text) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	relation text := format('%I.%I', metric.relation_schema, metric.relation_name);
	t record := rec._time_sql('m', relation, metric.time_column);
BEGIN
	-- a sum of so many stays finite; OFFSET 0: the expression is computed once
	RETURN format('(SELECT w.unit, w.t, w.v, w.d, w.v BETWEEN -1e300 AND 1e300 AND coalesce(w.d BETWEEN -1e300 AND 1e300, true) AS good'
		' FROM (SELECT m.%I::text AS unit, %s AS t, %s AS v, %s::float8 AS d FROM %s m%s OFFSET 0) w)', metric.unit_column, CASE WHEN metric.time_column IS NULL THEN 'NULL::timestamptz' ELSE t.reading END,
		metric.value_sql, coalesce(metric.denominator_sql, 'NULL'), relation, CASE WHEN metric.time_column IS NULL OR low IS NULL THEN '' ELSE format(' WHERE m.%I >= %s', metric.time_column, format(t.bound, low)) END);
END $$;
COMMENT ON FUNCTION rec._metric_rows_sql(rec.metric, text) IS 'Internal: SQL for the rows of a metric''s relation';

-- States of the units u (unit, day, variant, t, reopened) that a condition selects, from their rows.
CREATE FUNCTION rec._metric_units_sql(metric rec.metric, stop timestamptz, condition text) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	earlier text := CASE WHEN metric.pre_period IS NULL THEN '' ELSE format(' - %L::interval', metric.pre_period) END;
BEGIN
	RETURN format('SELECT u.unit, u.day, u.variant, u.reopened, %s AS y, %s AS x, count(*) FILTER (WHERE NOT v.good) AS bad FROM units u LEFT JOIN %s v ON v.unit = u.unit%s WHERE NOT u.mixed AND %s GROUP BY u.unit, u.day, u.variant, u.reopened',
		rec._unit_sum_sql(metric, false), rec._unit_sum_sql(metric, true), rec._metric_rows_sql(metric, format('(SELECT min(u.t)%s FROM units u WHERE %s)', earlier, condition)),
		CASE WHEN metric.time_column IS NULL THEN '' ELSE format(' AND v.t >= u.t%s AND v.t < %s', earlier,
			CASE WHEN metric.window_after IS NULL THEN format('%L::timestamptz', coalesce(stop, 'infinity')) ELSE format('u.t + %L::interval', metric.window_after) END) END, condition);
END $$;
COMMENT ON FUNCTION rec._metric_units_sql(rec.metric, timestamptz, text) IS 'Internal: SQL for the sums of units from their rows';

-- Of a metric without window whose sums are kept up to `mark`: kept sums, what has come since for kept units (looked up one by
-- one: they are few), units without either as zeros; and the units that are new.
CREATE FUNCTION rec._metric_sums_sql(metric rec.metric, id int, stop timestamptz, mark timestamptz) RETURNS text
LANGUAGE sql STABLE
RETURN pg_catalog.format('SELECT %1$L, z.day, z.variant, sum(z.n)::bigint, rec.merge(z.state), rec.merge(z.sample), sum(z.bad)::bigint, sum(z.negative)::bigint, true, NULL FROM ('
	'WITH since AS (SELECT v.unit, %2$s AS y, %3$s AS x, count(*) FILTER (WHERE NOT v.good) AS bad FROM %4$s v WHERE v.t >= %5$L::timestamptz AND v.t < %6$L::timestamptz GROUP BY v.unit OFFSET 0),'
	' touched AS MATERIALIZED (SELECT e.unit, (e.k).variant, rec._day((e.k).exposed_at) AS day, e.y, e.x, e.bad FROM (SELECT s.*, (SELECT k FROM rec.experiment_unit k WHERE k.experiment_id = %7$s AND k.unit_id = s.unit) AS k FROM since s OFFSET 0) e'
	' WHERE NOT (e.k).mixed AND e.unit NOT IN (SELECT s.unit FROM seen s WHERE s.mixed)),'
	' sums AS (SELECT v.day, v.variant, v.value + coalesce(e.y, 0) AS y, v.other + coalesce(e.x, 0) AS x, v.bad_values + coalesce(e.bad, 0) AS bad FROM rec.experiment_value v LEFT JOIN touched e ON e.unit = v.unit_id'
	' WHERE v.experiment_id = %7$s AND v.metric = %1$L AND v.unit_id NOT IN (SELECT s.unit FROM seen s WHERE s.mixed)'
	' UNION ALL SELECT e.day, e.variant, e.y, e.x, e.bad FROM touched e WHERE (SELECT true FROM rec.experiment_value v WHERE v.experiment_id = %7$s AND v.metric = %1$L AND v.unit_id = e.unit) IS NULL),'
	' known AS MATERIALIZED (SELECT s.day, s.variant, count(*) AS n, %8$s, sum(s.bad) AS bad, count(*) FILTER (WHERE s.x < 0) AS negative FROM sums s GROUP BY 1, 2)'
	' SELECT k.day, k.variant, k.n, k.state, k.sample, k.bad, k.negative FROM known k (day, variant, n, state, sample, bad, negative)'
	' UNION ALL SELECT c.day, c.variant, c.units - coalesce(k.n, 0), %9$s, 0, 0 FROM counted c LEFT JOIN known k ON k.day = c.day AND k.variant = c.variant'
	' UNION ALL SELECT s.day, s.variant, count(*), %8$s, sum(s.bad), count(*) FILTER (WHERE s.x < 0) FROM (%10$s) s GROUP BY 1, 2) z GROUP BY z.day, z.variant',
	metric.metric, pg_catalog.replace(rec._unit_sum_sql(metric, false), ' AND v.t >= u.t', ''), CASE WHEN metric.pre_period IS NULL THEN rec._unit_sum_sql(metric, true) ELSE '0::float8' END,
	rec._metric_rows_sql(metric, pg_catalog.format('%L::timestamptz', mark)), mark, coalesce(stop, 'infinity'), id, rec._state_sql(metric), rec._zeros_sql(metric, '(c.units - coalesce(k.n, 0))'),
	rec._metric_units_sql(metric, stop, pg_catalog.format('u.t >= %L::timestamptz', mark)));
COMMENT ON FUNCTION rec._metric_sums_sql(rec.metric, int, timestamptz, timestamptz) IS 'Internal: SQL for the states of a metric whose sums are kept';

-- The query that computes the states that are not kept, and those of days in which a unit was kept that has met a second
-- variant since. Runs as the experiment's owner, see src/api/experiment_live.c. A row of a metric without day says that it was
-- computed, wholly (reopened) or for open days, or why it was not (problem).
CREATE FUNCTION rec._experiment_sql(id int) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	e rec.experiment := (SELECT x FROM rec.experiment x WHERE x.id = $1);
	mark timestamptz := rec._kept_until($1, NULL);
	first_open timestamptz := mark;
	m rec.metric;
	problem text;
	open_from timestamptz;
	q text;
BEGIN
	IF e.id IS NULL THEN
		RETURN NULL;
	END IF;
	-- one experiment that cannot be computed does not fail the views over all
	problem := rec._exposures_problem(e);
	IF problem IS NOT NULL THEN
		RETURN format('SELECT NULL::text, NULL::date, NULL::text, 0::bigint, NULL::rec.sample_state, NULL::rec.value_sample, NULL::bigint, NULL::bigint, false, %L::text', problem);
	END IF;
	SELECT least(mark, min(rec._open_from($1, x))) INTO first_open FROM rec._experiment_metrics($1) x;
	q := format('WITH fresh AS MATERIALIZED (%s), ', rec._exposed_sql(e, mark, NULL));
	IF mark IS NULL THEN
		q := q || 'seen AS (SELECT f.*, false AS known, false AS was_mixed FROM fresh f), units AS MATERIALIZED (SELECT s.unit, s.variant, s.t, rec._day(s.t) AS day, s.mixed, false AS reopened FROM seen s),'
			' counted AS (SELECT NULL::date AS day, NULL::text AS variant, 0::bigint AS units WHERE false) ';
	ELSE
		-- each new exposure looks its unit up by the primary key
		q := q || format('seen AS MATERIALIZED (SELECT s.unit, coalesce((s.k).variant, s.variant) AS variant, coalesce((s.k).exposed_at, s.t) AS t, s.mixed OR coalesce((s.k).mixed OR (s.k).variant <> s.variant, false) AS mixed,'
			' (s.k).unit_id IS NOT NULL AS known, coalesce((s.k).mixed, false) AS was_mixed FROM (SELECT f.*, (SELECT k FROM rec.experiment_unit k WHERE k.experiment_id = %1$s AND k.unit_id = f.unit) AS k FROM fresh f OFFSET 0) s),'
			' reopened AS MATERIALIZED (SELECT DISTINCT rec._day(s.t) AS day FROM seen s WHERE s.known AND s.mixed AND NOT s.was_mixed),'
			' units AS MATERIALIZED (SELECT s.unit, s.variant, s.t, rec._day(s.t) AS day, s.mixed, false AS reopened FROM seen s WHERE NOT s.known'
			' UNION ALL SELECT k.* FROM (SELECT k.unit_id, k.variant, k.exposed_at AS t, rec._day(k.exposed_at), k.mixed OR k.unit_id IN (SELECT s.unit FROM seen s WHERE s.known AND s.mixed), rec._day(k.exposed_at) IN (SELECT r.day FROM reopened r) AS reopened'
			' FROM rec.experiment_unit k WHERE k.experiment_id = %1$s AND k.exposed_at >= least(%2$L::timestamptz, (SELECT rec._day_start(min(r.day)) FROM reopened r))) k WHERE k.reopened OR k.t >= %2$L::timestamptz),'
			' counted AS MATERIALIZED (SELECT d.day, d.variant, d.units FROM rec.experiment_day d WHERE d.experiment_id = %1$s AND d.metric IS NULL AND d.variant IS NOT NULL AND d.day NOT IN (SELECT r.day FROM reopened r)'
			' UNION ALL SELECT u.day, u.variant, count(*) FROM units u WHERE u.reopened AND NOT u.mixed GROUP BY 1, 2) ', e.id, first_open);
	END IF;
	q := q || format('SELECT NULL::text AS metric, u.day, u.variant, count(*) AS units, NULL::rec.sample_state AS state, NULL::rec.value_sample AS sample, NULL::bigint AS bad_values, NULL::bigint AS negative, u.reopened, NULL::text AS problem'
		' FROM units u WHERE NOT u.mixed AND (u.reopened OR u.t >= %1$L::timestamptz) GROUP BY u.day, u.variant, u.reopened'
		' UNION ALL SELECT NULL, u.day, NULL, count(*) FILTER (WHERE u.mixed), NULL, NULL, NULL, count(*) FILTER (WHERE u.t > now() + interval ''5 minutes''), u.reopened, NULL'
		' FROM units u WHERE u.reopened OR u.t >= %1$L::timestamptz GROUP BY u.day, u.reopened', coalesce(mark, '-infinity'));
	FOR m IN SELECT x.* FROM rec._experiment_metrics($1) x LOOP
		problem := rec._metric_problem(m);
		IF problem IS NOT NULL THEN
			q := q || format(' UNION ALL SELECT %L, NULL, NULL, 0, NULL, NULL, NULL, NULL, false, %L', m.metric, problem);
			CONTINUE;
		END IF;
		open_from := rec._open_from($1, m);
		q := q || format(' UNION ALL SELECT %L, NULL, NULL, 0, NULL, NULL, NULL, NULL, %L::boolean, NULL', m.metric, m.window_after IS NULL);
		IF m.window_after IS NULL AND open_from = mark THEN
			q := q || ' UNION ALL ' || rec._metric_sums_sql(m, e.id, e.stop_at, mark);
		ELSE
			q := q || format(' UNION ALL SELECT %L, s.day, s.variant, count(*), %s, sum(s.bad)::bigint, count(*) FILTER (WHERE s.x < 0), s.reopened, NULL FROM (%s) s GROUP BY s.day, s.variant, s.reopened',
				m.metric, rec._state_sql(m), rec._metric_units_sql(m, e.stop_at, format('(u.t >= %L::timestamptz OR u.reopened)', open_from)));
		END IF;
	END LOOP;
	RETURN q;
END $$;
COMMENT ON FUNCTION rec._experiment_sql(int) IS 'Internal: the query for the states of an experiment that are not kept';

-- From when on a metric's units are looked at: after the last day whose state is final, or where its sums end.
CREATE FUNCTION rec._open_from(id int, metric rec.metric) RETURNS timestamptz
LANGUAGE sql STABLE
RETURN coalesce(CASE WHEN metric.window_after IS NOT NULL THEN (SELECT rec._day_start(max(d.day) + 1) FROM rec.experiment_day d WHERE d.experiment_id = $1 AND d.metric = metric.metric)
	WHEN metric.time_column IS NOT NULL AND rec._kept_until($1, metric.metric) = rec._kept_until($1, NULL) THEN rec._kept_until($1, NULL) END, '-infinity');
COMMENT ON FUNCTION rec._open_from(int, rec.metric) IS 'Internal: from when on the state of a metric is not kept';

-- What a refresh adds to the kept units, and to the kept sums. Both run as the experiment's owner.
CREATE FUNCTION rec._experiment_units_sql(id int) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	e rec.experiment := (SELECT x FROM rec.experiment x WHERE x.id = $1);
	problem text := rec._exposures_problem(e);
BEGIN
	IF problem IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = format('experiment "%s" cannot be refreshed', e.experiment), DETAIL = problem;
	END IF;
	RETURN rec._exposed_sql(e, rec._kept_until($1, NULL), rec._keep_until($1));
END $$;
COMMENT ON FUNCTION rec._experiment_units_sql(int) IS 'Internal: the query for the units that a refresh keeps';

CREATE FUNCTION rec._experiment_values_sql(id int) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	e rec.experiment := (SELECT x FROM rec.experiment x WHERE x.id = $1);
	high timestamptz := rec._keep_until($1);
	low timestamptz;
	earlier text;
	m rec.metric;
	q text := 'SELECT NULL::text, NULL::text, NULL::text, NULL::date, NULL::float8, NULL::float8, NULL::bigint WHERE false';
BEGIN
	FOR m IN SELECT x.* FROM rec._experiment_metrics($1) x WHERE x.window_after IS NULL AND x.time_column IS NOT NULL LOOP
		CONTINUE WHEN rec._metric_problem(m) IS NOT NULL;
		low := coalesce(rec._kept_until($1, m.metric), '-infinity');
		earlier := CASE WHEN m.pre_period IS NULL THEN '' ELSE format(' - %L::interval', m.pre_period) END;
		-- rows of units known before begin where the sums end, of others with their exposure or pre-period
		q := q || format(' UNION ALL SELECT %1$L, NULL, NULL, NULL, NULL, NULL, NULL'
			' UNION ALL SELECT %1$L, u.unit, u.variant, u.day, %2$s, %3$s, count(*) FILTER (WHERE NOT v.good) FROM (SELECT k.unit_id AS unit, k.variant, k.exposed_at AS t, rec._day(k.exposed_at) AS day FROM rec.experiment_unit k WHERE k.experiment_id = %4$s AND NOT k.mixed) u'
			' JOIN %5$s v ON v.unit = u.unit AND v.t >= CASE WHEN u.t < %6$L::timestamptz THEN %6$L::timestamptz ELSE u.t%7$s END AND v.t < %8$L::timestamptz GROUP BY u.unit, u.variant, u.day',
			m.metric, rec._unit_sum_sql(m, false), rec._unit_sum_sql(m, true), e.id, rec._metric_rows_sql(m, format('%L::timestamptz%s', low, earlier)), low, earlier, least(high, coalesce(e.stop_at, 'infinity')));
	END LOOP;
	RETURN q;
END $$;
COMMENT ON FUNCTION rec._experiment_values_sql(int) IS 'Internal: the query for what a refresh adds to the sums of units';

CREATE FUNCTION rec._experiment_live(id int)
RETURNS TABLE (metric text, day date, variant text, units bigint, state rec.sample_state, sample rec.value_sample, bad_values bigint, negative bigint, reopened boolean, problem text)
	AS 'MODULE_PATHNAME', 'rec_experiment_live' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED ROWS 100 COST 100000;
COMMENT ON FUNCTION rec._experiment_live(int) IS 'Internal: states of an experiment that are not kept, computed as its owner; no rows for other roles than the owner and its members';

CREATE FUNCTION rec._experiment_units(id int) RETURNS TABLE (unit_id text, variant text, exposed_at timestamptz, mixed boolean)
	AS 'MODULE_PATHNAME', 'rec_experiment_units' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED ROWS 1000 COST 100000;
COMMENT ON FUNCTION rec._experiment_units(int) IS 'Internal: units that a refresh keeps, read as the experiment''s owner, for it and its members';

CREATE FUNCTION rec._experiment_values(id int) RETURNS TABLE (metric text, unit_id text, variant text, day date, value float8, other float8, bad_values bigint)
	AS 'MODULE_PATHNAME', 'rec_experiment_values' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED ROWS 1000 COST 100000;
COMMENT ON FUNCTION rec._experiment_values(int) IS 'Internal: what a refresh adds to the sums of units, read as the experiment''s owner, for it and its members; a row without unit for each metric that could be read';

-- All states of an experiment: what is kept, and what is computed now for the owner. As an array, so that a result computes
-- them once.
CREATE TYPE rec._experiment_state AS (metric text, day date, variant text, units bigint, state rec.sample_state, sample rec.value_sample, bad_values bigint, negative bigint,
	problem text);
COMMENT ON TYPE rec._experiment_state IS 'Internal: a state of an experiment, see rec.experiment_day';

CREATE FUNCTION rec._experiment_states(id int) RETURNS rec._experiment_state[]
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH live AS MATERIALIZED (SELECT l.* FROM rec._experiment_live($1) l)
	SELECT pg_catalog.array_agg(s) FROM (
		SELECT ROW(l.metric, l.day, l.variant, l.units, l.state, l.sample, l.bad_values, l.negative, l.problem)::rec._experiment_state FROM live l
		UNION ALL
		SELECT ROW(d.metric, d.day, d.variant, d.units, d.state, d.sample, d.bad_values, d.negative, NULL)::rec._experiment_state FROM rec.experiment_day d
		WHERE d.experiment_id = $1
			AND NOT EXISTS (SELECT FROM live l WHERE l.reopened AND l.metric = d.metric AND l.day IS NULL)
			AND (EXISTS (SELECT FROM live l WHERE l.metric = d.metric AND l.problem IS NOT NULL)
				OR NOT EXISTS (SELECT FROM live l WHERE l.reopened AND l.metric IS NULL AND l.day = d.day))) x (s);
END;
COMMENT ON FUNCTION rec._experiment_states(int) IS 'Internal: states of an experiment by day, kept ones and others';
