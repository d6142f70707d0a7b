-- Metrics and results of experiments: against the same numbers from plain SQL, decisions on planted effects, days that are
-- kept, times and windows, privileges, bad input.
SET client_min_messages = warning;
SET statement_timeout = '60s';
SELECT no_plan();
CREATE ROLE res_owner;
CREATE ROLE res_bi;
GRANT CREATE ON SCHEMA public TO res_owner;
SET ROLE res_owner;

-- Deterministic pseudo-random numbers: about normal, from hashes.
CREATE FUNCTION noise(u int, s int) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
	SELECT sum((hashtextextended(u || ' ' || s || ' ' || k, 7) & 1048575) / 1048576.0::float8) - 6 FROM generate_series(1, 12) k $$;
CREATE TABLE unit AS SELECT u, CASE WHEN hashtextextended(u::text, 3) & 1 = 0 THEN 'control' ELSE 'treatment' END AS variant,
	'2026-10-01 05:00+00'::timestamptz + (u % 20) * interval '1 day' AS exposed_at, noise(u, 1) AS a, noise(u, 2) AS b FROM generate_series(1, 6000) u;
CREATE TABLE orders (user_id int, amount float8, items int, ok boolean, at timestamptz);
INSERT INTO orders SELECT u, 10 + a + CASE variant WHEN 'treatment' THEN 1 ELSE 0 END, 1 + u % 3, u % 4 = 0, exposed_at + interval '1 hour' FROM unit WHERE u % 5 > 0;
INSERT INTO orders SELECT u, 5 + b, 1, false, exposed_at + interval '3 hours' FROM unit WHERE u % 7 = 0;
ANALYZE orders;
SELECT rec.create_experiment('ab', exposures => 'unit', exposure_unit => 'u');
SELECT is(rec.create_metric('revenue', 'orders', value => 'amount', time_column => 'at', window_after => '2 days'), 'revenue', 'create_metric returns the name');
SELECT rec.create_metric('conversion', 'orders', value => 'ok', time_column => 'at', kind => 'proportion');
SELECT rec.create_metric('per item', 'orders', value => 'amount', denominator => 'items', time_column => 'at', kind => 'ratio');
SELECT rec.create_metric('orders', 'orders', time_column => 'at', kind => 'count', guardrail => true, direction => 'decrease');

-- Against plain SQL over one row per unit
CREATE TABLE truth AS SELECT u, variant, coalesce(sum(amount), 0) AS amount, coalesce(sum(items), 0) AS items, coalesce(bool_or(ok), false) AS ok, count(o.user_id) AS orders
FROM unit LEFT JOIN orders o ON user_id = u GROUP BY u, variant;
CREATE TABLE result AS SELECT * FROM rec.experiment_result('ab');
SELECT results_eq($$SELECT metric, variant, n, round(mean::numeric, 9) FROM result WHERE metric IS NOT NULL ORDER BY metric COLLATE "C", variant$$,
	$$SELECT * FROM (SELECT 'conversion', variant, count(*), round(avg(ok::int), 9) FROM truth GROUP BY variant UNION ALL SELECT 'orders', variant, count(*), round(avg(orders), 9) FROM truth GROUP BY variant
	UNION ALL SELECT 'per item', variant, count(*), round((sum(amount) / sum(items))::numeric, 9) FROM truth GROUP BY variant
	UNION ALL SELECT 'revenue', variant, count(*), round(avg(amount)::numeric, 9) FROM truth GROUP BY variant) t (m, v, n, mean) ORDER BY m COLLATE "C", v$$, 'n and mean are those of the units');
SELECT ok(abs(r.difference - w.difference) < 1e-9 AND abs(r.p / w.p_value - 1) < 1e-9 AND abs(r.ci_low - w.lift_ci_low) < 1e-9 AND abs(r.lift - w.lift) < 1e-12, 'revenue: Welch on the units')
FROM result r, (SELECT (rec.welch_test(amount, variant = 'treatment')).* FROM truth) w WHERE metric = 'revenue' AND variant = 'treatment';
SELECT ok(abs(r.p / w.p_value - 1) < 1e-9 AND abs(r.ci_high - w.lift_ci_high) < 1e-9, 'per item: delta method on the units')
FROM result r, (SELECT (rec.ratio_test(amount, items::float8, variant = 'treatment')).* FROM truth) w WHERE metric = 'per item' AND variant = 'treatment';
SELECT ok(abs(r.p / w.p_value - 1) < 1e-9, 'conversion: proportions') FROM result r, (SELECT (rec.proportion_test(ok, variant = 'treatment')).* FROM truth) w WHERE metric = 'conversion' AND variant = 'treatment';
SELECT ok(abs(chance_to_win - (1 - p / 2)) < 1e-9, 'chance to win: with a flat prior') FROM result WHERE metric = 'revenue' AND variant = 'treatment';
SELECT ok(p_adjusted >= p AND safe_low < ci_low AND safe_high > ci_high AND p_safe >= p AND power BETWEEN 0 AND 1, 'adjusted, safe and power') FROM result WHERE metric = 'revenue' AND variant = 'treatment';
SELECT ok(abs(srm_p - (SELECT (rec.srm_test(array_agg(c ORDER BY variant))).p_value FROM (SELECT variant, count(*) AS c FROM unit GROUP BY 1) s)) < 1e-12, 'srm_p') FROM result WHERE metric IS NULL;
SELECT is(decision, 'ship', 'a planted effect') FROM result WHERE metric IS NULL;
SELECT matches(sentence, '^ship: treatment changes revenue by ', 'with a sentence') FROM result WHERE metric IS NULL;
SELECT is(array_agg(metric), ARRAY[NULL, 'revenue', 'revenue', 'conversion', 'conversion', 'per item', 'per item', 'orders', 'orders'], 'the whole first, guardrails last') FROM rec.experiment_result('ab');
SELECT results_eq($$SELECT metric, variant, decision, sentence FROM rec.experiment_summary WHERE experiment = 'ab'$$, $$SELECT metric, variant, decision, sentence FROM result$$, 'rec.experiment_summary is the same');

-- Days: the series ends with the result; kept states give the same numbers
SELECT results_eq($$SELECT metric, n, round(lift::numeric, 9), round(ci_low::numeric, 9) FROM rec.experiment_daily WHERE experiment = 'ab' AND day = '2026-10-20' AND variant = 'treatment' ORDER BY metric COLLATE "C"$$,
	$$SELECT metric, n, round(lift::numeric, 9), round(ci_low::numeric, 9) FROM result WHERE variant = 'treatment' ORDER BY metric COLLATE "C"$$, 'the last day of the series is the result');
SELECT results_eq($$SELECT day, sum(new_units)::bigint FROM rec.experiment_daily WHERE experiment = 'ab' AND metric = 'revenue' GROUP BY 1 ORDER BY 1$$, $$SELECT exposed_at::date, count(*) FROM unit GROUP BY 1 ORDER BY 1$$, 'new units of each day');
SELECT cmp_ok(rec.refresh_experiment('ab'), '>', 50, 'final days are kept');
SELECT results_eq($$SELECT DISTINCT metric FROM rec.experiment_day ORDER BY 1$$, $$VALUES ('conversion'), ('orders'), ('per item'), ('revenue'), (NULL)$$, 'of all metrics');
CREATE FUNCTION same_result(what text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT results_eq($q$SELECT metric, variant, n, round(mean::numeric, 8), round(lift::numeric, 8), round(p::numeric, 8), in_two_variants, decision FROM rec.experiment_result('ab')$q$,
		$q$SELECT metric, variant, n, round(mean::numeric, 8), round(lift::numeric, 8), round(p::numeric, 8), in_two_variants, decision FROM result$q$, what) $$;
SELECT same_result('the same result with kept days');
DELETE FROM orders WHERE at < '2026-10-05' AND amount > 1e9;
CREATE TABLE late AS SELECT * FROM orders WHERE false;
INSERT INTO orders SELECT 20, 1e6, 1, true, '2026-10-01 07:00+00';
SELECT is(n || ' ' || round(mean::numeric, 6), (SELECT n || ' ' || round(mean::numeric, 6) FROM result WHERE metric = 'revenue' AND variant = r.variant), 'rows that come after their day is final do not count') FROM rec.experiment_result('ab') r WHERE metric = 'revenue' AND variant = (SELECT variant FROM unit WHERE u = 20);
DELETE FROM orders WHERE amount = 1e6;
-- new units, and a unit of a kept day that meets the other variant: it is taken out again
INSERT INTO unit SELECT u, CASE WHEN u % 2 = 0 THEN 'control' ELSE 'treatment' END, now() - interval '1 hour', 0, 0 FROM generate_series(7001, 7100) u;
INSERT INTO unit SELECT u, CASE variant WHEN 'control' THEN 'treatment' ELSE 'control' END, now() - interval '1 hour', 0, 0 FROM unit WHERE u IN (3, 4, 5);
INSERT INTO orders SELECT 7001, 50, 2, true, now() - interval '30 minutes';
TRUNCATE result;
RESET ROLE;
CREATE TABLE kept AS TABLE rec.experiment_day;
CREATE TABLE kept_until AS TABLE rec.experiment_kept;
DELETE FROM rec.experiment_day;
DELETE FROM rec.experiment_kept;
SET ROLE res_owner;
INSERT INTO result SELECT * FROM rec.experiment_result('ab');
SELECT is(in_two_variants, 3::bigint, 'units in two variants are counted') FROM result WHERE metric IS NULL;
SELECT is(n, 6097::bigint, 'and left out') FROM result WHERE metric IS NULL;
RESET ROLE;
INSERT INTO rec.experiment_day TABLE kept;
INSERT INTO rec.experiment_kept TABLE kept_until;
SET ROLE res_owner;
SELECT same_result('kept days: a unit that met a second variant later is taken out of its day');
SELECT rec.refresh_experiment('ab');
SELECT same_result('also when that is kept');
SELECT rec.refresh_experiment('ab', true);
SELECT same_result('and computed anew');
DROP TABLE late;

-- Decisions
CREATE TABLE x (unit text, variant text, at timestamptz);
CREATE TABLE y (unit text, v float8, d float8, at timestamptz);
SELECT rec.create_metric('goal', 'y', 'unit', 'v', 'at');
SELECT rec.create_metric('guard', 'y', 'unit', 'd', 'at', guardrail => true);
SELECT rec.create_experiment('d', exposures => 'x', exposure_unit => 'unit', exposure_time => 'at', metrics => '{goal,guard}');
CREATE FUNCTION plant(n int, goal float8, guard float8, share int DEFAULT 50) RETURNS void LANGUAGE sql AS $$
	TRUNCATE x; TRUNCATE y;
	INSERT INTO x SELECT u, CASE WHEN u % 100 < share THEN 'control' ELSE 'treatment' END, now() - interval '2 days' FROM generate_series(1, n) u;
	INSERT INTO y SELECT unit, 10 + noise(unit::int, 3) + CASE variant WHEN 'treatment' THEN goal ELSE 0 END, 10 + noise(unit::int, 4) + CASE variant WHEN 'treatment' THEN guard ELSE 0 END, at + interval '1 minute' FROM x;
$$;
CREATE FUNCTION decision() RETURNS text LANGUAGE sql AS $$ SELECT decision FROM rec.experiment_result('d') WHERE metric IS NULL $$;
SELECT is(decision(), 'keep running', 'no units yet');
SELECT matches(sentence, 'no unit has been exposed yet', 'and the sentence says so') FROM rec.experiment_result('d') WHERE metric IS NULL;
SELECT plant(2000, 0, 0);
SELECT is(decision(), 'keep running', 'no effect');
SELECT plant(2000, 1, 0);
SELECT is(decision(), 'ship', 'a better goal');
SELECT plant(2000, -1, 0);
SELECT is(decision(), 'stop', 'a worse goal');
SELECT plant(2000, 1, -1);
SELECT is(decision(), 'stop', 'a better goal and a worse guardrail');
SELECT plant(2000, 1, 1);
SELECT is(decision(), 'ship', 'a guardrail may get better');
SELECT plant(2000, 1, 0, 60);
SELECT is(decision(), 'broken', 'a split that is not as planned');
SELECT matches(sentence, '^broken: sample ratio mismatch', 'is said first') FROM rec.experiment_result('d') LIMIT 1;
SELECT is(decision, 'broken', 'of each variant') FROM rec.experiment_result('d') WHERE metric = 'goal' AND variant = 'treatment';
SELECT plant(300, 0.1, 0);
SELECT matches(sentence, '^keep running: no difference has been shown yet; the power to find a change of 5.0 % in goal is', 'how far it is') FROM rec.experiment_result('d') WHERE metric IS NULL;
SELECT rec.stop_experiment('d');
SELECT is(decision(), 'stop', 'ended without a difference');
SELECT rec.start_experiment('d');
-- a small effect: the fixed sample finds it, a look at any time does not yet
SELECT plant(2000, 0, 0);
SELECT 2.4 * (w).std_error - (w).difference AS effect FROM (SELECT rec.welch_test(v, variant = 'treatment') AS w FROM x JOIN y USING (unit)) t \gset
SELECT plant(2000, :effect, 0);
SELECT ok(p < 0.05 AND p_safe > 0.05 AND decision = 'keep running', 'peeking does not ship') FROM rec.experiment_result('d') WHERE metric = 'goal' AND variant = 'treatment';

-- Many A/A experiments at once, one look each day: decisions other than to keep running are rare (10,000 of them: bench)
CREATE TABLE many AS SELECT e, u, CASE WHEN hashtextextended(e || ' ' || u, 11) & 1 = 0 THEN 'control' ELSE 'treatment' END AS variant, '2026-11-01'::timestamptz + (u % 10) * interval '1 day' AS exposed_at, noise(u, 100 + e) AS v
FROM generate_series(1, 20) e, generate_series(1, 400) u;
CREATE FUNCTION aa() RETURNS int LANGUAGE plpgsql AS $$
DECLARE n int := 0;
BEGIN
	FOR i IN 1 .. 20 LOOP
		EXECUTE format('CREATE VIEW aa%s AS SELECT * FROM many WHERE e = %s', i, i);
		PERFORM rec.create_metric('aa' || i, 'aa' || i, 'u', 'v + 10');
		PERFORM rec.create_experiment('aa' || i, exposures => 'aa' || i, exposure_unit => 'u', metrics => ARRAY['aa' || i]);
		n := n + (SELECT bool_or(p_safe < 0.05)::int FROM rec.experiment_daily WHERE experiment = 'aa' || i);
		PERFORM rec.drop_experiment('aa' || i);
	END LOOP;
	RETURN n;
END $$;
SELECT cmp_ok(aa(), '<=', 3, '20 A/A experiments with 10 looks: few false alarms');

-- Which rows count
TRUNCATE x; TRUNCATE y;
INSERT INTO x VALUES ('a', 'control', '2026-10-01 12:00+00'), ('a', 'control', '2026-10-02 12:00+00'), ('b', 'treatment', '2026-10-01 12:00+00'), ('c', 'treatment', '2026-10-01 12:00+00'),
	('d', 'control', '2026-10-01 12:00+00'), (NULL, 'control', '2026-10-01'), ('e', 'no variant', '2026-10-01'), ('f', NULL, '2026-10-01');
SELECT rec.create_metric('windowed', 'y', 'unit', 'v', 'at', window_after => '1 day', cap => 100);
SELECT rec.alter_experiment('d', metrics => '{windowed}');
INSERT INTO y VALUES ('a', 1, 1, '2026-10-01 11:59:59+00'), ('a', 2, 1, '2026-10-01 12:00+00'), ('a', 4, 1, '2026-10-02 11:59:59+00'), ('a', 8, 1, '2026-10-02 12:00+00'), ('a', NULL, 1, '2026-10-01 13:00+00'),
	('b', 'NaN', 1, '2026-10-01 13:00+00'), ('b', 'infinity', 1, '2026-10-01 13:00+00'), ('b', 3, 1, '2026-10-01 13:00+00'), ('c', 1000, 1, '2026-10-01 13:00+00'), ('e', 7, 1, '2026-10-01 13:00+00'), (NULL, 7, 1, '2026-10-01 13:00+00');
SELECT results_eq($$SELECT variant, n, mean FROM rec.experiment_result('d') WHERE metric = 'windowed'$$, $$VALUES ('control', 2::bigint, 3::float8), ('treatment', 2, 51.5)$$,
	'rows from the first exposure to the end of the window, capped; units without rows count 0');
SELECT matches(sentence, '2 rows with NaN or infinite values are left out', 'rows without a usable value') FROM rec.experiment_result('d') WHERE metric = 'windowed' AND variant = 'treatment';
SELECT rec.force_variant('d', 'c', 'treatment');
SELECT is(n, 1::bigint, 'forced units do not count') FROM rec.experiment_result('d') WHERE metric = 'windowed' AND variant = 'treatment';
SELECT rec.alter_experiment('d', start => '2026-10-01 12:00:01+00');
SELECT is(n, 1::bigint, 'exposures before the start do not count') FROM rec.experiment_result('d') WHERE metric IS NULL;
SELECT rec.alter_experiment('d', start => '2026-09-01', forced => '{}');
INSERT INTO x VALUES ('g', 'control', now() + interval '1 day');
SELECT matches(sentence, '1 units were exposed in the future, check the clocks', 'clock skew') FROM rec.experiment_result('d') WHERE metric IS NULL;
DELETE FROM x WHERE unit = 'g';
-- other types of times
CREATE VIEW y_types AS SELECT unit, v, at AT TIME ZONE 'UTC' AS ts, (at AT TIME ZONE 'UTC')::date AS day, extract(epoch FROM at)::bigint AS seconds FROM y;
SELECT rec.create_metric('of ' || c, 'y_types', 'unit', 'v', c, window_after => '1 day', cap => 100) FROM unnest('{ts,seconds,day}'::text[]) c;
SELECT rec.alter_experiment('d', metrics => '{windowed,of ts,of seconds,of day}');
SET TimeZone = 'Asia/Tokyo';
SELECT results_eq($$SELECT metric, mean FROM rec.experiment_result('d') WHERE variant = 'control'$$, $$VALUES ('windowed', 3::float8), ('of ts', 3), ('of seconds', 3), ('of day', 6)$$, 'times without a zone are UTC, whatever the session''s zone');
RESET TimeZone;

-- Undefined is said, not p = 0
SELECT rec.create_metric('flat', 'y', 'unit', '1', NULL, kind => 'proportion');
SELECT rec.create_metric('negative', 'y', 'unit', 'v', NULL, kind => 'ratio', denominator => '-d');
SELECT rec.create_metric('zero', 'y', 'unit', '0');
SELECT rec.alter_experiment('d', metrics => '{zero,negative}');
SELECT ok(p IS NULL AND lift IS NULL AND sentence ~ 'zero in treatment: ', 'zero variance is undefined') FROM rec.experiment_result('d') WHERE metric = 'zero' AND variant = 'treatment';
SELECT matches(sentence, 'have a negative denominator', 'negative denominators') FROM rec.experiment_result('d') WHERE metric = 'negative' AND variant = 'treatment';

-- CUPED: what the units did before takes variance away
SELECT plant(1000, 0.3, 0);
INSERT INTO y SELECT unit, 10 + noise(unit::int, 3), 0, at - interval '1 day' FROM x;
SELECT rec.create_metric('cuped', 'y', 'unit', 'v', 'at', pre_period => '3 days');
SELECT rec.alter_experiment('d', metrics => '{goal,cuped}');
SELECT ok((SELECT ci_high - ci_low FROM rec.experiment_result('d') WHERE metric = 'cuped' AND variant = 'treatment') < 0.2 * (SELECT ci_high - ci_low FROM rec.experiment_result('d') WHERE metric = 'goal' AND variant = 'treatment'), 'CUPED with the units'' rows before the exposure');

-- Quantiles, against rec.quantile_test() and rec.sequential_test() on one row per unit
SELECT rec.create_metric('median', 'y', 'unit', 'v', 'at', kind => 'quantile'), rec.create_metric('p80', 'y', 'unit', 'v', 'at', kind => 'quantile', quantile => 0.8, cap => 12);
SELECT rec.alter_experiment('d', metrics => '{median,p80}');
CREATE TABLE q_truth AS SELECT x.unit, variant = 'treatment' AS t, coalesce(sum(v), 0) AS v FROM x LEFT JOIN y ON y.unit = x.unit AND y.at >= x.at GROUP BY 1, 2;
SELECT ok(r.n = w.n_treatment AND r.mean = w.estimate_treatment AND r.lift = w.lift AND r.ci_low = w.lift_ci_low AND r.p = w.p_value AND r.safe_low = s.lift_ci_low AND r.p_safe = s.p_value AND abs(r.chance_to_win - (1 - w.p_value / 2)) < 1e-9, r.metric || ': ' || r.sentence)
FROM (VALUES ('median', 0.5, 'infinity'::float8), ('p80', 0.8, 12)) m (metric, q, cap), LATERAL (SELECT rec.quantile_test(least(v, m.cap), t, m.q) AS w, rec.sample_quantile(least(v, m.cap)) FILTER (WHERE NOT t) AS c, rec.sample_quantile(least(v, m.cap)) FILTER (WHERE t) AS k FROM q_truth) a,
	LATERAL rec.sequential_test(a.c, a.k, m.q) s, LATERAL (SELECT (a.w).*) w, rec.experiment_result('d') r WHERE r.metric = m.metric AND r.variant = 'treatment';
SELECT is(mean, (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY v) FROM q_truth WHERE NOT t), 'the median of all exposed units') FROM rec.experiment_result('d') WHERE metric = 'median' AND variant = 'control';
SELECT isnt_empty($$SELECT * FROM rec.experiment_daily WHERE experiment = 'd' AND metric = 'median' AND lift IS NOT NULL AND safe_low < ci_low$$, 'quantiles by day');

-- rec.exposure, three variants
SELECT rec.create_experiment('three', '{a,b,c}', '{0.5,0.25,0.25}', metrics => '{goal}');
SELECT count(rec.log_exposure('three', u, NULL, now() - interval '1 hour')) FROM generate_series(1, 400) u \gset
INSERT INTO y SELECT u, 10 + noise(u, 9), 1, now() FROM generate_series(1, 400) u;
SELECT results_eq($$SELECT variant, n FROM rec.experiment_result('three') WHERE metric = 'goal'$$, $$SELECT v, count(*) FROM generate_series(1, 400) u, rec.variant('three', u) v GROUP BY 1 ORDER BY 1$$, 'logged exposures');
SELECT ok(srm_p > 0.001, 'the planned weights count') FROM rec.experiment_result('three') WHERE metric IS NULL;

-- Whose rights count
CREATE TABLE secret (user_id text, v float8);
RESET ROLE;
ALTER TABLE secret OWNER TO postgres;
SELECT rec.create_metric('super', 'secret', value => 'v');
CREATE ROLE res_stranger;
SET ROLE res_stranger;
SELECT throws_ok($$SELECT rec.create_experiment('peek', metrics => '{goal}')$$, '42501', 'permission denied for metric "goal"', 'naming somebody''s metric');
SELECT is_empty($$SELECT * FROM rec.metric$$, 'does not show its definition');
RESET ROLE;
GRANT CREATE ON SCHEMA public TO res_stranger;
SET ROLE res_stranger;
CREATE TABLE theirs (user_id text, v float8);
SELECT rec.create_metric('stranger', 'theirs', value => 'v');
SET ROLE res_owner;
SELECT throws_ok($$SELECT rec.create_metric('s', 'secret', value => 'v')$$, '42501', 'permission denied for table secret', 'a relation without privileges');
RESET ROLE;
SELECT rec.alter_experiment('three', metrics => '{goal,super,stranger}');
SET ROLE res_owner;
SELECT matches(sentence, 'super cannot be computed: permission denied', 'a metric reads with the rights of the experiment''s owner') FROM rec.experiment_result('three') WHERE metric = 'super' LIMIT 1;
SELECT is_empty($$SELECT * FROM rec.experiment_result('three') WHERE metric = 'stranger'$$, 'expressions of strangers are not run');
SELECT ok(n = 400, 'the others are computed all the same') FROM rec.experiment_result('three') WHERE metric IS NULL;
RESET ROLE;
SET ROLE res_bi;
SELECT throws_ok($$SELECT * FROM rec.experiment_result('ab')$$, '42501', 'permission denied for experiment "ab"', 'not granted');
SELECT is_empty($$SELECT * FROM rec.experiment_summary$$, 'nothing in the view');
SELECT throws_ok($$SELECT rec.refresh_experiment('ab')$$, '42501', NULL, 'nor may it refresh');
SELECT throws_ok($$SELECT rec.drop_metric('goal')$$, '42501', NULL, 'nor drop metrics');
SET ROLE res_owner;
SELECT rec.grant_experiment('ab', 'res_bi');
SELECT rec.refresh_experiment('ab');
SET ROLE res_bi;
SELECT is(n, 5997::bigint, 'granted: what is kept') FROM rec.experiment_result('ab') WHERE metric IS NULL;
SELECT isnt_empty($$SELECT * FROM rec.experiment_summary WHERE metric = 'revenue' AND lift IS NOT NULL$$, 'in the views');
SELECT isnt_empty($$SELECT * FROM rec.experiment_daily WHERE metric = 'revenue' AND lift IS NOT NULL$$, 'also by day');
SELECT isnt_empty($$SELECT * FROM rec.metric WHERE metric = 'revenue'$$, 'with the metrics it shows');
SELECT is_empty($$SELECT * FROM rec._experiment_live((SELECT id FROM rec.experiment WHERE experiment = 'ab'))$$, 'and nothing that reads the owner''s tables');
SELECT throws_ok($$SELECT * FROM orders$$, '42501', NULL, 'which it may not read');
RESET ROLE;
ALTER TABLE y RENAME TO gone;
SET ROLE res_owner;
SELECT matches(sentence, 'goal cannot be computed: relation public.y does not exist', 'a relation that is gone') FROM rec.experiment_result('three') WHERE metric = 'goal' LIMIT 1;
RESET ROLE;
ALTER TABLE gone RENAME TO y;

-- Bad metrics
SET ROLE res_owner;
SELECT throws_ok(format($$SELECT rec.create_metric('bad', 'y', 'unit', %s)$$, a), state, message, coalesce(message, a)) FROM (VALUES
	($$'v, d'$$, '42601', NULL), ($$'v) FROM y; DROP TABLE y; --'$$, '42601', NULL), ($$''$$, '42601', NULL), ($$'(SELECT max(v) FROM y)'$$, '0A000', NULL),
	($$'sum(v)'$$, '42803', NULL), ($$'random()'$$, '0A000', 'the value of a metric holds a volatile function'), ($$'vv'$$, '42703', NULL), ($$'unit'$$, '42804', 'the value of a metric is of type text'),
	($$'v', kind => 'meen'$$, '22023', 'invalid kind "meen" of a metric'), ($$'v', direction => 'up'$$, '22023', 'invalid direction "up" of a metric'), ($$'v', kind => 'ratio'$$, '22023', 'a metric of kind ratio needs a denominator'),
	($$'v', denominator => 'd'$$, '22023', 'only a metric of kind ratio has a denominator'), ($$'v', cap => 'NaN'$$, '22023', 'cap must be a number above zero'), ($$'v', 'at', window_after => '-1 day'$$, '22023', 'window_after must be above zero'),
	($$'v', window_after => '1 day'$$, '22023', 'window_after needs a time_column'), ($$'v', 'aat'$$, '42703', 'column "aat" of metric relation "y" does not exist'), ($$'v', 'v'$$, '42804', NULL),
	($$'v', 'at', kind => 'quantile', quantile => 95$$, '22023', 'quantile must be between 0 and 1: 95'), ($$'v', quantile => 0.5$$, '22023', 'only a metric of kind quantile has a quantile'), ($$'v', 'at', kind => 'quantile', pre_period => '1 day'$$, '22023', 'a metric of kind quantile takes no pre_period'),
	($$'v', min_effect => 0$$, '22023', 'min_effect must be a number above zero'), ($$NULL$$, '22004', 'value must not be null')) v (a, state, message);
SELECT throws_ok($$SELECT rec.create_metric('goal', 'y', 'unit')$$, '42710', 'metric "goal" already exists', 'a name in use');
SELECT throws_ok($$SELECT rec.create_metric('bad', 'yy')$$, '42P01', NULL, 'no relation');
SELECT throws_ok($$SELECT rec.create_metric('bad', 'y', 'unt')$$, '42703', 'column "unt" of metric relation "y" does not exist', 'no column');
SELECT throws_ok($$SELECT rec.alter_experiment('d', metrics => '{goall}')$$, '42704', 'metric "goall" does not exist', 'no metric');
SELECT throws_ok($$SELECT rec.drop_metric('goall')$$, '42704', NULL, 'nothing to drop');
SELECT lives_ok($$SELECT rec.drop_metric('goall', true)$$, 'if_exists');
SELECT throws_ok($$SELECT * FROM rec.experiment_result('dd')$$, '42704', NULL, 'no experiment');
SELECT rec.rename_experiment('ab', 'renamed while it runs');
SELECT is(n, 6097::bigint, 'results survive a rename') FROM rec.experiment_result('renamed while it runs') WHERE metric IS NULL;
SELECT rec.drop_metric('revenue');
SELECT is_empty($$SELECT * FROM rec.experiment_day WHERE metric = 'revenue'$$, 'a metric takes its kept states along');
RESET ROLE;
SELECT * FROM finish();
