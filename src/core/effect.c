/*
 * effect.c
 *		Comparison of two arms. See effect.h.
 */
#include "core/effect.h"

#include <stddef.h>
#include <string.h>

#include "core/dist.h"

/*
 * Skewness of the difference above which intervals do not cover what they say. Kohavi, Deng, Longbotham and Xu (KDD 2014)
 * ask for 355 skewness^2 units; the skewness of a mean of so many is 1 / sqrt(355). Two equal arms cancel, unequal do not.
 */
#define SKEW_LIMIT 0.0530745

const char *
rec_side_name(RecSide side)
{
	static const char *const names[] = {"two-sided", "greater", "less"};

	return names[side];
}

bool
rec_side_of(const char *name, RecSide *side)
{
	if (strcmp(name, "two_sided") == 0)
		name = "two-sided";
	for (int s = REC_TWO_SIDED; s <= REC_LESS; s++)
		if (strcmp(name, rec_side_name(s)) == 0)
		{
			*side = s;
			return true;
		}
	return false;
}

double
rec_effect_p(double statistic, double df, RecSide side)
{
	double		t = side == REC_GREATER ? statistic : side == REC_LESS ? -statistic : fabs(statistic);

	return rec_t_sf(t, df) * (side == REC_TWO_SIDED ? 2 : 1);
}

void
rec_effect_begin(RecEffect *e)
{
	const RecArm *c = &e->control,
			   *t = &e->treatment;
	double		variance = c->variance + t->variance,
				share = c->variance / variance;

	e->difference = t->estimate - c->estimate;
	e->std_error = sqrt(variance);
	e->df = isinf(c->df) && isinf(t->df) ? INFINITY : 1 / (share * share / c->df + (1 - share) * (1 - share) / t->df);
	e->lift = c->estimate != 0 ? e->difference / fabs(c->estimate) : NAN;
	e->statistic = e->p_value = e->ci_low = e->ci_high = e->lift_low = e->lift_high = NAN;

	if (c->n == 0 || t->n == 0)
		e->note = c->n == t->n ? "undefined: no units" : c->n == 0 ? "undefined: no units in control" :
			"undefined: no units in treatment";
	else if (c->n < 2 || t->n < 2)
		e->note = "undefined: fewer than 2 units in an arm";
	else if (isnan(variance) || isinf(variance) || isnan(e->difference) || isinf(e->difference))
		e->note = "undefined: NaN, infinite or too large values, or a denominator of 0";
	else if (variance == 0)
		e->note = "undefined: zero variance";
	if (e->note)
		e->df = e->std_error = NAN;
	if (isinf(e->difference))
		e->difference = NAN;
}

/* NaN stays NaN */
static void
interval(double centre, double half, RecSide side, double *low, double *high)
{
	*low = side == REC_LESS && !isnan(half) ? -INFINITY : centre - half;
	*high = side == REC_GREATER && !isnan(half) ? INFINITY : centre + half;
}

void
rec_effect_intervals(RecEffect *e, const RecTestOptions *options, double width)
{
	double		c = e->control.estimate,
				quotient = e->treatment.estimate / c,
				spread = sqrt(e->treatment.variance + quotient * quotient * e->control.variance) / fabs(c);

	interval(e->difference, width * e->std_error, options->side, &e->ci_low, &e->ci_high);
	if (c != 0)
		interval(e->lift, width * spread, options->side, &e->lift_low, &e->lift_high);
	/* the delta method needs a control that is away from 0 */
	if (!e->note && !(fabs(c) > width * sqrt(e->control.variance)))
		e->note = "lift: the control may be 0, so its interval means little";
}

/*
 * Both arms are taken to be as skewed as all units together: of the skewest values each arm has few, so its own estimate is
 * a matter of chance. Then equal arms cancel, and what is left is the arm with the larger variance of the mean.
 */
void
rec_effect_warn_of_skew(RecEffect *e)
{
	const RecArm *c = &e->control,
			   *t = &e->treatment;
	double		n = c->n + t->n,
				cube_c = c->variance * sqrt(c->variance / c->n),
				cube_t = t->variance * sqrt(t->variance / t->n),
				variance = c->variance + t->variance,
				skew = ((cube_c > 0 ? c->n * (c->third / cube_c) : 0) + (cube_t > 0 ? t->n * (t->third / cube_t) : 0)) / n;

	/* 6 / n is the variance of the skewness of n normal numbers */
	if (!e->note && fabs(skew) > 3 * sqrt(6 / n) &&
		fabs(skew * (cube_t - cube_c)) > SKEW_LIMIT * variance * sqrt(variance))
		e->note = "too few units for values so skewed: p-value and interval are less reliable than they say";
}

void
rec_effect_compare(RecEffect *e, const RecTestOptions *options)
{
	double		alpha = 1 - options->confidence,
				width;

	rec_effect_begin(e);
	if (e->note)
		return;
	e->statistic = (e->difference - options->margin) / e->std_error;
	e->p_value = rec_effect_p(e->statistic, e->df, options->side);
	width = rec_t_isf(options->side == REC_TWO_SIDED ? alpha / 2 : alpha, e->df);
	rec_effect_intervals(e, options, width);
	rec_effect_warn_of_skew(e);
}
