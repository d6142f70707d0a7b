/*
 * proportion.c
 *		Tests and intervals of proportions. See proportion.h.
 */
#include "core/proportion.h"

#include <stddef.h>

#include "core/dist.h"

/* Expected counts below this make the z test unreliable (Cochran 1954). */
#define SMALL_COUNT 5

void
rec_wilson(double successes, double n, double z, double *low, double *high)
{
	double		half = successes + z * z / 2 + z * sqrt(successes * ((n - successes) / n) + z * z / 4);

	/* each end as a sum of what is positive; the product of both is successes^2 / (n (n + z^2)) */
	*low = successes / (n + z * z) * (successes / half) * (1 + z * z / n);
	*high = successes == n ? 1 : half / (n + z * z);
}

/* Sum of the probabilities of x, x + step, ... while they count. */
static double
hypergeometric_tail(double x, double step, double n, double marked, double drawn)
{
	double		p = rec_hypergeometric_pmf(x, n, marked, drawn),
				sum = p;

	for (; p > sum * 1e-18; x += step)
	{
		p *= step > 0 ? (marked - x) / (x + 1) * ((drawn - x) / (n - marked - drawn + x + 1)) :
			x / (marked - x + 1) * ((n - marked - drawn + x) / (drawn - x + 1));
		sum += p;
	}
	return sum;
}

/* The first x from the far end inwards whose probability exceeds the limit: bisection on the unimodal probabilities. */
static double
other_side(double from, double mode, double limit, double n, double marked, double drawn)
{
	double		low = from,
				high = mode;

	if (rec_hypergeometric_pmf(from, n, marked, drawn) > limit)
		return from;
	while (fabs(high - low) > 1)
	{
		double		middle = low + trunc((high - low) / 2);

		if (rec_hypergeometric_pmf(middle, n, marked, drawn) > limit)
			high = middle;
		else
			low = middle;
	}
	return high;
}

double
rec_fisher_p(double successes_control, double n_control, double successes_treatment, double n_treatment, RecSide side)
{
	double		n = n_control + n_treatment,
				marked = successes_control + successes_treatment,
				x = successes_treatment,
				least = fmax(0, n_treatment - (n - marked)),
				most = fmin(marked, n_treatment),
				mode = floor((n_treatment + 1) * ((marked + 1) / (n + 2))),
				limit,
				p;

	if (side != REC_TWO_SIDED)
		return fmin(1, hypergeometric_tail(x, side == REC_GREATER ? 1 : -1, n, marked, n_treatment));
	mode = fmin(fmax(mode, least), most);
	/* equal probabilities differ by rounding */
	limit = rec_hypergeometric_pmf(x, n, marked, n_treatment) * (1 + 1e-12);
	if (x >= mode)
	{
		double		edge = other_side(least, mode, limit, n, marked, n_treatment);

		p = x == mode ? 1 : hypergeometric_tail(x, 1, n, marked, n_treatment);
		if (edge > least)
			p += hypergeometric_tail(edge - 1, -1, n, marked, n_treatment);
	}
	else
	{
		double		edge = other_side(most, mode, limit, n, marked, n_treatment);

		p = hypergeometric_tail(x, -1, n, marked, n_treatment);
		if (edge < most)
			p += hypergeometric_tail(edge + 1, 1, n, marked, n_treatment);
	}
	return fmin(1, p);
}

static RecArm
proportion_arm(double successes, double n)
{
	double		p = n > 0 ? successes / n : NAN;

	return (RecArm) {.n = n,.estimate = p,.variance = p * (1 - p) / n,.df = INFINITY};
}

/* Newcombe's method 10: the ends of Wilson's intervals, combined as independent errors. */
static void
newcombe(RecEffect *e, double z, RecSide side)
{
	double		c = e->control.estimate,
				t = e->treatment.estimate,
				c_low,
				c_high,
				t_low,
				t_high;

	rec_wilson(c * e->control.n, e->control.n, z, &c_low, &c_high);
	rec_wilson(t * e->treatment.n, e->treatment.n, z, &t_low, &t_high);
	e->ci_low = side == REC_LESS ? -1 : e->difference - hypot(t - t_low, c_high - c);
	e->ci_high = side == REC_GREATER ? 1 : e->difference + hypot(t_high - t, c - c_low);
}

void
rec_proportion_compare(RecEffect *e, double successes_control, double n_control, double successes_treatment,
					   double n_treatment, const RecTestOptions *options, RecProportionMethod method)
{
	double		n = n_control + n_treatment,
				pooled = (successes_control + successes_treatment) / n,
				smallest = fmin(n_control, n_treatment) * fmin(pooled, 1 - pooled),
				alpha = 1 - options->confidence,
				z = rec_normal_isf(options->side == REC_TWO_SIDED ? alpha / 2 : alpha),
				error;

	e->control = proportion_arm(successes_control, n_control);
	e->treatment = proportion_arm(successes_treatment, n_treatment);
	e->method = "two proportions, z";
	rec_effect_begin(e);
	if (n_control == 0 || n_treatment == 0)
		return;
	/* one unit is enough here, and so is no variance */
	e->note = NULL;
	e->std_error = sqrt(e->control.variance + e->treatment.variance);
	e->df = NAN;
	rec_effect_intervals(e, options, z);
	if (e->std_error == 0)
		e->lift_low = e->lift_high = NAN;
	newcombe(e, z, options->side);

	/* without a margin the null hypothesis says the proportions are one, so the variance is that of the pooled one */
	error = options->margin == 0 ? sqrt(pooled * (1 - pooled) * (1 / n_control + 1 / n_treatment)) : e->std_error;
	if (method == REC_PROPORTION_EXACT || (method == REC_PROPORTION_AUTO && smallest < SMALL_COUNT &&
											options->margin == 0 && n <= REC_FISHER_UNITS))
	{
		e->method = "two proportions, Fisher's exact";
		e->p_value = rec_fisher_p(successes_control, n_control, successes_treatment, n_treatment, options->side);
		if (!e->note && method == REC_PROPORTION_AUTO)
			e->note = "fewer than 5 successes or failures are expected in an arm: exact p-value";
	}
	if (error > 0)
	{
		e->statistic = (e->difference - options->margin) / error;
		if (isnan(e->p_value))
			e->p_value = rec_effect_p(e->statistic, INFINITY, options->side);
		if (!e->note && smallest < SMALL_COUNT && method != REC_PROPORTION_EXACT)
			e->note = "fewer than 5 successes or failures are expected in an arm: the p-value is approximate";
	}
	else
	{
		e->note = "undefined: zero variance";
		e->p_value = NAN;
	}
}

double
rec_srm_statistic(const double *count, const double *share, int n, double *df)
{
	double		total = 0,
				sum = 0;
	int			arms = 0;

	for (int i = 0; i < n; i++)
		total += count[i];
	for (int i = 0; i < n; i++)
	{
		double		expected = total * share[i];

		if (share[i] > 0)
		{
			sum += (count[i] - expected) * ((count[i] - expected) / expected);
			arms++;
		}
		else if (count[i] > 0)
			sum = INFINITY;		/* units where none can be */
	}
	*df = arms - 1;
	return arms >= 2 && total > 0 ? sum : NAN;
}
