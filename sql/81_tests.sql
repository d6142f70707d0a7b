-- Tests: two arms compared, each with the same columns.

CREATE TYPE rec.test_result AS (
	method              text,
	alternative         text,
	confidence          float8,
	margin              float8,
	n_control           bigint,
	n_treatment         bigint,
	estimate_control    float8,
	estimate_treatment  float8,
	difference          float8,
	std_error           float8,
	statistic           float8,
	df                  float8,
	p_value             float8,
	ci_low              float8,
	ci_high             float8,
	lift                float8,
	lift_ci_low         float8,
	lift_ci_high        float8,
	variance_reduction  float8,
	note                text
);
COMMENT ON TYPE rec.test_result IS 'What every test of two arms returns. What is undefined is null, and note says why.';
COMMENT ON COLUMN rec.test_result.method IS 'What was computed';
COMMENT ON COLUMN rec.test_result.alternative IS 'two-sided, greater (the treatment is) or less';
COMMENT ON COLUMN rec.test_result.confidence IS 'Level of the intervals';
COMMENT ON COLUMN rec.test_result.margin IS 'The difference under the null hypothesis: 0; for non-inferiority, with alternative greater, minus the loss that is accepted';
COMMENT ON COLUMN rec.test_result.n_control IS 'Units in control';
COMMENT ON COLUMN rec.test_result.n_treatment IS 'Units in treatment';
COMMENT ON COLUMN rec.test_result.estimate_control IS 'The metric in control: mean, proportion, ratio, quantile';
COMMENT ON COLUMN rec.test_result.estimate_treatment IS 'The metric in treatment';
COMMENT ON COLUMN rec.test_result.difference IS 'Treatment minus control';
COMMENT ON COLUMN rec.test_result.std_error IS 'Standard error of the difference';
COMMENT ON COLUMN rec.test_result.statistic IS 'Test statistic: (difference - margin) / standard error, or what the method says';
COMMENT ON COLUMN rec.test_result.df IS 'Degrees of freedom of Student''s t (Welch); null: normal';
COMMENT ON COLUMN rec.test_result.p_value IS 'p-value; right down to the smallest double';
COMMENT ON COLUMN rec.test_result.ci_low IS 'Lower end of the interval of the difference';
COMMENT ON COLUMN rec.test_result.ci_high IS 'Upper end of the interval of the difference';
COMMENT ON COLUMN rec.test_result.lift IS 'Difference relative to control: difference / |control|; .05 is 5 %';
COMMENT ON COLUMN rec.test_result.lift_ci_low IS 'Lower end of the interval of the lift (delta method)';
COMMENT ON COLUMN rec.test_result.lift_ci_high IS 'Upper end of the interval of the lift';
COMMENT ON COLUMN rec.test_result.variance_reduction IS 'Share of the variance of the difference that CUPED took away; null without CUPED';
COMMENT ON COLUMN rec.test_result.note IS 'What is undefined and why, or what to beware of; null: nothing';

-- Behind the aggregates.
CREATE FUNCTION rec._arms_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_arms_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._arms_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'rec_arms_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION rec._arms_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_arms_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION rec._proportion_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_proportion_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._proportion_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'rec_proportion_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION rec._proportion_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_proportion_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION rec._arms_final(internal) RETURNS rec.test_result
	AS 'MODULE_PATHNAME', 'rec_arms_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
CREATE FUNCTION rec._arms_final_ratio(internal) RETURNS rec.test_result
	AS 'MODULE_PATHNAME', 'rec_arms_final_ratio' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
CREATE FUNCTION rec._arms_final_cuped(internal) RETURNS rec.test_result
	AS 'MODULE_PATHNAME', 'rec_arms_final_cuped' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
CREATE FUNCTION rec._proportion_final(internal) RETURNS rec.test_result
	AS 'MODULE_PATHNAME', 'rec_proportion_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;

CREATE FUNCTION rec._welch(internal, float8, boolean) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_arms_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.welch_test(x float8, is_treatment boolean) (
	sfunc = rec._welch, stype = internal, sspace = 448, finalfunc = rec._arms_final, combinefunc = rec._arms_combine,
	serialfunc = rec._arms_serialize, deserialfunc = rec._arms_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.welch_test(float8, boolean) IS 'Welch''s t test of two means in one pass: x and the arm of each unit. Rows with a null are left out. Two-sided, with 95 % intervals.';

CREATE FUNCTION rec._welch(internal, float8, boolean, text) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_arms_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.welch_test(x float8, is_treatment boolean, alternative text) (
	sfunc = rec._welch, stype = internal, sspace = 448, finalfunc = rec._arms_final, combinefunc = rec._arms_combine,
	serialfunc = rec._arms_serialize, deserialfunc = rec._arms_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.welch_test(float8, boolean, text) IS 'Welch''s t test of two means in one pass: x and the arm of each unit. Rows with a null are left out. alternative: two-sided (default), greater or less; confidence of the intervals: 0.95; margin: the difference under the null hypothesis, 0 (superiority), or for non-inferiority, with greater, minus the accepted loss. rec.sample_test() has the same as named arguments.';

CREATE FUNCTION rec._welch(internal, float8, boolean, text, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_arms_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.welch_test(x float8, is_treatment boolean, alternative text, confidence float8) (
	sfunc = rec._welch, stype = internal, sspace = 448, finalfunc = rec._arms_final, combinefunc = rec._arms_combine,
	serialfunc = rec._arms_serialize, deserialfunc = rec._arms_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.welch_test(float8, boolean, text, float8) IS 'Welch''s t test of two means in one pass: x and the arm of each unit. Rows with a null are left out. alternative: two-sided (default), greater or less; confidence of the intervals: 0.95; margin: the difference under the null hypothesis, 0 (superiority), or for non-inferiority, with greater, minus the accepted loss. rec.sample_test() has the same as named arguments.';

CREATE FUNCTION rec._welch(internal, float8, boolean, text, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_arms_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.welch_test(x float8, is_treatment boolean, alternative text, confidence float8, margin float8) (
	sfunc = rec._welch, stype = internal, sspace = 448, finalfunc = rec._arms_final, combinefunc = rec._arms_combine,
	serialfunc = rec._arms_serialize, deserialfunc = rec._arms_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.welch_test(float8, boolean, text, float8, float8) IS 'Welch''s t test of two means in one pass: x and the arm of each unit. Rows with a null are left out. alternative: two-sided (default), greater or less; confidence of the intervals: 0.95; margin: the difference under the null hypothesis, 0 (superiority), or for non-inferiority, with greater, minus the accepted loss. rec.sample_test() has the same as named arguments.';

CREATE FUNCTION rec._ratio(internal, float8, float8, boolean) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_arms_accum_ratio' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.ratio_test(num float8, den float8, is_treatment boolean) (
	sfunc = rec._ratio, stype = internal, sspace = 448, finalfunc = rec._arms_final_ratio, combinefunc = rec._arms_combine,
	serialfunc = rec._arms_serialize, deserialfunc = rec._arms_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.ratio_test(float8, float8, boolean) IS 'Two ratios of sums, by the delta method: numerator and denominator and the arm of each unit. Two-sided, with 95 % intervals.';

CREATE FUNCTION rec._ratio(internal, float8, float8, boolean, text) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_arms_accum_ratio' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.ratio_test(num float8, den float8, is_treatment boolean, alternative text) (
	sfunc = rec._ratio, stype = internal, sspace = 448, finalfunc = rec._arms_final_ratio, combinefunc = rec._arms_combine,
	serialfunc = rec._arms_serialize, deserialfunc = rec._arms_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.ratio_test(float8, float8, boolean, text) IS 'Two ratios of sums, by the delta method: numerator and denominator and the arm of each unit. alternative: two-sided (default), greater or less; confidence of the intervals: 0.95; margin: the difference under the null hypothesis, 0 (superiority), or for non-inferiority, with greater, minus the accepted loss. rec.sample_test() has the same as named arguments.';

CREATE FUNCTION rec._ratio(internal, float8, float8, boolean, text, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_arms_accum_ratio' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.ratio_test(num float8, den float8, is_treatment boolean, alternative text, confidence float8) (
	sfunc = rec._ratio, stype = internal, sspace = 448, finalfunc = rec._arms_final_ratio, combinefunc = rec._arms_combine,
	serialfunc = rec._arms_serialize, deserialfunc = rec._arms_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.ratio_test(float8, float8, boolean, text, float8) IS 'Two ratios of sums, by the delta method: numerator and denominator and the arm of each unit. alternative: two-sided (default), greater or less; confidence of the intervals: 0.95; margin: the difference under the null hypothesis, 0 (superiority), or for non-inferiority, with greater, minus the accepted loss. rec.sample_test() has the same as named arguments.';

CREATE FUNCTION rec._ratio(internal, float8, float8, boolean, text, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_arms_accum_ratio' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.ratio_test(num float8, den float8, is_treatment boolean, alternative text, confidence float8, margin float8) (
	sfunc = rec._ratio, stype = internal, sspace = 448, finalfunc = rec._arms_final_ratio, combinefunc = rec._arms_combine,
	serialfunc = rec._arms_serialize, deserialfunc = rec._arms_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.ratio_test(float8, float8, boolean, text, float8, float8) IS 'Two ratios of sums, by the delta method: numerator and denominator and the arm of each unit. alternative: two-sided (default), greater or less; confidence of the intervals: 0.95; margin: the difference under the null hypothesis, 0 (superiority), or for non-inferiority, with greater, minus the accepted loss. rec.sample_test() has the same as named arguments.';

CREATE FUNCTION rec._cuped(internal, float8, float8, boolean) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_arms_accum_cuped' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.cuped_test(y float8, pre float8, is_treatment boolean) (
	sfunc = rec._cuped, stype = internal, sspace = 448, finalfunc = rec._arms_final_cuped, combinefunc = rec._arms_combine,
	serialfunc = rec._arms_serialize, deserialfunc = rec._arms_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.cuped_test(float8, float8, boolean) IS 'Two means with CUPED: the metric, a number known before the experiment, and the arm of each unit; theta is that of all units. Two-sided, with 95 % intervals.';

CREATE FUNCTION rec._cuped(internal, float8, float8, boolean, text) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_arms_accum_cuped' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.cuped_test(y float8, pre float8, is_treatment boolean, alternative text) (
	sfunc = rec._cuped, stype = internal, sspace = 448, finalfunc = rec._arms_final_cuped, combinefunc = rec._arms_combine,
	serialfunc = rec._arms_serialize, deserialfunc = rec._arms_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.cuped_test(float8, float8, boolean, text) IS 'Two means with CUPED: the metric, a number known before the experiment, and the arm of each unit; theta is that of all units. alternative: two-sided (default), greater or less; confidence of the intervals: 0.95; margin: the difference under the null hypothesis, 0 (superiority), or for non-inferiority, with greater, minus the accepted loss. rec.sample_test() has the same as named arguments.';

CREATE FUNCTION rec._cuped(internal, float8, float8, boolean, text, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_arms_accum_cuped' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.cuped_test(y float8, pre float8, is_treatment boolean, alternative text, confidence float8) (
	sfunc = rec._cuped, stype = internal, sspace = 448, finalfunc = rec._arms_final_cuped, combinefunc = rec._arms_combine,
	serialfunc = rec._arms_serialize, deserialfunc = rec._arms_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.cuped_test(float8, float8, boolean, text, float8) IS 'Two means with CUPED: the metric, a number known before the experiment, and the arm of each unit; theta is that of all units. alternative: two-sided (default), greater or less; confidence of the intervals: 0.95; margin: the difference under the null hypothesis, 0 (superiority), or for non-inferiority, with greater, minus the accepted loss. rec.sample_test() has the same as named arguments.';

CREATE FUNCTION rec._cuped(internal, float8, float8, boolean, text, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_arms_accum_cuped' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.cuped_test(y float8, pre float8, is_treatment boolean, alternative text, confidence float8, margin float8) (
	sfunc = rec._cuped, stype = internal, sspace = 448, finalfunc = rec._arms_final_cuped, combinefunc = rec._arms_combine,
	serialfunc = rec._arms_serialize, deserialfunc = rec._arms_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.cuped_test(float8, float8, boolean, text, float8, float8) IS 'Two means with CUPED: the metric, a number known before the experiment, and the arm of each unit; theta is that of all units. alternative: two-sided (default), greater or less; confidence of the intervals: 0.95; margin: the difference under the null hypothesis, 0 (superiority), or for non-inferiority, with greater, minus the accepted loss. rec.sample_test() has the same as named arguments.';

CREATE FUNCTION rec._cuped_ratio(internal, float8, float8, float8, float8, boolean) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_arms_accum_cuped_ratio' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.cuped_test(num float8, den float8, pre_num float8, pre_den float8, is_treatment boolean) (
	sfunc = rec._cuped_ratio, stype = internal, sspace = 448, finalfunc = rec._arms_final_cuped, combinefunc = rec._arms_combine,
	serialfunc = rec._arms_serialize, deserialfunc = rec._arms_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.cuped_test(float8, float8, float8, float8, boolean) IS 'Two ratios of sums with CUPED, from numerators and denominators during the experiment and before. Two-sided, with 95 % intervals.';

CREATE FUNCTION rec._cuped_ratio(internal, float8, float8, float8, float8, boolean, text) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_arms_accum_cuped_ratio' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.cuped_test(num float8, den float8, pre_num float8, pre_den float8, is_treatment boolean, alternative text) (
	sfunc = rec._cuped_ratio, stype = internal, sspace = 448, finalfunc = rec._arms_final_cuped, combinefunc = rec._arms_combine,
	serialfunc = rec._arms_serialize, deserialfunc = rec._arms_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.cuped_test(float8, float8, float8, float8, boolean, text) IS 'Two ratios of sums with CUPED, from numerators and denominators during the experiment and before. alternative: two-sided (default), greater or less; confidence of the intervals: 0.95; margin: the difference under the null hypothesis, 0 (superiority), or for non-inferiority, with greater, minus the accepted loss. rec.sample_test() has the same as named arguments.';

CREATE FUNCTION rec._cuped_ratio(internal, float8, float8, float8, float8, boolean, text, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_arms_accum_cuped_ratio' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.cuped_test(num float8, den float8, pre_num float8, pre_den float8, is_treatment boolean, alternative text, confidence float8) (
	sfunc = rec._cuped_ratio, stype = internal, sspace = 448, finalfunc = rec._arms_final_cuped, combinefunc = rec._arms_combine,
	serialfunc = rec._arms_serialize, deserialfunc = rec._arms_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.cuped_test(float8, float8, float8, float8, boolean, text, float8) IS 'Two ratios of sums with CUPED, from numerators and denominators during the experiment and before. alternative: two-sided (default), greater or less; confidence of the intervals: 0.95; margin: the difference under the null hypothesis, 0 (superiority), or for non-inferiority, with greater, minus the accepted loss. rec.sample_test() has the same as named arguments.';

CREATE FUNCTION rec._cuped_ratio(internal, float8, float8, float8, float8, boolean, text, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_arms_accum_cuped_ratio' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.cuped_test(num float8, den float8, pre_num float8, pre_den float8, is_treatment boolean, alternative text, confidence float8, margin float8) (
	sfunc = rec._cuped_ratio, stype = internal, sspace = 448, finalfunc = rec._arms_final_cuped, combinefunc = rec._arms_combine,
	serialfunc = rec._arms_serialize, deserialfunc = rec._arms_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.cuped_test(float8, float8, float8, float8, boolean, text, float8, float8) IS 'Two ratios of sums with CUPED, from numerators and denominators during the experiment and before. alternative: two-sided (default), greater or less; confidence of the intervals: 0.95; margin: the difference under the null hypothesis, 0 (superiority), or for non-inferiority, with greater, minus the accepted loss. rec.sample_test() has the same as named arguments.';

CREATE FUNCTION rec._proportion(internal, boolean, boolean) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_proportion_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.proportion_test(success boolean, is_treatment boolean) (
	sfunc = rec._proportion, stype = internal, sspace = 448, finalfunc = rec._proportion_final, combinefunc = rec._proportion_combine,
	serialfunc = rec._proportion_serialize, deserialfunc = rec._proportion_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.proportion_test(boolean, boolean) IS 'Two proportions: z test with pooled variance, Newcombe''s interval, and Fisher''s exact p-value where fewer than 5 successes or failures are expected in an arm. Two-sided, with 95 % intervals.';

CREATE FUNCTION rec._proportion(internal, boolean, boolean, text) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_proportion_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.proportion_test(success boolean, is_treatment boolean, alternative text) (
	sfunc = rec._proportion, stype = internal, sspace = 448, finalfunc = rec._proportion_final, combinefunc = rec._proportion_combine,
	serialfunc = rec._proportion_serialize, deserialfunc = rec._proportion_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.proportion_test(boolean, boolean, text) IS 'Two proportions: z test with pooled variance, Newcombe''s interval, and Fisher''s exact p-value where fewer than 5 successes or failures are expected in an arm. alternative: two-sided (default), greater or less; confidence of the intervals: 0.95; margin: the difference under the null hypothesis, 0 (superiority), or for non-inferiority, with greater, minus the accepted loss. rec.sample_test() has the same as named arguments.';

CREATE FUNCTION rec._proportion(internal, boolean, boolean, text, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_proportion_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.proportion_test(success boolean, is_treatment boolean, alternative text, confidence float8) (
	sfunc = rec._proportion, stype = internal, sspace = 448, finalfunc = rec._proportion_final, combinefunc = rec._proportion_combine,
	serialfunc = rec._proportion_serialize, deserialfunc = rec._proportion_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.proportion_test(boolean, boolean, text, float8) IS 'Two proportions: z test with pooled variance, Newcombe''s interval, and Fisher''s exact p-value where fewer than 5 successes or failures are expected in an arm. alternative: two-sided (default), greater or less; confidence of the intervals: 0.95; margin: the difference under the null hypothesis, 0 (superiority), or for non-inferiority, with greater, minus the accepted loss. rec.sample_test() has the same as named arguments.';

CREATE FUNCTION rec._proportion(internal, boolean, boolean, text, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_proportion_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.proportion_test(success boolean, is_treatment boolean, alternative text, confidence float8, margin float8) (
	sfunc = rec._proportion, stype = internal, sspace = 448, finalfunc = rec._proportion_final, combinefunc = rec._proportion_combine,
	serialfunc = rec._proportion_serialize, deserialfunc = rec._proportion_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.proportion_test(boolean, boolean, text, float8, float8) IS 'Two proportions: z test with pooled variance, Newcombe''s interval, and Fisher''s exact p-value where fewer than 5 successes or failures are expected in an arm. alternative: two-sided (default), greater or less; confidence of the intervals: 0.95; margin: the difference under the null hypothesis, 0 (superiority), or for non-inferiority, with greater, minus the accepted loss. rec.sample_test() has the same as named arguments.';

CREATE FUNCTION rec._proportion(internal, float8, boolean) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_proportion_accum_number' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.proportion_test(success float8, is_treatment boolean) (
	sfunc = rec._proportion, stype = internal, sspace = 448, finalfunc = rec._proportion_final, combinefunc = rec._proportion_combine,
	serialfunc = rec._proportion_serialize, deserialfunc = rec._proportion_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.proportion_test(float8, boolean) IS 'Two proportions of numbers 0 and 1: z test with pooled variance, Newcombe''s interval, and Fisher''s exact p-value where fewer than 5 successes or failures are expected in an arm. Two-sided, with 95 % intervals.';

CREATE FUNCTION rec._proportion(internal, float8, boolean, text) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_proportion_accum_number' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.proportion_test(success float8, is_treatment boolean, alternative text) (
	sfunc = rec._proportion, stype = internal, sspace = 448, finalfunc = rec._proportion_final, combinefunc = rec._proportion_combine,
	serialfunc = rec._proportion_serialize, deserialfunc = rec._proportion_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.proportion_test(float8, boolean, text) IS 'Two proportions of numbers 0 and 1: z test with pooled variance, Newcombe''s interval, and Fisher''s exact p-value where fewer than 5 successes or failures are expected in an arm. alternative: two-sided (default), greater or less; confidence of the intervals: 0.95; margin: the difference under the null hypothesis, 0 (superiority), or for non-inferiority, with greater, minus the accepted loss. rec.sample_test() has the same as named arguments.';

CREATE FUNCTION rec._proportion(internal, float8, boolean, text, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_proportion_accum_number' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.proportion_test(success float8, is_treatment boolean, alternative text, confidence float8) (
	sfunc = rec._proportion, stype = internal, sspace = 448, finalfunc = rec._proportion_final, combinefunc = rec._proportion_combine,
	serialfunc = rec._proportion_serialize, deserialfunc = rec._proportion_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.proportion_test(float8, boolean, text, float8) IS 'Two proportions of numbers 0 and 1: z test with pooled variance, Newcombe''s interval, and Fisher''s exact p-value where fewer than 5 successes or failures are expected in an arm. alternative: two-sided (default), greater or less; confidence of the intervals: 0.95; margin: the difference under the null hypothesis, 0 (superiority), or for non-inferiority, with greater, minus the accepted loss. rec.sample_test() has the same as named arguments.';

CREATE FUNCTION rec._proportion(internal, float8, boolean, text, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_proportion_accum_number' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.proportion_test(success float8, is_treatment boolean, alternative text, confidence float8, margin float8) (
	sfunc = rec._proportion, stype = internal, sspace = 448, finalfunc = rec._proportion_final, combinefunc = rec._proportion_combine,
	serialfunc = rec._proportion_serialize, deserialfunc = rec._proportion_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.proportion_test(float8, boolean, text, float8, float8) IS 'Two proportions of numbers 0 and 1: z test with pooled variance, Newcombe''s interval, and Fisher''s exact p-value where fewer than 5 successes or failures are expected in an arm. alternative: two-sided (default), greater or less; confidence of the intervals: 0.95; margin: the difference under the null hypothesis, 0 (superiority), or for non-inferiority, with greater, minus the accepted loss. rec.sample_test() has the same as named arguments.';

CREATE FUNCTION rec.sample_test(control rec.sample_state, treatment rec.sample_state, alternative text DEFAULT 'two-sided', confidence float8 DEFAULT 0.95,
	margin float8 DEFAULT 0) RETURNS rec.test_result
	AS 'MODULE_PATHNAME', 'rec_compare' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION rec.sample_test(rec.sample_state, rec.sample_state, text, float8, float8) IS 'Compares two samples of the same kind: means by Welch''s t, ratios by the delta method, with CUPED where the samples have numbers from before. alternative: two-sided (default), greater or less; confidence of the intervals: 0.95; margin: the difference under the null hypothesis, 0 (superiority), or for non-inferiority, with greater, minus the accepted loss. A null sample is one of no units.';

CREATE FUNCTION rec.welch_test(control rec.sample_state, treatment rec.sample_state, alternative text DEFAULT 'two-sided', confidence float8 DEFAULT 0.95,
	margin float8 DEFAULT 0) RETURNS rec.test_result
	AS 'MODULE_PATHNAME', 'rec_welch_test' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION rec.welch_test(rec.sample_state, rec.sample_state, text, float8, float8) IS 'Welch''s t test of two samples of kind mean. alternative: two-sided (default), greater or less; confidence of the intervals: 0.95; margin: the difference under the null hypothesis, 0 (superiority), or for non-inferiority, with greater, minus the accepted loss. A null sample is one of no units.';

CREATE FUNCTION rec.ratio_test(control rec.sample_state, treatment rec.sample_state, alternative text DEFAULT 'two-sided', confidence float8 DEFAULT 0.95,
	margin float8 DEFAULT 0) RETURNS rec.test_result
	AS 'MODULE_PATHNAME', 'rec_ratio_test' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION rec.ratio_test(rec.sample_state, rec.sample_state, text, float8, float8) IS 'Two samples of kind ratio, by the delta method. alternative: two-sided (default), greater or less; confidence of the intervals: 0.95; margin: the difference under the null hypothesis, 0 (superiority), or for non-inferiority, with greater, minus the accepted loss. A null sample is one of no units.';

CREATE FUNCTION rec.cuped_test(control rec.sample_state, treatment rec.sample_state, alternative text DEFAULT 'two-sided', confidence float8 DEFAULT 0.95,
	margin float8 DEFAULT 0) RETURNS rec.test_result
	AS 'MODULE_PATHNAME', 'rec_cuped_test' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION rec.cuped_test(rec.sample_state, rec.sample_state, text, float8, float8) IS 'Two samples of kind cuped or cuped_ratio. alternative: two-sided (default), greater or less; confidence of the intervals: 0.95; margin: the difference under the null hypothesis, 0 (superiority), or for non-inferiority, with greater, minus the accepted loss. A null sample is one of no units.';

CREATE FUNCTION rec.proportion_test(control rec.sample_state, treatment rec.sample_state, alternative text DEFAULT 'two-sided', confidence float8 DEFAULT 0.95,
	margin float8 DEFAULT 0, method text DEFAULT 'auto') RETURNS rec.test_result
	AS 'MODULE_PATHNAME', 'rec_proportion_test_samples' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION rec.proportion_test(rec.sample_state, rec.sample_state, text, float8, float8, text) IS 'Two proportions, from samples of zeros and ones (or booleans); see the form with counts';

CREATE FUNCTION rec.proportion_test(successes_control bigint, n_control bigint, successes_treatment bigint, n_treatment bigint,
	alternative text DEFAULT 'two-sided', confidence float8 DEFAULT 0.95, margin float8 DEFAULT 0, method text DEFAULT 'auto') RETURNS rec.test_result
	AS 'MODULE_PATHNAME', 'rec_proportion_test' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION rec.proportion_test(bigint, bigint, bigint, bigint, text, float8, float8, text) IS 'Two proportions from counts. statistic: z, with the pooled variance (with a margin: unpooled); ci: Newcombe''s interval; lift: delta method. method: z, exact (Fisher''s p-value), or auto (exact where fewer than 5 successes or failures are expected in an arm and there is no margin). Null when a count is null; more successes than trials is an error.';

CREATE FUNCTION rec.fisher_test(successes_control bigint, n_control bigint, successes_treatment bigint, n_treatment bigint,
	alternative text DEFAULT 'two-sided') RETURNS float8
	AS 'MODULE_PATHNAME', 'rec_fisher_test' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION rec.fisher_test IS 'p-value of Fisher''s exact test of two proportions; two-sided: the probability of all tables that are as improbable or more';

CREATE FUNCTION rec.wilson_interval(successes bigint, n bigint, confidence float8 DEFAULT 0.95,
	OUT estimate float8, OUT ci_low float8, OUT ci_high float8) RETURNS record
	AS 'MODULE_PATHNAME', 'rec_wilson_interval' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION rec.wilson_interval IS 'A proportion with Wilson''s score interval, without continuity correction; null without trials';

CREATE TYPE rec.srm_result AS (
	statistic  float8,
	df         float8,
	p_value    float8,
	n          bigint,
	expected   float8[],
	mismatch   boolean,
	note       text
);
COMMENT ON TYPE rec.srm_result IS 'Whether units were split as planned';
COMMENT ON COLUMN rec.srm_result.statistic IS 'Pearson''s chi-square';
COMMENT ON COLUMN rec.srm_result.df IS 'Arms of weight above 0, less 1';
COMMENT ON COLUMN rec.srm_result.p_value IS 'p-value; null: undefined';
COMMENT ON COLUMN rec.srm_result.n IS 'Units in all arms';
COMMENT ON COLUMN rec.srm_result.expected IS 'Expected units of each arm; of the aggregate: control, treatment';
COMMENT ON COLUMN rec.srm_result.mismatch IS 'True: p below 0.001, the results are not to be trusted';
COMMENT ON COLUMN rec.srm_result.note IS 'What follows, in words; null: nothing';

CREATE FUNCTION rec.srm_test(counts bigint[], weights float8[] DEFAULT NULL) RETURNS rec.srm_result
	AS 'MODULE_PATHNAME', 'rec_srm_test' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION rec.srm_test(bigint[], float8[]) IS 'Sample ratio mismatch: chi-square test of the units of each arm against the planned weights, which need not sum to 1 (null: equal). Units in an arm of weight 0 are a mismatch.';

CREATE FUNCTION rec._srm(internal, boolean) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_srm_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._srm(internal, boolean, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_srm_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._srm_final(internal) RETURNS rec.srm_result
	AS 'MODULE_PATHNAME', 'rec_srm_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
CREATE AGGREGATE rec.srm_test(is_treatment boolean) (
	sfunc = rec._srm, stype = internal, sspace = 96, finalfunc = rec._srm_final, combinefunc = rec._proportion_combine,
	serialfunc = rec._proportion_serialize, deserialfunc = rec._proportion_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.srm_test(boolean) IS 'Sample ratio mismatch of an experiment with two equal arms: the arm of each unit; null ones are left out';

CREATE AGGREGATE rec.srm_test(is_treatment boolean, treatment_share float8) (
	sfunc = rec._srm, stype = internal, sspace = 96, finalfunc = rec._srm_final, combinefunc = rec._proportion_combine,
	serialfunc = rec._proportion_serialize, deserialfunc = rec._proportion_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.srm_test(boolean, float8) IS 'Sample ratio mismatch of an experiment in which the treatment should get this share of the units';

-- Tests by order.
CREATE FUNCTION rec._ranks_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_ranks_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._ranks_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'rec_ranks_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION rec._ranks_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_ranks_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION rec._rank_final(internal) RETURNS rec.test_result
	AS 'MODULE_PATHNAME', 'rec_rank_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
CREATE FUNCTION rec._quantile_final(internal) RETURNS rec.test_result
	AS 'MODULE_PATHNAME', 'rec_quantile_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
CREATE FUNCTION rec._rank(internal, float8, boolean) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_rank_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.rank_test(x float8, is_treatment boolean) (
	sfunc = rec._rank, stype = internal, sspace = 65536, finalfunc = rec._rank_final, combinefunc = rec._ranks_combine,
	serialfunc = rec._ranks_serialize, deserialfunc = rec._ranks_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.rank_test(float8, boolean) IS 'Mann-Whitney test (Wilcoxon rank sum) that the treatment tends to have greater (or less) values: statistic is U of the treatment; estimates are the probabilities that a unit of one arm has the greater value, ties half; difference is theirs (from -1 to 1), its interval by DeLong. Exact where there are no ties, at most 8 units in one arm and not too many in the other; else normal with correction for ties and continuity.';

CREATE FUNCTION rec._rank(internal, float8, boolean, text) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_rank_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.rank_test(x float8, is_treatment boolean, alternative text) (
	sfunc = rec._rank, stype = internal, sspace = 65536, finalfunc = rec._rank_final, combinefunc = rec._ranks_combine,
	serialfunc = rec._ranks_serialize, deserialfunc = rec._ranks_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.rank_test(float8, boolean, text) IS 'Mann-Whitney test (Wilcoxon rank sum) that the treatment tends to have greater (or less) values: statistic is U of the treatment; estimates are the probabilities that a unit of one arm has the greater value, ties half; difference is theirs (from -1 to 1), its interval by DeLong. Exact where there are no ties, at most 8 units in one arm and not too many in the other; else normal with correction for ties and continuity.';

CREATE FUNCTION rec._rank(internal, float8, boolean, text, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_rank_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.rank_test(x float8, is_treatment boolean, alternative text, confidence float8) (
	sfunc = rec._rank, stype = internal, sspace = 65536, finalfunc = rec._rank_final, combinefunc = rec._ranks_combine,
	serialfunc = rec._ranks_serialize, deserialfunc = rec._ranks_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.rank_test(float8, boolean, text, float8) IS 'Mann-Whitney test (Wilcoxon rank sum) that the treatment tends to have greater (or less) values: statistic is U of the treatment; estimates are the probabilities that a unit of one arm has the greater value, ties half; difference is theirs (from -1 to 1), its interval by DeLong. Exact where there are no ties, at most 8 units in one arm and not too many in the other; else normal with correction for ties and continuity.';

CREATE FUNCTION rec._quantile(internal, float8, boolean, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_quantile_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.quantile_test(x float8, is_treatment boolean, quantile float8) (
	sfunc = rec._quantile, stype = internal, sspace = 65536, finalfunc = rec._quantile_final, combinefunc = rec._ranks_combine,
	serialfunc = rec._ranks_serialize, deserialfunc = rec._ranks_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.quantile_test(float8, boolean, float8) IS 'A quantile (0 to 1) of two arms compared; variances from the distance of order statistics.';

CREATE FUNCTION rec._quantile(internal, float8, boolean, float8, text) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_quantile_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.quantile_test(x float8, is_treatment boolean, quantile float8, alternative text) (
	sfunc = rec._quantile, stype = internal, sspace = 65536, finalfunc = rec._quantile_final, combinefunc = rec._ranks_combine,
	serialfunc = rec._ranks_serialize, deserialfunc = rec._ranks_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.quantile_test(float8, boolean, float8, text) IS 'A quantile (0 to 1) of two arms compared; variances from the distance of order statistics. alternative: two-sided (default), greater or less; confidence of the intervals: 0.95; margin: the difference under the null hypothesis, 0 (superiority), or for non-inferiority, with greater, minus the accepted loss.';

CREATE FUNCTION rec._quantile(internal, float8, boolean, float8, text, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_quantile_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.quantile_test(x float8, is_treatment boolean, quantile float8, alternative text, confidence float8) (
	sfunc = rec._quantile, stype = internal, sspace = 65536, finalfunc = rec._quantile_final, combinefunc = rec._ranks_combine,
	serialfunc = rec._ranks_serialize, deserialfunc = rec._ranks_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.quantile_test(float8, boolean, float8, text, float8) IS 'A quantile (0 to 1) of two arms compared; variances from the distance of order statistics. alternative: two-sided (default), greater or less; confidence of the intervals: 0.95; margin: the difference under the null hypothesis, 0 (superiority), or for non-inferiority, with greater, minus the accepted loss.';

CREATE FUNCTION rec._quantile(internal, float8, boolean, float8, text, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_quantile_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.quantile_test(x float8, is_treatment boolean, quantile float8, alternative text, confidence float8, margin float8) (
	sfunc = rec._quantile, stype = internal, sspace = 65536, finalfunc = rec._quantile_final, combinefunc = rec._ranks_combine,
	serialfunc = rec._ranks_serialize, deserialfunc = rec._ranks_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.quantile_test(float8, boolean, float8, text, float8, float8) IS 'A quantile (0 to 1) of two arms compared; variances from the distance of order statistics. alternative: two-sided (default), greater or less; confidence of the intervals: 0.95; margin: the difference under the null hypothesis, 0 (superiority), or for non-inferiority, with greater, minus the accepted loss.';

CREATE FUNCTION rec.rank_test(control rec.value_sample, treatment rec.value_sample, alternative text DEFAULT 'two-sided',
	confidence float8 DEFAULT 0.95) RETURNS rec.test_result
	AS 'MODULE_PATHNAME', 'rec_rank_test' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION rec.rank_test(rec.value_sample, rec.value_sample, text, float8) IS 'Mann-Whitney test (Wilcoxon rank sum) that the treatment tends to have greater (or less) values: statistic is U of the treatment; estimates are the probabilities that a unit of one arm has the greater value, ties half; difference is theirs (from -1 to 1), its interval by DeLong. Exact where there are no ties, at most 8 units in one arm and not too many in the other; else normal with correction for ties and continuity.';

CREATE FUNCTION rec.quantile_test(control rec.value_sample, treatment rec.value_sample, quantile float8, alternative text DEFAULT 'two-sided',
	confidence float8 DEFAULT 0.95, margin float8 DEFAULT 0) RETURNS rec.test_result
	AS 'MODULE_PATHNAME', 'rec_quantile_test' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION rec.quantile_test(rec.value_sample, rec.value_sample, float8, text, float8, float8) IS 'A quantile (0 to 1) of two arms compared; variances from the distance of order statistics.';

-- Strata.
CREATE FUNCTION rec._strata_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_strata_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._strata_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'rec_strata_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION rec._strata_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_strata_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION rec._strata_final(internal) RETURNS rec.test_result
	AS 'MODULE_PATHNAME', 'rec_strata_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
CREATE FUNCTION rec._strata(internal, rec.sample_state, rec.sample_state) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_strata_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.post_stratified_test(control rec.sample_state, treatment rec.sample_state) (
	sfunc = rec._strata, stype = internal, sspace = 160, finalfunc = rec._strata_final, combinefunc = rec._strata_combine,
	serialfunc = rec._strata_serialize, deserialfunc = rec._strata_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.post_stratified_test(rec.sample_state, rec.sample_state) IS 'Post-stratification: one row per stratum (country, device, cohort) with the samples of both arms; the strata are weighted with their units in both arms together, which takes the variance between strata out of the comparison. Samples of any kind.';

CREATE FUNCTION rec._strata(internal, rec.sample_state, rec.sample_state, text) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_strata_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.post_stratified_test(control rec.sample_state, treatment rec.sample_state, alternative text) (
	sfunc = rec._strata, stype = internal, sspace = 160, finalfunc = rec._strata_final, combinefunc = rec._strata_combine,
	serialfunc = rec._strata_serialize, deserialfunc = rec._strata_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.post_stratified_test(rec.sample_state, rec.sample_state, text) IS 'Post-stratification: one row per stratum (country, device, cohort) with the samples of both arms; the strata are weighted with their units in both arms together, which takes the variance between strata out of the comparison. Samples of any kind.';

CREATE FUNCTION rec._strata(internal, rec.sample_state, rec.sample_state, text, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_strata_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.post_stratified_test(control rec.sample_state, treatment rec.sample_state, alternative text, confidence float8, margin float8) (
	sfunc = rec._strata, stype = internal, sspace = 160, finalfunc = rec._strata_final, combinefunc = rec._strata_combine,
	serialfunc = rec._strata_serialize, deserialfunc = rec._strata_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.post_stratified_test(rec.sample_state, rec.sample_state, text, float8, float8) IS 'Post-stratification: one row per stratum (country, device, cohort) with the samples of both arms; the strata are weighted with their units in both arms together, which takes the variance between strata out of the comparison. Samples of any kind.';
