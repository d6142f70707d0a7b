/*
 * power.c
 *		Planning. See power.h.
 */
#include "core/power.h"

#include "core/dist.h"
#include "core/sequential.h"

void
rec_plan_begin(RecPlan *plan)
{
	if (plan->design != REC_GROUP_SEQUENTIAL)
		return;
	for (int k = 0; k < plan->looks; k++)
		plan->information[k] = (k + 1.0) / plan->looks;
	rec_group_boundaries(REC_OBRIEN_FLEMING, plan->alpha, plan->side == REC_TWO_SIDED, plan->information, plan->looks,
						 plan->boundary, plan->scratch, plan->tick);
}

/* Of a test that is significant above one bound (and below minus the bound). */
static double
beyond(double bound, double drift, double df, bool two_sided)
{
	return rec_nct_sf(bound, df, drift) + (two_sided ? rec_nct_sf(bound, df, -drift) : 0);
}

double
rec_plan_power(const RecPlan *plan, double difference, RecSpread spread, double n_control, double n_treatment)
{
	bool		two_sided = plan->side == REC_TWO_SIDED;
	double		vc = spread.control * spread.control / n_control,
				vt = spread.treatment * spread.treatment / n_treatment,
				df = n_control + n_treatment - 2,	/* as all planners: both arms spread alike */
				drift = (difference - plan->margin) / sqrt(vc + vt),
				null_error = 1;

	if (plan->tick)
		plan->tick();
	if (n_control < 2 || n_treatment < 2)
		return 0;
	if (plan->side == REC_LESS)
		drift = -drift;
	if (plan->normal || df < 1)
		df = INFINITY;
	if (spread.pooled > 0)
		null_error = spread.pooled * sqrt((1 / n_control + 1 / n_treatment) / (vc + vt));
	switch (plan->design)
	{
		case REC_FIXED:
			return beyond(null_error * rec_t_isf(two_sided ? plan->alpha / 2 : plan->alpha, df), drift, df, two_sided);
		case REC_ALWAYS_VALID:
			return beyond(rec_sequential_width(n_control + n_treatment, plan->tuning_n, plan->alpha, plan->side), drift,
						  INFINITY, two_sided);
		default:
			return rec_group_power(plan->boundary, two_sided, plan->information, plan->looks, drift, plan->scratch,
								   plan->tick) +
				(two_sided ? rec_group_power(plan->boundary, true, plan->information, plan->looks, -drift,
											 plan->scratch, plan->tick) : 0);
	}
}

double
rec_plan_effect(const RecPlan *plan, double power, RecSpread spread, double n_control, double n_treatment)
{
	double		sign = plan->side == REC_LESS ? -1 : 1,
				se = sqrt(spread.control * spread.control / n_control + spread.treatment * spread.treatment / n_treatment),
				low = 0,
				high = se;

	if (!(se > 0) || n_control < 2 || n_treatment < 2)
		return NAN;
	while (rec_plan_power(plan, plan->margin + sign * high, spread, n_control, n_treatment) < power)
	{
		low = high;
		high *= 2;
		if (high > se * 1e6)
			return NAN;
	}
	for (int i = 0; i < 100 && high - low > 1e-13 * high; i++)
	{
		double		middle = (low + high) / 2;

		if (rec_plan_power(plan, plan->margin + sign * middle, spread, n_control, n_treatment) < power)
			low = middle;
		else
			high = middle;
	}
	return plan->margin + sign * (low + high) / 2;
}

RecSpread
rec_plan_proportions(double control, double treatment, double share)
{
	double		pooled = (1 - share) * control + share * treatment;

	return (RecSpread) {
		sqrt(control * (1 - control)), sqrt(treatment * (1 - treatment)), sqrt(pooled * (1 - pooled))
	};
}

double
rec_plan_proportion(const RecPlan *plan, double power, double control, double n_control, double n_treatment)
{
	double		end = plan->side == REC_LESS ? 0 : 1,
				share = n_treatment / (n_control + n_treatment),
				low = fmin(1, fmax(0, control + plan->margin)), /* not detected */
				high = low + (end - low) * (1 - 1e-9);

	if (!(rec_plan_power(plan, high - control, rec_plan_proportions(control, high, share), n_control, n_treatment) >=
		  power))
		return NAN;
	for (int i = 0; i < 100 && fabs(high - low) > 1e-14; i++)
	{
		double		middle = (low + high) / 2;

		if (rec_plan_power(plan, middle - control, rec_plan_proportions(control, middle, share), n_control,
						   n_treatment) < power)
			low = middle;
		else
			high = middle;
	}
	return (low + high) / 2;
}

double
rec_plan_units(const RecPlan *plan, double power, double difference, RecSpread spread, double share)
{
	double		smaller = fmin(share, 1 - share),
				low = 2 / smaller,
				high = low;

	if ((plan->side == REC_GREATER && difference <= plan->margin) ||
		(plan->side == REC_LESS && difference >= plan->margin) || difference == plan->margin)
		return NAN;
	while (rec_plan_power(plan, difference, spread, (1 - share) * high, share * high) < power)
	{
		low = high;
		high *= 2;
		if (high > 1e15)
			return NAN;
	}
	for (int i = 0; i < 100 && high - low > 1e-10 * high; i++)
	{
		double		middle = (low + high) / 2;

		if (rec_plan_power(plan, difference, spread, (1 - share) * middle, share * middle) < power)
			low = middle;
		else
			high = middle;
	}
	return high;
}
