-- Scaling and bucketing: aggregates that fit, functions that apply, and window functions that do both.

CREATE FUNCTION rec._scaler_valid(scaler jsonb) RETURNS boolean
	AS 'MODULE_PATHNAME', 'rec_scaler_valid' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;

CREATE DOMAIN rec.scaler AS jsonb CONSTRAINT scaler CHECK (rec._scaler_valid(VALUE));

-- scaler is of the domain's base type, so that a constant is checked once and not for each row.
CREATE FUNCTION rec.scale(x float8, scaler jsonb) RETURNS float8
	AS 'MODULE_PATHNAME', 'rec_scale' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2;

CREATE FUNCTION rec.unscale(y float8, scaler jsonb) RETURNS float8
	AS 'MODULE_PATHNAME', 'rec_unscale' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2;

CREATE FUNCTION rec._scaled(x float8, scaler jsonb) RETURNS float8
	AS 'MODULE_PATHNAME', 'rec_scaled' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;

-- The aggregates are declared for float8 only: all number types are cast to it implicitly, in one instruction or the very cast that a
-- polymorphic form would have to make itself, and unknown literals resolve. What repeats is one form for each optional
-- argument, because arguments of aggregates have no defaults.

-- Behind the aggregates. _fit_* are transitions, _moving_* those of moving frames.
CREATE FUNCTION rec._fit_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_fit_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._fit_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'rec_fit_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION rec._fit_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_fit_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION rec._fit_final(internal) RETURNS rec.scaler
	AS 'MODULE_PATHNAME', 'rec_fit_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
CREATE FUNCTION rec._moving_final(internal) RETURNS rec.scaler
	AS 'MODULE_PATHNAME', 'rec_moving_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;

CREATE FUNCTION rec._fit_standard(internal, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_fit_standard' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._moving_standard(internal, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_moving_standard' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._moving_leave(internal, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_moving_leave' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.fit_standard(x float8) (
	sfunc = rec._fit_standard, stype = internal, sspace = 128, finalfunc = rec._fit_final, combinefunc = rec._fit_combine,
	serialfunc = rec._fit_serialize, deserialfunc = rec._fit_deserialize, parallel = safe,
	msfunc = rec._moving_standard, minvfunc = rec._moving_leave, mstype = internal, mfinalfunc = rec._moving_final
);

CREATE FUNCTION rec._fit_standard(internal, float8, text) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_fit_standard' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._moving_standard(internal, float8, text) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_moving_standard' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._moving_leave(internal, float8, text) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_moving_leave' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.fit_standard(x float8, non_finite text) (
	sfunc = rec._fit_standard, stype = internal, sspace = 128, finalfunc = rec._fit_final, combinefunc = rec._fit_combine,
	serialfunc = rec._fit_serialize, deserialfunc = rec._fit_deserialize, parallel = safe,
	msfunc = rec._moving_standard, minvfunc = rec._moving_leave, mstype = internal, mfinalfunc = rec._moving_final
);

CREATE FUNCTION rec._fit_minmax(internal, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_fit_minmax' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._moving_minmax(internal, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_moving_minmax' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.fit_minmax(x float8) (
	sfunc = rec._fit_minmax, stype = internal, sspace = 128, finalfunc = rec._fit_final, combinefunc = rec._fit_combine,
	serialfunc = rec._fit_serialize, deserialfunc = rec._fit_deserialize, parallel = safe,
	msfunc = rec._moving_minmax, minvfunc = rec._moving_leave, mstype = internal, mfinalfunc = rec._moving_final
);

CREATE FUNCTION rec._fit_minmax(internal, float8, text) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_fit_minmax' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._moving_minmax(internal, float8, text) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_moving_minmax' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.fit_minmax(x float8, non_finite text) (
	sfunc = rec._fit_minmax, stype = internal, sspace = 128, finalfunc = rec._fit_final, combinefunc = rec._fit_combine,
	serialfunc = rec._fit_serialize, deserialfunc = rec._fit_deserialize, parallel = safe,
	msfunc = rec._moving_minmax, minvfunc = rec._moving_leave, mstype = internal, mfinalfunc = rec._moving_final
);

CREATE FUNCTION rec._fit_maxabs(internal, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_fit_maxabs' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._moving_maxabs(internal, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_moving_maxabs' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.fit_maxabs(x float8) (
	sfunc = rec._fit_maxabs, stype = internal, sspace = 128, finalfunc = rec._fit_final, combinefunc = rec._fit_combine,
	serialfunc = rec._fit_serialize, deserialfunc = rec._fit_deserialize, parallel = safe,
	msfunc = rec._moving_maxabs, minvfunc = rec._moving_leave, mstype = internal, mfinalfunc = rec._moving_final
);

CREATE FUNCTION rec._fit_maxabs(internal, float8, text) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_fit_maxabs' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._moving_maxabs(internal, float8, text) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_moving_maxabs' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.fit_maxabs(x float8, non_finite text) (
	sfunc = rec._fit_maxabs, stype = internal, sspace = 128, finalfunc = rec._fit_final, combinefunc = rec._fit_combine,
	serialfunc = rec._fit_serialize, deserialfunc = rec._fit_deserialize, parallel = safe,
	msfunc = rec._moving_maxabs, minvfunc = rec._moving_leave, mstype = internal, mfinalfunc = rec._moving_final
);

CREATE FUNCTION rec._fit_log(internal, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_fit_log' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._moving_log(internal, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_moving_log' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.fit_log(x float8) (
	sfunc = rec._fit_log, stype = internal, sspace = 128, finalfunc = rec._fit_final, combinefunc = rec._fit_combine,
	serialfunc = rec._fit_serialize, deserialfunc = rec._fit_deserialize, parallel = safe,
	msfunc = rec._moving_log, minvfunc = rec._moving_leave, mstype = internal, mfinalfunc = rec._moving_final
);

CREATE FUNCTION rec._fit_log(internal, float8, text) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_fit_log' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._moving_log(internal, float8, text) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_moving_log' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.fit_log(x float8, non_finite text) (
	sfunc = rec._fit_log, stype = internal, sspace = 128, finalfunc = rec._fit_final, combinefunc = rec._fit_combine,
	serialfunc = rec._fit_serialize, deserialfunc = rec._fit_deserialize, parallel = safe,
	msfunc = rec._moving_log, minvfunc = rec._moving_leave, mstype = internal, mfinalfunc = rec._moving_final
);

CREATE FUNCTION rec._fit_robust(internal, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_fit_robust' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._moving_robust(internal, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_moving_robust' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.fit_robust(x float8) (
	sfunc = rec._fit_robust, stype = internal, sspace = 8192, finalfunc = rec._fit_final, combinefunc = rec._fit_combine,
	serialfunc = rec._fit_serialize, deserialfunc = rec._fit_deserialize, parallel = safe,
	msfunc = rec._moving_robust, minvfunc = rec._moving_leave, mstype = internal, mfinalfunc = rec._moving_final
);

CREATE FUNCTION rec._fit_robust(internal, float8, text) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_fit_robust' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._moving_robust(internal, float8, text) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_moving_robust' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.fit_robust(x float8, non_finite text) (
	sfunc = rec._fit_robust, stype = internal, sspace = 8192, finalfunc = rec._fit_final, combinefunc = rec._fit_combine,
	serialfunc = rec._fit_serialize, deserialfunc = rec._fit_deserialize, parallel = safe,
	msfunc = rec._moving_robust, minvfunc = rec._moving_leave, mstype = internal, mfinalfunc = rec._moving_final
);

CREATE FUNCTION rec._fit_robust(internal, float8, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_fit_robust' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._moving_robust(internal, float8, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_moving_robust' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._moving_leave(internal, float8, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_moving_leave' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.fit_robust(x float8, lower float8, upper float8) (
	sfunc = rec._fit_robust, stype = internal, sspace = 8192, finalfunc = rec._fit_final, combinefunc = rec._fit_combine,
	serialfunc = rec._fit_serialize, deserialfunc = rec._fit_deserialize, parallel = safe,
	msfunc = rec._moving_robust, minvfunc = rec._moving_leave, mstype = internal, mfinalfunc = rec._moving_final
);

CREATE FUNCTION rec._fit_robust(internal, float8, float8, float8, text) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_fit_robust' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._moving_robust(internal, float8, float8, float8, text) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_moving_robust' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._moving_leave(internal, float8, float8, float8, text) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_moving_leave' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.fit_robust(x float8, lower float8, upper float8, non_finite text) (
	sfunc = rec._fit_robust, stype = internal, sspace = 8192, finalfunc = rec._fit_final, combinefunc = rec._fit_combine,
	serialfunc = rec._fit_serialize, deserialfunc = rec._fit_deserialize, parallel = safe,
	msfunc = rec._moving_robust, minvfunc = rec._moving_leave, mstype = internal, mfinalfunc = rec._moving_final
);

CREATE FUNCTION rec._fit_quantile(internal, float8, int) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_fit_quantile' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._moving_quantile(internal, float8, int) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_moving_quantile' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._moving_leave(internal, float8, int) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_moving_leave' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.fit_quantile(x float8, n int) (
	sfunc = rec._fit_quantile, stype = internal, sspace = 8192, finalfunc = rec._fit_final, combinefunc = rec._fit_combine,
	serialfunc = rec._fit_serialize, deserialfunc = rec._fit_deserialize, parallel = safe,
	msfunc = rec._moving_quantile, minvfunc = rec._moving_leave, mstype = internal, mfinalfunc = rec._moving_final
);

CREATE FUNCTION rec._fit_quantile(internal, float8, int, text) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_fit_quantile' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._moving_quantile(internal, float8, int, text) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_moving_quantile' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._moving_leave(internal, float8, int, text) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_moving_leave' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.fit_quantile(x float8, n int, non_finite text) (
	sfunc = rec._fit_quantile, stype = internal, sspace = 8192, finalfunc = rec._fit_final, combinefunc = rec._fit_combine,
	serialfunc = rec._fit_serialize, deserialfunc = rec._fit_deserialize, parallel = safe,
	msfunc = rec._moving_quantile, minvfunc = rec._moving_leave, mstype = internal, mfinalfunc = rec._moving_final
);

-- Fit and apply in one query. They see the whole partition, whatever its order and frame.
CREATE FUNCTION rec.standard_scaler(x float8, non_finite text DEFAULT 'error') RETURNS float8
	AS 'MODULE_PATHNAME', 'rec_standard_scaler' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec.min_max_scaler(x float8, non_finite text DEFAULT 'error') RETURNS float8
	AS 'MODULE_PATHNAME', 'rec_min_max_scaler' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec.max_abs_scaler(x float8, non_finite text DEFAULT 'error') RETURNS float8
	AS 'MODULE_PATHNAME', 'rec_max_abs_scaler' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec.robust_scaler(x float8, quantile_range float8[] DEFAULT '{25,75}', with_median boolean DEFAULT true,
	with_quantile_range boolean DEFAULT true, non_finite text DEFAULT 'error') RETURNS float8
	AS 'MODULE_PATHNAME', 'rec_robust_scaler' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec.quantile_bucketize(x float8, num_buckets int, non_finite text DEFAULT 'error') RETURNS int
	AS 'MODULE_PATHNAME', 'rec_quantile_bucketize' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE;

CREATE FUNCTION rec.bucketize(x float8, edges float8[]) RETURNS int
	AS 'MODULE_PATHNAME', 'rec_bucketize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2;
CREATE FUNCTION rec.hash_bucket(value text, n int) RETURNS int
	AS 'MODULE_PATHNAME', 'rec_hash_bucket' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;

COMMENT ON FUNCTION rec._scaler_valid(jsonb) IS 'Internal: true, or the error that says what is wrong with a scaler';
COMMENT ON DOMAIN rec.scaler IS 'A fitted scaler, as rec.fit_* return it: an object with kind (standard, minmax, robust, maxabs, quantile, log), n (numbers it was fitted on) and its parameters (mean and std; min and max; median, lower and upper; max; quantiles; offset). May be stored, dumped, edited and read as jsonb. Errors: a missing or unknown key, a number that is not finite, min above max, quantiles that do not ascend (invalid_parameter_value).';
COMMENT ON CONSTRAINT scaler ON DOMAIN rec.scaler IS 'A scaler that rec.scale can apply';
COMMENT ON FUNCTION rec.scale(float8, jsonb) IS 'Applies a fitted scaler to a number. Null gives null, NaN gives NaN, infinity stays infinite (quantile: 0 or 1). A column of one value gives 0 (maxabs: its sign; log: its logarithm). Numbers outside what was fitted are not clipped, except by quantile. Errors: a result that no double holds.';
COMMENT ON FUNCTION rec.unscale(float8, jsonb) IS 'Undoes rec.scale: unscale(scale(x, s), s) is x up to rounding (a scaler of one value gives that value; quantile: within what was fitted)';
COMMENT ON FUNCTION rec._scaled(float8, jsonb) IS 'Internal: a value that is scaled by a model''s value_scaler (null: as it is); null when it is not finite';
COMMENT ON FUNCTION rec._fit_combine(internal, internal) IS 'Internal: of the aggregates rec.fit_*';
COMMENT ON FUNCTION rec._fit_serialize(internal) IS 'Internal: of the aggregates rec.fit_*';
COMMENT ON FUNCTION rec._fit_deserialize(bytea, internal) IS 'Internal: of the aggregates rec.fit_*';
COMMENT ON FUNCTION rec._fit_final(internal) IS 'Internal: of the aggregates rec.fit_*';
COMMENT ON FUNCTION rec._moving_final(internal) IS 'Internal: of the aggregates rec.fit_* over moving frames';
COMMENT ON FUNCTION rec._moving_leave(internal, float8) IS 'Internal: a row leaves a moving frame of rec.fit_*';
COMMENT ON FUNCTION rec._fit_standard(internal, float8) IS 'Internal: of the aggregate rec.fit_standard';
COMMENT ON FUNCTION rec._moving_standard(internal, float8) IS 'Internal: of the aggregate rec.fit_standard over moving frames';
COMMENT ON AGGREGATE rec.fit_standard(float8) IS 'Fits a scaler: mean and standard deviation of the sample (divisor n - 1, as BigQuery ML and stddev; scikit-learn divides by n). NaN and infinity are an error; see the form with non_finite. Null is left out, no value gives null. Parallel; works over moving frames.';
COMMENT ON FUNCTION rec._moving_leave(internal, float8, text) IS 'Internal: a row leaves a moving frame of rec.fit_*';
COMMENT ON FUNCTION rec._fit_standard(internal, float8, text) IS 'Internal: of the aggregate rec.fit_standard';
COMMENT ON FUNCTION rec._moving_standard(internal, float8, text) IS 'Internal: of the aggregate rec.fit_standard over moving frames';
COMMENT ON AGGREGATE rec.fit_standard(float8, text) IS 'Fits a scaler: mean and standard deviation of the sample (divisor n - 1, as BigQuery ML and stddev; scikit-learn divides by n). non_finite says what NaN and infinity are: ''error'' or ''ignore'' (left out). Null is left out, no value gives null. Parallel; works over moving frames.';
COMMENT ON FUNCTION rec._fit_minmax(internal, float8) IS 'Internal: of the aggregate rec.fit_minmax';
COMMENT ON FUNCTION rec._moving_minmax(internal, float8) IS 'Internal: of the aggregate rec.fit_minmax over moving frames';
COMMENT ON AGGREGATE rec.fit_minmax(float8) IS 'Fits a scaler: smallest and largest value. NaN and infinity are an error; see the form with non_finite. Null is left out, no value gives null. Parallel; works over moving frames.';
COMMENT ON FUNCTION rec._fit_minmax(internal, float8, text) IS 'Internal: of the aggregate rec.fit_minmax';
COMMENT ON FUNCTION rec._moving_minmax(internal, float8, text) IS 'Internal: of the aggregate rec.fit_minmax over moving frames';
COMMENT ON AGGREGATE rec.fit_minmax(float8, text) IS 'Fits a scaler: smallest and largest value. non_finite says what NaN and infinity are: ''error'' or ''ignore'' (left out). Null is left out, no value gives null. Parallel; works over moving frames.';
COMMENT ON FUNCTION rec._fit_maxabs(internal, float8) IS 'Internal: of the aggregate rec.fit_maxabs';
COMMENT ON FUNCTION rec._moving_maxabs(internal, float8) IS 'Internal: of the aggregate rec.fit_maxabs over moving frames';
COMMENT ON AGGREGATE rec.fit_maxabs(float8) IS 'Fits a scaler: largest absolute value. NaN and infinity are an error; see the form with non_finite. Null is left out, no value gives null. Parallel; works over moving frames.';
COMMENT ON FUNCTION rec._fit_maxabs(internal, float8, text) IS 'Internal: of the aggregate rec.fit_maxabs';
COMMENT ON FUNCTION rec._moving_maxabs(internal, float8, text) IS 'Internal: of the aggregate rec.fit_maxabs over moving frames';
COMMENT ON AGGREGATE rec.fit_maxabs(float8, text) IS 'Fits a scaler: largest absolute value. non_finite says what NaN and infinity are: ''error'' or ''ignore'' (left out). Null is left out, no value gives null. Parallel; works over moving frames.';
COMMENT ON FUNCTION rec._fit_log(internal, float8) IS 'Internal: of the aggregate rec.fit_log';
COMMENT ON FUNCTION rec._moving_log(internal, float8) IS 'Internal: of the aggregate rec.fit_log over moving frames';
COMMENT ON AGGREGATE rec.fit_log(float8) IS 'Fits a scaler: offset: the smallest value where that is negative, else 0; rec.scale then gives ln(1 + x - offset). NaN and infinity are an error; see the form with non_finite. Null is left out, no value gives null. Parallel; works over moving frames.';
COMMENT ON FUNCTION rec._fit_log(internal, float8, text) IS 'Internal: of the aggregate rec.fit_log';
COMMENT ON FUNCTION rec._moving_log(internal, float8, text) IS 'Internal: of the aggregate rec.fit_log over moving frames';
COMMENT ON AGGREGATE rec.fit_log(float8, text) IS 'Fits a scaler: offset: the smallest value where that is negative, else 0; rec.scale then gives ln(1 + x - offset). non_finite says what NaN and infinity are: ''error'' or ''ignore'' (left out). Null is left out, no value gives null. Parallel; works over moving frames.';
COMMENT ON FUNCTION rec._fit_robust(internal, float8) IS 'Internal: of the aggregate rec.fit_robust';
COMMENT ON FUNCTION rec._moving_robust(internal, float8) IS 'Internal: of the aggregate rec.fit_robust over moving frames';
COMMENT ON AGGREGATE rec.fit_robust(float8) IS 'Fits a scaler: median and the quantiles lower and upper (0.25 and 0.75; values above 1 are percent), whose distance is the spread; exact, with linear interpolation as percentile_cont. NaN and infinity are an error; see the form with non_finite. Null is left out, no value gives null. Parallel; works over moving frames.';
COMMENT ON FUNCTION rec._fit_robust(internal, float8, text) IS 'Internal: of the aggregate rec.fit_robust';
COMMENT ON FUNCTION rec._moving_robust(internal, float8, text) IS 'Internal: of the aggregate rec.fit_robust over moving frames';
COMMENT ON AGGREGATE rec.fit_robust(float8, text) IS 'Fits a scaler: median and the quantiles lower and upper (0.25 and 0.75; values above 1 are percent), whose distance is the spread; exact, with linear interpolation as percentile_cont. non_finite says what NaN and infinity are: ''error'' or ''ignore'' (left out). Null is left out, no value gives null. Parallel; works over moving frames.';
COMMENT ON FUNCTION rec._moving_leave(internal, float8, float8, float8) IS 'Internal: a row leaves a moving frame of rec.fit_*';
COMMENT ON FUNCTION rec._fit_robust(internal, float8, float8, float8) IS 'Internal: of the aggregate rec.fit_robust';
COMMENT ON FUNCTION rec._moving_robust(internal, float8, float8, float8) IS 'Internal: of the aggregate rec.fit_robust over moving frames';
COMMENT ON AGGREGATE rec.fit_robust(float8, float8, float8) IS 'Fits a scaler: median and the quantiles lower and upper (0.25 and 0.75; values above 1 are percent), whose distance is the spread; exact, with linear interpolation as percentile_cont. NaN and infinity are an error; see the form with non_finite. Null is left out, no value gives null. Parallel; works over moving frames. Errors: a range that does not ascend within 0 to 1 or 0 to 100.';
COMMENT ON FUNCTION rec._moving_leave(internal, float8, float8, float8, text) IS 'Internal: a row leaves a moving frame of rec.fit_*';
COMMENT ON FUNCTION rec._fit_robust(internal, float8, float8, float8, text) IS 'Internal: of the aggregate rec.fit_robust';
COMMENT ON FUNCTION rec._moving_robust(internal, float8, float8, float8, text) IS 'Internal: of the aggregate rec.fit_robust over moving frames';
COMMENT ON AGGREGATE rec.fit_robust(float8, float8, float8, text) IS 'Fits a scaler: median and the quantiles lower and upper (0.25 and 0.75; values above 1 are percent), whose distance is the spread; exact, with linear interpolation as percentile_cont. non_finite says what NaN and infinity are: ''error'' or ''ignore'' (left out). Null is left out, no value gives null. Parallel; works over moving frames. Errors: a range that does not ascend within 0 to 1 or 0 to 100.';
COMMENT ON FUNCTION rec._moving_leave(internal, float8, int) IS 'Internal: a row leaves a moving frame of rec.fit_*';
COMMENT ON FUNCTION rec._fit_quantile(internal, float8, int) IS 'Internal: of the aggregate rec.fit_quantile';
COMMENT ON FUNCTION rec._moving_quantile(internal, float8, int) IS 'Internal: of the aggregate rec.fit_quantile over moving frames';
COMMENT ON AGGREGATE rec.fit_quantile(float8, int) IS 'Fits a scaler: n quantiles, evenly spaced from minimum to maximum (fewer when there are fewer values); rec.scale then gives the position from 0 to 1. NaN and infinity are an error; see the form with non_finite. Null is left out, no value gives null. Parallel; works over moving frames. Errors: n below 2 or above 10000.';
COMMENT ON FUNCTION rec._moving_leave(internal, float8, int, text) IS 'Internal: a row leaves a moving frame of rec.fit_*';
COMMENT ON FUNCTION rec._fit_quantile(internal, float8, int, text) IS 'Internal: of the aggregate rec.fit_quantile';
COMMENT ON FUNCTION rec._moving_quantile(internal, float8, int, text) IS 'Internal: of the aggregate rec.fit_quantile over moving frames';
COMMENT ON AGGREGATE rec.fit_quantile(float8, int, text) IS 'Fits a scaler: n quantiles, evenly spaced from minimum to maximum (fewer when there are fewer values); rec.scale then gives the position from 0 to 1. non_finite says what NaN and infinity are: ''error'' or ''ignore'' (left out). Null is left out, no value gives null. Parallel; works over moving frames. Errors: n below 2 or above 10000.';
COMMENT ON FUNCTION rec.standard_scaler(float8, text) IS '(x - mean) / standard deviation of the sample; 0 in a partition of one value. Window function over the whole partition, whatever its order and frame. Null stays null; NaN and infinity are an error, or with non_finite => ''ignore'' not fitted to and passed through.';
COMMENT ON FUNCTION rec.min_max_scaler(float8, text) IS '(x - min) / (max - min); 0 in a partition of one value. Window function over the whole partition, whatever its order and frame. Null stays null; NaN and infinity are an error, or with non_finite => ''ignore'' not fitted to and passed through.';
COMMENT ON FUNCTION rec.max_abs_scaler(float8, text) IS 'x / max |x|. Window function over the whole partition, whatever its order and frame. Null stays null; NaN and infinity are an error, or with non_finite => ''ignore'' not fitted to and passed through.';
COMMENT ON FUNCTION rec.robust_scaler(float8, float8[], boolean, boolean, text) IS '(x - median) / (upper - lower quantile); quantile_range in percent or from 0 to 1; with_median false: nothing is subtracted; with_quantile_range false: nothing is divided by. 0 where the spread is 0. Window function over the whole partition, whatever its order and frame. Null stays null; NaN and infinity are an error, or with non_finite => ''ignore'' not fitted to and passed through.';
COMMENT ON FUNCTION rec.quantile_bucketize(float8, int, text) IS 'Number of the bucket of x, from 1, of num_buckets (2 to 10000) that hold about equally many rows of the partition. The edges are exact quantiles and belong to the bucket above; equal values share a bucket, and duplicate edges are merged, so there may be fewer buckets. Null stays null; NaN and infinity are an error, or with non_finite => ''ignore'' left out of the quantiles (NaN then gives null).';
COMMENT ON FUNCTION rec.bucketize(float8, float8[]) IS 'Number of the bucket of x among ascending edges: 1 below the first edge, one more from each edge on (an edge belongs to the bucket above), so n edges make n + 1 buckets. NaN gives null. Errors: edges that are null, not finite or do not ascend.';
COMMENT ON FUNCTION rec.hash_bucket(text, int) IS 'A bucket from 0 to n - 1 for a text: the first 8 bytes of the SHA-256 of its UTF-8 form, as an unsigned big-endian number, modulo n. The same on every server, version and architecture. Errors: n below 1.';
