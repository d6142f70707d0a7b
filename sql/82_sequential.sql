-- Looking more than once, posteriors, planning.

CREATE FUNCTION rec.sequential_test(control rec.sample_state, treatment rec.sample_state, alternative text DEFAULT 'two-sided', confidence float8 DEFAULT 0.95,
	margin float8 DEFAULT 0, tuning_n float8 DEFAULT 5000) RETURNS rec.test_result
	AS 'MODULE_PATHNAME', 'rec_sequential_test' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION rec.sequential_test(rec.sample_state, rec.sample_state, text, float8, float8, float8) IS 'Compares two samples of the same kind so that it may be looked at as often as one likes: the intervals of all looks hold at once (asymptotic confidence sequence), and the p-value is always valid. They are tightest about when tuning_n units of both arms have been seen: set it to the number at which a decision is likely.';

CREATE FUNCTION rec.sequential_test(control rec.value_sample, treatment rec.value_sample, quantile float8, alternative text DEFAULT 'two-sided',
	confidence float8 DEFAULT 0.95, margin float8 DEFAULT 0, tuning_n float8 DEFAULT 5000) RETURNS rec.test_result
	AS 'MODULE_PATHNAME', 'rec_sequential_quantile_test' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION rec.sequential_test(rec.value_sample, rec.value_sample, float8, text, float8, float8, float8) IS 'The same for a quantile (0 to 1) of two arms';

CREATE FUNCTION rec._arms_final_sequential(internal) RETURNS rec.test_result
	AS 'MODULE_PATHNAME', 'rec_arms_final_sequential' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
CREATE AGGREGATE rec.sequential_test(x float8, is_treatment boolean) (
	sfunc = rec._welch, stype = internal, sspace = 448, finalfunc = rec._arms_final_sequential, combinefunc = rec._arms_combine,
	serialfunc = rec._arms_serialize, deserialfunc = rec._arms_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.sequential_test(float8, boolean) IS 'Two means in one pass so that they may be looked at as often as one likes: always valid interval and p-value, tuned for 5000 units.';

CREATE AGGREGATE rec.sequential_test(x float8, is_treatment boolean, alternative text) (
	sfunc = rec._welch, stype = internal, sspace = 448, finalfunc = rec._arms_final_sequential, combinefunc = rec._arms_combine,
	serialfunc = rec._arms_serialize, deserialfunc = rec._arms_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.sequential_test(float8, boolean, text) IS 'Two means in one pass so that they may be looked at as often as one likes: always valid interval and p-value, tuned for 5000 units.';

CREATE AGGREGATE rec.sequential_test(x float8, is_treatment boolean, alternative text, confidence float8) (
	sfunc = rec._welch, stype = internal, sspace = 448, finalfunc = rec._arms_final_sequential, combinefunc = rec._arms_combine,
	serialfunc = rec._arms_serialize, deserialfunc = rec._arms_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.sequential_test(float8, boolean, text, float8) IS 'Two means in one pass so that they may be looked at as often as one likes: always valid interval and p-value, tuned for 5000 units.';

CREATE AGGREGATE rec.sequential_test(x float8, is_treatment boolean, alternative text, confidence float8, margin float8) (
	sfunc = rec._welch, stype = internal, sspace = 448, finalfunc = rec._arms_final_sequential, combinefunc = rec._arms_combine,
	serialfunc = rec._arms_serialize, deserialfunc = rec._arms_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.sequential_test(float8, boolean, text, float8, float8) IS 'Two means in one pass so that they may be looked at as often as one likes: always valid interval and p-value, tuned for 5000 units.';

CREATE TYPE rec.group_sequential_look AS (look int, information float8, alpha_spent float8, boundary float8, p_value float8);
COMMENT ON TYPE rec.group_sequential_look IS 'A look of a group-sequential design';
COMMENT ON COLUMN rec.group_sequential_look.look IS 'Number of the look';
COMMENT ON COLUMN rec.group_sequential_look.information IS 'Fraction of the planned information (units)';
COMMENT ON COLUMN rec.group_sequential_look.alpha_spent IS 'Error probability spent until here, on both sides together';
COMMENT ON COLUMN rec.group_sequential_look.boundary IS '|z| (one-sided: z) at which to stop; infinite: nothing may be spent yet';
COMMENT ON COLUMN rec.group_sequential_look.p_value IS 'Nominal p-value at the boundary';

CREATE FUNCTION rec.group_sequential(information float8[], alpha float8 DEFAULT 0.05, spending text DEFAULT 'obrien-fleming',
	alternative text DEFAULT 'two-sided') RETURNS SETOF rec.group_sequential_look
	AS 'MODULE_PATHNAME', 'rec_group_sequential' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 ROWS 5;
COMMENT ON FUNCTION rec.group_sequential(float8[], float8, text, text) IS 'Boundaries of a group-sequential test (Lan and DeMets) at looks with these fractions of the planned information, ascending to at most 1. spending: obrien-fleming or pocock. By numerical integration.';

CREATE FUNCTION rec.group_sequential(looks int, alpha float8 DEFAULT 0.05, spending text DEFAULT 'obrien-fleming',
	alternative text DEFAULT 'two-sided') RETURNS SETOF rec.group_sequential_look
	LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 10000 ROWS 5
BEGIN ATOMIC
	SELECT g.look, g.information, g.alpha_spent, g.boundary, g.p_value
	FROM rec.group_sequential(ARRAY(SELECT i / looks::float8 FROM pg_catalog.generate_series(1, least(looks, 201)) i), alpha, spending,
		alternative) g;
END;
COMMENT ON FUNCTION rec.group_sequential(int, float8, text, text) IS 'The same with so many looks at equal distances';

CREATE FUNCTION rec.group_sequential_test(control rec.sample_state, treatment rec.sample_state, alternative text DEFAULT 'two-sided', confidence float8 DEFAULT 0.95,
	margin float8 DEFAULT 0,
	information float8[] DEFAULT '{1}', spending text DEFAULT 'obrien-fleming') RETURNS rec.test_result
	AS 'MODULE_PATHNAME', 'rec_group_sequential_test' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000;
COMMENT ON FUNCTION rec.group_sequential_test(rec.sample_state, rec.sample_state, text, float8, float8, float8[], text) IS 'A look of a group-sequential test: information holds the fractions of the planned units at all looks until now, the last is this one. The interval is the repeated confidence interval (it leaves out the margin when the boundary is crossed); p_value is nominal, and note says whether to stop.';

CREATE TYPE rec.bayes_result AS (
	method              text,
	confidence          float8,
	n_control           bigint,
	n_treatment         bigint,
	estimate_control    float8,
	estimate_treatment  float8,
	difference          float8,
	ci_low              float8,
	ci_high             float8,
	lift                float8,
	chance_to_win       float8,
	loss_treatment      float8,
	loss_control        float8,
	note                text
);
COMMENT ON TYPE rec.bayes_result IS 'Posterior comparison of two arms';
COMMENT ON COLUMN rec.bayes_result.method IS 'What was computed';
COMMENT ON COLUMN rec.bayes_result.confidence IS 'Probability in the credible interval';
COMMENT ON COLUMN rec.bayes_result.n_control IS 'Units in control';
COMMENT ON COLUMN rec.bayes_result.n_treatment IS 'Units in treatment';
COMMENT ON COLUMN rec.bayes_result.estimate_control IS 'The metric in control; of proportions: posterior mean';
COMMENT ON COLUMN rec.bayes_result.estimate_treatment IS 'The metric in treatment; of proportions: posterior mean';
COMMENT ON COLUMN rec.bayes_result.difference IS 'Posterior mean of treatment minus control';
COMMENT ON COLUMN rec.bayes_result.ci_low IS 'Lower end of the credible interval of the difference, equal tails';
COMMENT ON COLUMN rec.bayes_result.ci_high IS 'Upper end of the credible interval of the difference';
COMMENT ON COLUMN rec.bayes_result.lift IS 'difference / |estimate_control|';
COMMENT ON COLUMN rec.bayes_result.chance_to_win IS 'Posterior probability that the treatment is greater than control';
COMMENT ON COLUMN rec.bayes_result.loss_treatment IS 'Expected loss of choosing the treatment: mean of max(control - treatment, 0)';
COMMENT ON COLUMN rec.bayes_result.loss_control IS 'Expected loss of choosing control';
COMMENT ON COLUMN rec.bayes_result.note IS 'What is undefined and why, or what to beware of; null: nothing';

CREATE FUNCTION rec.bayes_test(control rec.sample_state, treatment rec.sample_state, prior_mean float8 DEFAULT 0,
	prior_sd float8 DEFAULT NULL, confidence float8 DEFAULT 0.95) RETURNS rec.bayes_result
	AS 'MODULE_PATHNAME', 'rec_bayes_test' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION rec.bayes_test IS 'Normal posterior of the difference of two samples of the same kind, given a normal prior of the difference with this mean and standard deviation (null: flat)';

CREATE FUNCTION rec.bayes_proportion_test(successes_control bigint, n_control bigint, successes_treatment bigint, n_treatment bigint,
	prior_alpha float8 DEFAULT 1, prior_beta float8 DEFAULT 1, confidence float8 DEFAULT 0.95) RETURNS rec.bayes_result
	AS 'MODULE_PATHNAME', 'rec_bayes_proportion_test' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION rec.bayes_proportion_test IS 'Two proportions with beta posteriors, each from the prior beta(prior_alpha, prior_beta): chance to win, expected losses and credible interval by numerical integration. Null when a count is null.';

CREATE FUNCTION rec.power(difference float8, sd float8, n_control bigint, n_treatment bigint, alpha float8 DEFAULT 0.05,
	alternative text DEFAULT 'two-sided', margin float8 DEFAULT 0, design text DEFAULT 'fixed', tuning_n float8 DEFAULT 5000,
	looks int DEFAULT 5) RETURNS float8
	AS 'MODULE_PATHNAME', 'rec_power' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION rec.power IS 'Probability that the comparison of two means finds this difference, given the standard deviation of a unit (noncentral t). design: fixed (one test at the end), always-valid (rec.sequential_test with tuning_n; the power at the end, so at any time it is at least that) or group-sequential (O''Brien-Fleming, looks at equal distances; the power at any of them).';

CREATE FUNCTION rec.mde(sd float8, n_control bigint, n_treatment bigint, power float8 DEFAULT 0.8, alpha float8 DEFAULT 0.05,
	alternative text DEFAULT 'two-sided', margin float8 DEFAULT 0, design text DEFAULT 'fixed', tuning_n float8 DEFAULT 5000,
	looks int DEFAULT 5) RETURNS float8
	AS 'MODULE_PATHNAME', 'rec_mde' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000;
COMMENT ON FUNCTION rec.mde IS 'Minimum detectable effect: the smallest difference of means that is found with this power; for alternative less it is negative. design: fixed (one test at the end), always-valid (rec.sequential_test with tuning_n; the power at the end, so at any time it is at least that) or group-sequential (O''Brien-Fleming, looks at equal distances; the power at any of them).';

CREATE FUNCTION rec.sample_size(difference float8, sd float8, power float8 DEFAULT 0.8, treatment_share float8 DEFAULT 0.5, alpha float8 DEFAULT 0.05,
	alternative text DEFAULT 'two-sided', margin float8 DEFAULT 0, design text DEFAULT 'fixed', tuning_n float8 DEFAULT 5000,
	looks int DEFAULT 5,
	OUT n bigint, OUT n_control bigint, OUT n_treatment bigint) RETURNS record
	AS 'MODULE_PATHNAME', 'rec_sample_size' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000;
COMMENT ON FUNCTION rec.sample_size IS 'Units needed to find this difference of means with this power; null when no number suffices. design: fixed (one test at the end), always-valid (rec.sequential_test with tuning_n; the power at the end, so at any time it is at least that) or group-sequential (O''Brien-Fleming, looks at equal distances; the power at any of them).';

CREATE FUNCTION rec.power_proportion(p_control float8, p_treatment float8, n_control bigint, n_treatment bigint, alpha float8 DEFAULT 0.05,
	alternative text DEFAULT 'two-sided', margin float8 DEFAULT 0, design text DEFAULT 'fixed', tuning_n float8 DEFAULT 5000,
	looks int DEFAULT 5) RETURNS float8
	AS 'MODULE_PATHNAME', 'rec_power_proportion' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION rec.power_proportion IS 'Probability that the z test of two proportions (pooled variance) finds the difference. design: fixed (one test at the end), always-valid (rec.sequential_test with tuning_n; the power at the end, so at any time it is at least that) or group-sequential (O''Brien-Fleming, looks at equal distances; the power at any of them).';

CREATE FUNCTION rec.mde_proportion(p_control float8, n_control bigint, n_treatment bigint, power float8 DEFAULT 0.8, alpha float8 DEFAULT 0.05,
	alternative text DEFAULT 'two-sided', margin float8 DEFAULT 0, design text DEFAULT 'fixed', tuning_n float8 DEFAULT 5000,
	looks int DEFAULT 5) RETURNS float8
	AS 'MODULE_PATHNAME', 'rec_mde_proportion' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000;
COMMENT ON FUNCTION rec.mde_proportion IS 'Minimum detectable effect: the smallest difference from the proportion of control that is found with this power; null: none. design: fixed (one test at the end), always-valid (rec.sequential_test with tuning_n; the power at the end, so at any time it is at least that) or group-sequential (O''Brien-Fleming, looks at equal distances; the power at any of them).';

CREATE FUNCTION rec.sample_size_proportion(p_control float8, p_treatment float8, power float8 DEFAULT 0.8,
	treatment_share float8 DEFAULT 0.5, alpha float8 DEFAULT 0.05,
	alternative text DEFAULT 'two-sided', margin float8 DEFAULT 0, design text DEFAULT 'fixed', tuning_n float8 DEFAULT 5000,
	looks int DEFAULT 5,
	OUT n bigint, OUT n_control bigint, OUT n_treatment bigint) RETURNS record
	AS 'MODULE_PATHNAME', 'rec_sample_size_proportion' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000;
COMMENT ON FUNCTION rec.sample_size_proportion IS 'Units needed to find the difference of two proportions with this power; null when no number suffices. design: fixed (one test at the end), always-valid (rec.sequential_test with tuning_n; the power at the end, so at any time it is at least that) or group-sequential (O''Brien-Fleming, looks at equal distances; the power at any of them).';

CREATE FUNCTION rec.duration(units_per_day float8, difference float8, sd float8, power float8 DEFAULT 0.8,
	treatment_share float8 DEFAULT 0.5, alpha float8 DEFAULT 0.05, alternative text DEFAULT 'two-sided', margin float8 DEFAULT 0,
	design text DEFAULT 'fixed', tuning_n float8 DEFAULT 5000, looks int DEFAULT 5) RETURNS int
	LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 10000
BEGIN ATOMIC
	SELECT pg_catalog.ceil(s.n / nullif(greatest(units_per_day, 0), 0))::int
	FROM rec.sample_size(difference, sd, power, treatment_share, alpha, alternative, margin, design, tuning_n, looks) s;
END;
COMMENT ON FUNCTION rec.duration IS 'Days until so many new units a day (of all arms) are the number that rec.sample_size says; null when there are none a day';

CREATE FUNCTION rec.duration_proportion(units_per_day float8, p_control float8, p_treatment float8, power float8 DEFAULT 0.8,
	treatment_share float8 DEFAULT 0.5, alpha float8 DEFAULT 0.05, alternative text DEFAULT 'two-sided', margin float8 DEFAULT 0,
	design text DEFAULT 'fixed', tuning_n float8 DEFAULT 5000, looks int DEFAULT 5) RETURNS int
	LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 10000
BEGIN ATOMIC
	SELECT pg_catalog.ceil(s.n / nullif(greatest(units_per_day, 0), 0))::int
	FROM rec.sample_size_proportion(p_control, p_treatment, power, treatment_share, alpha, alternative, margin, design,
		tuning_n, looks) s;
END;
COMMENT ON FUNCTION rec.duration_proportion IS 'Days until so many new units a day (of all arms) are the number that rec.sample_size_proportion says; null when there are none a day';
