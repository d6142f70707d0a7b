-- Results of experiments: what is computed from their states (see 87_states.sql).

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
	metrics AS (SELECT m.metric, CASE WHEN m.pre_period IS NULL THEN m.kind ELSE 'cuped' END AS test, m.kind, m.direction, m.guardrail, m.min_effect, m.place::int, m.quantile
		FROM rec._experiment_metrics($1) WITH ORDINALITY m (metric, owner, relation_schema, relation_name, unit_column, value, value_sql, time_column, kind,
			window_after, cap, direction, guardrail, denominator, denominator_sql, pre_period, min_effect, created_at, quantile, owner_id, place)),
	variants AS (SELECT v.variant, v.i::int FROM unnest(e.variants) WITH ORDINALITY v (variant, i)),
	days AS (SELECT DISTINCT s.day FROM states s WHERE by_day AND s.day IS NOT NULL UNION ALL SELECT NULL WHERE NOT by_day),
	-- merged up to each day, or in all
	merged AS MATERIALIZED (SELECT m.metric, v.variant, v.i, d.day, rec.merge(s.state) AS state, rec.merge(s.sample) AS sample, coalesce(sum(s.units), 0)::bigint AS units,
			sum(s.bad_values)::bigint AS bad, sum(s.negative)::bigint AS negative, max(s.problem) AS problem
		FROM metrics m CROSS JOIN variants v CROSS JOIN days d
		LEFT JOIN states s ON s.metric = m.metric AND (s.variant = v.variant OR s.problem IS NOT NULL) AND (d.day IS NULL OR s.day <= d.day)
		GROUP BY m.metric, v.variant, v.i, d.day),
	tested AS (SELECT t.*, c.state AS control, c.units AS control_units, m.kind, m.direction, m.guardrail, m.min_effect, m.place,
			CASE m.kind WHEN 'quantile' THEN rec.quantile_test(c.sample, t.sample, m.quantile, 'two-sided', 1 - e.alpha) ELSE rec._metric_test(m.test, c.state, t.state, 'two-sided', 1 - e.alpha) END AS r,
			CASE m.kind WHEN 'quantile' THEN rec.sequential_test(c.sample, t.sample, m.quantile, 'two-sided', 1 - e.alpha) ELSE rec.sequential_test(c.state, t.state, 'two-sided', 1 - e.alpha) END AS q,
			CASE m.kind WHEN 'quantile' THEN rec.quantile_test(c.sample, t.sample, m.quantile, w.worse, 1 - e.alpha) ELSE rec._metric_test(m.test, c.state, t.state, w.worse, 1 - e.alpha) END AS one
		FROM merged t JOIN metrics m ON m.metric = t.metric JOIN merged c ON c.metric = t.metric AND c.i = 1 AND c.day IS NOT DISTINCT FROM t.day
		CROSS JOIN LATERAL (SELECT CASE m.direction WHEN 'increase' THEN 'less' ELSE 'greater' END) w (worse))
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

-- The same from what is kept, for roles that may use the experiment and no more: samples of values are for its owner only.
CREATE FUNCTION rec._kept_effects(id int, by_day boolean)
RETURNS TABLE (metric text, variant text, day date, kind text, direction text, guardrail boolean, place int, n bigint, mean float8,
	control_n bigint, control_mean float8, difference float8, std_error float8, df float8, lift float8, ci_low float8, ci_high float8, safe_low float8,
	safe_high float8, p float8, safe_p float8, chance_to_win float8, power float8, min_effect float8, skew_warning boolean, note text,
	bad_values bigint, negative bigint, problem text)
	AS 'MODULE_PATHNAME', 'rec_kept_effects' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED ROWS 100 COST 100000;
COMMENT ON FUNCTION rec._kept_effects(int, boolean) IS 'Internal: effects of an experiment that the current role may use, from kept states';

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
	owned boolean := rec._member_of(e.owner_id);
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
	trouble text := (SELECT max(s.problem) FROM unnest(known) s WHERE s.metric IS NULL);
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
		FROM (SELECT o.* FROM rec._experiment_effects($1, known, false) o WHERE owned UNION ALL SELECT k.* FROM rec._kept_effects($1, false) k WHERE NOT owned) f) x;

	-- a verdict for each variant but the control
	SELECT jsonb_object_agg(v.variant, CASE
			WHEN trouble IS NOT NULL OR srm.mismatch OR mixed > 0.1 * (SELECT sum(c) + mixed FROM unnest(counts) c) THEN 'broken'
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
		WHEN trouble IS NOT NULL THEN trouble
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
	owned boolean := rec._member_of(e.owner_id);
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
	FROM (SELECT o.* FROM rec._experiment_effects($1, known, true) o WHERE owned UNION ALL SELECT k.* FROM rec._kept_effects($1, true) k WHERE NOT owned) f
		LEFT JOIN counts c ON c.day = f.day AND c.variant = f.variant LEFT JOIN split s ON s.day = f.day
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

CREATE FUNCTION rec._metric_closed(metric rec.metric, day date) RETURNS boolean
LANGUAGE sql STABLE
RETURN rec._day_start(day + 2) + coalesce(metric.window_after, interval '0') <= pg_catalog.now();
COMMENT ON FUNCTION rec._metric_closed(rec.metric, date) IS 'Internal: whether the state of a day is kept: a window has passed for all units, and a day more for rows that come late';

CREATE FUNCTION rec.refresh_experiment(experiment text, "full" boolean DEFAULT false) RETURNS int
	AS 'MODULE_PATHNAME', 'rec_refresh_experiment' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 1000000;
COMMENT ON FUNCTION rec.refresh_experiment IS 'Keeps what results need not read again, by cron once a day: units exposed before yesterday (UTC), the states of days whose window has passed for all units, and each unit''s sums, up to yesterday, of metrics without a window. A result then reads only later rows. Rows that come more than a day late do not count, unless full computes everything again. A unit that meets a second variant later is taken out of its day again. A metric without a time column is read whole each time. Returns the number of states written. Only for the experiment''s owner.';
