-- Samples and tests of two arms: values of scipy and statsmodels, merging, bad input.
-- Reference: Debian's scipy 1.10.1 (ttest_ind(equal_var=False), fisher_exact, chisquare), statsmodels 0.13.5
-- (CompareMeans.tconfint_diff(usevar='unequal'), proportions_ztest, confint_proportions_2indep(method='newcomb'),
-- proportion_confint(method='wilson')), mpmath 1.2.1 where p is below 1e-300. Treatment is the first argument there.
\pset fieldsep '\n'
SELECT no_plan();

CREATE FUNCTION near(got float8, expected float8, what text, tolerance float8 DEFAULT 1e-10) RETURNS text LANGUAGE sql AS $$
	SELECT ok(got = expected OR abs(got - expected) <= tolerance * abs(expected), format('%s: %s, expected %s', what, got, expected)) $$;
CREATE TABLE wiki (x float8, t boolean);
INSERT INTO wiki SELECT x, false FROM unnest('{30.02,29.99,30.11,29.97,30.01,29.99}'::float8[]) x
	UNION ALL SELECT x, true FROM unnest('{29.89,29.93,29.72,29.98,30.02,29.98}'::float8[]) x;

-- Welch
SELECT near(statistic, -1.9590058081081434, 'Welch t', 1e-9) , near(p_value, 0.09077332428566114, 'p', 1e-9), near(df, 7.030559959884319, 'df'),
	near(ci_low, -0.20956908961889958, 'ci_low', 1e-9), near(ci_high, 0.01956908961889474, 'ci_high', 1e-8),
	is(n_control, 6::bigint, 'n_control'), is(n_treatment, 6::bigint, 'n_treatment'), is(note, NULL, 'no note')
FROM (SELECT (rec.welch_test(x, t)).* FROM wiki) r;
SELECT near(p_value, 0.9546133378571694, 'greater', 1e-9), near(ci_low, -0.18681562052383405, 'one-sided interval', 1e-9), is(ci_high, 'infinity', 'open end'),
	is(alternative, 'greater', 'it says so') FROM (SELECT (rec.welch_test(x, t, 'greater')).* FROM wiki) r;
SELECT near(p_value, 0.04538666214283057, 'less', 1e-9), near(ci_high, -0.00318437947617084, 'one-sided interval', 1e-9), is(ci_low, '-infinity', 'open end')
FROM (SELECT (rec.welch_test(x, t, 'less')).* FROM wiki) r;
SELECT near(statistic, 0.10310556884777389, 'non-inferiority', 1e-9), near(p_value, 0.46037929947099476, 'its p', 1e-9)
FROM (SELECT (rec.welch_test(x, t, 'greater', 0.95, -0.1)).* FROM wiki) r;
-- the numbers differ in the 3rd digit only, which costs scipy's own result some digits
SELECT near(statistic, 2.23606797749979, 'n = 2'), near(p_value, 0.19872738893452604, 'n = 2: p'), near(df, 1.4705882352941173, 'n = 2: df'),
	near(ci_low, 2.5 - 6.1881149407692566 * std_error, 'n = 2: ci_low (quantile of mpmath; scipy''s is good to 1e-9 only)'), near(ci_high, 2.5 + 6.1881149407692566 * std_error, 'n = 2: ci_high')
FROM (SELECT (rec.welch_test(x, x > 2)).* FROM unnest('{1,2,3,5}'::int[]) x) r;
SELECT near(statistic, 0.2856063671889196, 'large offset: no cancellation'), near(p_value, 0.784793492741745, 'large offset: p')
FROM (SELECT (rec.sample_test((SELECT rec.sample(1e9 + x) FROM unnest('{4,7,13,16}'::float8[]) x),
	(SELECT rec.sample(1e9 + x) FROM unnest('{5,8,14,17.5}'::float8[]) x))).*) r;
SELECT near(statistic, 8.944338993463866, '100,000 a side'), near(p_value, 3.772621985761705e-19, '100,000 a side: p'), near(df, 199998, '100,000 a side: df')
FROM (SELECT (rec.sample_test(rec.sample(n % 7), rec.sample(n % 7 + .08))).* FROM generate_series(1, 100000) n) r;
-- 1e9 units, and p below 1e-300: the text form of a sample is what is stored
SELECT near(statistic, 37.267799606368420803, '1e9 units', 1e-11), near(p_value, 5.4576934737551828e-304, 'p below 1e-300')
FROM (SELECT (rec.sample_test('(mean,1000000000,10,9000000000,0,,,,,,,,,,,,)'::rec.sample_state, '(mean,1000000000,10.005,9000000000,0,,,,,,,,,,,,)')).*) r;
SELECT near(p_value, 5.6213724336981244627e-306, 'Student''s t, p below 1e-300')
FROM (SELECT (rec.sample_test('(mean,1000,0,999,0,,,,,,,,,,,,)'::rec.sample_state, '(mean,1000,2.0124611797498106,999,0,,,,,,,,,,,,)')).*) r;
-- lift: variance v_t / c^2 + t^2 v_c / c^4
SELECT near(lift, 5. / 2, 'lift'), near(lift_ci_high - lift, (ci_high - difference) / std_error * sqrt((14. / 3) / 7 / 4 + 49 * (1. / 3) / 16), 'its interval')
FROM (SELECT (rec.welch_test(x, x > 3)).* FROM generate_series(1, 10) x) r;
SELECT is(lift, 0.5::float8, 'a negative control: the lift has the sign of the difference') FROM rec.sample_test((SELECT rec.sample(x) FROM generate_series(-12, -8) x), (SELECT rec.sample(x) FROM generate_series(-7, -3) x));

-- Merging: any partition gives the sample of all, in text and back.
CREATE TABLE units AS SELECT i, i % 5 AS day, hashint4(i) % 2 = 0 AS t, i % 11 + sin(i) AS y, i % 3 + cos(i) + 1 AS d, i % 11 + sin(2 * i) AS py, i % 4 + 1. AS pd FROM generate_series(1, 5000) i;
CREATE TABLE daily AS SELECT day, t, rec.sample(y) AS mean, rec.sample_ratio(y, d) AS ratio, rec.sample_cuped(y, py) AS cuped, rec.sample_cuped(y, d, py, pd) AS cuped_ratio
FROM units GROUP BY day, t;
UPDATE daily SET mean = mean::text::rec.sample_state, ratio = ratio::text::rec.sample_state, cuped = cuped::text::rec.sample_state, cuped_ratio = cuped_ratio::text::rec.sample_state;
CREATE FUNCTION same(a rec.sample_state, b rec.sample_state, what text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT ok(bool_and(x.key = y.key AND (x.value IS NOT DISTINCT FROM y.value OR CASE WHEN x.key <> 'kind' THEN abs(x.value::float8 - y.value::float8) <= 1e-9 * abs(x.value::float8) + 1e-7 END)), what)
	FROM jsonb_each_text(to_jsonb(a)) x FULL JOIN jsonb_each_text(to_jsonb(b)) y USING (key) $$;
SELECT same(rec.merge(mean), (SELECT rec.sample(y) FROM units), 'merged means'), same(rec.merge(ratio), (SELECT rec.sample_ratio(y, d) FROM units), 'merged ratios'),
	same(rec.merge(cuped), (SELECT rec.sample_cuped(y, py) FROM units), 'merged with pre-period'),
	same(rec.merge(cuped_ratio), (SELECT rec.sample_cuped(y, d, py, pd) FROM units), 'merged ratios with pre-period') FROM daily;
SELECT is(s::text::rec.sample_state, s, 'text and back') FROM (SELECT rec.sample_cuped(y, d, py, pd) AS s FROM units) x;
SELECT near((s).m2 / ((s).n - 1), v, 'variance is var_samp'), near((s).mean, m, 'mean is avg'), near((s).co_y_den, c, 'co_y_den is regr_sxy', 1e-9)
FROM (SELECT rec.sample_ratio(y, d) AS s, var_samp(y) AS v, avg(y) AS m, regr_sxy(y, d) AS c FROM units) x;
SELECT near((s).m3, m3, 'third moment', 1e-9) FROM (SELECT rec.sample(y) AS s FROM units) x, (SELECT sum((y - m) ^ 3) AS m3 FROM units, (SELECT avg(y) AS m FROM units) z) w;
SELECT is(rec.sample(x), NULL, 'a sample of nothing is null') FROM (SELECT 1::float8 AS x WHERE false) e;
SELECT is(rec.merge(NULL::rec.sample_state), NULL, 'merging nothing') ;
SELECT is((rec.sample_winsorized(x, 2, 9)).mean, 5.5::float8, 'winsorised'), is((rec.sample_winsorized(x, NULL, 9)).mean, 5.4::float8, 'no lower bound') FROM generate_series(1, 10) x;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;
SELECT near((a).p_value, (b).p_value, 'the same in a parallel plan', 1e-9), near((c).statistic, (d).statistic, 'proportions too', 1e-9), is((e).n, 5000::bigint, 'and the split')
FROM (SELECT rec.welch_test(y, t) AS a, rec.proportion_test(y > 5, t) AS c, rec.srm_test(t) AS e FROM units) p,
	(SELECT rec.sample_test((SELECT rec.merge(mean) FROM daily WHERE NOT t), (SELECT rec.merge(mean) FROM daily WHERE t)) AS b) q,
	(SELECT rec.proportion_test((SELECT rec.sample(y > 5) FROM units WHERE NOT t), (SELECT rec.sample(y > 5) FROM units WHERE t)) AS d) r;
RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size; RESET max_parallel_workers_per_gather;

-- Ratios and CUPED against their definitions on the units
SELECT near(r.statistic, (te - ce) / sqrt(tv + cv), 'ratio: the delta method is Welch on linearised units', 1e-9), near(r.estimate_treatment, te, 'ratio of sums')
FROM (SELECT (rec.ratio_test(y, d, t)).* FROM units) r,
	(SELECT sum(y) / sum(d) AS te, var_samp(y - z.q * d) / avg(d) ^ 2 / count(*) AS tv FROM units, (SELECT sum(y) / sum(d) AS q FROM units WHERE t) z WHERE t GROUP BY z.q) x,
	(SELECT sum(y) / sum(d) AS ce, var_samp(y - z.q * d) / avg(d) ^ 2 / count(*) AS cv FROM units, (SELECT sum(y) / sum(d) AS q FROM units WHERE NOT t) z WHERE NOT t GROUP BY z.q) w;
SELECT near((r).statistic, (w).statistic, 'CUPED is Welch on y - theta (pre - mean)', 1e-9), near((r).estimate_control, (w).estimate_control, 'its means'),
	ok((r).variance_reduction > 0.8, 'it takes away variance')
FROM (SELECT rec.cuped_test(y, py, t) AS r FROM units) a,
	(SELECT rec.welch_test(y - q * (py - m), t) AS w FROM units, (SELECT covar_samp(y, py) / var_samp(py) AS q, avg(py) AS m FROM units) z) b;
SELECT near((r).estimate_treatment - (r).estimate_control, (w).difference, 'CUPED of a ratio: near Welch on linearised units', 0.02), near((r).std_error, (w).std_error, 'and its error', 0.02)
FROM (SELECT rec.cuped_test(y, d, py, pd, t) AS r FROM units) a,
	(WITH z AS (SELECT t, i, (y - q * d) / md AS v, (py - pq * pd) / mpd AS p FROM units, (SELECT sum(y) / sum(d) AS q, sum(py) / sum(pd) AS pq, avg(d) AS md, avg(pd) AS mpd FROM units) s)
	 SELECT rec.welch_test(v - theta * p, t) AS w FROM z, (SELECT covar_samp(v, p) / var_samp(p) AS theta FROM z) th) b;
SELECT is((rec.cuped_test(y, 1, t)).variance_reduction, 0::float8, 'a constant before the experiment teaches nothing') FROM units;

-- Proportions
SELECT near(statistic, 2.164705618143756, 'z'), near(p_value, 0.030410236568874063, 'z: p'), near(ci_low, 0.011317896736879121, 'Newcombe'), near(ci_high, 0.22909056568656155, 'Newcombe')
FROM rec.proportion_test(15, 100, 30, 110);
SELECT near(statistic, 2.4409218881627743, 'z, large'), near(p_value, 0.014649823098306964, 'z, large: p'), near(ci_low, 0.0001574973842836373, 'Newcombe, large'), near(ci_high, 0.0014444348429355754, 'Newcombe, large')
FROM rec.proportion_test(500, 100000, 580, 100000);
SELECT near(p_value, 0.025327687033676143, 'exact'), alike(method, '%Fisher%', 'it says so'), near(ci_low, 0.08429848230478637, 'Newcombe'), near(ci_high, 0.6758690735724113, 'Newcombe')
FROM rec.proportion_test(3, 15, 9, 14, method => 'exact');
SELECT near(p_value, 1.082508822446903e-05, 'none and all'), near(ci_low, 0.6075093504305241, 'Newcombe'), is(ci_high, 1::float8, 'Newcombe')
FROM rec.proportion_test(0, 10, 10, 10, method => 'exact');
SELECT near(p_value, 0.3416493416493417, 'few successes: exact by itself'), isnt(note, NULL, 'it says why') FROM rec.proportion_test(1, 20, 4, 20);
SELECT near(rec.fisher_test(15, 100, 30, 110), 0.042633452525551396, 'Fisher'), near(rec.fisher_test(15, 100, 30, 110, 'greater'), 0.022311202395586063, 'Fisher, greater'),
	near(rec.fisher_test(15, 100, 30, 110, 'less'), 0.9906836923804271, 'Fisher, less'), near(rec.fisher_test(500, 100000, 580, 100000), 0.015895901267419837, 'Fisher, large (mpmath)'),
	near(rec.fisher_test(500, 100000, 580, 100000, 'less'), 0.9932895151923326, 'Fisher, large, less'), is(rec.fisher_test(10, 10, 10, 10), 1::float8, 'Fisher, all successes');
SELECT near(ci_high, 0.27753279986288926, 'Wilson, none'), is(ci_low, 0::float8, 'Wilson, none') FROM rec.wilson_interval(0, 10);
SELECT near(ci_low, 0.7224672001371106, 'Wilson, all'), is(ci_high, 1::float8, 'Wilson, all') FROM rec.wilson_interval(10, 10);
SELECT near(ci_low, 0.11637368051613811, 'Wilson, 99 %'), near(ci_high, 0.8102850959116126, 'Wilson, 99 %') FROM rec.wilson_interval(3, 7, 0.99);
SELECT is(estimate, NULL, 'Wilson, no trials'), is(ci_low, NULL, 'Wilson, no trials') FROM rec.wilson_interval(0, 0);
SELECT is(p_value, NULL, 'all successes: undefined, not 0'), alike(note, 'undefined: zero variance%', 'it says so'), near(ci_high, 0.27753279986288937, 'the interval is not') FROM rec.proportion_test(10, 10, 10, 10);
SELECT is((rec.proportion_test(x, t)).p_value, (rec.proportion_test(x = 1, t)).p_value, 'numbers 0 and 1 and booleans are the same') FROM (SELECT i % 3 % 2 AS x, i % 2 = 0 AS t FROM generate_series(1, 100) i) u;
SELECT throws_like('SELECT rec.proportion_test(11, 10, 1, 10)', 'more successes than trials: 11 of 10', 'more successes than trials');
SELECT throws_like('SELECT rec.proportion_test(-1, 10, 1, 10)', 'counts must not be negative%', 'negative counts');
SELECT throws_like('SELECT rec.proportion_test(2::float8, true)', 'a success is 0 or 1, not 2', 'a number that is no success');
SELECT throws_like('SELECT rec.proportion_test(rec.sample(x), rec.sample(x)) FROM generate_series(1, 3) x', 'not a sample of zeros and ones', 'a sample of other numbers');

-- The split
SELECT near(statistic, 10.2, 'SRM'), near(p_value, 0.0060967465655156405, 'SRM: p'), is(expected, '{50000,49000,1000}', 'expected'), is(mismatch, false, 'no alarm'), is(df, 2::float8, 'df')
FROM rec.srm_test(ARRAY[50100,49000,900], '{50,49,1}');
SELECT is(mismatch, true, 'SRM alarm'), alike(note, 'sample ratio mismatch%', 'in words') FROM rec.srm_test(ARRAY[50000,52000]);
SELECT is(p_value, NULL, 'one arm'), is(mismatch, NULL, 'one arm'), alike(note, 'undefined%', 'one arm') FROM rec.srm_test(ARRAY[500]);
SELECT is(p_value, 0::float8, 'units in an arm of weight 0') FROM rec.srm_test(ARRAY[500,500,3], '{1,1,0}');
SELECT is(p_value, NULL, 'no units') FROM rec.srm_test(ARRAY[0,0]);
SELECT throws_like($$SELECT rec.srm_test(ARRAY[1,2], '{1}')$$, '2 counts, but 1 weights', 'weights for other arms');
SELECT throws_like($$SELECT rec.srm_test(ARRAY[1,-2])$$, 'counts must not be negative', 'negative counts');
SELECT throws_like($$SELECT rec.srm_test(ARRAY[1,2], '{1,NaN}')$$, 'weights%', 'NaN weight');
SELECT throws_like($$SELECT rec.srm_test(ARRAY[1,null])$$, '%must not hold null', 'null count');

-- Bad input
SELECT is(statistic, NULL, 'zero variance: no statistic'), is(p_value, NULL, 'zero variance: no p'), is(note, 'undefined: zero variance', 'zero variance: it says so'), is(difference, 1::float8, 'zero variance: a difference')
FROM (SELECT (rec.welch_test(i % 2, i % 2 = 1)).* FROM generate_series(1, 20) i) r;
SELECT is(p_value, NULL, 'no rows'), is(n_control, 0::bigint, 'no rows'), is(note, 'undefined: no units', 'no rows') FROM (SELECT (rec.welch_test(x, true)).* FROM (SELECT 1 AS x WHERE false) e) r;
SELECT is(note, 'undefined: no units in control', 'one arm only') FROM (SELECT (rec.welch_test(x, true)).* FROM generate_series(1, 5) x) r;
SELECT is(note, 'undefined: fewer than 2 units in an arm', 'one unit'), is(p_value, NULL, 'one unit') FROM (SELECT (rec.welch_test(x, x = 1)).* FROM generate_series(1, 5) x) r;
SELECT alike(note, 'undefined: NaN%', 'NaN'), is(p_value, NULL, 'NaN'), is(difference, NULL, 'NaN') FROM (SELECT (rec.welch_test(x, x > 2)).* FROM unnest('{1,2,3,NaN}'::float8[]) x) r;
SELECT alike(note, 'undefined: NaN%', 'infinity'), is(p_value, NULL, 'infinity') FROM (SELECT (rec.welch_test(x, x > 2)).* FROM unnest('{1,2,3,infinity}'::float8[]) x) r;
SELECT alike(note, 'undefined: NaN%', 'a square beyond double'), is(p_value, NULL, 'a square beyond double') FROM (SELECT (rec.welch_test(x, x > 2)).* FROM unnest('{1,-2,3,1e300}'::float8[]) x) r;
SELECT is(n_control + n_treatment, 3::bigint, 'nulls are left out') FROM (SELECT (rec.welch_test(x, t)).* FROM (VALUES (1, true), (2, false), (3, NULL), (NULL, true), (4, false)) v(x, t)) r;
SELECT alike(note, 'undefined: NaN, infinite or too large values, or a denominator of 0', 'denominators of 0') FROM (SELECT (rec.ratio_test(x, 0, x > 3)).* FROM generate_series(1, 6) x) r;
SELECT throws_like('SELECT rec.ratio_test(x, -x, x > 3) FROM generate_series(1, 6) x', 'denominator of a ratio must not be negative: -1', 'negative denominators');
SELECT throws_like('SELECT rec.sample_ratio(1, -1)', 'denominator of a ratio must not be negative: -1', 'negative denominators in a sample');
SELECT throws_like('SELECT rec.welch_test(x, x > 3, ''more'') FROM generate_series(1, 6) x', 'unknown alternative "more"', 'unknown alternative');
SELECT throws_like('SELECT rec.welch_test(x, x > 3, ''less'', 95) FROM generate_series(1, 6) x', 'confidence must be between 0 and 1: 95', 'confidence in percent');
SELECT throws_like('SELECT rec.welch_test(x, x > 3, ''less'', .95, ''NaN'') FROM generate_series(1, 6) x', 'margin is out of range%', 'a margin that is no number');
SELECT throws_like('SELECT rec.ratio_test(rec.sample(x), rec.sample(x)) FROM generate_series(1, 6) x', 'rec.ratio_test does not take samples of kind mean', 'a sample of another kind');
SELECT throws_like('SELECT rec.sample_test(rec.sample(x), rec.sample_ratio(x, 1)) FROM generate_series(1, 6) x', 'samples of kind mean and ratio cannot go together', 'kinds that differ');
SELECT throws_like('SELECT rec.merge(s) FROM (SELECT rec.sample(1) UNION ALL SELECT rec.sample_ratio(1, 1)) x(s)', 'samples of kind mean and ratio cannot go together', 'merging kinds that differ');
SELECT throws_like($$SELECT rec.sample_test(ROW('mean', -1, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::rec.sample_state, NULL)$$, 'invalid sample', 'a negative number of units');
SELECT throws_like($$SELECT rec.sample_test('(median,1,0,0,0,,,,,,,,,,,,)'::rec.sample_state, NULL)$$, 'invalid sample', 'an unknown kind');
SELECT throws_like($$SELECT rec.sample_test('(ratio,1,0,0,0,,,,,,,,,,,,)'::rec.sample_state, NULL)$$, 'invalid sample', 'a ratio without denominators');
SELECT throws_like($$SELECT rec.sample_test('(mean,3,0,-1,0,,,,,,,,,,,,)'::rec.sample_state, NULL)$$, 'invalid sample', 'a negative sum of squares');
SELECT throws_like($$SELECT rec.sample_test('(,,,,,,,,,,,,,,,,)'::rec.sample_state, NULL)$$, 'invalid sample', 'all null');
SELECT is((rec.sample_test(NULL::rec.sample_state, NULL)).note, 'undefined: no units', 'null samples are of no units');
SELECT throws_like('SELECT rec.sample_winsorized(1, 3, 2)', 'lower bound 3 is above the upper bound 2', 'bounds in the wrong order');
-- skew: 2,000 controls of a 10/90 split of a lognormal metric are too few, an equal split of the same is not
SELECT alike((rec.welch_test(exp(2 * x), i % 10 > 0)).note, 'too few units%', 'a skewed metric on an unequal split') FROM (SELECT i, sqrt(-2 * ln((i * 7919 % 20011) / 20011.0)) * cos(6.283185307 * (i * 104729 % 20021) / 20021.0) AS x FROM generate_series(1, 20000) i) z;
SELECT is((rec.welch_test(sin(i) + 9, i % 10 > 0)).note, NULL, 'an even one on the same split') FROM generate_series(1, 20000) i;

SELECT * FROM finish();
