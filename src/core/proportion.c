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

	mode = fmin(fmax(mode, least), most);
	if (side != REC_TWO_SIDED)
	{
		double		step = side == REC_GREATER ? 1 : -1;

		if ((x - mode) * step >= 0)
			return fmin(1, hypergeometric_tail(x, step, n, marked, n_treatment));
		/* the sum goes over the mode, and may begin below the smallest double: what it leaves out is the smaller part */
		return x == least || x == most ? 1 : fmax(0, 1 - hypergeometric_tail(x - step, -step, n, marked, n_treatment));
	}
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

	return (RecArm) {.n = n,.estimate = p,.variance = p * ((n - successes) / n) / n,.df = INFINITY};
}

/*
 * How far Wilson's lower end lies from the proportion: the root of d^2 = z^2/n (p - d)(1 - p + d). With successes and failures
 * exchanged it is the upper end's. As a difference of the two it would have no digits where the proportion is nearly 1.
 */
static double
wilson_distance(double successes, double n, double z)
{
	double		p = successes / n,
				q = (n - successes) / n,
				a = z * z / n,
				b = a * (p - q),
				root = sqrt(b * b + 4 * (1 + a) * a * p * q);

	return b > 0 ? (b + root) / (2 * (1 + a)) : root > b ? 2 * a * p * q / (root - b) : 0;
}

/* Newcombe's method 10: the ends of Wilson's intervals, combined as independent errors. c, t: successes. */
static void
newcombe(RecEffect *e, double c, double t, double z, RecSide side)
{
	double		nc = e->control.n,
				nt = e->treatment.n;

	e->ci_low = side == REC_LESS ? -1 : e->difference - hypot(wilson_distance(t, nt, z), wilson_distance(nc - c, nc, z));
	e->ci_high = side == REC_GREATER ? 1 : e->difference + hypot(wilson_distance(nt - t, nt, z), wilson_distance(c, nc, z));
}

void
rec_proportion_compare(RecEffect *e, double successes_control, double n_control, double successes_treatment,
					   double n_treatment, const RecTestOptions *options, RecProportionMethod method)
{
	double		n = n_control + n_treatment,
				pooled = (successes_control + successes_treatment) / n,
				failures_control = n_control - successes_control,
				failures_treatment = n_treatment - successes_treatment,
				pooled_failures = (failures_control + failures_treatment) / n,
				smallest = fmin(n_control, n_treatment) * fmin(pooled, pooled_failures),
				alpha = 1 - options->confidence,
				z = rec_normal_isf(options->side == REC_TWO_SIDED ? alpha / 2 : alpha),
				error;

	e->control = proportion_arm(successes_control, n_control);
	e->treatment = proportion_arm(successes_treatment, n_treatment);
	e->method = "two proportions, z";
	rec_effect_begin(e);
	if (n_control == 0 || n_treatment == 0)
		return;
	/* of proportions near 1 the failures know the difference to more digits */
	if (e->control.estimate > 0.5 && e->treatment.estimate > 0.5)
	{
		e->difference = failures_control / n_control - failures_treatment / n_treatment;
		e->lift = e->difference / e->control.estimate;
	}
	/* one unit is enough here, and so is no variance */
	e->note = NULL;
	e->std_error = sqrt(e->control.variance + e->treatment.variance);
	e->df = NAN;
	rec_effect_intervals(e, options, z);
	if (e->std_error == 0)
		e->lift_low = e->lift_high = NAN;
	newcombe(e, successes_control, successes_treatment, z, options->side);

	/* without a margin the null hypothesis says the proportions are one, so the variance is that of the pooled one */
	error = options->margin == 0 ? sqrt(pooled * pooled_failures * (1 / n_control + 1 / n_treatment)) : e->std_error;
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
