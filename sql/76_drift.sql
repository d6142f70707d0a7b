-- Comparing distributions: a reference with the present one.
--
-- Aggregates over two samples take is_current (false: a row of the reference, true: a current one, null: of neither).
-- Aggregates over one sample and functions take a profile of the reference, which rec.profile(x) has made before.

CREATE TYPE rec.column_profile AS (
	kind text, n bigint, nulls bigint, mean float8, variance float8, quantiles float8[], error float8, categories text[],
	counts bigint[], other bigint);
COMMENT ON TYPE rec.column_profile IS 'What is kept of a column''s values, made by rec.profile and rec.merge_profiles, to compare later rows with. Can be stored, dumped and looked into';
COMMENT ON COLUMN rec.column_profile.kind IS 'number, time (values are seconds since 1970) or category';
COMMENT ON COLUMN rec.column_profile.n IS 'Rows, with nulls';
COMMENT ON COLUMN rec.column_profile.nulls IS 'Rows that are null or NaN';
COMMENT ON COLUMN rec.column_profile.mean IS 'Mean of the finite numbers; null: none';
COMMENT ON COLUMN rec.column_profile.variance IS 'Sample variance of the finite numbers; null: fewer than two';
COMMENT ON COLUMN rec.column_profile.quantiles IS 'All numbers in ascending order when there are at most 1001, else their quantiles at 0, 0.001, ..., 1; null: categories';
COMMENT ON COLUMN rec.column_profile.error IS 'The distribution function that the quantiles give is at most so far from that of all numbers, anywhere; 0: exact; null: categories';
COMMENT ON COLUMN rec.column_profile.categories IS 'The categories, most frequent first, at most 1000; of numbers with fewer than 50 distinct values these values; null: numbers with more';
COMMENT ON COLUMN rec.column_profile.counts IS 'Rows of each category';
COMMENT ON COLUMN rec.column_profile.other IS 'Rows of categories that are not named';

CREATE TYPE rec.ks_result AS (
	statistic float8, p_value float8, location float8, sign int, n bigint, m bigint, error float8, p_value_max float8);
COMMENT ON TYPE rec.ks_result IS 'Result of the two-sample Kolmogorov-Smirnov test, rec.ks_test';
COMMENT ON COLUMN rec.ks_result.statistic IS 'D: largest gap between the two distribution functions, 0 to 1; null when a side is empty';
COMMENT ON COLUMN rec.ks_result.p_value IS 'Probability of at least this D without drift, as scipy.stats.ks_2samp: exact when max(n, m) <= 10000, else of the one-sample statistic at round(nm/(n+m)). Ties make it conservative';
COMMENT ON COLUMN rec.ks_result.location IS 'Value at which the gap is largest; of times, seconds since 1970';
COMMENT ON COLUMN rec.ks_result.sign IS '1: current values are larger (the reference''s distribution function is above there), -1: smaller, 0: no gap';
COMMENT ON COLUMN rec.ks_result.n IS 'Numbers in the reference, without null and NaN';
COMMENT ON COLUMN rec.ks_result.m IS 'Current numbers, without null and NaN';
COMMENT ON COLUMN rec.ks_result.error IS 'D is at most so far from that of all numbers, because a profile keeps quantiles; 0: exact';
COMMENT ON COLUMN rec.ks_result.p_value_max IS 'p-value of the least D that the error allows: what can be said for sure';

CREATE TYPE rec.psi_result AS (
	psi float8, bins int, expected float8, threshold95 float8, p_value float8, verdict text, n bigint, m bigint);
COMMENT ON TYPE rec.psi_result IS 'Result of rec.psi, the population stability index';
COMMENT ON COLUMN rec.psi_result.psi IS 'Sum over bins of (q - p) ln(q / p), p the reference''s share and q the current one; null when a side is empty';
COMMENT ON COLUMN rec.psi_result.bins IS 'B: bins that are left after merging, with that of nulls';
COMMENT ON COLUMN rec.psi_result.expected IS 'Its mean without drift, (B - 1)(1/n + 1/m)';
COMMENT ON COLUMN rec.psi_result.threshold95 IS 'Its 95 % point without drift, chi-square(B - 1) times (1/n + 1/m)';
COMMENT ON COLUMN rec.psi_result.p_value IS 'Probability of at least this psi without drift, by the same law';
COMMENT ON COLUMN rec.psi_result.verdict IS 'Null below threshold95, where chance gives as much; else ok (below 0.1), watch (below 0.25) or drifted, the customary limits';
COMMENT ON COLUMN rec.psi_result.n IS 'Rows of the reference';
COMMENT ON COLUMN rec.psi_result.m IS 'Current rows';

CREATE TYPE rec.chi2_result AS (
	statistic float8, df float8, p_value float8, cramers_v float8, min_expected float8, categories bigint, n bigint, m bigint);
COMMENT ON TYPE rec.chi2_result IS 'Result of rec.chi2_test, Pearson''s test that two samples of categories have one distribution';
COMMENT ON COLUMN rec.chi2_result.statistic IS 'Sum of (observed - expected)^2 / expected, without a correction for continuity; null when a side is empty';
COMMENT ON COLUMN rec.chi2_result.df IS 'Degrees of freedom: categories - 1';
COMMENT ON COLUMN rec.chi2_result.p_value IS 'Upper tail of the chi-square distribution; rough when min_expected is below 5';
COMMENT ON COLUMN rec.chi2_result.cramers_v IS 'Effect size: 0 the same distribution, 1 no category in common';
COMMENT ON COLUMN rec.chi2_result.min_expected IS 'Least expected count of a cell';
COMMENT ON COLUMN rec.chi2_result.categories IS 'Categories in either sample';
COMMENT ON COLUMN rec.chi2_result.n IS 'Rows of the reference, without nulls';
COMMENT ON COLUMN rec.chi2_result.m IS 'Current rows, without nulls';

CREATE TYPE rec.mean_shift_result AS (
	reference float8, current float8, difference float8, effect_size float8, p_value float8, n bigint, m bigint);
COMMENT ON TYPE rec.mean_shift_result IS 'Result of rec.mean_shift';
COMMENT ON COLUMN rec.mean_shift_result.reference IS 'Mean of the reference';
COMMENT ON COLUMN rec.mean_shift_result.current IS 'Current mean';
COMMENT ON COLUMN rec.mean_shift_result.difference IS 'current - reference';
COMMENT ON COLUMN rec.mean_shift_result.effect_size IS 'Cohen''s d: the difference in pooled standard deviations; null: no variance';
COMMENT ON COLUMN rec.mean_shift_result.p_value IS 'Welch''s two-sided test; null: no variance or fewer than two numbers on a side';
COMMENT ON COLUMN rec.mean_shift_result.n IS 'Finite numbers in the reference';
COMMENT ON COLUMN rec.mean_shift_result.m IS 'Finite current numbers';

CREATE TYPE rec.variance_shift_result AS (reference float8, current float8, ratio float8, n bigint, m bigint);
COMMENT ON TYPE rec.variance_shift_result IS 'Result of rec.variance_shift';
COMMENT ON COLUMN rec.variance_shift_result.reference IS 'Sample variance of the reference; null: fewer than two numbers';
COMMENT ON COLUMN rec.variance_shift_result.current IS 'Current sample variance';
COMMENT ON COLUMN rec.variance_shift_result.ratio IS 'current / reference; null: the reference has no variance';
COMMENT ON COLUMN rec.variance_shift_result.n IS 'Finite numbers in the reference';
COMMENT ON COLUMN rec.variance_shift_result.m IS 'Finite current numbers';

CREATE TYPE rec.null_share_result AS (
	reference float8, current float8, difference float8, p_value float8, n bigint, m bigint);
COMMENT ON TYPE rec.null_share_result IS 'Result of rec.null_share';
COMMENT ON COLUMN rec.null_share_result.reference IS 'Share of nulls in the reference, 0 to 1; null: no rows';
COMMENT ON COLUMN rec.null_share_result.current IS 'Current share of nulls';
COMMENT ON COLUMN rec.null_share_result.difference IS 'current - reference';
COMMENT ON COLUMN rec.null_share_result.p_value IS 'Chi-square test that the shares are the same';
COMMENT ON COLUMN rec.null_share_result.n IS 'Rows of the reference';
COMMENT ON COLUMN rec.null_share_result.m IS 'Current rows';

CREATE TYPE rec.new_categories_result AS (share float8, categories bigint, rows bigint, m bigint);
COMMENT ON TYPE rec.new_categories_result IS 'Result of rec.new_categories';
COMMENT ON COLUMN rec.new_categories_result.share IS 'Share of the current rows whose category the reference does not have, 0 to 1; null: no current rows';
COMMENT ON COLUMN rec.new_categories_result.categories IS 'How many such categories there are (1 for all together when the profile does not name all of its categories)';
COMMENT ON COLUMN rec.new_categories_result.rows IS 'How many such rows there are';
COMMENT ON COLUMN rec.new_categories_result.m IS 'Current rows, without nulls';

-- Numbers and times. Every aggregate over the same arguments in a query shares one state.
--
-- Each has a form for float8 (other numbers are cast to it), timestamptz and timestamp, and for categories of any type below. The last
-- two cannot be one: a timestamp would be cast to timestamptz by the session's time zone, where an hour a year comes twice, so the
-- result would depend on a setting. And anyelement cannot stand for all: times would be categories. Arguments of aggregates
-- have no defaults, hence a form with bins and one without.

CREATE FUNCTION rec._two_samples_add(internal, float8, boolean) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_two_samples_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._two_samples_add(internal, float8, boolean, int) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_two_samples_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._two_samples_add(internal, float8, rec.column_profile) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_two_samples_add_profile' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._two_samples_add(internal, float8, rec.column_profile, int) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_two_samples_add_profile' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._two_samples_add(internal, timestamptz, boolean) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_two_samples_add_time' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._two_samples_add(internal, timestamptz, boolean, int) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_two_samples_add_time' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._two_samples_add(internal, timestamptz, rec.column_profile) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_two_samples_add_time_profile' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._two_samples_add(internal, timestamptz, rec.column_profile, int) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_two_samples_add_time_profile' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._two_samples_add(internal, timestamp, boolean) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_two_samples_add_time' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._two_samples_add(internal, timestamp, boolean, int) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_two_samples_add_time' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._two_samples_add(internal, timestamp, rec.column_profile) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_two_samples_add_time_profile' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._two_samples_add(internal, timestamp, rec.column_profile, int) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_two_samples_add_time_profile' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._two_samples_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_two_samples_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._two_samples_out(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'rec_two_samples_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION rec._two_samples_in(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_two_samples_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION rec._ks_final(internal) RETURNS rec.ks_result
	AS 'MODULE_PATHNAME', 'rec_ks_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
CREATE FUNCTION rec._psi_final(internal) RETURNS rec.psi_result
	AS 'MODULE_PATHNAME', 'rec_psi_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
CREATE FUNCTION rec._js_final(internal) RETURNS float8
	AS 'MODULE_PATHNAME', 'rec_js_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
CREATE FUNCTION rec._wasserstein_final(internal) RETURNS float8
	AS 'MODULE_PATHNAME', 'rec_wasserstein_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
CREATE AGGREGATE rec.ks_test(float8, boolean) (SFUNC = rec._two_samples_add, STYPE = internal, FINALFUNC = rec._ks_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = rec._two_samples_combine,
	SERIALFUNC = rec._two_samples_out, DESERIALFUNC = rec._two_samples_in, PARALLEL = safe);
CREATE AGGREGATE rec.psi(float8, boolean) (SFUNC = rec._two_samples_add, STYPE = internal, FINALFUNC = rec._psi_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = rec._two_samples_combine,
	SERIALFUNC = rec._two_samples_out, DESERIALFUNC = rec._two_samples_in, PARALLEL = safe);
CREATE AGGREGATE rec.psi(float8, boolean, int) (SFUNC = rec._two_samples_add, STYPE = internal, FINALFUNC = rec._psi_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = rec._two_samples_combine,
	SERIALFUNC = rec._two_samples_out, DESERIALFUNC = rec._two_samples_in, PARALLEL = safe);
CREATE AGGREGATE rec.js_distance(float8, boolean) (SFUNC = rec._two_samples_add, STYPE = internal, FINALFUNC = rec._js_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = rec._two_samples_combine,
	SERIALFUNC = rec._two_samples_out, DESERIALFUNC = rec._two_samples_in, PARALLEL = safe);
CREATE AGGREGATE rec.js_distance(float8, boolean, int) (SFUNC = rec._two_samples_add, STYPE = internal, FINALFUNC = rec._js_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = rec._two_samples_combine,
	SERIALFUNC = rec._two_samples_out, DESERIALFUNC = rec._two_samples_in, PARALLEL = safe);
CREATE AGGREGATE rec.wasserstein(float8, boolean) (SFUNC = rec._two_samples_add, STYPE = internal, FINALFUNC = rec._wasserstein_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = rec._two_samples_combine,
	SERIALFUNC = rec._two_samples_out, DESERIALFUNC = rec._two_samples_in, PARALLEL = safe);
CREATE AGGREGATE rec.ks_test(float8, rec.column_profile) (SFUNC = rec._two_samples_add, STYPE = internal, FINALFUNC = rec._ks_final, PARALLEL = safe);
CREATE AGGREGATE rec.psi(float8, rec.column_profile) (SFUNC = rec._two_samples_add, STYPE = internal, FINALFUNC = rec._psi_final, PARALLEL = safe);
CREATE AGGREGATE rec.psi(float8, rec.column_profile, int) (SFUNC = rec._two_samples_add, STYPE = internal, FINALFUNC = rec._psi_final, PARALLEL = safe);
CREATE AGGREGATE rec.js_distance(float8, rec.column_profile) (SFUNC = rec._two_samples_add, STYPE = internal, FINALFUNC = rec._js_final, PARALLEL = safe);
CREATE AGGREGATE rec.wasserstein(float8, rec.column_profile) (SFUNC = rec._two_samples_add, STYPE = internal, FINALFUNC = rec._wasserstein_final, PARALLEL = safe);
CREATE AGGREGATE rec.ks_test(timestamptz, boolean) (SFUNC = rec._two_samples_add, STYPE = internal, FINALFUNC = rec._ks_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = rec._two_samples_combine,
	SERIALFUNC = rec._two_samples_out, DESERIALFUNC = rec._two_samples_in, PARALLEL = safe);
CREATE AGGREGATE rec.psi(timestamptz, boolean) (SFUNC = rec._two_samples_add, STYPE = internal, FINALFUNC = rec._psi_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = rec._two_samples_combine,
	SERIALFUNC = rec._two_samples_out, DESERIALFUNC = rec._two_samples_in, PARALLEL = safe);
CREATE AGGREGATE rec.psi(timestamptz, boolean, int) (SFUNC = rec._two_samples_add, STYPE = internal, FINALFUNC = rec._psi_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = rec._two_samples_combine,
	SERIALFUNC = rec._two_samples_out, DESERIALFUNC = rec._two_samples_in, PARALLEL = safe);
CREATE AGGREGATE rec.js_distance(timestamptz, boolean) (SFUNC = rec._two_samples_add, STYPE = internal, FINALFUNC = rec._js_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = rec._two_samples_combine,
	SERIALFUNC = rec._two_samples_out, DESERIALFUNC = rec._two_samples_in, PARALLEL = safe);
CREATE AGGREGATE rec.js_distance(timestamptz, boolean, int) (SFUNC = rec._two_samples_add, STYPE = internal, FINALFUNC = rec._js_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = rec._two_samples_combine,
	SERIALFUNC = rec._two_samples_out, DESERIALFUNC = rec._two_samples_in, PARALLEL = safe);
CREATE AGGREGATE rec.wasserstein(timestamptz, boolean) (SFUNC = rec._two_samples_add, STYPE = internal, FINALFUNC = rec._wasserstein_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = rec._two_samples_combine,
	SERIALFUNC = rec._two_samples_out, DESERIALFUNC = rec._two_samples_in, PARALLEL = safe);
CREATE AGGREGATE rec.ks_test(timestamptz, rec.column_profile) (SFUNC = rec._two_samples_add, STYPE = internal, FINALFUNC = rec._ks_final, PARALLEL = safe);
CREATE AGGREGATE rec.psi(timestamptz, rec.column_profile) (SFUNC = rec._two_samples_add, STYPE = internal, FINALFUNC = rec._psi_final, PARALLEL = safe);
CREATE AGGREGATE rec.psi(timestamptz, rec.column_profile, int) (SFUNC = rec._two_samples_add, STYPE = internal, FINALFUNC = rec._psi_final, PARALLEL = safe);
CREATE AGGREGATE rec.js_distance(timestamptz, rec.column_profile) (SFUNC = rec._two_samples_add, STYPE = internal, FINALFUNC = rec._js_final, PARALLEL = safe);
CREATE AGGREGATE rec.wasserstein(timestamptz, rec.column_profile) (SFUNC = rec._two_samples_add, STYPE = internal, FINALFUNC = rec._wasserstein_final, PARALLEL = safe);
CREATE AGGREGATE rec.ks_test(timestamp, boolean) (SFUNC = rec._two_samples_add, STYPE = internal, FINALFUNC = rec._ks_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = rec._two_samples_combine,
	SERIALFUNC = rec._two_samples_out, DESERIALFUNC = rec._two_samples_in, PARALLEL = safe);
CREATE AGGREGATE rec.psi(timestamp, boolean) (SFUNC = rec._two_samples_add, STYPE = internal, FINALFUNC = rec._psi_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = rec._two_samples_combine,
	SERIALFUNC = rec._two_samples_out, DESERIALFUNC = rec._two_samples_in, PARALLEL = safe);
CREATE AGGREGATE rec.psi(timestamp, boolean, int) (SFUNC = rec._two_samples_add, STYPE = internal, FINALFUNC = rec._psi_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = rec._two_samples_combine,
	SERIALFUNC = rec._two_samples_out, DESERIALFUNC = rec._two_samples_in, PARALLEL = safe);
CREATE AGGREGATE rec.js_distance(timestamp, boolean) (SFUNC = rec._two_samples_add, STYPE = internal, FINALFUNC = rec._js_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = rec._two_samples_combine,
	SERIALFUNC = rec._two_samples_out, DESERIALFUNC = rec._two_samples_in, PARALLEL = safe);
CREATE AGGREGATE rec.js_distance(timestamp, boolean, int) (SFUNC = rec._two_samples_add, STYPE = internal, FINALFUNC = rec._js_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = rec._two_samples_combine,
	SERIALFUNC = rec._two_samples_out, DESERIALFUNC = rec._two_samples_in, PARALLEL = safe);
CREATE AGGREGATE rec.wasserstein(timestamp, boolean) (SFUNC = rec._two_samples_add, STYPE = internal, FINALFUNC = rec._wasserstein_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = rec._two_samples_combine,
	SERIALFUNC = rec._two_samples_out, DESERIALFUNC = rec._two_samples_in, PARALLEL = safe);
CREATE AGGREGATE rec.ks_test(timestamp, rec.column_profile) (SFUNC = rec._two_samples_add, STYPE = internal, FINALFUNC = rec._ks_final, PARALLEL = safe);
CREATE AGGREGATE rec.psi(timestamp, rec.column_profile) (SFUNC = rec._two_samples_add, STYPE = internal, FINALFUNC = rec._psi_final, PARALLEL = safe);
CREATE AGGREGATE rec.psi(timestamp, rec.column_profile, int) (SFUNC = rec._two_samples_add, STYPE = internal, FINALFUNC = rec._psi_final, PARALLEL = safe);
CREATE AGGREGATE rec.js_distance(timestamp, rec.column_profile) (SFUNC = rec._two_samples_add, STYPE = internal, FINALFUNC = rec._js_final, PARALLEL = safe);
CREATE AGGREGATE rec.wasserstein(timestamp, rec.column_profile) (SFUNC = rec._two_samples_add, STYPE = internal, FINALFUNC = rec._wasserstein_final, PARALLEL = safe);

-- Categories: values of any type, each known by its text.

CREATE FUNCTION rec._categories_add(internal, anyelement, boolean) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_categories_add' LANGUAGE C STABLE PARALLEL SAFE;
CREATE FUNCTION rec._categories_add(internal, anyelement, rec.column_profile) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_categories_add_profile' LANGUAGE C STABLE PARALLEL SAFE;
CREATE FUNCTION rec._categories_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_categories_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._categories_out(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'rec_categories_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION rec._categories_in(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_categories_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION rec._chi2_final(internal) RETURNS rec.chi2_result
	AS 'MODULE_PATHNAME', 'rec_chi2_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
CREATE FUNCTION rec._category_psi_final(internal) RETURNS rec.psi_result
	AS 'MODULE_PATHNAME', 'rec_category_psi_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
CREATE FUNCTION rec._category_js_final(internal) RETURNS float8
	AS 'MODULE_PATHNAME', 'rec_category_js_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
CREATE FUNCTION rec._new_categories_final(internal) RETURNS rec.new_categories_result
	AS 'MODULE_PATHNAME', 'rec_new_categories_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
CREATE AGGREGATE rec.chi2_test(anyelement, boolean) (SFUNC = rec._categories_add, STYPE = internal, FINALFUNC = rec._chi2_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = rec._categories_combine,
	SERIALFUNC = rec._categories_out, DESERIALFUNC = rec._categories_in, PARALLEL = safe);
CREATE AGGREGATE rec.chi2_test(anyelement, rec.column_profile) (SFUNC = rec._categories_add, STYPE = internal, FINALFUNC = rec._chi2_final, PARALLEL = safe);
CREATE AGGREGATE rec.psi(anyelement, boolean) (SFUNC = rec._categories_add, STYPE = internal, FINALFUNC = rec._category_psi_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = rec._categories_combine,
	SERIALFUNC = rec._categories_out, DESERIALFUNC = rec._categories_in, PARALLEL = safe);
CREATE AGGREGATE rec.psi(anyelement, rec.column_profile) (SFUNC = rec._categories_add, STYPE = internal, FINALFUNC = rec._category_psi_final, PARALLEL = safe);
CREATE AGGREGATE rec.js_distance(anyelement, boolean) (SFUNC = rec._categories_add, STYPE = internal, FINALFUNC = rec._category_js_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = rec._categories_combine,
	SERIALFUNC = rec._categories_out, DESERIALFUNC = rec._categories_in, PARALLEL = safe);
CREATE AGGREGATE rec.js_distance(anyelement, rec.column_profile) (SFUNC = rec._categories_add, STYPE = internal, FINALFUNC = rec._category_js_final, PARALLEL = safe);
CREATE AGGREGATE rec.new_categories(anyelement, boolean) (SFUNC = rec._categories_add, STYPE = internal, FINALFUNC = rec._new_categories_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = rec._categories_combine,
	SERIALFUNC = rec._categories_out, DESERIALFUNC = rec._categories_in, PARALLEL = safe);
CREATE AGGREGATE rec.new_categories(anyelement, rec.column_profile) (SFUNC = rec._categories_add, STYPE = internal, FINALFUNC = rec._new_categories_final, PARALLEL = safe);

-- Moments and nulls.

CREATE FUNCTION rec._two_moments_add(internal, float8, boolean) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_two_moments_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._null_share_add(internal, "any", boolean) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_null_share_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._two_moments_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_two_moments_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._two_moments_out(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'rec_two_moments_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION rec._two_moments_in(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_two_moments_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION rec._mean_shift_final(internal) RETURNS rec.mean_shift_result
	AS 'MODULE_PATHNAME', 'rec_mean_shift_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._variance_shift_final(internal) RETURNS rec.variance_shift_result
	AS 'MODULE_PATHNAME', 'rec_variance_shift_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._null_share_final(internal) RETURNS rec.null_share_result
	AS 'MODULE_PATHNAME', 'rec_null_share_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.mean_shift(float8, boolean) (SFUNC = rec._two_moments_add, STYPE = internal, FINALFUNC = rec._mean_shift_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = rec._two_moments_combine,
	SERIALFUNC = rec._two_moments_out, DESERIALFUNC = rec._two_moments_in, PARALLEL = safe);
CREATE AGGREGATE rec.variance_shift(float8, boolean) (SFUNC = rec._two_moments_add, STYPE = internal, FINALFUNC = rec._variance_shift_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = rec._two_moments_combine,
	SERIALFUNC = rec._two_moments_out, DESERIALFUNC = rec._two_moments_in, PARALLEL = safe);
CREATE AGGREGATE rec.null_share("any", boolean) (SFUNC = rec._null_share_add, STYPE = internal, FINALFUNC = rec._null_share_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = rec._two_moments_combine,
	SERIALFUNC = rec._two_moments_out, DESERIALFUNC = rec._two_moments_in, PARALLEL = safe);

-- Profiles.

CREATE FUNCTION rec._profile_add(internal, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_profile_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._profile_add(internal, timestamptz) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_profile_add_time' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._profile_add(internal, timestamp) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_profile_add_time' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._profile_add(internal, anyelement) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_profile_add_category' LANGUAGE C STABLE PARALLEL SAFE;
CREATE FUNCTION rec._profile_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_profile_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._profile_out(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'rec_profile_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION rec._profile_in(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_profile_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION rec._profile_final(internal) RETURNS rec.column_profile
	AS 'MODULE_PATHNAME', 'rec_profile_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
CREATE AGGREGATE rec.profile(float8) (SFUNC = rec._profile_add, STYPE = internal, FINALFUNC = rec._profile_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = rec._profile_combine, SERIALFUNC = rec._profile_out, DESERIALFUNC = rec._profile_in, PARALLEL = safe);
CREATE AGGREGATE rec.profile(timestamptz) (SFUNC = rec._profile_add, STYPE = internal, FINALFUNC = rec._profile_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = rec._profile_combine, SERIALFUNC = rec._profile_out, DESERIALFUNC = rec._profile_in, PARALLEL = safe);
CREATE AGGREGATE rec.profile(timestamp) (SFUNC = rec._profile_add, STYPE = internal, FINALFUNC = rec._profile_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = rec._profile_combine, SERIALFUNC = rec._profile_out, DESERIALFUNC = rec._profile_in, PARALLEL = safe);
CREATE AGGREGATE rec.profile(anyelement) (SFUNC = rec._profile_add, STYPE = internal, FINALFUNC = rec._profile_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = rec._profile_combine, SERIALFUNC = rec._profile_out, DESERIALFUNC = rec._profile_in, PARALLEL = safe);
CREATE FUNCTION rec._merge_profiles_add(internal, rec.column_profile) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_merge_profiles_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._merge_profiles_final(internal) RETURNS rec.column_profile
	AS 'MODULE_PATHNAME', 'rec_merge_profiles_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
CREATE AGGREGATE rec.merge_profiles(rec.column_profile) (SFUNC = rec._merge_profiles_add, STYPE = internal, FINALFUNC = rec._merge_profiles_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = safe);
CREATE FUNCTION rec.ks_test(reference rec.column_profile, current rec.column_profile) RETURNS rec.ks_result
	AS 'MODULE_PATHNAME', 'rec_profiles_ks' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
CREATE FUNCTION rec.psi(reference rec.column_profile, current rec.column_profile, bins int DEFAULT 10) RETURNS rec.psi_result
	AS 'MODULE_PATHNAME', 'rec_profiles_psi' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
CREATE FUNCTION rec.js_distance(reference rec.column_profile, current rec.column_profile, bins int DEFAULT 10) RETURNS float8
	AS 'MODULE_PATHNAME', 'rec_profiles_js' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
CREATE FUNCTION rec.wasserstein(reference rec.column_profile, current rec.column_profile) RETURNS float8
	AS 'MODULE_PATHNAME', 'rec_profiles_wasserstein' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
CREATE FUNCTION rec.chi2_test(reference rec.column_profile, current rec.column_profile) RETURNS rec.chi2_result
	AS 'MODULE_PATHNAME', 'rec_profiles_chi2' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
CREATE FUNCTION rec.new_categories(reference rec.column_profile, current rec.column_profile) RETURNS rec.new_categories_result
	AS 'MODULE_PATHNAME', 'rec_profiles_new_categories' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
CREATE FUNCTION rec.mean_shift(reference rec.column_profile, current rec.column_profile) RETURNS rec.mean_shift_result
	AS 'MODULE_PATHNAME', 'rec_profiles_mean_shift' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
CREATE FUNCTION rec.variance_shift(reference rec.column_profile, current rec.column_profile) RETURNS rec.variance_shift_result
	AS 'MODULE_PATHNAME', 'rec_profiles_variance_shift' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
CREATE FUNCTION rec.null_share(reference rec.column_profile, current rec.column_profile) RETURNS rec.null_share_result
	AS 'MODULE_PATHNAME', 'rec_profiles_null_share' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
CREATE FUNCTION rec.profile_shares(reference rec.column_profile, current rec.column_profile,
	OUT label text, OUT reference_share float8, OUT current_share float8) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'rec_profiles_shares' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 ROWS 12;

-- Many tests at once.

CREATE FUNCTION rec.adjust_p(p float8, method text) RETURNS float8
	AS 'MODULE_PATHNAME', 'rec_adjust_p_window' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE;

COMMENT ON FUNCTION rec._two_samples_add(internal, float8, boolean) IS 'Internal: adds a row to a state of two samples';
COMMENT ON FUNCTION rec._two_samples_add(internal, float8, boolean, int) IS 'Internal: adds a row to a state of two samples';
COMMENT ON FUNCTION rec._two_samples_add(internal, float8, rec.column_profile) IS 'Internal: adds a row to a state of a profile and a sample';
COMMENT ON FUNCTION rec._two_samples_add(internal, float8, rec.column_profile, int) IS 'Internal: adds a row to a state of a profile and a sample';
COMMENT ON FUNCTION rec._two_samples_add(internal, timestamptz, boolean) IS 'Internal: adds a row to a state of two samples';
COMMENT ON FUNCTION rec._two_samples_add(internal, timestamptz, boolean, int) IS 'Internal: adds a row to a state of two samples';
COMMENT ON FUNCTION rec._two_samples_add(internal, timestamptz, rec.column_profile) IS 'Internal: adds a row to a state of a profile and a sample';
COMMENT ON FUNCTION rec._two_samples_add(internal, timestamptz, rec.column_profile, int) IS 'Internal: adds a row to a state of a profile and a sample';
COMMENT ON FUNCTION rec._two_samples_add(internal, timestamp, boolean) IS 'Internal: adds a row to a state of two samples';
COMMENT ON FUNCTION rec._two_samples_add(internal, timestamp, boolean, int) IS 'Internal: adds a row to a state of two samples';
COMMENT ON FUNCTION rec._two_samples_add(internal, timestamp, rec.column_profile) IS 'Internal: adds a row to a state of a profile and a sample';
COMMENT ON FUNCTION rec._two_samples_add(internal, timestamp, rec.column_profile, int) IS 'Internal: adds a row to a state of a profile and a sample';
COMMENT ON FUNCTION rec._two_samples_combine(internal, internal) IS 'Internal: merges two states of two samples';
COMMENT ON FUNCTION rec._two_samples_out(internal) IS 'Internal: a state of two samples on its way between processes';
COMMENT ON FUNCTION rec._two_samples_in(bytea, internal) IS 'Internal: such a state is read';
COMMENT ON FUNCTION rec._ks_final(internal) IS 'Internal: result of rec.ks_test';
COMMENT ON FUNCTION rec._psi_final(internal) IS 'Internal: result of rec.psi';
COMMENT ON FUNCTION rec._js_final(internal) IS 'Internal: result of rec.js_distance';
COMMENT ON FUNCTION rec._wasserstein_final(internal) IS 'Internal: result of rec.wasserstein';
COMMENT ON AGGREGATE rec.ks_test(float8, boolean) IS 'Two-sample Kolmogorov-Smirnov test: whether two samples of numbers come from one distribution. Distributions are compared after each group of ties. Null and NaN are left out. Expand with (rec.ks_test(x, is_current)).*. Between columns with fewer than 50 distinct values use rec.chi2_test: the exact p ignores ties and is conservative.';
COMMENT ON AGGREGATE rec.psi(float8, boolean) IS 'Population stability index over bins of equal shares of the reference (ten), whose ends are open, whose duplicate edges are merged, with a bin for null and NaN when there are any. Shares are (c + .5) / (n + .5 B) on both sides when some bin is empty. Expand with (rec.psi(x, is_current)).*.';
COMMENT ON AGGREGATE rec.psi(float8, boolean, int) IS 'Population stability index over bins of equal shares of the reference (so many), whose ends are open, whose duplicate edges are merged, with a bin for null and NaN when there are any. Shares are (c + .5) / (n + .5 B) on both sides when some bin is empty. Expand with (rec.psi(x, is_current)).*. Errors: bins not between 2 and 1000.';
COMMENT ON AGGREGATE rec.js_distance(float8, boolean) IS 'Jensen-Shannon distance with natural logarithms, 0 to sqrt(ln 2) = 0.83, over bins of equal shares of the reference (ten), whose ends are open, whose duplicate edges are merged, with a bin for null and NaN when there are any; null when a side is empty.';
COMMENT ON AGGREGATE rec.js_distance(float8, boolean, int) IS 'Jensen-Shannon distance with natural logarithms, 0 to sqrt(ln 2) = 0.83, over bins of equal shares of the reference (so many), whose ends are open, whose duplicate edges are merged, with a bin for null and NaN when there are any; null when a side is empty. Errors: bins not between 2 and 1000.';
COMMENT ON AGGREGATE rec.wasserstein(float8, boolean) IS 'Wasserstein distance (earth movers): the area between the distribution functions, in the unit of x (of times, seconds). Null and NaN are left out; infinite when the shares of infinite values differ; null when a side is empty.';
COMMENT ON AGGREGATE rec.ks_test(float8, rec.column_profile) IS 'Two-sample Kolmogorov-Smirnov test: whether a profile and a sample come from one distribution. Distributions are compared after each group of ties. Null and NaN are left out. Expand with (rec.ks_test(x, is_current)).*. Between columns with fewer than 50 distinct values use rec.chi2_test: the exact p ignores ties and is conservative. The reference is a profile; its first non-null value counts.';
COMMENT ON AGGREGATE rec.psi(float8, rec.column_profile) IS 'Population stability index over bins of equal shares of the reference (ten), whose ends are open, whose duplicate edges are merged, with a bin for null and NaN when there are any. Shares are (c + .5) / (n + .5 B) on both sides when some bin is empty. Expand with (rec.psi(x, is_current)).*. The reference is a profile; its first non-null value counts.';
COMMENT ON AGGREGATE rec.psi(float8, rec.column_profile, int) IS 'Population stability index over bins of equal shares of the reference (so many), whose ends are open, whose duplicate edges are merged, with a bin for null and NaN when there are any. Shares are (c + .5) / (n + .5 B) on both sides when some bin is empty. Expand with (rec.psi(x, is_current)).*. Errors: bins not between 2 and 1000. The reference is a profile; its first non-null value counts.';
COMMENT ON AGGREGATE rec.js_distance(float8, rec.column_profile) IS 'Jensen-Shannon distance with natural logarithms, 0 to sqrt(ln 2) = 0.83, over bins of equal shares of the reference (ten), whose ends are open, whose duplicate edges are merged, with a bin for null and NaN when there are any; null when a side is empty. The reference is a profile; its first non-null value counts.';
COMMENT ON AGGREGATE rec.wasserstein(float8, rec.column_profile) IS 'Wasserstein distance (earth movers): the area between the distribution functions, in the unit of x (of times, seconds). Null and NaN are left out; infinite when the shares of infinite values differ; null when a side is empty. The reference is a profile; its first non-null value counts.';
COMMENT ON AGGREGATE rec.ks_test(timestamptz, boolean) IS 'Two-sample Kolmogorov-Smirnov test: whether two samples of times come from one distribution. Distributions are compared after each group of ties. Null and NaN are left out. Expand with (rec.ks_test(x, is_current)).*. Between columns with fewer than 50 distinct values use rec.chi2_test: the exact p ignores ties and is conservative.';
COMMENT ON AGGREGATE rec.psi(timestamptz, boolean) IS 'Population stability index over bins of equal shares of the reference (ten), whose ends are open, whose duplicate edges are merged, with a bin for null and NaN when there are any. Shares are (c + .5) / (n + .5 B) on both sides when some bin is empty. Expand with (rec.psi(x, is_current)).*.';
COMMENT ON AGGREGATE rec.psi(timestamptz, boolean, int) IS 'Population stability index over bins of equal shares of the reference (so many), whose ends are open, whose duplicate edges are merged, with a bin for null and NaN when there are any. Shares are (c + .5) / (n + .5 B) on both sides when some bin is empty. Expand with (rec.psi(x, is_current)).*. Errors: bins not between 2 and 1000.';
COMMENT ON AGGREGATE rec.js_distance(timestamptz, boolean) IS 'Jensen-Shannon distance with natural logarithms, 0 to sqrt(ln 2) = 0.83, over bins of equal shares of the reference (ten), whose ends are open, whose duplicate edges are merged, with a bin for null and NaN when there are any; null when a side is empty.';
COMMENT ON AGGREGATE rec.js_distance(timestamptz, boolean, int) IS 'Jensen-Shannon distance with natural logarithms, 0 to sqrt(ln 2) = 0.83, over bins of equal shares of the reference (so many), whose ends are open, whose duplicate edges are merged, with a bin for null and NaN when there are any; null when a side is empty. Errors: bins not between 2 and 1000.';
COMMENT ON AGGREGATE rec.wasserstein(timestamptz, boolean) IS 'Wasserstein distance (earth movers): the area between the distribution functions, in the unit of x (of times, seconds). Null and NaN are left out; infinite when the shares of infinite values differ; null when a side is empty.';
COMMENT ON AGGREGATE rec.ks_test(timestamptz, rec.column_profile) IS 'Two-sample Kolmogorov-Smirnov test: whether a profile and a sample come from one distribution. Distributions are compared after each group of ties. Null and NaN are left out. Expand with (rec.ks_test(x, is_current)).*. Between columns with fewer than 50 distinct values use rec.chi2_test: the exact p ignores ties and is conservative. The reference is a profile; its first non-null value counts.';
COMMENT ON AGGREGATE rec.psi(timestamptz, rec.column_profile) IS 'Population stability index over bins of equal shares of the reference (ten), whose ends are open, whose duplicate edges are merged, with a bin for null and NaN when there are any. Shares are (c + .5) / (n + .5 B) on both sides when some bin is empty. Expand with (rec.psi(x, is_current)).*. The reference is a profile; its first non-null value counts.';
COMMENT ON AGGREGATE rec.psi(timestamptz, rec.column_profile, int) IS 'Population stability index over bins of equal shares of the reference (so many), whose ends are open, whose duplicate edges are merged, with a bin for null and NaN when there are any. Shares are (c + .5) / (n + .5 B) on both sides when some bin is empty. Expand with (rec.psi(x, is_current)).*. Errors: bins not between 2 and 1000. The reference is a profile; its first non-null value counts.';
COMMENT ON AGGREGATE rec.js_distance(timestamptz, rec.column_profile) IS 'Jensen-Shannon distance with natural logarithms, 0 to sqrt(ln 2) = 0.83, over bins of equal shares of the reference (ten), whose ends are open, whose duplicate edges are merged, with a bin for null and NaN when there are any; null when a side is empty. The reference is a profile; its first non-null value counts.';
COMMENT ON AGGREGATE rec.wasserstein(timestamptz, rec.column_profile) IS 'Wasserstein distance (earth movers): the area between the distribution functions, in the unit of x (of times, seconds). Null and NaN are left out; infinite when the shares of infinite values differ; null when a side is empty. The reference is a profile; its first non-null value counts.';
COMMENT ON AGGREGATE rec.ks_test(timestamp, boolean) IS 'Two-sample Kolmogorov-Smirnov test: whether two samples of times come from one distribution. Distributions are compared after each group of ties. Null and NaN are left out. Expand with (rec.ks_test(x, is_current)).*. Between columns with fewer than 50 distinct values use rec.chi2_test: the exact p ignores ties and is conservative.';
COMMENT ON AGGREGATE rec.psi(timestamp, boolean) IS 'Population stability index over bins of equal shares of the reference (ten), whose ends are open, whose duplicate edges are merged, with a bin for null and NaN when there are any. Shares are (c + .5) / (n + .5 B) on both sides when some bin is empty. Expand with (rec.psi(x, is_current)).*.';
COMMENT ON AGGREGATE rec.psi(timestamp, boolean, int) IS 'Population stability index over bins of equal shares of the reference (so many), whose ends are open, whose duplicate edges are merged, with a bin for null and NaN when there are any. Shares are (c + .5) / (n + .5 B) on both sides when some bin is empty. Expand with (rec.psi(x, is_current)).*. Errors: bins not between 2 and 1000.';
COMMENT ON AGGREGATE rec.js_distance(timestamp, boolean) IS 'Jensen-Shannon distance with natural logarithms, 0 to sqrt(ln 2) = 0.83, over bins of equal shares of the reference (ten), whose ends are open, whose duplicate edges are merged, with a bin for null and NaN when there are any; null when a side is empty.';
COMMENT ON AGGREGATE rec.js_distance(timestamp, boolean, int) IS 'Jensen-Shannon distance with natural logarithms, 0 to sqrt(ln 2) = 0.83, over bins of equal shares of the reference (so many), whose ends are open, whose duplicate edges are merged, with a bin for null and NaN when there are any; null when a side is empty. Errors: bins not between 2 and 1000.';
COMMENT ON AGGREGATE rec.wasserstein(timestamp, boolean) IS 'Wasserstein distance (earth movers): the area between the distribution functions, in the unit of x (of times, seconds). Null and NaN are left out; infinite when the shares of infinite values differ; null when a side is empty.';
COMMENT ON AGGREGATE rec.ks_test(timestamp, rec.column_profile) IS 'Two-sample Kolmogorov-Smirnov test: whether a profile and a sample come from one distribution. Distributions are compared after each group of ties. Null and NaN are left out. Expand with (rec.ks_test(x, is_current)).*. Between columns with fewer than 50 distinct values use rec.chi2_test: the exact p ignores ties and is conservative. The reference is a profile; its first non-null value counts.';
COMMENT ON AGGREGATE rec.psi(timestamp, rec.column_profile) IS 'Population stability index over bins of equal shares of the reference (ten), whose ends are open, whose duplicate edges are merged, with a bin for null and NaN when there are any. Shares are (c + .5) / (n + .5 B) on both sides when some bin is empty. Expand with (rec.psi(x, is_current)).*. The reference is a profile; its first non-null value counts.';
COMMENT ON AGGREGATE rec.psi(timestamp, rec.column_profile, int) IS 'Population stability index over bins of equal shares of the reference (so many), whose ends are open, whose duplicate edges are merged, with a bin for null and NaN when there are any. Shares are (c + .5) / (n + .5 B) on both sides when some bin is empty. Expand with (rec.psi(x, is_current)).*. Errors: bins not between 2 and 1000. The reference is a profile; its first non-null value counts.';
COMMENT ON AGGREGATE rec.js_distance(timestamp, rec.column_profile) IS 'Jensen-Shannon distance with natural logarithms, 0 to sqrt(ln 2) = 0.83, over bins of equal shares of the reference (ten), whose ends are open, whose duplicate edges are merged, with a bin for null and NaN when there are any; null when a side is empty. The reference is a profile; its first non-null value counts.';
COMMENT ON AGGREGATE rec.wasserstein(timestamp, rec.column_profile) IS 'Wasserstein distance (earth movers): the area between the distribution functions, in the unit of x (of times, seconds). Null and NaN are left out; infinite when the shares of infinite values differ; null when a side is empty. The reference is a profile; its first non-null value counts.';
COMMENT ON FUNCTION rec._categories_add(internal, anyelement, boolean) IS 'Internal: adds a row to a state of two samples of categories';
COMMENT ON FUNCTION rec._categories_add(internal, anyelement, rec.column_profile) IS 'Internal: adds a row to a state of a profile and a sample of categories';
COMMENT ON FUNCTION rec._categories_combine(internal, internal) IS 'Internal: merges two states of categories';
COMMENT ON FUNCTION rec._categories_out(internal) IS 'Internal: a state of categories on its way between processes';
COMMENT ON FUNCTION rec._categories_in(bytea, internal) IS 'Internal: such a state is read';
COMMENT ON FUNCTION rec._chi2_final(internal) IS 'Internal: result of rec.chi2_test';
COMMENT ON FUNCTION rec._category_psi_final(internal) IS 'Internal: result of rec.psi';
COMMENT ON FUNCTION rec._category_js_final(internal) IS 'Internal: result of rec.js_distance';
COMMENT ON FUNCTION rec._new_categories_final(internal) IS 'Internal: result of rec.new_categories';
COMMENT ON AGGREGATE rec.chi2_test(anyelement, boolean) IS 'Pearsons chi-square test: whether two samples of categories come from one distribution. A category is a value of any type, known by its text; null is left out. Expand with (rec.chi2_test(category, is_current)).*.';
COMMENT ON AGGREGATE rec.chi2_test(anyelement, rec.column_profile) IS 'Pearsons chi-square test: whether two samples of categories come from one distribution. A category is a value of any type, known by its text; null is left out. Expand with (rec.chi2_test(category, is_current)).*. The reference is a profile; its first non-null value counts. What it does not name (more than 1000 categories) is one category.';
COMMENT ON AGGREGATE rec.psi(anyelement, boolean) IS 'Population stability index over categories, with one for null when there are any. Shares are (c + .5) / (n + .5 B) on both sides when some bin is empty. Expand with (rec.psi(x, is_current)).*.';
COMMENT ON AGGREGATE rec.psi(anyelement, rec.column_profile) IS 'Population stability index over categories, with one for null when there are any. Shares are (c + .5) / (n + .5 B) on both sides when some bin is empty. Expand with (rec.psi(x, is_current)).*. The reference is a profile; its first non-null value counts. What it does not name (more than 1000 categories) is one category.';
COMMENT ON AGGREGATE rec.js_distance(anyelement, boolean) IS 'Jensen-Shannon distance with natural logarithms, 0 to sqrt(ln 2) = 0.83, over categories, with one for null when there are any; null when a side is empty.';
COMMENT ON AGGREGATE rec.js_distance(anyelement, rec.column_profile) IS 'Jensen-Shannon distance with natural logarithms, 0 to sqrt(ln 2) = 0.83, over categories, with one for null when there are any; null when a side is empty. The reference is a profile; its first non-null value counts. What it does not name (more than 1000 categories) is one category.';
COMMENT ON AGGREGATE rec.new_categories(anyelement, boolean) IS 'How many of the current rows have a category that the reference does not have; null is left out.';
COMMENT ON AGGREGATE rec.new_categories(anyelement, rec.column_profile) IS 'How many of the current rows have a category that the reference does not have; null is left out. The reference is a profile; its first non-null value counts. What it does not name (more than 1000 categories) is one category.';
COMMENT ON FUNCTION rec._two_moments_add(internal, float8, boolean) IS 'Internal: adds a row to a state of moments';
COMMENT ON FUNCTION rec._null_share_add(internal, "any", boolean) IS 'Internal: adds a row to a state of nulls';
COMMENT ON FUNCTION rec._two_moments_combine(internal, internal) IS 'Internal: merges two states of moments';
COMMENT ON FUNCTION rec._two_moments_out(internal) IS 'Internal: a state of moments on its way between processes';
COMMENT ON FUNCTION rec._two_moments_in(bytea, internal) IS 'Internal: such a state is read';
COMMENT ON FUNCTION rec._mean_shift_final(internal) IS 'Internal: result of rec.mean_shift';
COMMENT ON FUNCTION rec._variance_shift_final(internal) IS 'Internal: result of rec.variance_shift';
COMMENT ON FUNCTION rec._null_share_final(internal) IS 'Internal: result of rec.null_share';
COMMENT ON AGGREGATE rec.mean_shift(float8, boolean) IS 'How far the mean has moved: both means, Cohens d and Welchs test. Null, NaN and infinite numbers are left out.';
COMMENT ON AGGREGATE rec.variance_shift(float8, boolean) IS 'Both variances and their ratio. Null, NaN and infinite numbers are left out.';
COMMENT ON AGGREGATE rec.null_share("any", boolean) IS 'Share of nulls in the reference and now, and whether chance explains the difference. For values of any type; NaN is no null.';
COMMENT ON FUNCTION rec._profile_add(internal, float8) IS 'Internal: adds a row to a profile in the making';
COMMENT ON FUNCTION rec._profile_add(internal, timestamptz) IS 'Internal: adds a row to a profile in the making';
COMMENT ON FUNCTION rec._profile_add(internal, timestamp) IS 'Internal: adds a row to a profile in the making';
COMMENT ON FUNCTION rec._profile_add(internal, anyelement) IS 'Internal: adds a row to a profile in the making';
COMMENT ON FUNCTION rec._profile_combine(internal, internal) IS 'Internal: merges two profiles in the making';
COMMENT ON FUNCTION rec._profile_out(internal) IS 'Internal: a profile in the making on its way between processes';
COMMENT ON FUNCTION rec._profile_in(bytea, internal) IS 'Internal: such a profile is read';
COMMENT ON FUNCTION rec._profile_final(internal) IS 'Internal: result of rec.profile';
COMMENT ON AGGREGATE rec.profile(float8) IS 'Profile of a column of numbers; fewer than 50 distinct ones are counted exactly as well: counts, moments, quantiles with a known error, categories. Null without rows.';
COMMENT ON AGGREGATE rec.profile(timestamptz) IS 'Profile of a column of times, as seconds since 1970: counts, moments, quantiles with a known error, categories. Null without rows.';
COMMENT ON AGGREGATE rec.profile(timestamp) IS 'Profile of a column of times, as seconds since 1970: counts, moments, quantiles with a known error, categories. Null without rows.';
COMMENT ON AGGREGATE rec.profile(anyelement) IS 'Profile of a column of categories: values of any type, each known by its text: counts, moments, quantiles with a known error, categories. Null without rows.';
COMMENT ON FUNCTION rec._merge_profiles_add(internal, rec.column_profile) IS 'Internal: adds a profile to a sum of profiles';
COMMENT ON FUNCTION rec._merge_profiles_final(internal) IS 'Internal: result of rec.merge_profiles';
COMMENT ON AGGREGATE rec.merge_profiles(rec.column_profile) IS 'One profile of several, as of a week of seven days. Errors: profiles of different kinds, a profile that contradicts itself.';
COMMENT ON FUNCTION rec.ks_test(reference rec.column_profile, current rec.column_profile) IS 'Kolmogorov-Smirnov test between two profiles of numbers or times; see the aggregate. Errors: profiles of different kinds, a profile that contradicts itself.';
COMMENT ON FUNCTION rec.psi(reference rec.column_profile, current rec.column_profile, bins int) IS 'Population stability index between two profiles; see the aggregate. Of categories, bins has no meaning. Errors: profiles of different kinds, a profile that contradicts itself.';
COMMENT ON FUNCTION rec.js_distance(reference rec.column_profile, current rec.column_profile, bins int) IS 'Jensen-Shannon distance between two profiles; see the aggregate. Of categories, bins has no meaning. Errors: profiles of different kinds, a profile that contradicts itself.';
COMMENT ON FUNCTION rec.wasserstein(reference rec.column_profile, current rec.column_profile) IS 'Wasserstein distance between two profiles of numbers or times; see the aggregate. Errors: profiles of different kinds, a profile that contradicts itself.';
COMMENT ON FUNCTION rec.chi2_test(reference rec.column_profile, current rec.column_profile) IS 'Chi-square test between two profiles of categories, or of numbers with fewer than 50 distinct values; see the aggregate. Errors: profiles of different kinds, a profile that contradicts itself.';
COMMENT ON FUNCTION rec.new_categories(reference rec.column_profile, current rec.column_profile) IS 'Rows of categories that the reference does not have; see the aggregate. Errors: profiles of different kinds, a profile that contradicts itself.';
COMMENT ON FUNCTION rec.mean_shift(reference rec.column_profile, current rec.column_profile) IS 'How far the mean has moved between two profiles; see the aggregate. Errors: profiles of different kinds, a profile that contradicts itself.';
COMMENT ON FUNCTION rec.variance_shift(reference rec.column_profile, current rec.column_profile) IS 'Variances of two profiles; see the aggregate. Errors: profiles of different kinds, a profile that contradicts itself.';
COMMENT ON FUNCTION rec.null_share(reference rec.column_profile, current rec.column_profile) IS 'Shares of nulls of two profiles; see the aggregate. Errors: profiles of different kinds, a profile that contradicts itself.';
COMMENT ON FUNCTION rec.profile_shares IS 'Shares of both profiles to draw: at most ten bins of equal width between the 1 % and 99 % points of the reference (the outer ones open), or the ten most frequent categories and "(other)", and "(null)" when there are any. No rows when a profile is null.';
COMMENT ON FUNCTION rec.adjust_p(float8, text) IS 'Window function: p-values adjusted for the number of tests in the partition, rec.adjust_p(p, ''holm'') OVER (). holm: family-wise error, Holm; bh: false discovery rate, Benjamini-Hochberg; bonferroni; none. Null and NaN are no tests. Errors: p below 0 or above 1, unknown method.';
