/*
 * offpolicy.c
 *		What a new policy would have earned, from what an old one logged: rec.ips(), rec.snips(), rec.clipped_ips().
 *
 * Each row is a decision of the old policy: the reward, the probability with which it chose what it chose, and the new
 * policy's probability of the same. The weight is new over old. IPS is the mean of weight times reward, SNIPS divides by the
 * mean weight (Swaminathan and Joachims 2015; delta method), clipping caps the weights, which trades variance for bias.
 */
#include "api/aggregate.h"
#include "api/statistics.h"

#include "core/dist.h"

#define POLICY_TAG 0x706f6c69

/* Fewer effective decisions than this say little about a mean. */
#define FEW_EFFECTIVE 100

typedef struct Policy
{
	RecUnits	units;			/* a ratio: weight times reward, weight */
	double		max_weight;
	int64		clipped;
	double		clip;
	double		confidence;
} Policy;

static double
probability(double p, const char *name, bool positive)
{
	if (!(p >= 0 && p <= 1) || (positive && p == 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be a probability%s: %g", name, positive ? " above 0" : "", p),
				 positive ? errhint("What the old policy never chooses tells nothing about the new one; log the true propensity.") : 0));
	return p;
}

/* reward, propensity, target_propensity, then clip if there is one, then confidence */
static Datum
accumulate(FunctionCallInfo fcinfo, bool clipping)
{
	Policy	   *s = PG_ARGISNULL(0) ? NULL : (Policy *) PG_GETARG_POINTER(0);
	double		weight,
				value[REC_UNITS_VARIABLES];

	if (s == NULL)
	{
		s = MemoryContextAllocZero(rec_aggregate_context(fcinfo), sizeof(Policy));
		s->units.kind = REC_UNITS_RATIO;
		s->clip = clipping ? rec_number_arg(fcinfo, 4, "clip", INFINITY, DBL_MIN, INFINITY) : INFINITY;
		s->confidence = rec_confidence_arg(fcinfo, clipping ? 5 : 4);
	}
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		PG_RETURN_POINTER(s);
	weight = probability(PG_GETARG_FLOAT8(3), "target propensity", false) /
		probability(PG_GETARG_FLOAT8(2), "propensity", true);
	s->max_weight = Max(s->max_weight, weight);
	s->clipped += weight > s->clip;
	weight = Min(weight, s->clip);
	value[REC_Y] = weight * PG_GETARG_FLOAT8(1);
	value[REC_DEN] = weight;
	rec_units_add(&s->units, value);
	PG_RETURN_POINTER(s);
}

PG_FUNCTION_INFO_V1(rec_policy_accum);
Datum
rec_policy_accum(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, false);
}

PG_FUNCTION_INFO_V1(rec_policy_accum_clipped);
Datum
rec_policy_accum_clipped(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, true);
}

PG_FUNCTION_INFO_V1(rec_policy_combine);
Datum
rec_policy_combine(PG_FUNCTION_ARGS)
{
	Policy	   *other,
			   *s = rec_combine_begin(fcinfo, sizeof(Policy), (void **) &other);

	if (s == NULL)
		PG_RETURN_NULL();
	if (other)
	{
		rec_units_merge(&s->units, &other->units);
		s->max_weight = Max(s->max_weight, other->max_weight);
		s->clipped += other->clipped;
	}
	PG_RETURN_POINTER(s);
}

PG_FUNCTION_INFO_V1(rec_policy_serialize);
Datum
rec_policy_serialize(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(rec_state_out(POLICY_TAG, PG_GETARG_POINTER(0), sizeof(Policy)));
}

PG_FUNCTION_INFO_V1(rec_policy_deserialize);
Datum
rec_policy_deserialize(PG_FUNCTION_ARGS)
{
	Policy	   *s = palloc(sizeof(Policy));

	rec_state_in(PG_GETARG_BYTEA_PP(0), POLICY_TAG, s, sizeof(Policy));
	if (s->units.kind != REC_UNITS_RATIO)
		rec_bad_state();
	PG_RETURN_POINTER(s);
}

static const char *
policy_note(const Policy *s, double effective, double variance)
{
	const RecUnits *u = &s->units;
	double		error = sqrt(u->co[REC_DEN][REC_DEN] / (u->n - 1) / u->n);

	if (u->n < 2)
		return "undefined: fewer than 2 decisions";
	if (u->mean[REC_DEN] == 0)
		return "undefined: the new policy never does what the old one did";
	if (isnan(variance))
		return "undefined: NaN, infinite or too large rewards";
	if (effective < FEW_EFFECTIVE)
		return "few effective decisions: the estimate hangs on a few large weights";
	if (isinf(s->clip) && fabs(u->mean[REC_DEN] - 1) > 5 * error)
		return "weights do not average to 1: propensities are wrong, or the old policy never does what the new one would";
	return NULL;
}

static Datum
policy_final(FunctionCallInfo fcinfo, bool self_normalised, const char *method)
{
	enum { COLUMNS = 12 };
	Policy		none = {.units = {.kind = REC_UNITS_RATIO},.clip = INFINITY,.confidence = 0.95};
	Policy	   *s = PG_ARGISNULL(0) ? &none : (Policy *) PG_GETARG_POINTER(0);
	RecUnits	u = s->units;
	RecArm		arm,
				other;
	double		reduction,
				square = u.n * u.mean[REC_DEN] * u.mean[REC_DEN],
				effective = square > 0 ? u.n * square / (u.co[REC_DEN][REC_DEN] + square) : u.n > 0 ? 0 : NAN,
				half,
				numbers[8];
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS] = {false};

	if (!self_normalised)
		u.kind = REC_UNITS_MEAN;
	rec_units_arms(&u, &u, &arm, &other, &reduction);
	if (isnan(arm.variance) || isinf(arm.estimate))
		arm.estimate = u.n == 1 && isfinite(arm.estimate) ? arm.estimate : NAN;
	half = rec_t_isf((1 - s->confidence) / 2, arm.df) * sqrt(arm.variance);
	numbers[0] = arm.estimate;
	numbers[1] = sqrt(arm.variance);
	numbers[2] = arm.estimate - half;
	numbers[3] = arm.estimate + half;
	numbers[4] = s->confidence;
	numbers[5] = effective;
	numbers[6] = u.n > 0 ? u.mean[REC_DEN] : NAN;
	numbers[7] = u.n > 0 ? s->max_weight : NAN;
	rec_set_text(values, nulls, 0, method);
	values[1] = Int64GetDatum((int64) u.n);
	for (int i = 0; i < 8; i++)
		rec_set_float8(values, nulls, 2 + i, numbers[i]);
	values[10] = Int64GetDatum(s->clipped);
	rec_set_text(values, nulls, 11, policy_note(s, effective, arm.variance));
	return rec_record_datum(fcinfo, values, nulls);
}

PG_FUNCTION_INFO_V1(rec_ips_final);
Datum
rec_ips_final(PG_FUNCTION_ARGS)
{
	return policy_final(fcinfo, false, "IPS");
}

PG_FUNCTION_INFO_V1(rec_snips_final);
Datum
rec_snips_final(PG_FUNCTION_ARGS)
{
	return policy_final(fcinfo, true, "SNIPS");
}

PG_FUNCTION_INFO_V1(rec_clipped_ips_final);
Datum
rec_clipped_ips_final(PG_FUNCTION_ARGS)
{
	return policy_final(fcinfo, false, "clipped IPS");
}
