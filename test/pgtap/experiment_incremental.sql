-- Results from what is kept against the same computed anew: metrics of every kind, with and without a window, on days that go
-- by (the clock stands still, so the data move instead), with late rows, units in two variants, ramp-up, a stop.
SET client_min_messages = warning;
SET statement_timeout = '60s';
\pset fieldsep '\n'
SELECT no_plan();
CREATE ROLE inc_owner;
CREATE ROLE inc_bi;
GRANT CREATE ON SCHEMA public TO inc_owner;
SET ROLE inc_owner;

-- What will happen, and the part of it that has been seen. Time 0 is the beginning of today, UTC.
CREATE TABLE exposure_plan (unit text, variant text, t timestamptz);
CREATE TABLE row_plan (unit text, v float8, d float8, t timestamptz);
CREATE FUNCTION noon(d float8) RETURNS timestamptz LANGUAGE sql AS $$ SELECT (date_trunc('day', now() AT TIME ZONE 'UTC') + d * interval '1 day') AT TIME ZONE 'UTC' $$;
-- 20 days; more units from the 8th day on: a ramp-up
INSERT INTO exposure_plan SELECT 'u' || u, CASE WHEN hashtextextended(u::text, 3) & 1 = 0 THEN 'control' ELSE 'treatment' END,
	noon(-20 + CASE WHEN u <= 200 THEN u * 19.9 / 200 ELSE 8 + (u - 200) * 11.9 / 300 END) FROM generate_series(1, 500) u;
-- seen again, with the same variant and, some, with the other
INSERT INTO exposure_plan SELECT unit, variant, t + interval '30 hours' FROM exposure_plan WHERE hashtextextended(unit, 5) % 3 = 0;
INSERT INTO exposure_plan SELECT unit, CASE variant WHEN 'control' THEN 'treatment' ELSE 'control' END, t + (hashtextextended(unit, 8) & 7) * interval '1 day' FROM exposure_plan WHERE hashtextextended(unit, 6) % 40 = 0;
INSERT INTO row_plan SELECT 'u' || u, round((3 + (hashtextextended(u || ' ' || k, 1) & 1023) / 100.0 + CASE WHEN hashtextextended(u::text, 3) & 1 = 1 THEN 0.7 ELSE 0 END)::numeric, 2), 1 + (hashtextextended(u || ' ' || k, 2) & 3),
	noon(-24 + ((hashtextextended(u || ' ' || k, 4) & 65535) / 65536.0) * 24) FROM generate_series(1, 550) u, generate_series(1, 6) k WHERE hashtextextended(u::text, 9) % 4 <> 0;
INSERT INTO row_plan SELECT 'u7', x, 1, noon(-3.5) FROM unnest('{NaN,infinity,-2000}'::float8[]) x;
CREATE TABLE x (unit text, variant text, t timestamptz);
CREATE TABLE y (unit text, v float8, d float8, t timestamptz);
SELECT rec.create_experiment('inc', exposures => 'x', exposure_unit => 'unit', exposure_time => 't');
SELECT rec.create_metric('sum', 'y', 'unit', 'v', 't'), rec.create_metric('capped', 'y', 'unit', 'v', 't', cap => 25), rec.create_metric('converted', 'y', 'unit', 'v > 9', 't', 'proportion'),
	rec.create_metric('orders', 'y', 'unit', '1', 't', 'count'), rec.create_metric('per d', 'y', 'unit', 'v', 't', 'ratio', denominator => 'd'), rec.create_metric('cuped', 'y', 'unit', 'v', 't', pre_period => '4 days'),
	rec.create_metric('median', 'y', 'unit', 'v', 't', 'quantile'), rec.create_metric('p90', 'y', 'unit', 'v', 't', 'quantile', quantile => 0.9, cap => 60),
	rec.create_metric('sum 2d', 'y', 'unit', 'v', 't', window_after => '2 days'), rec.create_metric('median 3d', 'y', 'unit', 'v', 't', 'quantile', window_after => '3 days'),
	rec.create_metric('cuped 2d', 'y', 'unit', 'v', 't', pre_period => '4 days', window_after => '2 days'), rec.create_metric('timeless', 'y', 'unit', 'v');

CREATE TYPE number AS (metric text, variant text, n bigint, mean numeric, lift numeric, p numeric, safe numeric, win numeric, mixed bigint, decision text);
CREATE FUNCTION numbers() RETURNS SETOF number LANGUAGE sql AS $$
	SELECT metric, variant, n, round(mean::numeric, 9), round(lift::numeric, 9), round(p::numeric, 9), round(safe_low::numeric, 9), round(chance_to_win::numeric, 9), in_two_variants, decision FROM rec.experiment_result('inc') $$;
CREATE FUNCTION days() RETURNS SETOF number LANGUAGE sql AS $$
	SELECT metric, variant || ' ' || day, n, round(mean::numeric, 9), round(lift::numeric, 9), round(p::numeric, 9), round(safe_low::numeric, 9), round(srm_p::numeric, 9), new_units, '' FROM rec.experiment_daily WHERE experiment = 'inc' $$;
CREATE TABLE live (LIKE x); -- results of a second experiment, of which nothing is ever kept
SELECT rec.create_experiment('whole', exposures => 'x', exposure_unit => 'unit', exposure_time => 't');
CREATE FUNCTION whole() RETURNS SETOF number LANGUAGE sql AS $$
	SELECT metric, variant, n, round(mean::numeric, 9), round(lift::numeric, 9), round(p::numeric, 9), round(safe_low::numeric, 9), round(chance_to_win::numeric, 9), in_two_variants, decision FROM rec.experiment_result('whole') $$;
CREATE FUNCTION whole_days() RETURNS SETOF number LANGUAGE sql AS $$
	SELECT metric, variant || ' ' || day, n, round(mean::numeric, 9), round(lift::numeric, 9), round(p::numeric, 9), round(safe_low::numeric, 9), round(srm_p::numeric, 9), new_units, '' FROM rec.experiment_daily WHERE experiment = 'whole' $$;
CREATE FUNCTION same(what text) RETURNS SETOF text LANGUAGE sql AS $$ SELECT results_eq('SELECT * FROM numbers()', 'SELECT * FROM whole()', what) $$;
CREATE FUNCTION same_days(what text) RETURNS SETOF text LANGUAGE sql AS $$ SELECT results_eq('SELECT * FROM days()', 'SELECT * FROM whole_days()', what) $$;

-- Until day d: all rows move back by what is left, so that the clock shows the end of day d; what is kept moves along.
CREATE FUNCTION at_day(d int) RETURNS void LANGUAGE sql AS $$
	TRUNCATE x, y;
	INSERT INTO x SELECT unit, variant, t - d * interval '1 day' FROM exposure_plan WHERE t < now() + d * interval '1 day';
	INSERT INTO y SELECT unit, v, d, t - at_day.d * interval '1 day' FROM row_plan WHERE t < now() + at_day.d * interval '1 day';
$$;
RESET ROLE;
CREATE FUNCTION a_day_passes() RETURNS void LANGUAGE sql AS $$
	UPDATE rec.experiment_day SET day = day - 1000000;
	UPDATE rec.experiment_day SET day = day + 999999;
	UPDATE rec.experiment_kept SET until = until - interval '1 day';
	UPDATE rec.experiment_unit SET exposed_at = exposed_at - interval '1 day';
	UPDATE rec.experiment_value SET day = day - 1;
$$;
SET ROLE inc_owner;
SELECT at_day(-9);
SELECT same('nothing is kept yet');
SELECT rec.refresh_experiment('inc');
SELECT same('the first refresh'), same_days('by day');
SELECT cmp_ok((SELECT count(*) FROM rec.experiment_unit), '>', 50::bigint, 'units are kept');
SELECT cmp_ok((SELECT count(*) FROM rec.experiment_value WHERE metric = 'sum'), '>', 30::bigint, 'and their sums');
SELECT is((SELECT count(*) FROM rec.experiment_value WHERE metric IN ('sum 2d', 'timeless')), 0::bigint, 'of metrics with a time and without a window');
RESET ROLE;
-- of every day the result before and after the refresh
CREATE FUNCTION series(days int[], refresh boolean) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE d int;
BEGIN
	FOREACH d IN ARRAY days LOOP
		RESET ROLE;
		PERFORM a_day_passes();
		SET ROLE inc_owner;
		PERFORM at_day(d);
		RETURN QUERY SELECT same(format('day %s', d));
		IF refresh THEN
			PERFORM rec.refresh_experiment('inc');
			RETURN QUERY SELECT same(format('day %s, refreshed', d));
		END IF;
	END LOOP;
	RESET ROLE;
END $$;
SELECT series('{-8,-7,-6}', true);
SELECT series('{-5,-4}', false);
SELECT series('{-3,-2,-1,0}', true);
SET ROLE inc_owner;
SELECT same_days('by day, after all days');
SELECT cmp_ok((SELECT in_two_variants FROM rec.experiment_result('inc') LIMIT 1), '>', 3::bigint, 'units in two variants were among them');
SELECT is((SELECT count(*) FROM rec.experiment_value v JOIN rec.experiment_unit u USING (experiment_id, unit_id) WHERE u.mixed), 0::bigint, 'and have no sums');

-- Only new rows are read: what is older than the mark may go, and what comes late does not count until all is computed anew
CREATE TABLE before AS SELECT * FROM numbers() WHERE metric IN ('sum', 'capped', 'converted', 'orders', 'per d', 'cuped', 'median', 'p90');
DELETE FROM y WHERE t < noon(-1) - interval '4 days';
DELETE FROM x WHERE t < noon(-1);
SELECT results_eq($$SELECT * FROM numbers() WHERE metric IN ('sum', 'capped', 'converted', 'orders', 'per d', 'cuped', 'median', 'p90')$$, 'SELECT * FROM before', 'old rows and exposures are not read again');
INSERT INTO y SELECT unit_id, 1e6, 1, noon(-3) FROM rec.experiment_unit ORDER BY unit_id LIMIT 3;
SELECT results_eq($$SELECT * FROM numbers() WHERE metric IN ('sum', 'capped', 'converted', 'orders', 'per d', 'cuped', 'median', 'p90')$$, 'SELECT * FROM before', 'rows that come late do not count');
SELECT at_day(0);
INSERT INTO y SELECT 'u3', 40, 1, noon(-3);
SELECT rec.refresh_experiment('inc', true);
SELECT same('until all is computed anew');
-- a metric that is created later, and one that cannot be read for a while
SELECT rec.create_metric('later', 'y', 'unit', 'd', 't');
SELECT same('a new metric is computed whole');
SELECT rec.refresh_experiment('inc');
SELECT same('then kept');
RESET ROLE;
SELECT a_day_passes();
SET ROLE inc_owner;
SELECT at_day(1);
RESET ROLE;
ALTER TABLE y OWNER TO postgres;
SET ROLE inc_owner;
SELECT rec.refresh_experiment('inc');
SELECT is((SELECT count(*) FROM rec.experiment_kept WHERE metric IS NOT NULL), 0::bigint, 'sums that could not be carried on are not kept');
RESET ROLE;
ALTER TABLE y OWNER TO inc_owner;
SET ROLE inc_owner;
SELECT same('they are computed whole again');
SELECT rec.refresh_experiment('inc');
SELECT same('and kept again');
-- more successes than anything: zero variance stays exact
SELECT rec.create_metric('all', 'y', 'unit', 'true', NULL, 'proportion');
SELECT rec.alter_experiment('inc', metrics => '{sum,converted}'), rec.alter_experiment('whole', metrics => '{sum,converted}');
SELECT same('other metrics');
-- a stop, and going on
SELECT rec.alter_experiment('inc', stop => noon(-4)), rec.alter_experiment('whole', stop => noon(-4));
SELECT is((SELECT count(*) FROM rec.experiment_unit), 0::bigint, 'another stop makes all that is kept void');
SELECT same('stopped');
SELECT rec.refresh_experiment('inc');
SELECT same('stopped, kept');
SELECT rec.start_experiment('inc'), rec.start_experiment('whole');
SELECT rec.refresh_experiment('inc');
SELECT same('goes on');

-- What others see: states by day as of the refresh, and neither units nor sums
SELECT rec.grant_experiment('inc', 'inc_bi');
SET ROLE inc_bi;
SELECT ok(n > 200 AND lift IS NOT NULL, 'a metric without a window, for a role that may not read it') FROM rec.experiment_result('inc') WHERE metric = 'sum' AND variant = 'treatment';
SELECT is_empty('SELECT * FROM rec.experiment_unit', 'units are the owner''s');
SELECT is_empty('SELECT * FROM rec.experiment_value', 'sums too');
SELECT is_empty($$SELECT * FROM rec._experiment_units((SELECT id FROM rec.experiment WHERE experiment = 'inc'))$$, 'not read for others');
SELECT is_empty($$SELECT * FROM rec._experiment_values((SELECT id FROM rec.experiment WHERE experiment = 'inc'))$$, 'not read for others');
SET ROLE inc_owner;
SELECT rec.drop_metric('sum');
SELECT is((SELECT count(*) FROM rec.experiment_value WHERE metric = 'sum'), 0::bigint, 'a metric takes its sums along');
SELECT rec.drop_experiment('inc'), rec.drop_experiment('whole');
RESET ROLE;
SELECT is((SELECT count(*) FROM rec.experiment_unit) + (SELECT count(*) FROM rec.experiment_value) + (SELECT count(*) FROM rec.experiment_kept), 0::bigint, 'an experiment all of it');
SELECT * FROM finish();
