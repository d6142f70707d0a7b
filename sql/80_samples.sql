-- Samples: sufficient statistics of the units of one arm, as composite values that can be stored and merged.

CREATE TYPE rec.sample_state AS (
	kind            text,
	n               bigint,
	mean            float8,
	m2              float8,
	m3              float8,
	den_mean        float8,
	den_m2          float8,
	co_y_den        float8,
	pre_mean        float8,
	pre_m2          float8,
	co_y_pre        float8,
	pre_den_mean    float8,
	pre_den_m2      float8,
	co_y_pre_den    float8,
	co_den_pre      float8,
	co_den_pre_den  float8,
	co_pre_pre_den  float8
);
COMMENT ON TYPE rec.sample_state IS 'Sufficient statistics of the units of one arm of an experiment, made by rec.sample() and its relatives, added up by rec.merge(), compared by rec.sample_test() and the tests. Its text form reads back to the same bits. Columns that the kind does not use are null.';
COMMENT ON COLUMN rec.sample_state.kind IS 'mean, ratio, cuped or cuped_ratio';
COMMENT ON COLUMN rec.sample_state.n IS 'Number of units';
COMMENT ON COLUMN rec.sample_state.mean IS 'Mean of y (of a ratio: the numerator)';
COMMENT ON COLUMN rec.sample_state.m2 IS 'Sum of squared deviations of y from its mean; the variance is m2 / (n - 1)';
COMMENT ON COLUMN rec.sample_state.m3 IS 'Sum of cubed deviations of y; the skewness is (m3 / n) / (m2 / n) ^ 1.5';
COMMENT ON COLUMN rec.sample_state.den_mean IS 'Mean of the denominator';
COMMENT ON COLUMN rec.sample_state.den_m2 IS 'Sum of squared deviations of the denominator';
COMMENT ON COLUMN rec.sample_state.co_y_den IS 'Sum of products of the deviations of y and the denominator';
COMMENT ON COLUMN rec.sample_state.pre_mean IS 'Mean of what y was before the experiment';
COMMENT ON COLUMN rec.sample_state.pre_m2 IS 'Sum of squared deviations of what y was before';
COMMENT ON COLUMN rec.sample_state.co_y_pre IS 'Sum of products of the deviations of y and what it was before';
COMMENT ON COLUMN rec.sample_state.pre_den_mean IS 'Mean of what the denominator was before the experiment';
COMMENT ON COLUMN rec.sample_state.pre_den_m2 IS 'Sum of squared deviations of what the denominator was before';
COMMENT ON COLUMN rec.sample_state.co_y_pre_den IS 'Sum of products of the deviations of y and what the denominator was before';
COMMENT ON COLUMN rec.sample_state.co_den_pre IS 'Sum of products of the deviations of the denominator and what y was before';
COMMENT ON COLUMN rec.sample_state.co_den_pre_den IS 'Sum of products of the deviations of the denominator and what it was before';
COMMENT ON COLUMN rec.sample_state.co_pre_pre_den IS 'Sum of products of the deviations of what y and the denominator were before';

-- Behind the aggregates.
CREATE FUNCTION rec._sample_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_sample_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._sample_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'rec_sample_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION rec._sample_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_sample_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION rec._sample_final(internal) RETURNS rec.sample_state
	AS 'MODULE_PATHNAME', 'rec_sample_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
CREATE FUNCTION rec._sample(internal, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_sample_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._sample(internal, boolean) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_sample_accum_bool' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._sample_winsorized(internal, float8, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_sample_accum_winsorized' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._sample_ratio(internal, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_sample_accum_ratio' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._sample_cuped(internal, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_sample_accum_cuped' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._sample_cuped(internal, float8, float8, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_sample_accum_cuped_ratio' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._sample_merge(internal, rec.sample_state) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_sample_merge_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;

CREATE AGGREGATE rec.sample(x float8) (
	sfunc = rec._sample, stype = internal, sspace = 192, finalfunc = rec._sample_final, combinefunc = rec._sample_combine,
	serialfunc = rec._sample_serialize, deserialfunc = rec._sample_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.sample(float8) IS 'Sample of a metric that is a mean over units: one row per unit, null rows are left out. NaN and infinity make the mean undefined, which the tests say. Null without rows.';

CREATE AGGREGATE rec.sample(x boolean) (
	sfunc = rec._sample, stype = internal, sspace = 192, finalfunc = rec._sample_final, combinefunc = rec._sample_combine,
	serialfunc = rec._sample_serialize, deserialfunc = rec._sample_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.sample(boolean) IS 'Sample of a metric that is a proportion: true counts 1 and false 0';

CREATE AGGREGATE rec.sample_winsorized(x float8, lower float8, upper float8) (
	sfunc = rec._sample_winsorized, stype = internal, sspace = 192, finalfunc = rec._sample_final, combinefunc = rec._sample_combine,
	serialfunc = rec._sample_serialize, deserialfunc = rec._sample_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.sample_winsorized(float8, float8, float8) IS 'Sample of values of which those beyond a bound count as the bound (null: no bound). The bounds must be the same for both arms and all days: take them from quantiles of both (rec.quantile, percentile_cont).';

CREATE AGGREGATE rec.sample_ratio(num float8, den float8) (
	sfunc = rec._sample_ratio, stype = internal, sspace = 192, finalfunc = rec._sample_final, combinefunc = rec._sample_combine,
	serialfunc = rec._sample_serialize, deserialfunc = rec._sample_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.sample_ratio(float8, float8) IS 'Sample of a metric that is a ratio of sums (revenue per order, clicks per impression) over units that were randomised (users): numerator and denominator of each unit. A denominator below 0 is an error; units with a null are left out.';

CREATE AGGREGATE rec.sample_cuped(y float8, pre float8) (
	sfunc = rec._sample_cuped, stype = internal, sspace = 192, finalfunc = rec._sample_final, combinefunc = rec._sample_combine,
	serialfunc = rec._sample_serialize, deserialfunc = rec._sample_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.sample_cuped(float8, float8) IS 'Sample for CUPED: of each unit the metric and a number known before the experiment (the same metric earlier, or a prediction). Units with a null are left out: give new units 0, or the mean.';

CREATE AGGREGATE rec.sample_cuped(num float8, den float8, pre_num float8, pre_den float8) (
	sfunc = rec._sample_cuped, stype = internal, sspace = 192, finalfunc = rec._sample_final, combinefunc = rec._sample_combine,
	serialfunc = rec._sample_serialize, deserialfunc = rec._sample_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.sample_cuped(float8, float8, float8, float8) IS 'Sample for CUPED of a ratio: numerator and denominator of each unit during the experiment and before';

CREATE AGGREGATE rec.merge(sample rec.sample_state) (
	sfunc = rec._sample_merge, stype = internal, sspace = 192, finalfunc = rec._sample_final, combinefunc = rec._sample_combine,
	serialfunc = rec._sample_serialize, deserialfunc = rec._sample_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.merge(rec.sample_state) IS 'The sample of all units of several samples of the same kind, as those of single days or shards; null ones are left out';

-- Units from finer-grained rows.
CREATE FUNCTION rec._cluster_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_cluster_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._cluster_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'rec_cluster_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION rec._cluster_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_cluster_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION rec._cluster_final(internal) RETURNS rec.sample_state
	AS 'MODULE_PATHNAME', 'rec_cluster_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
CREATE FUNCTION rec._cluster(internal, float8, anyelement) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_cluster_accum' LANGUAGE C STABLE PARALLEL SAFE;
CREATE AGGREGATE rec.sample_cluster(value float8, unit anyelement) (
	sfunc = rec._cluster, stype = internal, sspace = 65536, finalfunc = rec._cluster_final, combinefunc = rec._cluster_combine,
	serialfunc = rec._cluster_serialize, deserialfunc = rec._cluster_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.sample_cluster(float8, anyelement) IS 'Sample of a mean over rows (orders, sessions) when their units (users) were randomised: rows of one unit are added up, and the mean is the ratio of the units'' sums to their numbers of rows. A sample of kind ratio; all rows of a unit must be in it, so merge samples of different units only. Rows with a null are left out.';

-- All values, for order statistics.
CREATE TYPE rec.value_sample AS (
	n       bigint,
	value   float8[],
	count   bigint[]
);
COMMENT ON TYPE rec.value_sample IS 'All values of the units of one arm, each distinct one once: for quantiles and ranks, whose partial results do not merge otherwise. Made by rec.sample_quantile(), added up by rec.merge().';
COMMENT ON COLUMN rec.value_sample.n IS 'Number of units: sum of the counts';
COMMENT ON COLUMN rec.value_sample.value IS 'Distinct values, ascending';
COMMENT ON COLUMN rec.value_sample.count IS 'How many units have each value';

CREATE FUNCTION rec._values_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_values_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._values_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'rec_values_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION rec._values_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_values_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION rec._values_final(internal) RETURNS rec.value_sample
	AS 'MODULE_PATHNAME', 'rec_values_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
CREATE FUNCTION rec._values(internal, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_values_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._values_merge(internal, rec.value_sample) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_values_merge' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._values_merge_final(internal) RETURNS rec.value_sample
	AS 'MODULE_PATHNAME', 'rec_values_merge_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
CREATE AGGREGATE rec.sample_quantile(x float8) (
	sfunc = rec._values, stype = internal, sspace = 192, finalfunc = rec._values_final, combinefunc = rec._values_combine,
	serialfunc = rec._values_serialize, deserialfunc = rec._values_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.sample_quantile(float8) IS 'Sample of all values, each distinct one once, for rec.quantile_test(), rec.rank_test() and rec.quantile(); null rows are left out, NaN is an error';

CREATE AGGREGATE rec.merge(sample rec.value_sample) (
	sfunc = rec._values_merge, stype = internal, sspace = 65536, finalfunc = rec._values_merge_final, parallel = safe
);
COMMENT ON AGGREGATE rec.merge(rec.value_sample) IS 'The values of all units of several samples';

CREATE FUNCTION rec.quantile(sample rec.value_sample, quantile float8) RETURNS float8
	AS 'MODULE_PATHNAME', 'rec_values_quantile' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION rec.quantile IS 'Quantile (0 to 1) of a sample of values, with linear interpolation as percentile_cont; null for no units';
