-- Scalers: values against scikit-learn 1.2.1 (Debian's python3-sklearn) on the column x below; edge cases; parallel plans; moving
-- frames; hostile text and bytes.
SET client_min_messages = warning;
SELECT no_plan();
CREATE TABLE d (n int, x float8);
INSERT INTO d SELECT n, x FROM unnest('{1.5,-2,3,8,13.25,21,0,4,3}'::float8[]) WITH ORDINALITY v (x, n);
CREATE FUNCTION near(a float8[], b float8[], tolerance float8 DEFAULT 1e-14) RETURNS boolean LANGUAGE sql
RETURN array_length(a, 1) = array_length(b, 1) AND (SELECT bool_and(abs(p - q) <= tolerance * greatest(1, abs(q))) FROM unnest(a, b) u (p, q));
CREATE FUNCTION scaled(s rec.scaler) RETURNS float8[] LANGUAGE sql RETURN (SELECT array_agg(rec.scale(x, s) ORDER BY n) FROM d);

-- StandardScaler().fit_transform() divides by the deviation with divisor n: times sqrt(8/9) here
SELECT ok(near(scaled(rec.fit_standard(x)), (SELECT array_agg(v * sqrt(8 / 9.0) ORDER BY i) FROM unnest('{-0.6197431017031838,-1.130119773694041,-0.40101024227853066,0.32809928913697967,1.0936642971232655,2.2237840708173064,-0.8384759611278368,-0.2551883359954286,-0.40101024227853066}'::float8[]) WITH ORDINALITY u (v, i))), 'standard, as StandardScaler but for the divisor') FROM d;
SELECT ok(near(scaled(rec.fit_minmax(x)), '{0.15217391304347827,0.0,0.21739130434782608,0.43478260869565216,0.6630434782608696,1.0,0.08695652173913043,0.2608695652173913,0.21739130434782608}'), 'minmax, as MinMaxScaler()') FROM d;
SELECT ok(near(scaled(rec.fit_robust(x)), '{-0.23076923076923078,-0.7692307692307693,0.0,0.7692307692307693,1.5769230769230769,2.769230769230769,-0.46153846153846156,0.15384615384615385,0.0}'), 'robust, as RobustScaler()') FROM d;
SELECT ok(near(scaled(rec.fit_robust(x, 0.1, 0.9)), '{-0.09868421052631578,-0.3289473684210526,0.0,0.3289473684210526,0.6743421052631579,1.1842105263157894,-0.19736842105263155,0.06578947368421052,0.0}'), 'robust, as RobustScaler(quantile_range=(10, 90))') FROM d;
SELECT is(rec.fit_robust(x, 10, 90), rec.fit_robust(x, 0.1, 0.9), 'the range in percent') FROM d;
SELECT ok(near(scaled(rec.fit_maxabs(x)), '{0.07142857142857142,-0.09523809523809523,0.14285714285714285,0.38095238095238093,0.6309523809523809,1.0,0.0,0.19047619047619047,0.14285714285714285}'), 'maxabs, as MaxAbsScaler()') FROM d;
SELECT ok(near(scaled(rec.fit_quantile(x, 4)), '{0.2592592592592593,0.0,0.3921568627450982,0.723404255319149,0.8351063829787234,1.0,0.14814814814814817,0.5098039215686277,0.3921568627450982}', 1e-13), 'quantile, as QuantileTransformer(n_quantiles=4)') FROM d;
SELECT ok(near(scaled(rec.fit_log(x)), (SELECT array_agg(ln(1 + x + 2) ORDER BY n) FROM d)), 'log, from the smallest value') FROM d;
SELECT is(rec.scale(3, rec.fit_log(abs(x)))::text, ln(4::float8)::text, 'log of what is not negative is ln(1 + x)') FROM d;
SELECT is(rec.fit_standard(x), '{"n": 5, "std": 1.5811388300841898, "kind": "standard", "mean": 3}', 'text form') FROM generate_series(1, 5) x;
SELECT is(((rec.fit_standard(1e9 + x)->>'std')::float8 ^ 2)::numeric(20, 10), 30::numeric(20, 10), 'the variance of 1e9+{4,7,13,16} is 30') FROM unnest('{4,7,13,16}'::int[]) x;
SELECT ok(bool_and(abs(rec.unscale(rec.scale(x, s), s) - x) < 1e-13), kind || ': undone') FROM d, (SELECT unnest(ARRAY[rec.fit_standard(x),
	rec.fit_minmax(x), rec.fit_robust(x), rec.fit_maxabs(x), rec.fit_quantile(x, 9), rec.fit_log(x)]) FROM d) f (s), LATERAL (SELECT s->>'kind') k (kind) GROUP BY kind;

-- Window functions: the same numbers; the whole partition, in order of rows and with any frame
SELECT results_eq('SELECT n, rec.standard_scaler(x) OVER (), rec.min_max_scaler(x) OVER (ORDER BY n), rec.max_abs_scaler(x) OVER (ROWS 1 PRECEDING), rec.robust_scaler(x) OVER () FROM d ORDER BY n',
	'SELECT n, rec.scale(x, (SELECT rec.fit_standard(x) FROM d)), rec.scale(x, (SELECT rec.fit_minmax(x) FROM d)), rec.scale(x, (SELECT rec.fit_maxabs(x) FROM d)), rec.scale(x, (SELECT rec.fit_robust(x) FROM d)) FROM d ORDER BY n', 'window functions scale as fit and apply');
SELECT is(array_agg(v ORDER BY f), '{-1.2649110640673518,-0.6324555320336759,0,0.6324555320336759,1.2649110640673518}'::float8[], 'the example of BigQuery''s ML.STANDARD_SCALER')
	FROM (SELECT f, rec.standard_scaler(f) OVER () AS v FROM generate_series(1, 5) f) s;
SELECT is(array_agg(b ORDER BY n), '{2,1,3,4,4,4,1,3,3}', 'quantile_bucketize, as KBinsDiscretizer(4, strategy="quantile") + 1') FROM (SELECT n, rec.quantile_bucketize(x, 4) OVER () AS b FROM d) s;
SELECT is(array_agg(b ORDER BY x), '{1,1,1,2,2}', 'equal values share a bucket, as KBinsDiscretizer has it') FROM (SELECT x, rec.quantile_bucketize(x, 4) OVER () AS b FROM unnest('{1,1,1,2,3}'::int[]) x) s;
SELECT results_eq('SELECT rec.standard_scaler(x) OVER (PARTITION BY n % 2), rec.quantile_bucketize(x, 2) OVER (PARTITION BY n % 2) FROM d ORDER BY n',
	'SELECT rec.scale(x, CASE n % 2 WHEN 0 THEN (SELECT rec.fit_standard(x) FROM d WHERE n % 2 = 0) ELSE (SELECT rec.fit_standard(x) FROM d WHERE n % 2 = 1) END),
	1 + (x >= CASE n % 2 WHEN 0 THEN (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x) FROM d WHERE n % 2 = 0) ELSE (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x) FROM d WHERE n % 2 = 1) END)::int FROM d ORDER BY n', 'each partition by itself');
SELECT ok(near(array_agg(v ORDER BY n), (SELECT array_agg(x - 3 ORDER BY n) FROM d)), 'robust_scaler without a range only subtracts') FROM (SELECT n, rec.robust_scaler(x, with_quantile_range => false) OVER () AS v FROM d) s;
SELECT ok(near(array_agg(v ORDER BY n), (SELECT array_agg(x / 15.2 ORDER BY n) FROM d)), 'and without the median only divides') FROM (SELECT n, rec.robust_scaler(x, '{10,90}', with_median => false) OVER () AS v FROM d) s;
SELECT is(array_agg(rec.bucketize(x, '{1,2,3}')), '{1,2,2,3,4,4,NULL,1,4}', 'bucketize') FROM unnest('{0,1,1.5,2,3,9,NaN,-Infinity,Infinity}'::float8[]) x;
SELECT is(rec.bucketize(5, '{}'), 1, 'no edge, one bucket');
-- Python 3: int.from_bytes(hashlib.sha256(s.encode()).digest()[:8], "big") % n
SELECT is(ARRAY[rec.hash_bucket('abc', 1000), rec.hash_bucket('', 1000), rec.hash_bucket('é 表 😀', 1000000), rec.hash_bucket('abc', 1)], '{74,652,833732,0}', 'hash_bucket, as Python computes it');
SELECT ok(max(abs(c - 1000)) < 120, 'buckets of about equal size') FROM (SELECT count(*) AS c FROM generate_series(1, 10000) i GROUP BY rec.hash_bucket(i::text, 10)) s;
SELECT is(rec.hash_bucket(NULL, 5), NULL, 'hash_bucket of null');

-- NULL, nothing, one row, two rows, constants
CREATE TABLE fit (call text, with_ignore text);
INSERT INTO fit VALUES ('rec.fit_standard(x)', 'rec.fit_standard(x, ''ignore'')'), ('rec.fit_minmax(x)', 'rec.fit_minmax(x, ''ignore'')'), ('rec.fit_robust(x)', 'rec.fit_robust(x, ''ignore'')'),
	('rec.fit_robust(x, 0.05, 0.95)', 'rec.fit_robust(x, 0.05, 0.95, ''ignore'')'), ('rec.fit_maxabs(x)', 'rec.fit_maxabs(x, ''ignore'')'), ('rec.fit_quantile(x, 3)', 'rec.fit_quantile(x, 3, ''ignore'')'), ('rec.fit_log(x)', 'rec.fit_log(x, ''ignore'')');
CREATE FUNCTION fitted(call text, x float8[]) RETURNS rec.scaler LANGUAGE plpgsql AS $$
DECLARE s rec.scaler; BEGIN EXECUTE format('SELECT %s FROM unnest($1) x', call) INTO s USING x; RETURN s; END $$;
SELECT is(fitted(call, '{}'), NULL, call || ' of nothing') FROM fit;
SELECT is(fitted(call, '{NULL,NULL}'), NULL, call || ' of nulls') FROM fit;
SELECT is(fitted(call, '{NULL,1,NULL,4,9}'), fitted(call, '{1,4,9}'), call || ' leaves nulls out') FROM fit;
SELECT ok(rec.unscale(rec.scale(5, s), s) = 5, call || ' of one row') FROM fit, LATERAL (SELECT fitted(call, '{5}')) f (s);
SELECT is(rec.scale(5, fitted(call, '{5,5,5}')), 0::float8, call || ' of a constant gives 0') FROM fit WHERE call !~ 'maxabs|log';
SELECT is(rec.scale(x, fitted('rec.fit_standard(x)', '{2,4}'))::numeric(9, 8), v::numeric(9, 8), 'two rows') FROM (VALUES (2, -sqrt(0.5)), (4, sqrt(0.5))) t (x, v);
SELECT is(rec.scale(-5, fitted('rec.fit_maxabs(x)', '{-5,-5}')), -1::float8, 'maxabs of a constant: its sign, as MaxAbsScaler');
SELECT is(rec.scale(NULL, fitted(call, '{1,2}')), NULL, call || ': null stays null') FROM fit;
SELECT is(rec.scale('NaN', fitted(call, '{1,2}')), 'NaN'::float8, call || ': NaN stays NaN') FROM fit;
SELECT results_eq('SELECT rec.standard_scaler(x) OVER (), rec.quantile_bucketize(x, 2) OVER () FROM (VALUES (NULL::int), (1), (1)) v (x)', 'VALUES (NULL::float8, NULL::int), (0, 1), (0, 1)', 'window functions: null stays, constant is 0');
SELECT results_eq('SELECT rec.standard_scaler(x) OVER (), rec.robust_scaler(x) OVER (), rec.quantile_bucketize(x, 2) OVER () FROM (VALUES (NULL::int), (NULL)) v (x)', 'VALUES (NULL::float8, NULL::float8, NULL::int), (NULL, NULL, NULL)', 'window functions of nulls only');
SELECT is_empty('SELECT rec.standard_scaler(x) OVER () FROM d WHERE false', 'of nothing');

-- NaN and infinity
SELECT throws_ok(format('SELECT %s FROM unnest(''{1,%s}''::float8[]) x', call, bad), '22023', 'cannot fit to NaN or infinity', call || ' of ' || bad) FROM fit, unnest('{NaN,Infinity,-Infinity}'::text[]) bad;
SELECT is(fitted(with_ignore, '{NaN,1,Infinity,4,-Infinity,9}'), fitted(call, '{1,4,9}'), with_ignore) FROM fit;
SELECT is(fitted(with_ignore, '{NaN}'), NULL, with_ignore || ': nothing left') FROM fit;
SELECT throws_ok('SELECT rec.standard_scaler(x) OVER () FROM unnest(''{1,NaN}''::float8[]) x', '22023', 'cannot fit to NaN or infinity', 'a window function of NaN');
SELECT is(array_agg(v), '{0,NaN,1,Infinity}', 'ignored: passed through') FROM (SELECT rec.min_max_scaler(x, 'ignore') OVER () AS v FROM unnest('{1,NaN,2,Infinity}'::float8[]) x) s;
SELECT is(array_agg(v), '{1,NULL,2,2,1}', 'buckets of such values') FROM (SELECT rec.quantile_bucketize(x, 2, 'ignore') OVER () AS v FROM unnest('{1,NaN,2,Infinity,-Infinity}'::float8[]) x) s;
SELECT is(array_agg(v), '{NaN,NaN}', 'nothing but NaN') FROM (SELECT rec.standard_scaler(x, 'ignore') OVER () AS v FROM unnest('{NaN,NaN}'::float8[]) x) s;

-- The ends of what a double holds
SELECT ok(near(ARRAY[rec.scale(1e300, s), rec.scale(2e300, s), rec.scale(3e300, s)], '{-1,0,1}'), 'standard, 1e300') FROM (SELECT rec.fit_standard(x) FROM unnest('{1e300,2e300,3e300}'::float8[]) x) f (s);
SELECT ok(near(ARRAY[rec.scale(1e-320, s), rec.scale(3e-320, s)], ARRAY[-sqrt(.5), sqrt(.5)], 1e-3), 'standard, denormal') FROM (SELECT rec.fit_standard(x) FROM unnest('{1e-320,3e-320}'::float8[]) x) f (s);
SELECT ok(near(ARRAY[rec.scale(1e-310, s), rec.scale(2e-310, s), rec.scale(3e-310, s)], '{-1,0,1}'), 'standard, 1e-310') FROM (SELECT rec.fit_standard(x) FROM unnest('{1e-310,2e-310,3e-310}'::float8[]) x) f (s);
SELECT is(rec.scale(x, s), v::float8, 'minmax from end to end: ' || x) FROM (SELECT rec.fit_minmax(x) FROM unnest('{-1.7e308,1.7e308}'::float8[]) x) f (s), (VALUES (-1.7e308, 0), (0, 0.5), (1.7e308, 1)) t (x, v);
SELECT throws_ok('SELECT rec.fit_standard(x) FROM unnest(''{-1.7e308,1.7e308}''::float8[]) x', '22003', NULL, 'a deviation that no double holds');
SELECT throws_ok($$SELECT rec.scale(1e308, '{"kind": "maxabs", "max": 1e-300}')$$, '22003', NULL, 'a result that no double holds');
SELECT is(s::text::rec.scaler, s, 'the text form of ' || (s->>'kind') || ' is exact') FROM (SELECT unnest(ARRAY[rec.fit_standard(x), rec.fit_minmax(x), rec.fit_quantile(x, 5)]) FROM unnest('{1e300,5e-324,0.1,-1e-5,7}'::float8[]) x) f (s);

-- Types
SELECT is(rec.fit_standard(x), (SELECT rec.fit_standard(x::float8) FROM generate_series(1, 4) x), 'types: ' || t) FROM (VALUES ('numeric', 1), ('numeric', 2), ('numeric', 3), ('numeric', 4::numeric)) v (t, x) GROUP BY t;
SELECT is(rec.fit_robust(x::float4), rec.fit_robust(x::smallint), 'float4 and smallint') FROM generate_series(1, 4) x;
SELECT is(rec.fit_minmax(x::bigint), rec.fit_minmax(x), 'bigint') FROM generate_series(1, 4) x;

-- Parallel plans give the same (serialize, deserialize and combine)
CREATE TABLE big AS SELECT ((i * 7919) % 100003)::float8 / 16 AS x FROM generate_series(1, 100000) i;
ALTER TABLE big SET (parallel_workers = 2);
ANALYZE big;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
CREATE FUNCTION plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS off) ' || query; END $$;
SELECT ok(bool_or(p ~ 'Partial Aggregate'), call || ': a parallel plan') FROM fit, plan('SELECT ' || call || ' FROM big') p GROUP BY call;
CREATE FUNCTION both_plans(call text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE a rec.scaler; b rec.scaler;
BEGIN
	EXECUTE format('SELECT %s FROM big', call) INTO a;
	SET LOCAL max_parallel_workers_per_gather = 0;
	EXECUTE format('SELECT %s FROM big', call) INTO b;
	RETURN CASE a->>'kind' WHEN 'standard' THEN near(ARRAY[(a->>'mean')::float8, (a->>'std')::float8], ARRAY[(b->>'mean')::float8, (b->>'std')::float8], 1e-12) ELSE a = b END;
END $$;
SELECT ok(both_plans(call), call || ': the same with workers and without') FROM fit;
SELECT ok(abs((rec.fit_standard(x)->>'std')::float8 - stddev(x)) < 1e-8 AND abs((rec.fit_standard(x)->>'mean')::float8 - avg(x)) < 1e-9, 'mean and deviation as PostgreSQL computes them') FROM big;
SELECT is(ARRAY[s->'median', s->'lower', s->'upper'], (SELECT array_agg(to_jsonb(percentile_cont) ORDER BY n) FROM (SELECT n, percentile_cont(p) WITHIN GROUP (ORDER BY x) FROM big, (VALUES (1, 0.5), (2, 0.25), (3, 0.75)) q (n, p) GROUP BY n, p) c), 'quantiles as percentile_cont') FROM (SELECT rec.fit_robust(x) FROM big) f (s);

-- Moving frames: as from scratch
CREATE TABLE m AS SELECT i, CASE WHEN i % 7 = 0 THEN NULL WHEN i % 31 = 0 THEN 'NaN' ELSE ((i * 37) % 101)::float8 - 20 END AS x FROM generate_series(1, 300) i;
CREATE FUNCTION moving(call text, frame text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE good boolean;
BEGIN
	EXECUTE format($q$SELECT bool_and(a IS NOT DISTINCT FROM b OR (a->>'kind' = 'standard' AND near(ARRAY[(a->>'mean')::float8, (a->>'std')::float8], ARRAY[(b->>'mean')::float8, (b->>'std')::float8], 1e-12))) FROM
		(SELECT i, %1$s OVER (ORDER BY i ROWS %2$s) AS a FROM m) p JOIN
		(SELECT o.i, (SELECT %1$s FROM m WHERE m.i BETWEEN o.i - 9 AND o.i + 3) AS b FROM m o) q USING (i)$q$, call, frame) INTO good;
	RETURN good;
END $$;
SELECT ok(moving(with_ignore, 'BETWEEN 9 PRECEDING AND 3 FOLLOWING'), with_ignore || ' over a moving frame') FROM fit;
SELECT ok(count(DISTINCT s->'median') > 200, 'an expanding frame') FROM (SELECT rec.fit_robust(i) OVER (ORDER BY i) AS s FROM m) f;
SELECT is(rec.scale(6, rec.fit_standard(x) OVER (ORDER BY x ROWS 2 PRECEDING)), 6::float8 - 5, 'scaled with the frame up to the row') FROM generate_series(4, 6) x ORDER BY x DESC LIMIT 1;

-- Hostile text
SELECT throws_ok(format('SELECT %L::rec.scaler', t), e, NULL, 'no scaler: ' || left(t, 60)) FROM (VALUES ('x', '22P02'), ('', '22P02'), ('null', '22023'), ('[]', '22023'), ('1', '22023'), ('{}', '22023'), ('{"kind": 1}', '22023'), ('{"kind": "standart"}', '22023'),
	('{"kind": "standard", "mean": 1}', '22023'), ('{"kind": "standard", "mean": 1, "std": -1}', '22023'), ('{"kind": "standard", "mean": "1", "std": 1}', '22023'), ('{"kind": "standard", "mean": 1e999, "std": 1}', '22003'),
	('{"kind": "standard", "mean": null, "std": 1}', '22023'), ('{"kind": "standard", "mean": 1, "std": 1, "more": 1}', '22023'), ('{"kind": "standard", "mean": 1, "std": 1, "n": -1}', '22023'), ('{"kind": "minmax", "min": 2, "max": 1}', '22023'),
	('{"kind": "quantile"}', '22023'), ('{"kind": "quantile", "quantiles": []}', '22023'), ('{"kind": "quantile", "quantiles": {}}', '22023'), ('{"kind": "quantile", "quantiles": [2, 1]}', '22023'), ('{"kind": "quantile", "quantiles": [1, "x"]}', '22023'),
	('{"kind": "quantile", "quantiles": [[1], 2]}', '22023'), ('{"kind": "quantile", "quantiles": [null]}', '22023'), ('{"kind": "log", "offset": []}', '22023'), ('{"kind": ' || repeat('[', 5000), '22P02'), ('{"kind": "' || repeat('x', 100000) || '"}', '22023')) v (t, e);
SELECT throws_like($$SELECT '{"kind": "standart"}'::rec.scaler$$, '%unknown kind of scaler "standart"%', 'names the kind');
SELECT is(rec.scale(3, '{"kind": "quantile", "quantiles": [1]}'), 1::float8, 'one quantile');
-- Hostile bytes: an aggregate whose transition is the deserialization, over states of its own making
CREATE FUNCTION deserialize(bytea, bytea) RETURNS bytea AS '$libdir/pg_recommend', 'rec_fit_deserialize' LANGUAGE C STRICT;
CREATE FUNCTION hostile(state bytea) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE AGGREGATE pg_temp.h (bytea) (sfunc = deserialize, stype = bytea, initcond = %L)', state);
	PERFORM pg_temp.h('x'::bytea);
	RETURN 'taken';
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE;
END $$;
SELECT is(hostile(state), '22P03', 'bytes that are no state: ' || left(state::text, 30)) FROM (SELECT '\x'::bytea UNION ALL SELECT '\x00' UNION ALL SELECT '\x54494652' UNION ALL SELECT '\x5449465200'
	UNION ALL SELECT decode('54494652' || repeat('ff', 120), 'hex') UNION ALL SELECT decode('54494652' || repeat('00', 99), 'hex') UNION ALL SELECT decode('54494652' || repeat('00', 96), 'hex') UNION ALL SELECT decode('54494652' || repeat('00', 8000), 'hex')
	UNION ALL SELECT decode('54494652' || repeat('7f', n), 'hex') FROM generate_series(1, 130, 3) n) s (state);


-- Arguments
SELECT throws_ok('SELECT ' || call || ' FROM d', e, NULL, call) FROM (VALUES ('rec.fit_quantile(x, 1)', '22023'), ('rec.fit_quantile(x, 10001)', '22023'), ('rec.fit_quantile(x, NULL)', '22004'), ('rec.fit_robust(x, 0.9, 0.1)', '22023'),
	('rec.fit_robust(x, -1, 0.5)', '22023'), ('rec.fit_robust(x, 5, 101)', '22023'), ('rec.fit_robust(x, ''NaN'', 0.5)', '22023'), ('rec.fit_robust(x, 0.1, ''NaN'')', '22023'), ('rec.fit_standard(x, ''ignor'')', '22023'), ('rec.fit_standard(x, NULL)', '22004'),
	('rec.quantile_bucketize(x, 0) OVER ()', '22023'), ('rec.quantile_bucketize(x, NULL) OVER ()', '22004'), ('rec.robust_scaler(x, ''{1}'') OVER ()', '22023'), ('rec.robust_scaler(x, ''{1,NULL}'') OVER ()', '22023'), ('rec.robust_scaler(x, ''{{1,2}}'') OVER ()', '22023'),
	('rec.robust_scaler(x, NULL) OVER ()', '22004'), ('rec.standard_scaler(x, ''x'') OVER ()', '22023'), ('rec.bucketize(x, ''{2,1}'')', '22023'), ('rec.bucketize(x, ''{1,NULL}'')', '22023'), ('rec.bucketize(x, ''{1,NaN}'')', '22023'), ('rec.bucketize(x, ''{{1},{2}}'')', '22023'),
	('rec.hash_bucket(''a'', 0)', '22023'), ('rec.hash_bucket(''a'', -5)', '22023')) v (call, e);
SELECT * FROM finish();
