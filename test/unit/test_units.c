/*
 * test_units.c
 *		Samples, comparisons and boundaries without a server: merging in any order, extremes, known boundaries, round trips.
 */
#include <stdlib.h>

#include "core/bayes.h"
#include "core/power.h"
#include "core/proportion.h"
#include "core/ranks.h"
#include "core/sequential.h"
#include "unit.h"

static const RecTestOptions options = {REC_TWO_SIDED, 0.95, 0};

static double
uniform(void)
{
	return (rand() + 0.5) / (RAND_MAX + 1.0);
}

static double
near(double a, double b)
{
	return fabs(a - b) / fmax(1e-300, fmax(fabs(a), fabs(b)));
}

/* Units one by one, and in parts that are merged pairwise: the same moments. */
static void
check_merging(void)
{
	RecUnits	all = {.kind = REC_UNITS_CUPED_RATIO},
				merged = {.kind = REC_UNITS_CUPED_RATIO};
	double		worst = 0;

	for (int part = 0; part < 50; part++)
	{
		RecUnits	s = {.kind = REC_UNITS_CUPED_RATIO};

		for (int i = 0; i < part; i++)
		{
			double		u = uniform(),
						value[REC_UNITS_VARIABLES] = {1e6 + u * u, 3 + u, uniform() - u, 2 * uniform() + u};

			rec_units_add(&s, value);
			rec_units_add(&all, value);
		}
		rec_units_merge(&merged, &s);
	}
	for (int i = 0; i < REC_UNITS_VARIABLES; i++)
		for (int j = i; j < REC_UNITS_VARIABLES; j++)
			worst = fmax(worst, near(all.co[i][j], merged.co[i][j]));
	check(worst < 1e-9 && near(all.m3, merged.m3) < 1e-6 && all.n == merged.n, "merging: largest difference %.1e", worst);
}

static void
check_extremes(void)
{
	RecEffect	e = {.control = {.n = 1e9,.estimate = 1e-8,.variance = 1e-17,.df = 1e9 - 1},
	.treatment = {.n = 1e9,.estimate = 1.2e-8,.variance = 1e-17,.df = 1e9 - 1}};
	double		low,
				high;

	rec_effect_compare(&e, &options);
	check(!e.note && near(e.statistic, 2e-9 / sqrt(2e-17)) < 1e-12, "tiny values of 1e9 units");
	rec_wilson(1e9, 1e9, 1.96, &low, &high);
	check(high == 1 && low > 1 - 1e-8 && low < 1, "Wilson: all of 1e9");
	rec_wilson(0, 1e9, 1.96, &low, &high);
	check(low == 0 && high > 0 && high < 1e-8, "Wilson: none of 1e9");
	check(near(rec_fisher_p(0, 1e9, 3, 1e9, REC_TWO_SIDED), 0.25) < 1e-6, "Fisher: 3 of 1e9 against none: two of eight ways");
	check(rec_fisher_p(5, 10, 5, 10, REC_TWO_SIDED) == 1, "Fisher: the most probable table");
	check(near(rec_fisher_p(0, 400, 400, 400, REC_GREATER), 0) > 0, "Fisher: p far below 1e-200 is not 0: %g",
		  rec_fisher_p(0, 400, 400, 400, REC_GREATER));
}

static void
check_ranks(void)
{
	static const double a[] = {1, 3, 5, 7},
				b[] = {2, 4, 6, 8, 9};
	static const int64_t ones[] = {1, 1, 1, 1, 1};
	double		scratch[64];
	RecRuns		control = {4, a, ones, 4},
				treatment = {5, b, ones, 5};
	RecEffect	e = {0};

	check(rec_mann_whitney_exact(&control, &treatment), "few without ties: exact");
	rec_mann_whitney(&e, &control, &treatment, &options, scratch);
	/* of 126 orders: U = 14 or its mirror image and beyond */
	check(e.statistic == 14 && near(e.p_value, 0.41269841269841268) < 1e-12, "U = %g, p = %.17g", e.statistic, e.p_value);
	check(rec_runs_quantile(&treatment, 0) == 2 && rec_runs_quantile(&treatment, 1) == 9 &&
		  rec_runs_quantile(&treatment, 0.5) == 6, "quantiles of runs");
}

/* Spending is kept: under the null hypothesis each design errs as often as it may, whatever the looks. */
static void
check_spending(void)
{
	double	   *scratch = malloc(REC_GROUP_SCRATCH * sizeof(double)),
				worst = 0;

	for (int r = 0; r < 40; r++)
	{
		double		information[12],
					boundary[12],
					t = 0,
					alpha = pow(10, -1 - 3 * uniform());
		int			looks = 1 + rand() % 12;
		RecSpending spending = r % 2 ? REC_POCOCK : REC_OBRIEN_FLEMING;
		bool		two_sided = r % 3 != 0;

		for (int k = 0; k < looks; k++)
			information[k] = t += 0.005 + uniform() / looks * 0.9;
		for (int k = 0; k < looks; k++)
			information[k] /= t;
		rec_group_boundaries(spending, alpha, two_sided, information, looks, boundary, scratch, NULL);
		worst = fmax(worst, near(rec_group_power(boundary, two_sided, information, looks, 0, scratch, NULL),
								 two_sided ? alpha / 2 : alpha));
	}
	check(worst < 1e-7, "40 random designs spend what they may: largest relative error %.1e", worst);
	free(scratch);
}

static void
check_bayes(void)
{
	double		worst = 0;

	for (int r = 0; r < 24; r++)
	{
		double		a = pow(10, 5 * uniform() - 0.3),
					b = pow(10, 5 * uniform() - 0.3),
					a2 = a * (0.7 + 0.6 * uniform()),
					b2 = b * (0.7 + 0.6 * uniform());
		RecPosterior x = rec_bayes_beta(a, b, a2, b2, 0.9, NULL),
					y = rec_bayes_beta(a2, b2, a, b, 0.9, NULL);

		worst = fmax(worst, fabs(x.chance_to_win + y.chance_to_win - 1));
		worst = fmax(worst, fabs(x.loss_treatment - y.loss_control));
		worst = fmax(worst, fabs(x.loss_control - x.loss_treatment - x.difference));
		worst = fmax(worst, fabs(x.ci_low + y.ci_high));
	}
	check(worst < 1e-9, "24 random pairs of betas, from both sides: largest difference %.1e", worst);
}

int
main(void)
{
	srand(20261124);
	check_merging();
	check_extremes();
	check_ranks();
	check_spending();
	check_bayes();
	return unit_done();
}
