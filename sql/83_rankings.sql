-- Comparing rankings: interleaving, and off-policy evaluation.

CREATE FUNCTION rec.interleave(list_a anyarray, list_b anyarray, seed bigint, k int DEFAULT NULL,
	OUT rank int, OUT item anyelement, OUT team text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'rec_interleave' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 ROWS 20;
COMMENT ON FUNCTION rec.interleave(anyarray, anyarray, bigint, int) IS 'Two rankings as one list, by team draft: in each pair of picks a coin decides who is first, and each list picks its best item that is not there yet. team: a or b, who gets the credit for a click. The same lists and seed give the same result. k: length (null: all items); nulls and repetitions in a list are passed over.';

CREATE FUNCTION rec.interleave(list_a anyarray, list_b anyarray, seed text, k int DEFAULT NULL,
	OUT rank int, OUT item anyelement, OUT team text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'rec_interleave_text' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 ROWS 20;
COMMENT ON FUNCTION rec.interleave(anyarray, anyarray, text, int) IS 'The same with a text as seed, such as the id of a request';

CREATE TYPE rec.interleave_credit AS (credit_a bigint, credit_b bigint, winner text);
COMMENT ON TYPE rec.interleave_credit IS 'Clicks of an impression by team';
COMMENT ON COLUMN rec.interleave_credit.credit_a IS 'Clicks on items of team a';
COMMENT ON COLUMN rec.interleave_credit.credit_b IS 'Clicks on items of team b';
COMMENT ON COLUMN rec.interleave_credit.winner IS 'a, b or tie';

CREATE TYPE rec.interleave_result AS (
	n           bigint,
	wins_a      bigint,
	wins_b      bigint,
	ties        bigint,
	preference  float8,
	ci_low      float8,
	ci_high     float8,
	confidence  float8,
	p_value     float8,
	note        text
);
COMMENT ON TYPE rec.interleave_result IS 'Which of two interleaved rankings users prefer';
COMMENT ON COLUMN rec.interleave_result.n IS 'Impressions';
COMMENT ON COLUMN rec.interleave_result.wins_a IS 'Impressions with more clicks on team a';
COMMENT ON COLUMN rec.interleave_result.wins_b IS 'Impressions with more clicks on team b';
COMMENT ON COLUMN rec.interleave_result.ties IS 'Impressions with as many clicks on both, often none';
COMMENT ON COLUMN rec.interleave_result.preference IS 'Share of b among the impressions with a winner; above 0.5: b is preferred';
COMMENT ON COLUMN rec.interleave_result.ci_low IS 'Lower end of its interval (Wilson)';
COMMENT ON COLUMN rec.interleave_result.ci_high IS 'Upper end of its interval';
COMMENT ON COLUMN rec.interleave_result.confidence IS 'Level of the interval';
COMMENT ON COLUMN rec.interleave_result.p_value IS 'Exact sign test that both are as good, two-sided';
COMMENT ON COLUMN rec.interleave_result.note IS 'What is undefined and why; null: nothing';

CREATE FUNCTION rec._credit_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_credit_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._credit_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'rec_credit_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION rec._credit_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_credit_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION rec._credit_final(internal) RETURNS rec.interleave_credit
	AS 'MODULE_PATHNAME', 'rec_credit_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._interleave_final(internal) RETURNS rec.interleave_result
	AS 'MODULE_PATHNAME', 'rec_interleave_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._credit(internal, text, boolean) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_credit_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._interleave(internal, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_interleave_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._interleave(internal, float8, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_interleave_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.interleave_credit(team text, clicked boolean) (
	sfunc = rec._credit, stype = internal, sspace = 64, finalfunc = rec._credit_final, combinefunc = rec._credit_combine,
	serialfunc = rec._credit_serialize, deserialfunc = rec._credit_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.interleave_credit(text, boolean) IS 'Credit of an impression: one row per item that was shown; group by impression';

CREATE AGGREGATE rec.interleave_test(credit_a float8, credit_b float8) (
	sfunc = rec._interleave, stype = internal, sspace = 64, finalfunc = rec._interleave_final, combinefunc = rec._credit_combine,
	serialfunc = rec._credit_serialize, deserialfunc = rec._credit_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.interleave_test(float8, float8) IS 'Sign test over impressions, one row each with the clicks of both teams; 95 % interval';

CREATE AGGREGATE rec.interleave_test(credit_a float8, credit_b float8, confidence float8) (
	sfunc = rec._interleave, stype = internal, sspace = 64, finalfunc = rec._interleave_final, combinefunc = rec._credit_combine,
	serialfunc = rec._credit_serialize, deserialfunc = rec._credit_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.interleave_test(float8, float8, float8) IS 'Sign test over impressions, one row each with the clicks of both teams';

CREATE TYPE rec.policy_value AS (
	method       text,
	n            bigint,
	estimate     float8,
	std_error    float8,
	ci_low       float8,
	ci_high      float8,
	confidence   float8,
	effective_n  float8,
	mean_weight  float8,
	max_weight   float8,
	clipped      bigint,
	note         text
);
COMMENT ON TYPE rec.policy_value IS 'What a new policy would have earned per decision, estimated from the log of an old one';
COMMENT ON COLUMN rec.policy_value.method IS 'IPS, SNIPS or clipped IPS';
COMMENT ON COLUMN rec.policy_value.n IS 'Logged decisions';
COMMENT ON COLUMN rec.policy_value.estimate IS 'Estimated mean reward of the new policy';
COMMENT ON COLUMN rec.policy_value.std_error IS 'Its standard error (SNIPS: delta method)';
COMMENT ON COLUMN rec.policy_value.ci_low IS 'Lower end of its interval';
COMMENT ON COLUMN rec.policy_value.ci_high IS 'Upper end of its interval';
COMMENT ON COLUMN rec.policy_value.confidence IS 'Level of the interval';
COMMENT ON COLUMN rec.policy_value.effective_n IS 'Effective number of decisions: (sum of weights)^2 / sum of squared weights';
COMMENT ON COLUMN rec.policy_value.mean_weight IS 'Mean weight after clipping; near 1 without it when propensities are right';
COMMENT ON COLUMN rec.policy_value.max_weight IS 'Largest weight, before clipping';
COMMENT ON COLUMN rec.policy_value.clipped IS 'Decisions whose weight was clipped';
COMMENT ON COLUMN rec.policy_value.note IS 'What is undefined and why, or what to beware of; null: nothing';

CREATE FUNCTION rec._policy_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_policy_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._policy_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'rec_policy_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION rec._policy_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_policy_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION rec._ips_final(internal) RETURNS rec.policy_value
	AS 'MODULE_PATHNAME', 'rec_ips_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._snips_final(internal) RETURNS rec.policy_value
	AS 'MODULE_PATHNAME', 'rec_snips_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._clipped_ips_final(internal) RETURNS rec.policy_value
	AS 'MODULE_PATHNAME', 'rec_clipped_ips_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._policy(internal, float8, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_policy_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._policy(internal, float8, float8, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_policy_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._policy_clipped(internal, float8, float8, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_policy_accum_clipped' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._policy_clipped(internal, float8, float8, float8, float8, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_policy_accum_clipped' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE rec.ips(reward float8, propensity float8, target_propensity float8) (
	sfunc = rec._policy, stype = internal, sspace = 256, finalfunc = rec._ips_final, combinefunc = rec._policy_combine,
	serialfunc = rec._policy_serialize, deserialfunc = rec._policy_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.ips(float8, float8, float8) IS 'Value of a new policy by inverse propensity scoring; 95 % interval. propensity: probability with which the old policy chose what it chose, above 0; target_propensity: the new policy''s probability of the same. Rows with a null are left out.';

CREATE AGGREGATE rec.ips(reward float8, propensity float8, target_propensity float8, confidence float8) (
	sfunc = rec._policy, stype = internal, sspace = 256, finalfunc = rec._ips_final, combinefunc = rec._policy_combine,
	serialfunc = rec._policy_serialize, deserialfunc = rec._policy_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.ips(float8, float8, float8, float8) IS 'Value of a new policy by inverse propensity scoring. propensity: probability with which the old policy chose what it chose, above 0; target_propensity: the new policy''s probability of the same. Rows with a null are left out.';

CREATE AGGREGATE rec.snips(reward float8, propensity float8, target_propensity float8) (
	sfunc = rec._policy, stype = internal, sspace = 256, finalfunc = rec._snips_final, combinefunc = rec._policy_combine,
	serialfunc = rec._policy_serialize, deserialfunc = rec._policy_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.snips(float8, float8, float8) IS 'Value of a new policy by self-normalised inverse propensity scoring; 95 % interval. propensity: probability with which the old policy chose what it chose, above 0; target_propensity: the new policy''s probability of the same. Rows with a null are left out.';

CREATE AGGREGATE rec.snips(reward float8, propensity float8, target_propensity float8, confidence float8) (
	sfunc = rec._policy, stype = internal, sspace = 256, finalfunc = rec._snips_final, combinefunc = rec._policy_combine,
	serialfunc = rec._policy_serialize, deserialfunc = rec._policy_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.snips(float8, float8, float8, float8) IS 'Value of a new policy by self-normalised inverse propensity scoring. propensity: probability with which the old policy chose what it chose, above 0; target_propensity: the new policy''s probability of the same. Rows with a null are left out.';

CREATE AGGREGATE rec.clipped_ips(reward float8, propensity float8, target_propensity float8, clip float8) (
	sfunc = rec._policy_clipped, stype = internal, sspace = 256, finalfunc = rec._clipped_ips_final, combinefunc = rec._policy_combine,
	serialfunc = rec._policy_serialize, deserialfunc = rec._policy_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.clipped_ips(float8, float8, float8, float8) IS 'Value of a new policy by inverse propensity scoring with weights of at most clip, which makes the estimate steadier and, for rewards above 0, low; 95 % interval. propensity: probability with which the old policy chose what it chose, above 0; target_propensity: the new policy''s probability of the same. Rows with a null are left out.';

CREATE AGGREGATE rec.clipped_ips(reward float8, propensity float8, target_propensity float8, clip float8, confidence float8) (
	sfunc = rec._policy_clipped, stype = internal, sspace = 256, finalfunc = rec._clipped_ips_final, combinefunc = rec._policy_combine,
	serialfunc = rec._policy_serialize, deserialfunc = rec._policy_deserialize, parallel = safe
);
COMMENT ON AGGREGATE rec.clipped_ips(float8, float8, float8, float8, float8) IS 'Value of a new policy by inverse propensity scoring with weights of at most clip. propensity: probability with which the old policy chose what it chose, above 0; target_propensity: the new policy''s probability of the same. Rows with a null are left out.';
