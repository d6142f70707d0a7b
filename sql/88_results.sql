-- Results of experiments: states per day that add up, and what is computed from them.
--
-- A unit belongs to the day (UTC) of its first exposure. The state of a day, metric and variant is the
-- sufficient statistics over the units of that day; units of different days are different units, so states add up. Once
-- the window of a metric has passed for all units of a day, the state of the day does not change any more: it is kept by
-- rec.refresh_experiment, and only the days after it are read from the events.

CREATE TABLE rec.experiment_day (
	experiment_id  int NOT NULL REFERENCES rec.experiment (id) ON DELETE CASCADE,
	metric         text REFERENCES rec.metric ON UPDATE CASCADE ON DELETE CASCADE,
	day            date NOT NULL,
	variant        text,
	units          bigint NOT NULL,
	state          rec.sample_state,
	bad_values     bigint,
	negative       bigint,
	UNIQUE NULLS NOT DISTINCT (experiment_id, metric, day, variant)
);

COMMENT ON TABLE rec.experiment_day IS 'Kept states of experiments: one row per metric, day of the first exposure and variant, of days whose results are final. Shows the experiments that the current role may use. Written by rec.refresh_experiment.';
COMMENT ON COLUMN rec.experiment_day.experiment_id IS 'rec.experiment.id';
COMMENT ON COLUMN rec.experiment_day.metric IS 'Name of the metric; null: exposures';
COMMENT ON COLUMN rec.experiment_day.day IS 'Day (UTC) of the units'' first exposure';
COMMENT ON COLUMN rec.experiment_day.variant IS 'Variant; null, with metric null: units that met two variants, which count nowhere else';
COMMENT ON COLUMN rec.experiment_day.units IS 'Units first exposed on that day';
COMMENT ON COLUMN rec.experiment_day.state IS 'Sufficient statistics of these units'' values, as rec.sample(), rec.sample_ratio() or rec.sample_cuped() makes them; rec.merge() adds them up';
COMMENT ON COLUMN rec.experiment_day.bad_values IS 'Rows left out because their value was NaN or infinite';
COMMENT ON COLUMN rec.experiment_day.negative IS 'Units left out because their denominator is negative; of exposures: units exposed in the future';

GRANT SELECT ON rec.experiment_day TO PUBLIC;
ALTER TABLE rec.experiment_day ENABLE ROW LEVEL SECURITY;
CREATE POLICY usable ON rec.experiment_day FOR SELECT USING (experiment_id IN (SELECT e.id FROM rec.experiment e));
COMMENT ON POLICY usable ON rec.experiment_day IS 'A role sees the states of the experiments that it may use';
SELECT pg_catalog.pg_extension_config_dump('rec.experiment_day', '');

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
	SELECT m.* FROM rec.experiment e JOIN rec.metric m ON CASE WHEN e.metrics IS NULL THEN m.owner = e.owner ELSE m.metric = ANY (e.metrics) END
	WHERE e.id = $1 AND pg_catalog.pg_has_role(pg_catalog.to_regrole(pg_catalog.quote_ident(m.owner))::oid, pg_catalog.to_regrole(pg_catalog.quote_ident(e.owner))::oid, 'USAGE')
	ORDER BY m.guardrail, pg_catalog.array_position(e.metrics, m.metric), m.created_at, m.metric;
END;
COMMENT ON FUNCTION rec._experiment_metrics(int) IS 'Internal: metrics that an experiment shows';

-- Days from which on nothing is kept.
CREATE FUNCTION rec._open_from(id int, metric text) RETURNS date
LANGUAGE sql STABLE
RETURN (SELECT max(d.day) + 1 FROM rec.experiment_day d WHERE d.experiment_id = $1 AND d.metric IS NOT DISTINCT FROM $2);
COMMENT ON FUNCTION rec._open_from(int, text) IS 'Internal: the first day whose state is not kept; null: none is';

-- The query that computes the states that are not kept, and those of days in which a unit was kept that has met a second
-- variant since. Runs as the experiment's owner, see src/api/experiment_live.c.
CREATE FUNCTION rec._experiment_sql(id int) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	e rec.experiment := (SELECT x FROM rec.experiment x WHERE x.id = $1);
	own boolean := e.exposures_relation IS NULL;
	relation text := CASE WHEN own THEN 'rec.exposure' ELSE format('%I.%I', e.exposures_schema, e.exposures_relation) END;
	unit text := CASE WHEN own THEN 'unit_id' ELSE e.exposure_unit END;
	variant text := CASE WHEN own THEN 'variant' ELSE e.exposure_variant END;
	t record;
	m rec.metric;
	problem text;
	stop text := coalesce(quote_literal(e.stop_at) || '::timestamptz', '''infinity''::timestamptz');
	first_open timestamptz;
	kept boolean;
	open_from timestamptz;
	conditions text;
	q text;
BEGIN
	IF NOT own AND to_regclass(relation) IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_table', MESSAGE = format('exposure relation %s of experiment "%s" does not exist', relation, e.experiment);
	END IF;
	IF NOT own AND rec._strange_code(relation::regclass) THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege', MESSAGE = format('exposure relation %s of experiment "%s" would run code of its owner as a superuser', relation, e.experiment),
			HINT = 'Let the owner of the relation create the experiment.';
	END IF;
	SELECT * INTO t FROM rec._time_sql('x', relation, CASE WHEN own THEN 'exposed_at' ELSE e.exposure_time END);
	-- from when on units are looked at: the first day that some metric, or the count of exposures, has not kept
	SELECT CASE WHEN bool_and(o.day IS NOT NULL) THEN min(o.day)::timestamp AT TIME ZONE 'UTC' ELSE '-infinity' END INTO first_open
	FROM (SELECT rec._open_from($1, NULL) UNION ALL SELECT rec._open_from($1, x.metric) FROM rec._experiment_metrics($1) x) o (day);
	kept := first_open > '-infinity';
	q := format('WITH exposed AS NOT MATERIALIZED (SELECT x.%1$I::text AS unit, x.%2$I::text AS variant, %3$s AS t FROM %4$s x WHERE %5$s x.%2$I::text = ANY (%6$L::text[])'
		' AND %3$s >= %7$L::timestamptz AND %3$s < %8$s AND x.%1$I IS NOT NULL%9$s), ',
		unit, variant, t.reading, relation, CASE WHEN own THEN format('x.experiment_id = %s AND', e.id) ELSE '' END, e.variants,
		coalesce(e.start_at, '-infinity'), stop, CASE WHEN e.forced = '{}' THEN '' ELSE format(' AND NOT %L::jsonb ? x.%I::text', e.forced, unit) END);
	-- kept states of the days of units in two variants do not count: they may have been made before the second one
	IF kept THEN
		q := q || format('seen AS MATERIALIZED (SELECT x.unit, min(x.variant) AS variant, min(x.t) AS t, (min(x.t) AT TIME ZONE ''UTC'')::date AS day, min(x.variant) <> max(x.variant) AS mixed'
			' FROM (SELECT DISTINCT y.unit FROM exposed y WHERE y.t >= %1$L::timestamptz) r JOIN exposed x ON x.unit = r.unit GROUP BY x.unit),'
			' reopened AS MATERIALIZED (SELECT DISTINCT s.day FROM seen s WHERE s.mixed),'
			' again AS (SELECT x.unit, min(x.variant) AS variant, min(x.t) AS t, min(x.variant) <> max(x.variant) AS mixed FROM exposed x'
			' WHERE x.unit IN (SELECT y.unit FROM exposed y JOIN reopened r ON (y.t AT TIME ZONE ''UTC'')::date = r.day WHERE y.t < %1$L::timestamptz) GROUP BY x.unit),'
			' units AS MATERIALIZED (SELECT s.unit, s.variant, s.t, s.day, s.mixed, s.day IN (SELECT r.day FROM reopened r) AS reopened FROM seen s WHERE s.t >= %1$L::timestamptz'
			' UNION ALL SELECT a.unit, a.variant, a.t, r.day, a.mixed, true FROM again a JOIN reopened r ON r.day = (a.t AT TIME ZONE ''UTC'')::date WHERE a.t < %1$L::timestamptz) ', first_open);
	ELSE
		q := q || 'seen AS MATERIALIZED (SELECT x.unit, min(x.variant) AS variant, min(x.t) AS t, (min(x.t) AT TIME ZONE ''UTC'')::date AS day,'
			' min(x.variant) <> max(x.variant) AS mixed FROM exposed x GROUP BY x.unit),'
			' units AS MATERIALIZED (SELECT s.*, s.day IN (SELECT r.day FROM seen r WHERE r.mixed) AS reopened FROM seen s) ';
	END IF;
	q := q || format('SELECT NULL::text AS metric, u.day, u.variant, count(*) AS units, NULL::rec.sample_state AS state, NULL::bigint AS bad_values, NULL::bigint AS negative, u.reopened, NULL::text AS problem'
		' FROM units u WHERE NOT u.mixed AND (u.reopened OR u.t >= %1$L::timestamptz) GROUP BY u.day, u.variant, u.reopened'
		' UNION ALL SELECT NULL, u.day, NULL, count(*) FILTER (WHERE u.mixed), NULL, NULL, count(*) FILTER (WHERE u.t > now() + interval ''5 minutes''), u.reopened, NULL'
		' FROM units u WHERE u.reopened OR u.t >= %1$L::timestamptz GROUP BY u.day, u.reopened', coalesce(rec._open_from($1, NULL)::timestamp AT TIME ZONE 'UTC', '-infinity'));
	FOR m IN SELECT x.* FROM rec._experiment_metrics($1) x LOOP
		problem := rec._metric_problem(m);
		IF problem IS NOT NULL THEN
			q := q || format(' UNION ALL SELECT %L, NULL, NULL, 0, NULL, NULL, NULL, false, %L', m.metric, problem);
			CONTINUE;
		END IF;
		relation := format('%I.%I', m.relation_schema, m.relation_name);
		conditions := '';
		open_from := coalesce(rec._open_from($1, m.metric)::timestamp AT TIME ZONE 'UTC', '-infinity');
		IF m.time_column IS NOT NULL THEN
			SELECT * INTO t FROM rec._time_sql('m', relation, m.time_column);
			conditions := format(' AND v.t >= u.t%s AND v.t < %s', CASE WHEN m.pre_period IS NULL THEN '' ELSE format(' - %L::interval', m.pre_period) END,
				CASE WHEN m.window_after IS NULL THEN stop ELSE format('u.t + %L::interval', m.window_after) END);
		END IF;
		q := q || format(' UNION ALL SELECT %L, s.day, s.variant, count(*), %s, sum(s.bad)::bigint,'
			' count(*) FILTER (WHERE s.x < 0), s.reopened, NULL FROM (SELECT u.unit, u.day, u.variant, u.reopened, %s AS y, %s AS x, count(*) FILTER (WHERE NOT v.good) AS bad'
			' FROM units u LEFT JOIN (SELECT w.unit, w.t, w.v, w.d, w.v BETWEEN -1.7e308 AND 1.7e308 AND coalesce(w.d BETWEEN -1.7e308 AND 1.7e308, true) AS good'
			' FROM (SELECT m.%I::text AS unit, %s AS t, %s AS v, %s::float8 AS d FROM %s m%s OFFSET 0) w) v ON v.unit = u.unit%s'
			' WHERE NOT u.mixed AND (u.t >= %L::timestamptz OR u.reopened) GROUP BY u.unit, u.day, u.variant, u.reopened) s GROUP BY s.day, s.variant, s.reopened',
			m.metric, CASE WHEN m.kind = 'ratio' THEN 'rec.sample_ratio(s.y, s.x) FILTER (WHERE s.x >= 0)' WHEN m.pre_period IS NULL THEN 'rec.sample(s.y)' ELSE 'rec.sample_cuped(s.y, s.x)' END,
			rec._unit_value_sql(m, false), rec._unit_value_sql(m, true), m.unit_column,
			CASE WHEN m.time_column IS NULL THEN 'NULL::timestamptz' ELSE t.reading END, m.value_sql, coalesce(m.denominator_sql, 'NULL'), relation,
			CASE WHEN m.time_column IS NULL THEN '' ELSE format(' WHERE m.%I >= %s', m.time_column, format(t.bound,
				format('(SELECT min(u.t)%s FROM units u WHERE u.t >= %L::timestamptz OR u.reopened)', CASE WHEN m.pre_period IS NULL THEN '' ELSE format(' - %L::interval', m.pre_period) END, open_from))) END,
			conditions, open_from);
	END LOOP;
	RETURN q;
END $$;
COMMENT ON FUNCTION rec._experiment_sql(int) IS 'Internal: the query for the states of an experiment that are not kept';

-- What a unit's rows v amount to: its value, or the second number that goes with it.
CREATE FUNCTION rec._unit_value_sql(metric rec.metric, other boolean) RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	rows text := 'v.good';
BEGIN
	IF other AND metric.kind = 'ratio' THEN
		RETURN 'coalesce(sum(v.d) FILTER (WHERE v.good), 0)';
	ELSIF other AND metric.pre_period IS NULL THEN
		RETURN '0::float8';
	ELSIF metric.pre_period IS NOT NULL THEN
		rows := rows || CASE WHEN other THEN ' AND v.t < u.t' ELSE ' AND v.t >= u.t' END;
	END IF;
	IF metric.kind = 'proportion' THEN
		RETURN format('(count(*) FILTER (WHERE %s AND v.v <> 0) > 0)::int::float8', rows);
	ELSIF metric.cap IS NULL THEN
		RETURN format('coalesce(sum(v.v) FILTER (WHERE %s), 0)', rows);
	END IF;
	RETURN format('least(coalesce(sum(v.v) FILTER (WHERE %s), 0), %L::float8)', rows, metric.cap);
END $$;
COMMENT ON FUNCTION rec._unit_value_sql(rec.metric, boolean) IS 'Internal: SQL for the value of a unit, or for its denominator or covariate';

CREATE FUNCTION rec._experiment_live(id int)
RETURNS TABLE (metric text, day date, variant text, units bigint, state rec.sample_state, bad_values bigint, negative bigint, reopened boolean, problem text)
	AS 'MODULE_PATHNAME', 'rec_experiment_live' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED ROWS 100 COST 100000;
COMMENT ON FUNCTION rec._experiment_live(int) IS 'Internal: states of an experiment that are not kept, computed as its owner; no rows for other roles than the owner and its members';

-- All states of an experiment: what is kept, and what is computed now for the owner. As an array, so that a result computes
-- them once.
CREATE TYPE rec._experiment_state AS (metric text, day date, variant text, units bigint, state rec.sample_state, bad_values bigint, negative bigint,
	problem text);
COMMENT ON TYPE rec._experiment_state IS 'Internal: a state of an experiment, see rec.experiment_day';

CREATE FUNCTION rec._experiment_states(id int) RETURNS rec._experiment_state[]
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH live AS MATERIALIZED (SELECT l.* FROM rec._experiment_live($1) l)
	SELECT pg_catalog.array_agg(s) FROM (
		SELECT ROW(l.metric, l.day, l.variant, l.units, l.state, l.bad_values, l.negative, l.problem)::rec._experiment_state FROM live l
		UNION ALL
		SELECT ROW(d.metric, d.day, d.variant, d.units, d.state, d.bad_values, d.negative, NULL)::rec._experiment_state FROM rec.experiment_day d
		WHERE d.experiment_id = $1 AND NOT EXISTS (SELECT FROM live l WHERE l.reopened AND l.day = d.day)) x (s);
END;
COMMENT ON FUNCTION rec._experiment_states(int) IS 'Internal: states of an experiment by day, kept ones and others';

CREATE FUNCTION rec._metric_test(kind text, control rec.sample_state, treatment rec.sample_state, alternative text, confidence float8)
RETURNS rec.test_result
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN kind = 'ratio' THEN rec.ratio_test(control, treatment, alternative, confidence)
	WHEN kind = 'cuped' THEN rec.cuped_test(control, treatment, alternative, confidence)
	WHEN kind = 'proportion' THEN rec.proportion_test(control, treatment, alternative, confidence)
	ELSE rec.welch_test(control, treatment, alternative, confidence) END;
COMMENT ON FUNCTION rec._metric_test(text, rec.sample_state, rec.sample_state, text, float8) IS 'Internal: the test that fits a kind of metric';

CREATE FUNCTION rec._power_reached(effect float8, std_error float8, df float8, alpha float8) RETURNS float8
	AS 'MODULE_PATHNAME', 'rec_power_reached' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION rec._power_reached(float8, float8, float8, float8) IS 'Internal: power of a two-sided t test (normal for infinite df) for an effect, with a standard error';

-- Effects of an experiment, of the units first exposed up to each day, or only of all.
CREATE FUNCTION rec._experiment_effects(id int, known rec._experiment_state[], by_day boolean)
RETURNS TABLE (metric text, variant text, day date, kind text, direction text, guardrail boolean, place int, n bigint, mean float8,
	control_n bigint, control_mean float8, difference float8, std_error float8, df float8, lift float8, ci_low float8, ci_high float8, safe_low float8,
	safe_high float8, p float8, safe_p float8, chance_to_win float8, power float8, min_effect float8, skew_warning boolean, note text,
	bad_values bigint, negative bigint, problem text)
LANGUAGE plpgsql STABLE ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	e rec.experiment := (SELECT x FROM rec.experiment x WHERE x.id = $1);
BEGIN
	RETURN QUERY
	WITH states AS MATERIALIZED (SELECT s.* FROM unnest(known) s WHERE s.metric IS NOT NULL),
	metrics AS (SELECT m.metric, CASE WHEN m.pre_period IS NULL THEN m.kind ELSE 'cuped' END AS test, m.kind, m.direction, m.guardrail, m.min_effect, m.place::int
		FROM rec._experiment_metrics($1) WITH ORDINALITY m (metric, owner, relation_schema, relation_name, unit_column, value, value_sql, time_column, kind,
			window_after, cap, direction, guardrail, denominator, denominator_sql, pre_period, min_effect, created_at, place)),
	variants AS (SELECT v.variant, v.i::int FROM unnest(e.variants) WITH ORDINALITY v (variant, i)),
	days AS (SELECT DISTINCT s.day FROM states s WHERE by_day AND s.day IS NOT NULL UNION ALL SELECT NULL WHERE NOT by_day),
	-- merged up to each day, or in all
	merged AS MATERIALIZED (SELECT m.metric, v.variant, v.i, d.day, rec.merge(s.state) AS state, coalesce(sum(s.units), 0)::bigint AS units,
			sum(s.bad_values)::bigint AS bad, sum(s.negative)::bigint AS negative, max(s.problem) AS problem
		FROM metrics m CROSS JOIN variants v CROSS JOIN days d
		LEFT JOIN states s ON s.metric = m.metric AND (s.variant = v.variant OR s.problem IS NOT NULL) AND (d.day IS NULL OR s.day <= d.day)
		GROUP BY m.metric, v.variant, v.i, d.day),
	tested AS (SELECT t.*, c.state AS control, c.units AS control_units, m.kind, m.direction, m.guardrail, m.min_effect, m.place,
			rec._metric_test(m.test, c.state, t.state, 'two-sided', 1 - e.alpha) AS r,
			rec.sequential_test(c.state, t.state, 'two-sided', 1 - e.alpha, 0, 5000) AS q,
			rec._metric_test(m.test, c.state, t.state, CASE m.direction WHEN 'increase' THEN 'less' ELSE 'greater' END, 1 - e.alpha) AS one
		FROM merged t JOIN metrics m ON m.metric = t.metric JOIN merged c ON c.metric = t.metric AND c.i = 1 AND c.day IS NOT DISTINCT FROM t.day)
	SELECT t.metric, t.variant, t.day, t.kind, t.direction, t.guardrail, t.place, t.units, (t.r).estimate_treatment, t.control_units, (t.r).estimate_control,
		CASE WHEN t.i > 1 THEN (t.r).difference END, x.se, (t.r).df, CASE WHEN t.i > 1 THEN (t.r).lift END, CASE WHEN t.i > 1 THEN (t.r).lift_ci_low END, CASE WHEN t.i > 1 THEN (t.r).lift_ci_high END,
		CASE WHEN t.i > 1 THEN (t.q).lift_ci_low END, CASE WHEN t.i > 1 THEN (t.q).lift_ci_high END, CASE WHEN t.i > 1 THEN (t.r).p_value END,
		CASE WHEN t.i > 1 THEN (t.q).p_value END,
		CASE WHEN t.i > 1 THEN (t.one).p_value END,
		rec._power_reached(t.min_effect * abs((t.r).estimate_control), x.se, coalesce((t.r).df, 'infinity'), e.alpha), t.min_effect,
		coalesce(least(t.units, t.control_units) < 355 * greatest(k.skew, l.skew), false), CASE WHEN t.i > 1 THEN (t.r).note END, t.bad, t.negative, t.problem
	FROM tested t
	CROSS JOIN LATERAL (SELECT CASE WHEN t.i > 1 THEN (t.r).std_error END) x (se)
	-- squared skewness: a mean needs 355 times as many units for its interval to be near its level (Kohavi and others, 2014)
	CROSS JOIN LATERAL (SELECT ((t.state).m3 / (t.state).n)^2 / nullif((t.state).m2 / (t.state).n, 0)^3) k (skew)
	CROSS JOIN LATERAL (SELECT ((t.control).m3 / (t.control).n)^2 / nullif((t.control).m2 / (t.control).n, 0)^3) l (skew)
	ORDER BY t.place, t.i, t.day;
END $$;
COMMENT ON FUNCTION rec._experiment_effects(int, rec._experiment_state[], boolean) IS 'Internal: effects by metric and variant, and by day on request';

CREATE FUNCTION rec._normal_width(alpha float8) RETURNS float8
	AS 'MODULE_PATHNAME', 'rec_normal_width' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION rec._normal_width(float8) IS 'Internal: quantile 1 - alpha/2 of the normal distribution';

CREATE FUNCTION rec._percent(x float8) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN abs(x) < 1e6 THEN pg_catalog.round((100 * x)::numeric, 1)::text ELSE x::text END;
COMMENT ON FUNCTION rec._percent(float8) IS 'Internal: a share as percent with one decimal';

CREATE FUNCTION rec._experiment_result(id int)
RETURNS TABLE (metric text, variant text, kind text, direction text, guardrail boolean, n bigint, mean float8, control_mean float8,
	difference float8, lift float8, ci_low float8, ci_high float8, safe_low float8, safe_high float8, p float8, p_adjusted float8, p_safe float8, chance_to_win float8,
	power float8, srm_p float8, in_two_variants bigint, decision text, sentence text)
LANGUAGE plpgsql STABLE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	e rec.experiment := (SELECT x FROM rec.experiment x WHERE x.id = $1);
	ended boolean := coalesce(e.stop_at <= now(), false);
	known rec._experiment_state[] := rec._experiment_states($1);
	counts bigint[];
	mixed bigint;
	ahead bigint;
	first_day date;
	last_day date;
	srm rec.srm_result;
	effects jsonb;
	verdicts jsonb;
	overall text;
	why text;
	level text := rec._percent(1 - e.alpha);
	best record;
BEGIN
	IF e IS NULL THEN
		RETURN;
	END IF;
	WITH exposed AS MATERIALIZED (SELECT s.* FROM unnest(known) s WHERE s.metric IS NULL)
	SELECT (SELECT array_agg(coalesce((SELECT sum(x.units) FROM exposed x WHERE x.variant = v.variant), 0)::bigint ORDER BY v.i)
			FROM unnest(e.variants) WITH ORDINALITY v (variant, i)),
		(SELECT sum(x.units) FROM exposed x WHERE x.variant IS NULL), (SELECT sum(x.negative) FROM exposed x),
		(SELECT min(x.day) FROM exposed x), (SELECT max(x.day) FROM exposed x)
	INTO counts, mixed, ahead, first_day, last_day;
	mixed := coalesce(mixed, 0);
	srm := rec.srm_test(counts, e.weights);

	SELECT jsonb_agg(to_jsonb(x) ORDER BY x.place, x.position) INTO effects FROM (
		SELECT f.*, array_position(e.variants, f.variant) AS position,
			-- adjusted over all metrics and variants; one that has ended is judged by the p-value of the fixed sample
			rec.adjust_p(f.p, 'holm') OVER () AS p_adjusted, rec.adjust_p(CASE WHEN ended THEN f.p ELSE f.safe_p END, 'holm') OVER () AS p_decisive,
			CASE WHEN f.direction = 'increase' THEN f.difference > 0 ELSE f.difference < 0 END AS better
		FROM rec._experiment_effects($1, known, false) f) x;

	-- a verdict for each variant but the control
	SELECT jsonb_object_agg(v.variant, CASE
			WHEN srm.mismatch OR mixed > 0.1 * (SELECT sum(c) + mixed FROM unnest(counts) c) THEN 'broken'
			WHEN v.guardrail_worse OR (v.worse AND NOT v.better) THEN 'stop'
			WHEN v.better THEN 'ship'
			WHEN ended THEN 'stop'
			ELSE 'keep running' END) INTO verdicts
	FROM (SELECT w.variant, coalesce(bool_or(f.p_decisive < e.alpha AND f.guardrail AND NOT f.better), false) AS guardrail_worse,
			coalesce(bool_or(f.p_decisive < e.alpha AND NOT f.guardrail AND f.better), false) AS better,
			coalesce(bool_or(f.p_decisive < e.alpha AND NOT f.guardrail AND NOT f.better), false) AS worse
		FROM unnest(e.variants[2:]) w (variant)
		LEFT JOIN jsonb_to_recordset(effects) f (variant text, guardrail boolean, better boolean, p_decisive float8) ON f.variant = w.variant
		GROUP BY w.variant) v;
	overall := CASE WHEN verdicts @? '$.* ? (@ == "broken")' THEN 'broken' WHEN verdicts @? '$.* ? (@ == "ship")' THEN 'ship'
		WHEN verdicts @? '$.* ? (@ == "keep running")' THEN 'keep running' ELSE 'stop' END;

	-- the variant to ship, or the metric that says how long to run: the first metric that is no guardrail
	SELECT f.* INTO best FROM jsonb_to_recordset(effects) f (metric text, variant text, guardrail boolean, better boolean, lift float8, ci_low float8, ci_high float8,
		p_decisive float8, std_error float8, control_mean float8, power float8, min_effect float8, problem text, place int, position int)
	WHERE f.position > 1 AND NOT f.guardrail AND (overall <> 'ship' OR (verdicts ->> f.variant = 'ship' AND f.better AND f.p_decisive < e.alpha))
	ORDER BY f.place, abs(f.lift) DESC NULLS LAST LIMIT 1;
	why := CASE
		WHEN srm.mismatch THEN format('sample ratio mismatch (p %s): %s were counted where weights of %s were planned; find out why before reading anything else',
			CASE WHEN srm.p_value < 0.0001 THEN '< 0.0001' ELSE '= ' || round(srm.p_value::numeric, 4)::text END, array_to_string(counts, ' : '), array_to_string(e.weights, ' : '))
		WHEN overall = 'broken' THEN format('%s units met more than one variant', mixed)
		WHEN coalesce((SELECT sum(c) FROM unnest(counts) c), 0) = 0 THEN 'no unit has been exposed yet'
		WHEN effects IS NULL THEN 'there is no metric to judge by; create one with rec.create_metric'
		WHEN overall = 'ship' THEN format('%s changes %s by %s %% (%s %% interval %s to %s %%), and no guardrail got worse', best.variant, best.metric,
			rec._percent(best.lift), level, rec._percent(best.ci_low), rec._percent(best.ci_high))
		WHEN overall = 'stop' THEN coalesce((SELECT format('%s makes %s worse, by %s %%', f.variant, f.metric, rec._percent(f.lift))
				FROM jsonb_to_recordset(effects) f (metric text, variant text, guardrail boolean, better boolean, lift float8, p_decisive float8, place int)
				WHERE f.p_decisive < e.alpha AND NOT f.better ORDER BY f.guardrail DESC, f.place LIMIT 1),
			format('it has ended, and no metric of a variant is better than in %s', e.variants[1]))
		ELSE format('no difference has been shown yet%s', coalesce((SELECT format('; the power to find a change of %s %% in %s is %s %%', rec._percent(best.min_effect), best.metric, rec._percent(best.power))
			|| CASE WHEN best.power < 0.8 AND q.factor > 1 AND last_day >= first_day AND q.factor < 1e6 THEN format(', for 80 %% it takes about %s more days', ceil((q.factor - 1) * (last_day - first_day + 1))) ELSE '' END
			FROM (SELECT ((rec._normal_width(e.alpha) + rec._normal_width(0.4)) * best.std_error / nullif(best.min_effect * abs(best.control_mean), 0))^2 AS factor) q), '')) END;
	RETURN QUERY SELECT NULL::text, NULL::text, NULL::text, NULL::text, NULL::boolean, (SELECT sum(c)::bigint FROM unnest(counts) c), NULL::float8, NULL::float8,
		NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8, srm.p_value, mixed, overall,
		overall || ': ' || why
		|| CASE WHEN mixed > 0 AND overall <> 'broken' THEN format('; %s units that met more than one variant are left out', mixed) ELSE '' END
		|| CASE WHEN ahead > 0 THEN format('; %s units were exposed in the future, check the clocks', ahead) ELSE '' END;

	RETURN QUERY SELECT f.metric, f.variant, f.kind, f.direction, f.guardrail, f.n, f.mean, f.control_mean, f.difference, f.lift, f.ci_low, f.ci_high,
		f.safe_low, f.safe_high, f.p, f.p_adjusted, f.safe_p, f.chance_to_win, f.power, srm.p_value, mixed, verdicts ->> f.variant,
		CASE WHEN f.problem IS NOT NULL THEN format('%s cannot be computed: %s', f.metric, f.problem)
			WHEN f.negative > 0 AND f.kind = 'ratio' THEN format('%s: %s units of %s have a negative denominator and are left out; ', f.metric, f.negative, f.variant) ELSE '' END
		|| CASE WHEN f.problem IS NOT NULL THEN '' WHEN f.position = 1 THEN format('%s in %s, the control: %s', f.metric, f.variant, CASE WHEN f.mean IS NULL THEN 'undefined' ELSE rec._number(f.mean) END)
			WHEN f.p IS NULL OR f.lift IS NULL THEN format('%s in %s: %s', f.metric, f.variant, coalesce(f.note, 'undefined'))
			ELSE format('%s: %s %% %s in %s than in %s (%s %% interval %s to %s %%, p %s): %s', f.metric, rec._percent(abs(f.lift)),
				CASE WHEN f.lift < 0 THEN 'lower' ELSE 'higher' END, f.variant, e.variants[1], level, coalesce(rec._percent(f.ci_low), '?'), coalesce(rec._percent(f.ci_high), '?'),
				CASE WHEN f.p < 0.0001 THEN '< 0.0001' ELSE '= ' || round(f.p::numeric, 4)::text END,
				CASE WHEN f.p_decisive < e.alpha THEN CASE WHEN f.better THEN 'better' ELSE 'worse' END WHEN ended THEN 'no difference shown' ELSE 'no difference shown yet' END)
			|| CASE WHEN f.skew_warning THEN '; so skew that the interval needs more units to be right' ELSE '' END
			|| coalesce('; ' || f.note, '') END
		|| CASE WHEN f.bad_values > 0 THEN format('; %s rows with NaN or infinite values are left out', f.bad_values) ELSE '' END
	FROM jsonb_to_recordset(effects) f (metric text, variant text, kind text, direction text, guardrail boolean, place int, position int, n bigint, mean float8, control_mean float8,
		difference float8, lift float8, ci_low float8, ci_high float8, safe_low float8, safe_high float8, p float8, p_adjusted float8, safe_p float8, p_decisive float8, chance_to_win float8,
		power float8, skew_warning boolean, note text, bad_values bigint, negative bigint, problem text, better boolean)
	ORDER BY f.place, f.position;
END $$;
COMMENT ON FUNCTION rec._experiment_result(int) IS 'Internal: behind rec.experiment_result and rec.experiment_summary';

CREATE FUNCTION rec._experiment_id(experiment text) RETURNS int
	AS 'MODULE_PATHNAME', 'rec_experiment_id' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION rec._experiment_id(text) IS 'Internal: number of an experiment that the current role may use, or an error';

CREATE FUNCTION rec.experiment_result(experiment text)
RETURNS TABLE (metric text, variant text, kind text, direction text, guardrail boolean, n bigint, mean float8, control_mean float8,
	difference float8, lift float8, ci_low float8, ci_high float8, safe_low float8, safe_high float8, p float8, p_adjusted float8, p_safe float8, chance_to_win float8,
	power float8, srm_p float8, in_two_variants bigint, decision text, sentence text)
LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 10 COST 1000000
BEGIN ATOMIC
	SELECT r.* FROM rec._experiment_result(rec._experiment_id($1)) r;
END;
COMMENT ON FUNCTION rec.experiment_result IS 'Results of an experiment now. The first row (metric null) is the whole: decision and sentence say ship, keep running, stop or broken, and why; broken when the split is not as planned (srm_p below 0.001). Then a row per metric and variant: n units, mean (of a ratio: sum over sum), difference to and lift over the control (difference / |control|) with its interval (level 1 - alpha), p two-sided, p_adjusted (Holm over all metrics and variants), safe_low, safe_high and p_safe for looks at any time (confidence sequence), chance_to_win (flat prior), power (to find a change of min_effect with the units so far), and a sentence. While the experiment runs, decisions rest on what holds at any time of looking; after its stop on p_adjusted. Units that met two variants are counted in in_two_variants and left out. Kept days (rec.refresh_experiment) are not computed again; the others are read with the rights of the experiment''s owner, and only for it, its members and superusers: other roles see what is kept. Errors: unknown experiment, no right to use it.';

-- Effects and the split by day, of the units first exposed up to that day.
CREATE FUNCTION rec._experiment_daily(id int)
RETURNS TABLE (metric text, variant text, day date, kind text, guardrail boolean, direction text, n bigint, mean float8, control_mean float8, difference float8, lift float8,
	ci_low float8, ci_high float8, safe_low float8, safe_high float8, p float8, p_safe float8, new_units bigint, srm_p float8)
LANGUAGE plpgsql STABLE ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	e rec.experiment := (SELECT x FROM rec.experiment x WHERE x.id = $1);
	known rec._experiment_state[] := rec._experiment_states($1);
BEGIN
	RETURN QUERY
	WITH exposed AS MATERIALIZED (SELECT s.day, s.variant, s.units FROM unnest(known) s WHERE s.metric IS NULL AND s.variant IS NOT NULL),
	counts AS (SELECT d.day, v.variant, v.i, coalesce(sum(x.units) FILTER (WHERE x.day = d.day), 0)::bigint AS new_units, coalesce(sum(x.units), 0)::bigint AS units
		FROM (SELECT DISTINCT x.day FROM exposed x) d CROSS JOIN unnest(e.variants) WITH ORDINALITY v (variant, i)
		LEFT JOIN exposed x ON x.variant = v.variant AND x.day <= d.day GROUP BY d.day, v.variant, v.i),
	split AS (SELECT c.day, (rec.srm_test(array_agg(c.units ORDER BY c.i), e.weights)).p_value AS p FROM counts c GROUP BY c.day)
	SELECT f.metric, f.variant, f.day, f.kind, f.guardrail, f.direction, f.n, f.mean, f.control_mean, f.difference, f.lift, f.ci_low, f.ci_high, f.safe_low, f.safe_high, f.p, f.safe_p,
		c.new_units, s.p
	FROM rec._experiment_effects($1, known, true) f LEFT JOIN counts c ON c.day = f.day AND c.variant = f.variant LEFT JOIN split s ON s.day = f.day
	WHERE f.day IS NOT NULL;
END $$;
COMMENT ON FUNCTION rec._experiment_daily(int) IS 'Internal: behind rec.experiment_daily';

CREATE VIEW rec.experiment_summary WITH (security_invoker = true) AS
	SELECT e.experiment, r.* FROM rec.experiment e CROSS JOIN LATERAL rec._experiment_result(e.id) r;
COMMENT ON VIEW rec.experiment_summary IS 'Results of all experiments that the current role may use, as rec.experiment_result() gives them: a row with decision and sentence for the whole (metric null), then a row per metric and variant';

CREATE VIEW rec.experiment_daily WITH (security_invoker = true) AS
	SELECT e.experiment, d.* FROM rec.experiment e CROSS JOIN LATERAL rec._experiment_daily(e.id) d;
COMMENT ON VIEW rec.experiment_daily IS 'The same numbers as a series: one row per experiment, metric, variant and day (UTC), of all units first exposed up to that day. ci_low and ci_high: interval of the lift; safe_low and safe_high: the one that holds at any time of looking; new_units: first exposed on that day; srm_p: of the split up to that day';
GRANT SELECT ON rec.experiment_summary, rec.experiment_daily TO PUBLIC;

CREATE FUNCTION rec._metric_closed(metric rec.metric, day date, stop_at timestamptz) RETURNS boolean
LANGUAGE sql STABLE
RETURN CASE WHEN metric.metric IS NULL THEN (day + 2)::timestamp AT TIME ZONE 'UTC' <= pg_catalog.now()
	WHEN metric.window_after IS NOT NULL THEN ((day + 2)::timestamp AT TIME ZONE 'UTC') + metric.window_after <= pg_catalog.now()
	ELSE coalesce(stop_at + pg_catalog.make_interval(days => 1) <= pg_catalog.now(), false) END;
COMMENT ON FUNCTION rec._metric_closed(rec.metric, date, timestamptz) IS 'Internal: whether the state of a day is final: its window has passed for all units, and a day more for rows that come late; without a window a day after the stop';

CREATE FUNCTION rec.refresh_experiment(experiment text, "full" boolean DEFAULT false) RETURNS int
	AS 'MODULE_PATHNAME', 'rec_refresh_experiment' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 1000000;
COMMENT ON FUNCTION rec.refresh_experiment IS 'Keeps the states of the days that are final in rec.experiment_day, so that results need not read their events again; by cron once a day. A day is final a day after the window of the metric has passed for all units exposed on it (a metric without a window: a day after the experiment''s stop); rows that come later do not count, unless full computes everything again. A unit that meets a second variant later is taken out of its day again. Returns the number of states written. Only for the experiment''s owner.';
