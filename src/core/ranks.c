/*
 * ranks.c
 *		Mann-Whitney and quantiles. See ranks.h.
 */
#include "core/ranks.h"

#include <stddef.h>

#include "core/dist.h"
#include "core/sequential.h"

/* What one walk over both arms finds. */
typedef struct Walk
{
	double		u;				/* pairs in which the treatment is greater, ties half */
	double		ties;			/* sum of t^3 - t over groups of equal values */
	bool		any_tie;
	double		squares[2];		/* sums of squared deviations of an arm's placements in the other from their mean */
} Walk;

/* Both arms in step over their values: for each, how many units stand below and at it. */
typedef struct Step
{
	double		below[2];
	double		at[2];
} Step;

static bool
next_value(const RecRuns *const *arm, int64_t *position, Step *s)
{
	bool		left[2];
	double		value = INFINITY;

	for (int a = 0; a < 2; a++)
	{
		s->below[a] += s->at[a];
		s->at[a] = 0;
		left[a] = position[a] < arm[a]->distinct;
		if (left[a])
			value = fmin(value, arm[a]->value[position[a]]);
	}
	if (!left[0] && !left[1])
		return false;
	for (int a = 0; a < 2; a++)
		if (left[a] && arm[a]->value[position[a]] == value)
			s->at[a] = (double) arm[a]->count[position[a]++];
	return true;
}

static Walk
walk(const RecRuns *control, const RecRuns *treatment)
{
	const RecRuns *const arm[2] = {control, treatment};
	Walk		w = {0};
	Step		s = {0};
	int64_t		position[2] = {0, 0};
	double		mean;

	while (next_value(arm, position, &s))
	{
		double		t = s.at[0] + s.at[1];

		w.u += s.at[1] * (s.below[0] + s.at[0] / 2);
		w.ties += t * (t - 1) * (t + 1);
		w.any_tie = w.any_tie || t > 1;
	}
	mean = w.u / control->n / treatment->n;
	s = (Step) {0};
	position[0] = position[1] = 0;
	while (next_value(arm, position, &s))
	{
		/* P(control < x), and P(treatment > x), ties half */
		double		d1 = (s.below[0] + s.at[0] / 2) / control->n - mean,
					d0 = 1 - (s.below[1] + s.at[1] / 2) / treatment->n - mean;

		w.squares[0] += s.at[0] * d0 * d0;
		w.squares[1] += s.at[1] * d1 * d1;
	}
	return w;
}

bool
rec_mann_whitney_exact(const RecRuns *control, const RecRuns *treatment)
{
	const RecRuns *const arm[2] = {control, treatment};
	Step		s = {0};
	int64_t		position[2] = {0, 0};

	if (fmin(control->n, treatment->n) > 8 || control->n * treatment->n > REC_MANN_WHITNEY_EXACT)
		return false;
	while (next_value(arm, position, &s))
		if (s.at[0] + s.at[1] > 1)
			return false;
	return true;
}

/*
 * P(U <= u) for samples of m and n without ties: coefficients of prod (1 - q^(n + i)) / (1 - q^i), i = 1 .. m, over
 * binomial(m + n, m). The low coefficients depend on low ones only and are integers, exact up to 2^53.
 */
static double
exact_lower(int m, int n, double u, double *count)
{
	int			top = (int) u;
	long double sum = 0,
				all = 1;

	for (int k = 0; k <= top; k++)
		count[k] = k == 0;
	for (int i = 1; i <= m; i++)
	{
		for (int k = top; k >= n + i; k--)
			count[k] -= count[k - n - i];
		for (int k = i; k <= top; k++)
			count[k] += count[k - i];
		all = all * (n + i) / i;
	}
	for (int k = 0; k <= top; k++)
		sum += count[k];
	return (double) (sum / all);
}

/* P(U >= u) */
static double
exact_upper(double m, double n, double u, double *scratch)
{
	double		mirrored = m * n - u;	/* as probable, from the other end */
	int			smaller = (int) fmin(m, n),
				larger = (int) fmax(m, n);

	if (mirrored < 0)
		return 0;
	if (mirrored <= m * n / 2)
		return exact_lower(smaller, larger, mirrored, scratch);
	return u < 1 ? 1 : 1 - exact_lower(smaller, larger, u - 1, scratch);
}

static double
normal_upper(double m, double n, double u, double ties)
{
	double		all = m + n,
				variance = m * n / 12 * (all + 1 - ties / (all * (all - 1)));

	return variance > 0 ? rec_normal_sf((u - m * n / 2 - 0.5) / sqrt(variance)) : NAN;
}

void
rec_mann_whitney(RecEffect *e, const RecRuns *control, const RecRuns *treatment, const RecTestOptions *options,
				 double *scratch)
{
	double		m = control->n,
				n = treatment->n,
				u,
				alpha = 1 - options->confidence;
	bool		exact;
	Walk		w;

	e->method = "Mann-Whitney";
	e->control = (RecArm) {.n = m,.estimate = NAN,.variance = NAN};
	e->treatment = (RecArm) {.n = n,.estimate = NAN,.variance = NAN};
	if (m == 0 || n == 0)
	{
		rec_effect_begin(e);
		return;
	}
	w = walk(control, treatment);
	exact = rec_mann_whitney_exact(control, treatment);
	e->control.estimate = 1 - w.u / m / n;
	e->treatment.estimate = w.u / m / n;
	/* both estimates are one number: the difference counts it twice */
	e->control.variance = m > 1 ? 4 * w.squares[0] / (m - 1) / m : NAN;
	e->treatment.variance = n > 1 ? 4 * w.squares[1] / (n - 1) / n : NAN;
	e->control.df = e->treatment.df = INFINITY;
	rec_effect_begin(e);
	e->note = NULL;
	e->df = e->lift = NAN;
	e->std_error = sqrt(e->control.variance + e->treatment.variance);
	if (e->std_error > 0)
		rec_effect_intervals(e, options, rec_normal_isf(options->side == REC_TWO_SIDED ? alpha / 2 : alpha));
	e->note = NULL;
	e->lift_low = e->lift_high = NAN;
	e->statistic = w.u;

	u = options->side == REC_GREATER ? w.u : options->side == REC_LESS ? m * n - w.u : fmax(w.u, m * n - w.u);
	e->method = exact ? "Mann-Whitney, exact" : "Mann-Whitney";
	e->p_value = exact ? exact_upper(m, n, u, scratch) : normal_upper(m, n, u, w.ties);
	if (options->side == REC_TWO_SIDED)
		e->p_value = e->p_value > 0.5 ? 1 : 2 * e->p_value;
	if (isnan(e->p_value))
		e->note = "undefined: zero variance";
	else if (!exact && fmin(m, n) <= 8)
		e->note = "few units: the p-value is approximate";
}

/* The value of the unit with this rank (from 0). */
static double
value_at(const RecRuns *runs, double rank)
{
	double		below = 0;

	for (int64_t i = 0; i < runs->distinct; i++)
	{
		below += (double) runs->count[i];
		if (rank < below)
			return runs->value[i];
	}
	return runs->value[runs->distinct - 1];
}

double
rec_runs_quantile(const RecRuns *runs, double q)
{
	double		at = q * (runs->n - 1),
				rank = floor(at),
				low,
				high;

	if (runs->n == 0)
		return NAN;
	low = value_at(runs, rank);
	high = value_at(runs, rank + 1);
	return at == rank ? low : low + (at - rank) * (high - low);
}

static RecArm
quantile_arm(const RecRuns *runs, double q, double z)
{
	double		half = z * sqrt(q * (1 - q) / runs->n),
				distance;
	RecArm		arm = {.n = runs->n,.estimate = rec_runs_quantile(runs, q),.variance = NAN,.df = INFINITY};

	if (runs->n == 0 || q - half < 0 || q + half > 1)
		return arm;
	distance = (rec_runs_quantile(runs, q + half) - rec_runs_quantile(runs, q - half)) / (2 * z);
	arm.variance = distance * distance;
	return arm;
}

void
rec_quantile_compare(RecEffect *e, const RecRuns *control, const RecRuns *treatment, double q,
					 const RecTestOptions *options, double tuning_n)
{
	double		z = rec_normal_isf((1 - options->confidence) / 2);

	e->method = "quantiles, order statistics";
	e->control = quantile_arm(control, q, z);
	e->treatment = quantile_arm(treatment, q, z);
	if (tuning_n > 0)
	{
		e->method = "quantiles, always valid";
		rec_effect_sequential(e, options, tuning_n);
	}
	else
		rec_effect_compare(e, options);
	e->df = NAN;
	if (control->n >= 2 && treatment->n >= 2 && (isnan(e->control.variance) || isnan(e->treatment.variance)))
		e->note = "undefined: too few units for this quantile and confidence";
	else if (e->control.variance + e->treatment.variance == 0)
		e->note = "undefined: so many units have the value of the quantile that its variance is zero";
}
