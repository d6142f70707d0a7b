-- Statistics of drift against scipy, their edges, parallel plans and hostile input.
-- Expected values: scipy 1.10.1 (Debian), ks_2samp, wasserstein_distance, chi2_contingency(correction=False), ttest_ind(equal_var=
-- False), spatial.distance.jensenshannon; psi from numpy's quantile() and searchsorted(side='right'). Samples: generated below.
SET client_min_messages = warning;
SET extra_float_digits = 1;
\pset fieldsep '\n'
SELECT no_plan();

CREATE FUNCTION gen(n int, a int, b float8) RETURNS SETOF float8 LANGUAGE sql AS
	$$SELECT (i::bigint * 7919 + a) % 10007 / 10007.0::float8 * b FROM generate_series(1, n) i$$;
CREATE FUNCTION near(got float8, expected float8, tolerance float8, what text) RETURNS text LANGUAGE sql AS
	$$SELECT ok(coalesce(abs(got - expected) <= tolerance * abs(expected), false), format('%s: %s, expected %s', what, got, expected))$$;

-- Two samples of numbers.
CREATE TABLE s AS SELECT x, false AS c FROM gen(1200, 13, 1) x UNION ALL SELECT x * x, true FROM gen(900, 77, 1) x;
SELECT near((k).statistic, 0.25194444444444447, 1e-14, 'D'), near((k).p_value, 3.8492760499405346e-29, 1e-10, 'exact p'),
	near((k).location, 0.23761606108261443, 1e-14, 'location'), is((k).sign, -1, 'current values are smaller'),
	is(((k).n, (k).m)::text, '(1200,900)', 'n and m'), is((k).error, 0::float8, 'exact'), is((k).p_value_max, (k).p_value, 'for sure')
FROM (SELECT rec.ks_test(x, c) AS k FROM s) k;
SELECT near(rec.wasserstein(x, c), 0.16707868479772764, 1e-12, 'wasserstein'), near(rec.js_distance(x, c), 0.21484428184896345, 1e-12, 'Jensen-Shannon') FROM s;
SELECT near((p).psi, 0.3838754007868317, 1e-12, 'psi'), is((p).bins, 10, 'ten bins'), near((p).threshold95, 0.032898012008984207, 1e-12, '95 % point'),
	near((p).expected, 9 * (1 / 1200.0::float8 + 1 / 900.0::float8), 1e-14, 'mean without drift'), is((p).verdict, 'drifted', 'verdict') FROM (SELECT rec.psi(x, c) AS p FROM s) p;
SELECT near((m).p_value, 1.768431477559167e-36, 1e-9, 'Welch'), near((m).difference, (SELECT avg(x) FILTER (WHERE c) - avg(x) FILTER (WHERE NOT c) FROM s), 1e-12, 'difference of means') FROM (SELECT rec.mean_shift(x, c) AS m FROM s) m;
SELECT near((v).ratio, 0.08884765925515975 / 0.08333406755162759, 1e-12, 'ratio of variances') FROM (SELECT rec.variance_shift(x, c) AS v FROM s) v;
SELECT is((rec.variance_shift(1e9::float8 + x, false)).reference, 30::float8, 'variance without cancellation') FROM unnest(ARRAY[4, 7, 13, 16]) x;
SELECT near((k).statistic, 0.018083333333333285, 1e-12, 'D of many'), near((k).p_value, 0.02523827585189331, 1e-10, 'p of many')
FROM (SELECT rec.ks_test(x, c) AS k FROM (SELECT x, false AS c FROM gen(15000, 5, 1) x UNION ALL SELECT power(x, 1.05), true FROM gen(12000, 9, 1) x) s) k;
SELECT near((k).p_value, 7.547077156813863e-133, 1e-10, 'a tiny p keeps its digits')
FROM (SELECT rec.ks_test(x, c) AS k FROM (SELECT x, false AS c FROM gen(3000, 5, 1) x UNION ALL SELECT x + .35, true FROM gen(2000, 9, 1) x) s) k;
-- Ties: numbers are compared after each group.
CREATE TABLE t AS SELECT floor(x)::int AS x, false AS c FROM gen(500, 5, 7) x UNION ALL SELECT floor(x)::int, true FROM gen(400, 5, 6) x;
SELECT near((k).statistic, 0.146, 1e-14, 'D with ties'), near((k).p_value, 0.00013641905358214145, 1e-10, 'its conservative p') FROM (SELECT rec.ks_test(x, c) AS k FROM t) k;
SELECT near((k).statistic, 63.580909381554434, 1e-12, 'chi-square'), near((k).p_value, 8.40329402549804e-12, 1e-9, 'p'), is((k).df, 6::float8, 'df'),
	near((k).min_expected, 32.44444444444444, 1e-12, 'least expected'), near((k).cramers_v, 0.2657921271753432, 1e-12, 'Cramer''s V') FROM (SELECT rec.chi2_test(x, c) AS k FROM t) k;
SELECT is((rec.chi2_test(x, c)).statistic, (rec.chi2_test(x::text, c)).statistic, 'categories of any type') FROM t;
SELECT is((rec.psi(x, c)).bins, 7, 'seven values, seven bins: duplicate edges are merged') FROM t;
SELECT near((p).psi, (SELECT sum((q - p) * ln(q / p)) FROM (SELECT (count(*) FILTER (WHERE NOT c) + .5) / (500 + .5 * 7)::float8 AS p,
	(count(*) FILTER (WHERE c) + .5) / (400 + .5 * 7)::float8 AS q FROM t GROUP BY x) b), 1e-12, 'an empty bin: both sides are smoothed') FROM (SELECT rec.psi(x, c) AS p FROM t) p;

-- Types.
SELECT is((rec.ks_test(x::numeric, c)).statistic, (rec.ks_test(x, c)).statistic, 'numeric') FROM s;
SELECT is(to_timestamp((k).location), '2025-01-03'::timestamptz, 'times: the location is seconds since 1970'), is((k).sign, 1, 'later') FROM
	(SELECT rec.ks_test('2025-01-01'::timestamptz + i * interval '1 day', i > 5) AS k FROM generate_series(0, 9) i WHERE i < 3 OR i > 5) k;
SELECT is((rec.ks_test('2025-01-01'::timestamp + i * interval '1 day', i > 5)).statistic, 1::float8, 'timestamp') FROM generate_series(0, 9) i;
SELECT is((rec.psi('2025-01-01'::date + i, i > 5)).n, 6::bigint, 'date') FROM generate_series(0, 9) i;
SELECT is((rec.psi(i % 2 = 0, i > 50)).bins, 2, 'boolean') FROM generate_series(1, 100) i;
SELECT is((rec.chi2_test(i % 2 = 0, i > 50)).categories, 2::bigint, 'boolean categories') FROM generate_series(1, 100) i;
SELECT is((rec.chi2_test(v, true)).categories, 2::bigint, 'numeric 1.0 is 1.00') FROM unnest('{1.0,1.00,2}'::numeric[]) v;
SELECT is((rec.psi(nullif(i % 4, 3)::text, i > 60)).bins, 4, 'null is a category of its own for psi') FROM generate_series(1, 100) i;
SELECT is((rec.psi(nullif(i, 7)::float8, i > 60)).bins, 11, 'and a bin of its own') FROM generate_series(1, 100) i;
SELECT is((rec.null_share(nullif(i % 4, 3), i > 60)).current, 0.25::float8, 'share of nulls') FROM generate_series(1, 100) i;
SELECT is((n)::text, '(0.5,1,1,2)', 'new categories') FROM (SELECT rec.new_categories(x, c) AS n FROM (VALUES ('a', false), ('b', false), ('a', true), ('z', true), (null, true)) v(x, c)) n;

-- Few rows: chance alone gives a large psi, and no verdict.
SELECT is((rec.psi(x, c)).verdict, NULL, 'no verdict below the 95 % point') FROM (SELECT x, false AS c FROM gen(100, 3, 1) x UNION ALL SELECT x, true FROM gen(20, 4000, 1) x) s;
SELECT is((rec.psi(x, c)).verdict, 'ok', 'certain, and small') FROM (SELECT x, false AS c FROM gen(10000, 3, 1) x UNION ALL SELECT x ^ 1.1, true FROM gen(10000, 3, 1) x) s;

-- Empty, null, constant, one row, infinite.
SELECT is(rec.ks_test(x, true)::text, '(,,,,0,3,0,)', 'no reference') FROM generate_series(1, 3) x;
SELECT is(rec.ks_test(x, false)::text, '(,,,,3,0,0,)', 'nothing current') FROM generate_series(1, 3) x;
SELECT is((rec.psi(x, false)).psi, NULL, 'psi of nothing') FROM generate_series(1, 3) x;
SELECT is((rec.psi(x, true)).m, 3::bigint, 'psi without a reference counts') FROM generate_series(1, 3) x;
SELECT is(rec.wasserstein(x, false), NULL, 'distances of nothing'), is(rec.js_distance(x, false), NULL, 'of nothing') FROM generate_series(1, 3) x;
SELECT is((rec.chi2_test(x, false)).p_value, NULL, 'chi-square of nothing') FROM generate_series(1, 3) x;
SELECT is((rec.ks_test(x, true)).statistic, NULL, 'no rows'), is((rec.psi(x, true)).psi, NULL, 'no rows'), is((rec.chi2_test(x, true)).df, NULL, 'no rows'), is((rec.mean_shift(x, true)).reference, NULL, 'no rows') FROM generate_series(1, 0) x;
SELECT is((rec.ks_test(NULL::float8, x > 2)).statistic, NULL, 'all null'), is((rec.psi(NULL::float8, x > 2)).psi, 0::float8, 'all null before and now: no change') FROM generate_series(1, 4) x;
SELECT ok((rec.psi(nullif(x, 3)::float8 * CASE WHEN x > 50 THEN NULL ELSE 1 END, x > 50)).psi > 1, 'all null now') FROM generate_series(1, 100) x;
SELECT is((rec.ks_test('NaN'::float8, true)).m, 0::bigint, 'NaN is no number') FROM generate_series(1, 4) x;
SELECT is((rec.psi(5, x > 2)).psi, 0::float8, 'a constant'), is((rec.psi(5, x > 2)).bins, 1, 'has one bin'), is((rec.ks_test(5, x > 2)).p_value, 1::float8, 'and no gap') FROM generate_series(1, 4) x;
SELECT is((rec.psi(CASE WHEN x > 50 THEN 6 ELSE 5 END, x > 50)).bins, 2, 'another constant'), ok((rec.psi(CASE WHEN x > 50 THEN 6 ELSE 5 END, x > 50)).psi > 5, 'is a drift') FROM generate_series(1, 100) x;
SELECT ok((rec.psi((x % 10 > CASE WHEN x > 5000 THEN 4 ELSE 8 END)::int, x > 5000)).psi > .25, '0 and 1: a share that moves is seen') FROM generate_series(1, 10000) x;
SELECT is((rec.psi(x, x > 1)).bins, 2, 'one row of reference') FROM generate_series(1, 4) x;
SELECT is((rec.ks_test(x, x > 1)).p_value, 0.5::float8, 'one row against three') FROM generate_series(1, 4) x;
SELECT is((rec.ks_test(CASE WHEN x % 2 = 0 THEN 'infinity'::float8 ELSE '-infinity' END, x > 2)).statistic, 0::float8, 'infinite numbers') FROM generate_series(1, 4) x;
SELECT ok((rec.psi(CASE WHEN x > 90 THEN 'infinity'::float8 ELSE x END, x % 2 = 0)).psi >= 0, 'psi with infinite numbers') FROM generate_series(1, 100) x;
SELECT is(rec.wasserstein(CASE WHEN x > 2 THEN 'infinity'::float8 ELSE x END, x > 2), 'infinity'::float8, 'infinitely far') FROM generate_series(1, 4) x;
SELECT is((rec.mean_shift(CASE WHEN x = 2 THEN 'infinity'::float8 ELSE x END, x > 2)).n, 1::bigint, 'infinite numbers have no part in means') FROM generate_series(1, 4) x;
SELECT is((rec.ks_test('-infinity'::timestamptz, x > 2)).location, '-infinity'::float8, 'infinite times') FROM generate_series(1, 4) x;
SELECT is((rec.ks_test(x, NULL::boolean)).n, 0::bigint, 'is_current null: of neither') FROM generate_series(1, 4) x;
SELECT throws_ok('SELECT rec.psi(x, true, 1) FROM generate_series(1, 3) x', '22023', 'bins must be between 2 and 1000', 'one bin');
SELECT throws_ok('SELECT rec.psi(x, true, 1001) FROM generate_series(1, 3) x', '22023', NULL, 'too many bins');
SELECT is((rec.psi(x, x % 2 = 0, NULL)).bins, 10, 'bins null: the default') FROM generate_series(1, 100) x;
SELECT throws_ok('SELECT rec.ks_test(x::numeric, true) FROM (VALUES (''1e400'')) v(x)', '22003', NULL, 'a number that float8 does not have');
SELECT is((rec.psi(x, x > 50, 1000)).bins, 50, 'more bins than numbers: as many as numbers') FROM generate_series(1, 100) x;

-- 10 million categories.
SELECT is((k).categories, 10000000::bigint, 'ten million categories'), is((k).statistic, 9999999::float8 + 1, 'each alone') FROM (SELECT rec.chi2_test(i, i % 2 = 0) AS k FROM generate_series(1, 10000000) i) k;

-- Window frames and groups use states in turns.
SELECT is(array_agg((k).m ORDER BY x), '{1,2,3}', 'as a window function') FROM (SELECT x, rec.ks_test(x, true) OVER (ORDER BY x) AS k FROM generate_series(1, 3) x) k;
SELECT is(count(*), 7::bigint, 'grouped') FROM (SELECT (rec.ks_test(x, x > 50)).*, (rec.psi(x::text, x > 50)).* FROM generate_series(1, 100) x GROUP BY x % 7) g;

-- Parallel plans give what serial ones do.
CREATE TABLE big AS SELECT (i::bigint * 7919 % 10007)::float8 AS x, i % 3 = 0 AS c, (i % 97)::text AS cat, i % 49 AS few FROM generate_series(1, 60000) i;
UPDATE big SET x = x * 1.05 WHERE c;
UPDATE big SET x = NULL WHERE few = 7;
ANALYZE big;
CREATE VIEW answers AS SELECT rec.ks_test(x, c)::text AS ks, round((rec.psi(x, c)).psi::numeric, 12) AS psi, rec.chi2_test(cat, c)::text AS chi2, rec.psi(cat, c)::text AS cpsi,
	round((rec.mean_shift(x, c)).current::numeric, 8) AS mean, rec.null_share(x, c)::text AS nulls, round(rec.wasserstein(x, c)::numeric, 8) AS w, rec.new_categories(cat, c)::text AS new,
	rec.profile(cat)::text AS pcat, (rec.profile(few)).counts::text AS pfew, (rec.profile(x)).nulls AS pn FROM big;
CREATE TEMP TABLE serial AS SELECT * FROM answers;
SET max_parallel_workers_per_gather = 3;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
CREATE FUNCTION plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$BEGIN RETURN QUERY EXECUTE 'EXPLAIN ' || query; END $$;
SELECT isnt_empty($$SELECT 1 FROM plan('SELECT * FROM answers') p WHERE p LIKE '%Partial Aggregate%'$$, 'a parallel plan');
SELECT results_eq('SELECT * FROM answers', 'SELECT * FROM serial', 'serial and parallel agree');
SELECT ok((p).error > 0.001 AND (p).error < 0.01 AND abs((p).quantiles[501] - (SELECT percentile_cont(.5) WITHIN GROUP (ORDER BY x) FROM big)) < 0.01 * 10007, 'a parallel sketch')
FROM (SELECT rec.profile(x) AS p FROM big) p;
SET max_parallel_workers_per_gather = 0;

-- One state for several aggregates of the same arguments.
SELECT is((SELECT count(*) FROM regexp_matches(string_agg(p, E'\n'), 'Aggregate', 'g')), 1::bigint, 'one aggregate node') FROM plan('SELECT rec.ks_test(x, c), rec.psi(x, c), rec.wasserstein(x, c) FROM big') p;

-- Profiles.
CREATE TABLE kept (what text, p rec.column_profile);
INSERT INTO kept SELECT 'small', rec.profile(x) FROM s WHERE NOT c AND x < .7
	UNION ALL SELECT 'ref', rec.profile(x) FROM s WHERE NOT c UNION ALL SELECT 'few', rec.profile(few) FROM big UNION ALL SELECT 'cat', rec.profile(cat) FROM big
	UNION ALL SELECT 'bool', rec.profile(c) FROM big UNION ALL SELECT 'null', rec.profile(NULL::float8) FROM s UNION ALL SELECT 'time', rec.profile('2025-01-01'::timestamptz + i * interval '1 hour') FROM generate_series(1, 3000) i
	UNION ALL SELECT 'inf', rec.profile(x) FROM (VALUES ('infinity'::float8), ('-infinity'), (1), ('nan'), (-0.0)) v(x)
	UNION ALL SELECT 'odd', rec.profile(x) FROM (VALUES ('a,"b\c'), ('{'), (NULL), ('(x)'), (E'\t\n')) v(x);
SELECT is(p::text::rec.column_profile::text, p::text, 'text form round trips: ' || what) FROM kept;
SELECT is((rec.ks_test(p, p)).statistic, 0::float8, 'a profile is near itself: ' || what) FROM kept WHERE (p).kind <> 'category' AND what NOT IN ('null');
SELECT is((rec.psi(p, p)).psi, 0::float8, 'by psi too: ' || what) FROM kept;
SELECT is((p).n - (p).nulls, 4::bigint, 'NaN counts as null'), is((p).categories @> '{0,1,Infinity,-Infinity}', true, 'values'), is((p).mean, 0.5::float8, 'mean of the finite') FROM kept WHERE what = 'inf';
SELECT is((p).n, 60000::bigint, 'n'), is(cardinality((p).categories), 97, 'categories'), is((p).other, 0::bigint, 'no other') FROM kept WHERE what = 'cat';
SELECT is(rec.profile(x), NULL, 'a profile of nothing') FROM generate_series(1, 0) x;
-- exact as long as all numbers are kept
SELECT is(rec.ks_test(x, p)::text, (SELECT rec.ks_test(x, c)::text FROM s WHERE c OR x < .7), 'one sample against a small profile: as two samples') FROM s, kept WHERE c AND what = 'small' GROUP BY p;
SELECT is(rec.psi(x, p)::text, (SELECT rec.psi(x, c)::text FROM s WHERE c OR x < .7), 'psi too') FROM s, kept WHERE c AND what = 'small' GROUP BY p;
SELECT near(rec.wasserstein(x, p), (SELECT rec.wasserstein(x, c) FROM s WHERE c OR x < .7), 1e-12, 'wasserstein too') FROM s, kept WHERE c AND what = 'small' GROUP BY p;
SELECT near(rec.js_distance(x, p), (SELECT rec.js_distance(x, c) FROM s WHERE c OR x < .7), 1e-12, 'Jensen-Shannon too') FROM s, kept WHERE c AND what = 'small' GROUP BY p;
-- beyond, the error is stated and kept
SELECT ok(abs((a).statistic - (b).statistic) <= (a).error AND (a).error < .003 AND (a).p_value_max >= (b).p_value, 'a sketch keeps within its error') FROM (SELECT rec.ks_test(x, p) AS a, (SELECT rec.ks_test(x, c) FROM s) AS b FROM s, kept WHERE c AND what = 'ref' GROUP BY p) k;
SELECT is(rec.chi2_test(few + 1, p)::text, (SELECT rec.chi2_test(x, c)::text FROM (SELECT few AS x, false AS c FROM big UNION ALL SELECT few + 1, true FROM big) v), 'chi-square of few numbers against a profile') FROM big, kept WHERE what = 'few' GROUP BY p;
SELECT is(rec.chi2_test(cat || 'x', p)::text, (SELECT rec.chi2_test(x, c)::text FROM (SELECT cat AS x, false AS c FROM big UNION ALL SELECT cat || 'x', true FROM big) v), 'and of categories') FROM big, kept WHERE what = 'cat' GROUP BY p;
SELECT is((rec.new_categories(cat || 'x', p)).share, 1::float8, 'all new') FROM big, kept WHERE what = 'cat' GROUP BY p;
SELECT is((rec.new_categories(c, p)).share, 0::float8, 'none new') FROM big, kept WHERE what = 'bool' GROUP BY p;
SELECT is((rec.ks_test(x, NULL::rec.column_profile)).statistic, NULL, 'no profile') FROM s;
SELECT is(rec.merge_profiles(q)::text, (SELECT rec.profile(cat)::text FROM big), 'merged profiles of categories') FROM (SELECT rec.profile(cat) AS q FROM big GROUP BY few) m;
SELECT ok(abs((m).mean - (p).mean) < 1e-9 AND abs((m).variance / (p).variance - 1) < 1e-9 AND (m).n = (p).n AND (rec.ks_test(m, p)).statistic <= (m).error + (p).error AND (m).error < .01, 'merged profiles of numbers')
FROM (SELECT rec.merge_profiles(q) AS m, (SELECT rec.profile(x) FROM big) AS p FROM (SELECT rec.profile(x) AS q FROM big GROUP BY few % 5) m) m;
SELECT is((rec.merge_profiles(q)).quantiles, (SELECT (p).quantiles FROM kept WHERE what = 'small'), 'small ones stay exact') FROM (SELECT rec.profile(x) AS q FROM s WHERE NOT c AND x < .7 GROUP BY x < .3) m;
SELECT throws_ok('SELECT rec.merge_profiles(p) FROM kept', '22023', 'profiles of different kinds cannot be merged', 'kinds');
SELECT throws_ok($$SELECT rec.ks_test(a.p, b.p) FROM kept a, kept b WHERE a.what = 'ref' AND b.what = 'cat'$$, '22023', NULL, 'numbers with categories');
SELECT throws_ok($$SELECT rec.ks_test(a.p, a.p) FROM kept a WHERE a.what = 'cat'$$, '22023', 'the profile holds no numbers', 'KS of categories');
SELECT throws_ok($$SELECT rec.chi2_test(a.p, a.p) FROM kept a WHERE a.what = 'ref'$$, '22023', 'the profile holds no categories', 'chi-square of many numbers');
SELECT is((SELECT sum(reference_share)::numeric(9, 6) FROM rec.profile_shares(p, p)), 1.000000, 'shares add up: ' || what) FROM kept;
-- many categories: the rest is one
SELECT is(cardinality((p).categories), 1000, 'a thousand names'), is((p).other, 199000::bigint, 'the rest together') FROM (SELECT rec.profile('c' || i) AS p FROM generate_series(1, 200000) i) p;
SELECT is(octet_length((p).categories[1]), 200, 'long texts by their beginning and a hash'), is((rec.chi2_test(p, p)).categories, 2::bigint, 'which tells them apart') FROM (SELECT rec.profile(repeat('é', 1000) || i % 2) AS p FROM generate_series(1, 10) i) p;

-- Whoever may write a profile may write nonsense.
SELECT throws_ok(format('SELECT rec.psi(%L::rec.column_profile, %L::rec.column_profile)', v, v), '22023', 'invalid profile of a column', v) FROM unnest(ARRAY[
	'(,1,0,,,,,,,)', '(weather,1,0,,,,,,,0)', '(number,-1,0,,,{},0,,,0)', '(number,1,2,,,{},0,,,0)', '(number,3,0,,,"{3,2,1}",0,,,0)', '(number,3,0,,,"{1,NaN,2}",0,,,0)',
	'(number,3,0,,,"{1,NULL,2}",0,,,0)', '(number,3,0,,,"{{1,2,3}}",0,,,0)', '(number,2,0,,,"{1,2,3}",0,,,0)', '(number,9,0,,,{1},0,,,0)', '(number,3,0,,,"{1,2,3}",2,,,0)', '(number,3,0,,,"{1,2,3}",,,,0)',
	'(number,3,0,,-1,"{1,2,3}",0,,,0)', '(number,3,0,inf,,"{1,2,3}",0,,,0)', '(category,3,0,,,,,"{a,b}",{3},0)', '(category,3,0,,,,,"{a,b}","{3,3}",0)', '(category,3,0,,,,,"{a,b}","{4,-1}",0)', '(category,3,0,,,,,"{a,b}","{1,1}",0)',
	'(category,3,0,,,,,,,0)', '(category,3,0,,,,,{a},,0)', '(category,3,0,,,,,,,)', '(category,3,0,,,,,{a},{1},5)', '(number,9223372036854775807,0,,,"{1,2}",0,,,0)', '(number,2,0,,,"{1,2}",0,{NaN},{2},0)']) v;
SELECT throws_ok($$SELECT rec.psi('(number,2,0,,,"{1,2}",0,{cat},{2},0)'::rec.column_profile, '(number,2,0,,,"{1,2}",0,{cat},{2},0)')$$, '22P02', NULL, 'a number that is none');
SELECT throws_ok($$SELECT 'profile'::rec.column_profile$$, '22P02', NULL, 'no profile at all');

-- Internal functions cannot be called from SQL: there is no value of type internal.
SELECT throws_ok('SELECT rec._two_samples_add(NULL, 1::float8, true)', '42883', NULL, 'a transition outside of an aggregate');
SELECT throws_ok('SELECT rec._profile_in(''\x00''::bytea, NULL)', '42883', NULL, 'a state from outside');

-- Many tests at once. R's p.adjust(c(.01, .04, .03, .005)) and method = "BH".
SELECT is(array_agg(rec_holm ORDER BY p), '{0.02,0.03,0.06,0.06}'::float8[], 'Holm'), is(array_agg(rec_bh::numeric(5, 4)::float8 ORDER BY p), '{0.02,0.02,0.04,0.04}'::float8[], 'Benjamini-Hochberg')
FROM (SELECT p, rec.adjust_p(p, 'holm') OVER () AS rec_holm, rec.adjust_p(p, 'BH') OVER () AS rec_bh FROM unnest('{.01,.04,.03,.005}'::float8[]) p) a;
SELECT is(array_agg(q ORDER BY i), '{0.02,NULL,0.04,NULL}'::float8[], 'null and NaN are no tests') FROM (SELECT i, rec.adjust_p(p, 'holm') OVER () AS q FROM unnest('{.01,NULL,.04,NaN}'::float8[]) WITH ORDINALITY u(p, i)) a;
SELECT is(array_agg(q ORDER BY i), '{0.01,0.04,0.06}'::float8[], 'each partition is a family') FROM (SELECT i, rec.adjust_p(p, 'holm') OVER (PARTITION BY i = 1) AS q FROM unnest('{.01,.02,.06}'::float8[]) WITH ORDINALITY u(p, i)) a;
SELECT throws_ok('SELECT rec.adjust_p(2, ''holm'') OVER ()', '22003', 'a p-value must be between 0 and 1', 'no p');
SELECT throws_ok('SELECT rec.adjust_p(.2, ''hommel'') OVER ()', '22023', 'unknown method "hommel"', 'no method');
SELECT throws_ok('SELECT rec.adjust_p(.2, NULL) OVER ()', '22004', NULL, 'method null');
SELECT throws_ok('SELECT rec.adjust_p(.2, ''holm'')', '42809', NULL, 'no window');
SELECT * FROM finish();
