/*
 * test_simulation.c
 *		Experiments that are simulated many times: do tests and intervals err as often as they say?
 *
 * A/A experiments: the fixed test at the end, and sequential tests over all looks. Coverage of 95 % intervals at an equal
 * split with 10,000 units an arm: proportions, skewed revenue, ratios, CUPED; and what an unequal small split does. Seeded.
 * With an argument (bench/simulate.sh) that many times as many repetitions; without, few, and wide limits.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/proportion.h"
#include "core/sequential.h"
#include "unit.h"

static uint64_t state;

static uint64_t
next(void)
{
	uint64_t	z = (state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static double
uniform(void)
{
	return ((next() >> 11) + 0.5) / 9007199254740992.0;
}

/* Marsaglia's polar method */
static double
normal(void)
{
	static double spare;
	static bool have = false;
	double		a,
				b,
				s;

	if (have)
	{
		have = false;
		return spare;
	}
	do
	{
		a = 2 * uniform() - 1;
		b = 2 * uniform() - 1;
		s = a * a + b * b;
	}
	while (s >= 1);
	s = sqrt(-2 * log(s) / s);
	spare = b * s;
	have = true;
	return a * s;
}

static const RecTestOptions options = {REC_TWO_SIDED, 0.95, 0};

/* Shares of A/A experiments that find a difference: at the end, at any look without and with protection. */
static void
aa_experiments(int repetitions)
{
	enum { LOOKS = 10, BLOCK = 100 };
	int			end = 0,
				peeking = 0,
				valid = 0,
				group = 0;
	double		information[LOOKS],
				boundary[LOOKS],
			   *scratch = malloc(REC_GROUP_SCRATCH * sizeof(double)),
				n = repetitions,
				sd = sqrt(0.05 * 0.95 / n);

	for (int k = 0; k < LOOKS; k++)
		information[k] = (k + 1.0) / LOOKS;
	rec_group_boundaries(REC_OBRIEN_FLEMING, 0.05, true, information, LOOKS, boundary, scratch, NULL);
	free(scratch);
	for (int r = 0; r < repetitions; r++)
	{
		RecUnits	arm[2] = {{.kind = REC_UNITS_MEAN}, {.kind = REC_UNITS_MEAN}};
		bool		peeked = false,
					found = false,
					crossed = false,
					last = false;

		for (int k = 0; k < LOOKS; k++)
		{
			RecEffect	e = {0},
						s = {0};
			double		reduction;

			for (int i = 0; i < 2 * BLOCK; i++)
				rec_units_add_mean(&arm[i % 2], -log(uniform()));
			rec_units_arms(&arm[0], &arm[1], &e.control, &e.treatment, &reduction);
			s = e;
			rec_effect_compare(&e, &options);
			rec_effect_sequential(&s, &options, REC_TUNING_N);
			last = e.p_value < 0.05;
			peeked = peeked || last;
			found = found || s.p_value < 0.05;
			crossed = crossed || fabs(s.statistic) >= boundary[k];
		}
		end += last;
		peeking += peeked;
		valid += found;
		group += crossed;
	}
	check(fabs(end / n - 0.05) < 4 * sd, "A/A, %d times: %.4f significant at the end", repetitions, end / n);
	check(peeking / n > 0.1, "A/A: %.4f with unprotected peeking at 10 looks", peeking / n);
	check(valid / n <= 0.05 + 3 * sd, "A/A: %.4f always valid, over 10 looks", valid / n);
	check(group / n <= 0.05 + 4 * sd && group / n >= 0.05 - 5 * sd, "A/A: %.4f group sequential, over 10 looks", group / n);
}

typedef enum Metric
{
	PROPORTION,
	REVENUE,
	RATIO,
	CUPED
} Metric;

/* One unit: y, denominator, pre-period */
static void
draw(Metric metric, double *value)
{
	value[REC_DEN] = value[REC_PRE] = 0;
	switch (metric)
	{
		case PROPORTION:
			value[REC_Y] = uniform() < 0.05;
			break;
		case REVENUE:			/* one in ten buys, a lognormal amount: skewness about 15 */
			value[REC_Y] = uniform() < 0.1 ? exp(3 + normal()) : 0;
			break;
		case RATIO:				/* sessions, each with the unit's own rate of clicks */
			{
				double		rate = uniform(),
							sessions = 1 + floor(-3 * log(uniform()));

				value[REC_DEN] = sessions;
				value[REC_Y] = 0;
				for (int i = 0; i < sessions; i++)
					value[REC_Y] += uniform() < rate * rate;
				break;
			}
		case CUPED:				/* heavy users stay heavy */
			{
				double		level = normal();

				value[REC_PRE] = exp(0.6 * (level + 0.7 * normal()));
				value[REC_Y] = exp(0.6 * (level + 0.7 * normal()));
				break;
			}
	}
}

/* Share of 95 % intervals that hold the true difference, 0; and of comparisons that warn. */
static double
coverage(Metric metric, int n_control, int n_treatment, int repetitions, double *warned)
{
	static const RecUnitsKind kinds[] = {REC_UNITS_MEAN, REC_UNITS_MEAN, REC_UNITS_RATIO, REC_UNITS_CUPED};
	int			covered = 0,
				warnings = 0;

	for (int r = 0; r < repetitions; r++)
	{
		RecUnits	arm[2] = {{.kind = kinds[metric]}, {.kind = kinds[metric]}};
		RecEffect	e = {0};
		double		reduction;

		for (int i = 0; i < n_control + n_treatment; i++)
		{
			double		value[REC_UNITS_VARIABLES] = {0};

			draw(metric, value);
			rec_units_add(&arm[i >= n_control], value);
		}
		if (metric == PROPORTION)
			rec_proportion_compare(&e, rint(arm[0].mean[REC_Y] * n_control), n_control,
								   rint(arm[1].mean[REC_Y] * n_treatment), n_treatment, &options, REC_PROPORTION_AUTO);
		else
		{
			rec_units_arms(&arm[0], &arm[1], &e.control, &e.treatment, &reduction);
			rec_effect_compare(&e, &options);
		}
		covered += e.ci_low <= 0 && e.ci_high >= 0;
		warnings += e.note != NULL;
	}
	*warned = (double) warnings / repetitions;
	return (double) covered / repetitions;
}

int
main(int argc, char **argv)
{
	static const char *const names[] = {"proportions", "skewed revenue", "ratios", "CUPED"};
	int			times = argc > 1 ? atoi(argv[1]) : 1;
	double		warned,
				share;

	state = 20261124;
	aa_experiments(1000 * times);
	for (int metric = PROPORTION; metric <= CUPED; metric++)
	{
		int			repetitions = 400 * times,
					n = times > 1 ? 10000 : 2000;

		/* the limits hold at 50,000 repetitions; few cannot tell more than chance lets them */
		double		limit;

		if (times > 1)
			repetitions = 5000 * times;
		limit = times > 1 ? 0.005 : 4 * sqrt(0.05 * 0.95 / repetitions);
		share = coverage(metric, n, n, repetitions, &warned);
		check(fabs(share - 0.95) <= limit, "%s, %d an arm, %d times: intervals cover %.4f, %.4f warn", names[metric], n,
			  repetitions, share, warned);
	}
	share = coverage(REVENUE, 400, 3600, 400 * times, &warned);
	check(warned > 0.9, "skewed revenue, 400 to 3600: intervals cover %.4f, %.4f warn", share, warned);
	return unit_done();
}
