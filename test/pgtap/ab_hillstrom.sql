-- The Hillstrom e-mail experiment (REC_DATA_DIR/ab/hillstrom.csv.gz; skipped without it): values of scipy 1.10.1 and
-- statsmodels 0.13.5 (Debian 12): ttest_ind(equal_var=False), proportions_ztest, confint_proportions_2indep(method='newcomb'),
-- mannwhitneyu, chisquare; CUPED as ttest_ind on y - theta (x - mean(x)), theta = np.cov(y, x)[0, 1] / np.var(x, ddof=1) of both arms;
-- ratio as Welch on the linearised units. Arm of treatment first.
\pset fieldsep '\n'
SET client_min_messages = warning;
SELECT no_plan();
\getenv data REC_DATA_DIR
\if :{?data}
\else
\set data ''
\endif
SELECT count(*) > 0 AS found FROM pg_stat_file(:'data' || '/ab/hillstrom.csv.gz', true) f WHERE f.size > 0 \gset
\if :found
CREATE FUNCTION near(got float8, expected float8, what text, tolerance float8 DEFAULT 1e-10) RETURNS text LANGUAGE sql AS $$
	SELECT ok(got = expected OR abs(got - expected) <= tolerance * abs(expected), format('%s: %s, expected %s', what, got, expected)) $$;
CREATE TABLE mail (recency int, history_segment text, history float8, mens int, womens int, zip_code text, newbie int, channel text, segment text, visit int, conversion int, spend float8);
SELECT format('COPY mail FROM PROGRAM %L WITH (FORMAT csv, HEADER)', 'gzip -dc ''' || :'data' || '/ab/hillstrom.csv.gz''') AS load \gset
:load;
CREATE VIEW men AS SELECT *, segment = 'Mens E-Mail' AS treated FROM mail WHERE segment <> 'Womens E-Mail';
CREATE VIEW women AS SELECT *, segment = 'Womens E-Mail' AS treated FROM mail WHERE segment <> 'Mens E-Mail';

SELECT near(statistic, 5.300140358411668, 'men: spend, t'), near(p_value, 1.1638149682254859e-07, 'p'), near(df, 36671.15797735937, 'df'), near(ci_low, 0.48513973256838294, 'ci_low'), near(ci_high, 1.054514579220692, 'ci_high') FROM (SELECT (rec.welch_test(spend, treated)).* FROM men) r;
SELECT near(statistic, 3.2563715760253915, 'women: spend, t'), near(p_value, 0.0011293971023632519, 'p'), near(df, 40064.88440653225, 'df'), near(ci_low, 0.1689567898837797, 'ci_low'), near(ci_high, 0.679867641989414, 'ci_high') FROM (SELECT (rec.welch_test(spend, treated)).* FROM women) r;
SELECT near(statistic, 5.284841624064936, 'men: CUPED on history, t'), near(p_value, 1.265314467251934e-07, 'p'), near(difference, 0.7674384994278025, 'difference') FROM (SELECT (rec.cuped_test(spend, history, treated)).* FROM men) r;
SELECT near(statistic, 3.243854656208933, 'women: CUPED on history, t'), near(p_value, 0.001180204734259644, 'p'), near(difference, 0.4227009231564979, 'difference') FROM (SELECT (rec.cuped_test(spend, history, treated)).* FROM women) r;
SELECT near(statistic, 22.48604082719282, 'men: visit, z'), near(p_value, 5.685165482802317e-112, 'p'), near(ci_low, 0.06995330808373154, 'Newcombe'), near(ci_high, 0.08322674127411137, 'Newcombe') FROM (SELECT (rec.proportion_test(visit, treated)).* FROM men) r;
SELECT near(statistic, 7.385114410925771, 'men: conversion, z'), near(p_value, 1.5232235005955427e-13, 'p'), near(ci_low, 0.005014344671481532, 'Newcombe'), near(ci_high, 0.008640723396917826, 'Newcombe') FROM (SELECT (rec.proportion_test(conversion, treated)).* FROM men) r;
SELECT near(statistic, 13.949180655258505, 'women: visit, z'), near(p_value, 3.1824031593349214e-44, 'p'), near(ci_low, 0.03889409535998813, 'Newcombe'), near(ci_high, 0.051574342962213596, 'Newcombe') FROM (SELECT (rec.proportion_test(visit, treated)).* FROM women) r;
SELECT near(statistic, 3.77956095835785, 'women: conversion, z'), near(p_value, 0.00015710512910668448, 'p'), near(ci_low, 0.001501657131877008, 'Newcombe'), near(ci_high, 0.004745471313672931, 'Newcombe') FROM (SELECT (rec.proportion_test(conversion, treated)).* FROM women) r;
SELECT near(ci_low, 0.17762499082168498, 'Wilson'), near(ci_high, 0.18800306163588704, 'Wilson') FROM rec.wilson_interval(3894, 21307);
SELECT near(estimate_treatment, 7.784203903441193, 'men: spend per visit'), near(estimate_control, 6.14868700265252, 'control'), near(statistic, 1.6568227799063682, 'delta method') FROM (SELECT (rec.ratio_test(spend, visit, treated)).* FROM men) r;
SELECT near(statistic, 0.9676535019948821, 'women: spend per visit') FROM (SELECT (rec.ratio_test(spend, visit, treated)).* FROM women) r;
SELECT near(statistic, 228527081, 'men: U'), near(p_value, 1.5819988266809648e-13, 'p') FROM (SELECT (rec.rank_test(spend, treated)).* FROM men) r;
SELECT near(statistic, 228545030, 'women: U'), near(p_value, 0.00015545166680000966, 'p') FROM (SELECT (rec.rank_test(spend, treated)).* FROM women) r;
SELECT near(statistic, 0.15367858899585413, 'women: SRM'), near(p_value, 0.6950444648439206, 'p') FROM (SELECT (rec.srm_test(treated)).* FROM women) r;
SELECT near(s.p_value, w.p_value, 'by samples of each channel, merged', 1e-9) FROM (SELECT (rec.welch_test(spend, treated)).* FROM men) w,
	(SELECT (rec.sample_test(rec.merge(s) FILTER (WHERE NOT treated), rec.merge(s) FILTER (WHERE treated))).* FROM (SELECT treated, rec.sample(spend) AS s FROM men GROUP BY treated, channel) x) s;
\else
SELECT skip('no Hillstrom data: REC_DATA_DIR does not name a folder with ab', 1);
\endif
SELECT * FROM finish();
