-- Order statistics, strata, sequential and Bayesian tests, planning, interleaving, off-policy evaluation.
-- Reference: Debian's scipy 1.10.1 (mannwhitneyu, binomtest), numpy 1.24.2 (the formulas written out), statsmodels 0.13.5
-- (TTestIndPower, samplesize_proportions_2indep_onetail), mpmath 1.2.1 (beta posteriors and boundaries by quadrature).
\pset fieldsep '\n'
SELECT no_plan();
CREATE FUNCTION near(got float8, expected float8, what text, tolerance float8 DEFAULT 1e-10) RETURNS text LANGUAGE sql AS $$
	SELECT ok(got = expected OR abs(got - expected) <= tolerance * abs(expected), format('%s: %s, expected %s', what, got, expected)) $$;

-- Mann-Whitney: exact, with ties, one-sided
CREATE TABLE few (x float8, t boolean);
INSERT INTO few SELECT x, false FROM unnest('{1.1,2.3,3.7,4.2,5.9,6.6}'::float8[]) x UNION ALL SELECT x, true FROM unnest('{2.9,4.8,7.1,8.3,9.4}'::float8[]) x;
SELECT near((a).statistic, 24, 'U'), near((a).p_value, 0.12554112554112554, 'exact'), near((b).p_value, 0.06277056277056277, 'exact, greater'), near((c).p_value, 0.958874458874459, 'exact, less'),
	is((a).method, 'Mann-Whitney, exact', 'it says so'), near((a).estimate_treatment, 24 / 30.0, 'P(treatment > control)')
FROM (SELECT rec.rank_test(x, t) AS a, rec.rank_test(x, t, 'greater') AS b, rec.rank_test(x, t, 'less', 0.9) AS c FROM few) r;
CREATE TABLE tied AS SELECT (i * i) % 17 + (i % 6 = 0)::int AS x, i % 2 = 0 AS t, i FROM generate_series(1, 200) i;
SELECT near((a).statistic, 5298.5, 'U with ties'), near((a).p_value, 0.4642975792482633, 'ties'), near((b).p_value, 0.23214878962413166, 'ties, greater'), near((c).p_value, 0.7686000750574871, 'ties, less')
FROM (SELECT rec.rank_test(x, t) AS a, rec.rank_test(x, t, 'greater') AS b, rec.rank_test(x, t, 'less') AS c FROM tied) r;
SELECT is(rec.rank_test(c, t), (SELECT rec.rank_test(x, tied.t) FROM tied), 'samples of values know as much, merged from parts')
FROM (SELECT rec.merge(s) FILTER (WHERE NOT tied_t) AS c, rec.merge(s) FILTER (WHERE tied_t) AS t FROM (SELECT t AS tied_t, i % 7 AS part, rec.sample_quantile(x) AS s FROM tied GROUP BY 1, 2) p) m;
SELECT is((rec.rank_test(1, i % 2 = 0)).p_value, NULL, 'all equal: undefined'), alike((rec.rank_test(1, i % 2 = 0)).note, 'undefined: zero variance', 'it says so') FROM generate_series(1, 50) i;
SELECT is((rec.rank_test(i, true)).note, 'undefined: no units in control', 'one arm') FROM generate_series(1, 5) i;
SELECT throws_like('SELECT rec.rank_test(''NaN'', true)', 'NaN has no rank%', 'NaN');

-- Quantiles
CREATE TABLE odd AS SELECT i * 7919 % 1009 + CASE WHEN i % 2 = 0 THEN 10 ELSE 0 END AS x, i % 2 = 0 AS t FROM generate_series(1, 1000) i;
SELECT near(estimate_control, 908.1, 'quantile of control'), near(estimate_treatment, 914.1, 'of treatment'), near(std_error, 18.98819698783424, 'error from order statistics'), near(p_value, 0.7520133109398204, 'p')
FROM (SELECT (rec.quantile_test(x, t, 0.9)).* FROM odd) r;
SELECT is(rec.quantile_test(c, t, 0.9), (SELECT rec.quantile_test(x, odd.t, 0.9) FROM odd), 'samples of values know as much') FROM (SELECT rec.sample_quantile(x) FILTER (WHERE NOT odd.t) AS c, rec.sample_quantile(x) FILTER (WHERE odd.t) AS t FROM odd) s;
SELECT is(rec.quantile(rec.sample_quantile(x), 0.37), percentile_cont(0.37) WITHIN GROUP (ORDER BY x), 'quantiles are percentile_cont') FROM odd;
SELECT alike((rec.quantile_test(x, t, 0.999)).note, 'undefined: too few units%', 'an extreme quantile of few units') FROM odd;
SELECT alike((rec.quantile_test(0, t, 0.5)).note, 'undefined: %', 'quantiles without variance') FROM odd;
SELECT throws_like('SELECT rec.quantile_test(1, true, 50)', 'quantile is out of range: 50', 'a quantile in percent');
SELECT throws_like($$SELECT rec.quantile('(2,"{2,1}","{1,1}")', .5)$$, 'invalid sample of values', 'values that do not ascend');
SELECT throws_like($$SELECT rec.quantile('(2,"{1}","{1,1}")', .5)$$, 'invalid sample of values', 'counts without values');
SELECT throws_like($$SELECT rec.quantile('(2,"{1,NULL}","{1,1}")', .5)$$, 'invalid sample of values', 'a null among the values');
SELECT throws_like($$SELECT rec.quantile('(2,"{1}","{-1}")', .5)$$, 'invalid sample of values', 'a negative count');

-- Clusters and strata
SELECT is((a).n, (b).n, 'clusters: units'), near((a).mean, (b).mean, 'sums of units'), near((a).co_y_den, (b).co_y_den, 'products', 1e-9)
FROM (SELECT rec.sample_cluster(i, 'u' || i % 37 % 11) AS a FROM generate_series(1, 1000) i) x,
	(SELECT rec.sample_ratio(s, n) AS b FROM (SELECT sum(i) AS s, count(*) AS n FROM generate_series(1, 1000) i GROUP BY i % 37 % 11) y) z;
SELECT is(rec.sample_cluster(1, NULL::uuid), NULL, 'rows without a unit') ;
CREATE TABLE strata AS SELECT i % 3 AS s, (i * 7919 % 1009) % 2 = 0 AS t, i % 3 * 10 + sin(i) + CASE WHEN (i * 7919 % 1009) % 2 = 0 THEN .1 ELSE 0 END AS y FROM generate_series(1, 3000) i;
SELECT near((r).difference, 0.10037205707916286, 'post-stratified', 1e-9), near((r).std_error, 0.02584653623052065, 'its error')
FROM (SELECT rec.post_stratified_test(c, t) AS r FROM (SELECT s, rec.sample(y) FILTER (WHERE NOT strata.t) AS c, rec.sample(y) FILTER (WHERE strata.t) AS t FROM strata GROUP BY s) x) z;
SELECT alike((rec.post_stratified_test(c, NULL)).note, 'undefined: a stratum has fewer than 2 units%', 'a stratum with one arm') FROM (SELECT rec.sample(y) AS c FROM strata) x;

-- Always valid
CREATE TABLE pair AS SELECT rec.sample(i) AS c, rec.sample(i + 60) AS t FROM generate_series(1, 1000) i;
SELECT near(ci_high - difference, 40.34797353316475, 'confidence sequence'), near(p_value, 0.0005585631884070715, 'always valid p'), is(method, 'always valid', 'method') FROM pair, rec.sequential_test(c, t);
SELECT near(ci_high - difference, 36.05002621877906, 'another tuning'), near(p_value, 0.0001679092811910339, 'another tuning: p') FROM pair, rec.sequential_test(c, t, confidence => 0.9, tuning_n => 1000);
SELECT near(g.ci_low, w.ci_low, 'one-sided: the bound of twice the alpha'), is(g.ci_high, 'infinity', 'and open'), is(l.p_value, 1::float8, 'the other side')
FROM pair, rec.sequential_test(c, t, 'greater') g, rec.sequential_test(c, t, confidence => 0.9) w, rec.sequential_test(c, t, 'less') l;
SELECT is(a.r, rec.sequential_test(c, t), 'in one pass'), is((a.g).alternative, 'greater', 'with options')
FROM pair, (SELECT rec.sequential_test(i + CASE WHEN t THEN 60 ELSE 0 END, t) AS r, rec.sequential_test(i, t, 'greater') AS g FROM generate_series(1, 1000) i, unnest('{t,f}'::boolean[]) t) a;
SELECT throws_like($$SELECT rec.sequential_test(NULL, NULL, tuning_n => 0)$$, 'tuning_n is out of range%', 'tuning of 0');
-- the p-value and the interval agree: at confidence 1 - p the interval, tuned alike, ends at 0

-- Group sequential: published as 4.877 3.357 2.680 2.290 2.031 (Lan-DeMets, O'Brien-Fleming) and 2.438 2.427 2.410 2.397 2.386 (Pocock)
SELECT near(boundary, (ARRAY[4.8768849487907626, 3.3570119215746429, 2.6803, 2.2898, 2.0310])[look], 'O''Brien-Fleming, look ' || look, CASE WHEN look < 3 THEN 1e-9 ELSE 2e-5 END) FROM rec.group_sequential(5);
SELECT near(boundary, (ARRAY[2.4380, 2.4268, 2.4102, 2.3966, 2.3859])[look], 'Pocock, look ' || look, 5e-5) FROM rec.group_sequential(5, spending => 'pocock');
SELECT near(boundary, 1.6448536269514722, 'one look is the fixed test', 1e-9), near(p_value, 0.05, 'its level', 1e-9), near(alpha_spent, 0.05, 'all spent') FROM rec.group_sequential(1, alternative => 'greater');
SELECT near(max(alpha_spent), 0.05, '100 looks spend it all'), ok(min(boundary) > 2 AND max(boundary) > 8, 'and begin with next to nothing') FROM rec.group_sequential(100);
SELECT alike(note, 'look 1: stop, beyond%', 'beyond the boundary'), ok(ci_low > 0, 'and the interval says so') FROM pair, rec.group_sequential_test(c, t, information => '{.5}');
SELECT alike(note, 'look 2: go on, within%', 'within it'), ok(ci_low < 0, 'and the interval says so'), near(ci_high - difference, 3.3570119215746429 * std_error, 'repeated confidence interval', 1e-9)
FROM (SELECT r.* FROM pair, (SELECT rec.sample(i + 30) AS u FROM generate_series(1, 1000) i) v, rec.group_sequential_test(c, u, information => '{.2,.4}') r) x;
SELECT throws_like($$SELECT rec.group_sequential(ARRAY[.5,.4])$$, 'invalid fractions of information', 'information that falls');
SELECT throws_like($$SELECT rec.group_sequential(ARRAY[.5,1.1])$$, 'invalid fractions of information', 'more than all information');
SELECT throws_like($$SELECT rec.group_sequential(0)$$, 'number of looks must be from 1 to 200', 'no looks');
SELECT throws_like($$SELECT rec.group_sequential(3, spending => 'haybittle')$$, 'unknown spending function%', 'unknown spending');

-- Bayes
SELECT near(chance_to_win, 0.9751730331528746, 'chance to win'), near(loss_treatment, 0.0004793593039977547, 'expected loss of the treatment'), near(loss_control, 0.09851857499027226, 'and of control') FROM rec.bayes_proportion_test(10, 100, 20, 100);
SELECT near(chance_to_win, 0.9762504911763297, 'chance to win, prior 1/2'), near(loss_treatment, 0.001528918006885096, 'loss', 1e-9) FROM rec.bayes_proportion_test(0, 10, 3, 10, 0.5, 0.5);
SELECT near(chance_to_win, 0.5, 'nothing known'), near(ci_high, -ci_low, 'symmetrical', 1e-9), near(ci_high, 1 - sqrt(0.05), 'the difference of two uniforms', 1e-10) FROM rec.bayes_proportion_test(0, 0, 0, 0);
SELECT near(a.chance_to_win + b.chance_to_win, 1, 'either or', 1e-12), near(a.loss_control, b.loss_treatment, 'from the other side', 1e-9), near(a.ci_low, -b.ci_high, 'from the other side', 1e-9)
FROM rec.bayes_proportion_test(31, 400, 90000, 1000000) a, rec.bayes_proportion_test(90000, 1000000, 31, 400) b;
SELECT near(chance_to_win, 1, '1e9 units', 1e-12), near(difference, 0.0001, 'difference', 1e-5), ok(ci_low BETWEEN 0.00007 AND 0.00008 AND loss_treatment < 1e-18, 'interval and loss') FROM rec.bayes_proportion_test(100000000, 1000000000, 100100000, 1000000000);
SELECT near(difference, 22.485946283572765, 'normal prior'), near(chance_to_win, 0.9977706250694441, 'chance to win'), near(ci_low, 6.98816727339614, 'credible interval'), near(loss_treatment, 0.0051918312464770576, 'expected loss') FROM pair, rec.bayes_test(c, t, prior_sd => 10);
SELECT near(b.ci_low, w.difference - 1.9599639845400543 * w.std_error, 'a flat prior'), near(b.difference, w.difference, 'a flat prior') FROM pair, rec.bayes_test(c, t) b, rec.welch_test(c, t) w;
SELECT is(chance_to_win, NULL, 'nothing to compare'), is(note, 'undefined: no units', 'it says so') FROM rec.bayes_test(NULL, NULL);
SELECT throws_like('SELECT rec.bayes_proportion_test(5, 1, 1, 1)', 'more successes than trials%', 'more successes than trials');
SELECT throws_like('SELECT rec.bayes_proportion_test(1, 1, 1, 1, -1)', 'prior_alpha is out of range%', 'a prior below 0');
SELECT throws_like('SELECT rec.bayes_test(NULL, NULL, prior_sd => 0)', 'prior_sd is out of range%', 'a prior without spread');

-- Planning
SELECT near(rec.power(0.5, 1, 64, 64), 0.8014595579287103, 'power'), near(rec.power(0.2, 1, 400, 600), 0.8719046631121017, 'power, unequal'), near(rec.power(0.2, 1, 400, 600, alternative => 'greater'), 0.926670200454907, 'power, one-sided'),
	near(rec.power(-0.2, 1, 400, 600, alternative => 'less'), 0.926670200454907, 'power, less'), near(rec.mde(1, 64, 64), 0.4990691771904248, 'mde', 1e-8), near(rec.power(0, 1, 50, 50), 0.05, 'no effect: alpha', 1e-9);
SELECT is(n, 128::bigint, 'units'), is(n_control, 64::bigint, 'in control') FROM rec.sample_size(0.5, 1);
SELECT near(rec.power(rec.mde(2, 700, 300, power => 0.9), 2, 700, 300), 0.9, 'mde and power', 1e-9);
SELECT near(rec.power_proportion(0.1, 0.1 + rec.mde_proportion(0.1, 3000, 4000), 3000, 4000), 0.8, 'mde and power of proportions', 1e-8);
SELECT is(n, 7682::bigint, 'units for proportions') FROM rec.sample_size_proportion(0.1, 0.12);
SELECT is(s.n_treatment, NULL, 'an effect on the wrong side') FROM rec.sample_size(-0.5, 1, alternative => 'greater') s;
SELECT is(rec.duration(20, 0.5, 1), 7, 'days'), is(rec.duration(0, 0.5, 1), NULL, 'no units a day'), is(rec.duration_proportion(1000, 0.1, 0.12), 8, 'days for proportions');
SELECT ok(f.n < g.n AND g.n < 1.05 * f.n, 'O''Brien-Fleming costs little'), ok(a.n > 1.3 * f.n, 'always valid costs more')
FROM rec.sample_size(0.05, 1) f, rec.sample_size(0.05, 1, design => 'group-sequential') g, rec.sample_size(0.05, 1, design => 'always-valid') a;
-- the inflation factor of Lan-DeMets O'Brien-Fleming with 5 looks, alpha .05 and power .8 is about 1.03
SELECT near(g.n / f.n::float8, 1.0283, 'inflation factor', 5e-3) FROM rec.sample_size(0.01, 1) f, rec.sample_size(0.01, 1, design => 'group-sequential') g;
SELECT throws_like('SELECT rec.power(1, 0, 10, 10)', 'sd is out of range: 0', 'no spread'), throws_like('SELECT rec.power(1, ''NaN'', 10, 10)', 'sd is out of range%', 'NaN'),
	throws_like('SELECT rec.power(1, 1, -10, 10)', 'n_control must not be negative', 'negative units'), throws_like('SELECT rec.power(NULL, 1, 10, 10)', 'difference must not be null', 'null'),
	throws_like('SELECT rec.power_proportion(1.1, 0.5, 10, 10)', 'p_control is out of range%', 'no proportion'), throws_like('SELECT rec.power(1, 1, 10, 10, design => ''bandit'')', 'unknown design%', 'unknown design'),
	throws_like('SELECT rec.sample_size(1, 1, treatment_share => 0)', 'treatment_share is out of range%', 'no treatment');
SELECT is(rec.power(1, 1, 1, 10), 0::float8, 'one unit finds nothing');

-- Numbers of units beyond bigint
SELECT throws_like($$SELECT rec.merge(s) FROM (SELECT '(mean,9000000000000000000,0,1,0,,,,,,,,,,,,)'::rec.sample_state AS s FROM generate_series(1, 3)) x$$, 'number of units out of range%', 'merging too many units');
SELECT throws_like($$SELECT rec.srm_test(ARRAY[9000000000000000000, 9000000000000000000])$$, 'number of units out of range%', 'too many units in the split');
SELECT throws_like($$SELECT rec.fisher_test(1, 9000000000000000000, 1, 9000000000000000000)$$, 'too many units for the exact test', 'too many units for the exact test');

-- Interleaving
SELECT results_eq($$SELECT array_agg(item ORDER BY rank), count(DISTINCT item) FROM rec.interleave(ARRAY[1,2,3,4], ARRAY[3,4,5,6], 7)$$, $$SELECT array_agg(item ORDER BY rank), 6::bigint FROM rec.interleave(ARRAY[1,2,3,4], ARRAY[3,4,5,6], 7)$$, 'every item once, and the same each time');
SELECT is(count(*), 2::bigint, 'k') FROM rec.interleave('{a,b,c}'::text[], '{b,c,d}', 'request 1', 2);
SELECT is(count(*), 0::bigint, 'empty lists') FROM rec.interleave('{}'::text[], NULL, 1);
SELECT is(array_agg(item ORDER BY rank), '{1,2,3}', 'one list; nulls and repetitions are passed over') FROM rec.interleave(ARRAY[1,2,NULL,2,3], '{}', 1);
SELECT ok(bool_and(abs(a - b) <= 1), 'both teams get as many of each even length') FROM (SELECT count(*) FILTER (WHERE team = 'a') AS a, count(*) FILTER (WHERE team = 'b') AS b FROM generate_series(1, 200) s, rec.interleave(ARRAY[1,2,3,4,5,6], ARRAY[4,3,7,8,1,9], s, 6) GROUP BY s) x;
SELECT ok(count(*) BETWEEN 450 AND 550, 'the coin is fair: ' || count(*)) FROM generate_series(1, 1000) s, rec.interleave(ARRAY[1], ARRAY[2], s, 1) WHERE team = 'a';
-- each team's items are its list's, in its order
SELECT ok(bool_and(item = ANY (CASE team WHEN 'a' THEN ARRAY[1,2,3,4,5,6] ELSE ARRAY[4,3,7,8,1,9] END)), 'items come from their team''s list') FROM generate_series(1, 50) s, rec.interleave(ARRAY[1,2,3,4,5,6], ARRAY[4,3,7,8,1,9], s);
SELECT throws_like('SELECT rec.interleave(ARRAY[1], ARRAY[2], NULL::bigint)', 'seed must not be null', 'no seed'), throws_like('SELECT rec.interleave(ARRAY[1], ARRAY[2], 1, -1)', 'k must not be negative%', 'negative k'),
	throws_like('SELECT rec.interleave(ARRAY[point ''(0,0)''], NULL, 1)', 'could not identify an equality operator%', 'a type without equality'), throws_like('SELECT rec.interleave_credit(''c'', true)', 'unknown team "c"', 'unknown team');
SELECT is(rec.interleave_credit(team, clicked), '(2,1,a)', 'credit') FROM (VALUES ('a', true), ('b', true), ('a', true), ('b', false), ('a', NULL)) v(team, clicked);
SELECT near(p_value, 0.007084252673880489, 'sign test'), is(wins_b, 49::bigint, 'wins'), is(ties, 26::bigint, 'ties'), near(preference, 49 / 74.0, 'preference') FROM (SELECT (rec.interleave_test(i % 3, i % 4)).* FROM generate_series(1, 100) i) r;
SELECT is(p_value, NULL, 'only ties'), alike(note, 'undefined%', 'it says so') FROM (SELECT (rec.interleave_test(0, 0)).* FROM generate_series(1, 100) i) r;

-- Off-policy
CREATE TABLE logged AS SELECT (i * 7919 % 1009) % 2 AS r, .25 + i % 3 * .25 AS p, .5 AS q FROM generate_series(1, 3000) i;
SELECT near((a).estimate, 0.6107777777777779, 'IPS'), near((a).std_error, 0.013344195339749525, 'its error'), near((a).effective_n, 2469.3877551020396, 'effective n'), near((b).estimate, 0.49972727272727285, 'SNIPS'), near((b).std_error, 0.01006346942048189, 'its error'),
	near((c).estimate, 0.5274444444444445, 'clipped'), near((c).std_error, 0.010603807589218254, 'its error'), is((c).clipped, 1000::bigint, 'how many were'), is((c).max_weight, 2::float8, 'largest weight'),
	alike((a).note, 'weights do not average to 1%', 'weights that cannot be right')
FROM (SELECT rec.ips(r, p, q) AS a, rec.snips(r, p, q) AS b, rec.clipped_ips(r, p, q, 1.5) AS c FROM logged) x;
SELECT near((rec.ips(r, .5, .5)).estimate, avg(r)::float8, 'the old policy itself: the mean'), near((rec.ips(r, .5, .5, .9)).confidence, .9, 'confidence') FROM logged;
SELECT alike((rec.ips(r, .001, CASE WHEN i = 1 THEN 1 ELSE 0 END)).note, 'few effective decisions%', 'one large weight') FROM (SELECT r, row_number() OVER () AS i FROM logged) x;
SELECT is((rec.snips(r, .5, 0)).estimate, NULL, 'a policy that does something else'), alike((rec.snips(r, .5, 0)).note, 'undefined%', 'it says so') FROM logged;
SELECT throws_like('SELECT rec.ips(1, 0, 1)', 'propensity must be a probability above 0: 0', 'a propensity of 0'), throws_like('SELECT rec.ips(1, .5, 1.5)', 'target propensity must be a probability: 1.5', 'no probability'),
	throws_like('SELECT rec.ips(1, ''NaN'', 1)', 'propensity must be a probability above 0: NaN', 'NaN'), throws_like('SELECT rec.clipped_ips(1, 1, 1, 0)', 'clip is out of range: 0', 'clip of 0');

-- What takes long can be cancelled: each takes more than the timeout many times over, and none waits until it is done
CREATE FUNCTION cancelled(call text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SELECT count(x) FROM (SELECT %s FROM generate_series(1, 3000) i OFFSET 0) q(x)', call);
	RETURN fail(call || ' was not cancelled');
EXCEPTION WHEN query_canceled THEN
	RETURN pass(call || ' can be cancelled');
END $$;
SET statement_timeout = '20ms';
SELECT format('SELECT cancelled(%L)', call) FROM unnest(ARRAY[
	'(SELECT sum(boundary) FROM rec.group_sequential(200, 0.05 + i * 1e-6))', '(SELECT p_value FROM rec.group_sequential_test(''(mean,9,1,2,3,,,,,,,,,,,,)'', NULL, confidence => 0.9 + i * 1e-6, information => ''{0.001,0.002,0.003,0.004,0.9,1}''))',
	'rec.power(i, 9, 1000, 1000, design => ''group-sequential'', looks => 20)', 'rec.mde(i, 1000, 1000, design => ''group-sequential'', looks => 20)', '(SELECT n FROM rec.sample_size(0.01 * i, 9, design => ''group-sequential'', looks => 20))',
	'rec.duration(10, 0.01 * i, 9, design => ''group-sequential'', looks => 20)', 'rec.power_proportion(0.1, 0.1 + i * 1e-5, 1000, 1000, design => ''group-sequential'', looks => 20)', 'rec.mde_proportion(0.1, 1000 + i, 1000, design => ''group-sequential'', looks => 20)',
	'(SELECT n FROM rec.sample_size_proportion(0.1, 0.1 + i * 1e-5, design => ''group-sequential'', looks => 20))', 'rec.duration_proportion(10, 0.1, 0.1 + i * 1e-5, design => ''group-sequential'', looks => 20)', 'rec.mde(1, 1000 + i, 1000)', '(SELECT n FROM rec.sample_size(0.01 * i, 9))',
	'(SELECT chance_to_win FROM rec.bayes_proportion_test(500000000 + i, 1000000000, 500010000, 1000000000, 0.001, 0.001))']) call \gexec
RESET statement_timeout;

SELECT * FROM finish();
